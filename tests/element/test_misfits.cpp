// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Settings that do not fit together, of tests/contract, said in every way that an element can be
// told: each is refused by its name, and nothing of it reaches the service.
#include <json-glib/json-glib.h>

#include <regex>

#include "element/element_fixture.h"
#include "support/test_file.h"

namespace genpro::test {
namespace {

struct Misfit {
  Settings settings;
  std::string names;
};

// Without words that an enum does not have, which cannot be set.
std::vector<Misfit> misfits() {
  std::vector<Misfit> all;
  const ObjectPtr<JsonParser> parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
  if (!json_parser_load_from_file(parser.get(), CONTRACT_FOLDER "/misfits.json", nullptr)) {
    throw std::runtime_error("misfits.json cannot be read");
  }
  JsonArray* rows = json_node_get_array(json_parser_get_root(parser.get()));
  for (guint at = 0; at < json_array_get_length(rows); ++at) {
    JsonObject* row = json_array_get_object_element(rows, at);
    Misfit misfit{{}, json_object_get_string_member(row, "names")};
    if (misfit.names == "dialect" || misfit.names == "generation-type") continue;
    json_object_foreach_member(
        json_object_get_object_member(row, "settings"),
        [](JsonObject*, const char* name, JsonNode* value, gpointer settings) {
          static_cast<Settings*>(settings)->emplace_back(name, json_node_get_string(value));
        },
        &misfit.settings);
    all.push_back(std::move(misfit));
  }
  return all;
}

class Misfits : public testing::Test {
 protected:
  // By the user: an element's own properties.
  Settings own(const Misfit& misfit) const {
    Settings settings = {{"api-base-url", service.api_base()}, {"api-key", test_key}};
    settings.insert(settings.end(), misfit.settings.begin(), misfit.settings.end());
    return settings;
  }
  // As a URI's parameters or a recipe's lines.
  static std::string written(const Misfit& misfit, const char* behind, bool is_escaped) {
    std::string text;
    for (const auto& [name, value] : misfit.settings) {
      text += name + "=";
      text += is_escaped ? take_string(g_uri_escape_string(value.c_str(), nullptr, FALSE)) : value;
      text += behind;
    }
    return text;
  }
  static void expect_refused(const Outcome& outcome, const Misfit& misfit) {
    ASSERT_EQ(outcome.errors.size(), 1U) << misfit.names << ": " << outcome.summary();
    EXPECT_NE(outcome.errors[0].text.find(misfit.names), std::string::npos)
        << outcome.errors[0].text;
  }
  void expect_uri_refused(const std::string& uri, const Misfit& misfit) const {
    ErrorPtr error;
    const auto src =
        sink_ref(gst_element_make_from_uri(GST_URI_SRC, uri.c_str(), nullptr, error.out()));
    if (!src) {
      EXPECT_NE(error.message().find(misfit.names), std::string::npos) << error.message();
      return;
    }
    set_property(src.get(), "api-base-url", service.api_base());
    set_property(src.get(), "api-key", test_key);
    expect_refused(stream(src).outcome, misfit);
  }
  void TearDown() override { EXPECT_EQ(service.count(), 0U) << "nothing is asked of the service"; }

  FakeService service;
};

TEST_F(Misfits, AsPropertiesOfGenprosrc) {
  for (const Misfit& misfit : misfits()) {
    expect_refused(stream(src_with(own(misfit))).outcome, misfit);
  }
}

TEST_F(Misfits, AsPropertiesOfGenprobin) {
  for (const Misfit& misfit : misfits()) {
    std::string launch = "genprobin on-error=error";
    for (const auto& [name, value] : own(misfit)) {
      const std::string escaped = std::regex_replace(value, std::regex("\""), "\\\"");
      launch += " " + name + "=\"" + escaped + "\"";
    }
    expect_refused(run_launch(launch + " ! fakesink"), misfit);
  }
}

TEST_F(Misfits, AsParametersOfAUri) {
  for (const Misfit& misfit : misfits()) {
    std::string parameters = written(misfit, "&", true);
    parameters.pop_back();
    expect_uri_refused("genpro:///?" + parameters, misfit);
  }
}

TEST_F(Misfits, AsLinesOfARecipe) {
  const TempDir folder;
  for (const Misfit& misfit : misfits()) {
    write_file(folder.file("shot.genpro"), "[genpro]\n" + written(misfit, "\n", false));
    expect_uri_refused("genpro://" + folder.file("shot.genpro"), misfit);
  }
}

}  // namespace
}  // namespace genpro::test
