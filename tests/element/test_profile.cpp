// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Settings that nobody has set on the element: from the environment and the configuration file.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "element/element_fixture.h"
#include "settings/profile.h"
#include "support/process.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

class ElementProfile : public testing::Test {
 protected:
  ElementProfile() {
    fs::create_directories(folder());
    service.set_clip({.bytes = small_clip()});
  }
  ~ElementProfile() override { fs::remove_all(folder()); }
  static fs::path folder() { return fs::path(config_path()).parent_path(); }
  static void write(const std::string& name, const std::string& text) {
    write_file((folder() / name).string(), text);
    chmod((folder() / name).c_str(), 0600);
  }
  // The seed's settings without these.
  Settings seed_without(const std::vector<std::string>& names) const {
    Settings settings = seed_settings(service.api_base());
    std::erase_if(settings, [&](const auto& setting) {
      return std::find(names.begin(), names.end(), setting.first) != names.end();
    });
    return settings;
  }
  void expect_request(const std::string& path, const std::string& key) {
    const auto seen = service.requests(is_generate);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].path + "?" + seen[0].query, path);
    EXPECT_EQ(seen[0].header("x-api-key"), key);
  }
  FakeService service;
};

TEST_F(ElementProfile, StandsInForWhatIsNotSet) {
  write("key", "gen_pat_of_file\n");
  write("config", "[default]\nagent-id=77\nsheet-id=88\ncell-id=99\napi-key-file=key\n");
  const ScopedEnv sheet("GEN_SHEET_ID", "202");
  const Streamed streamed = stream(src_with(seed_without({"agent-id", "sheet-id", "api-key"})));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  expect_request("/v1/autocontentengine/202/cells/3300/generate?agent_id=77", "gen_pat_of_file");
}

TEST_F(ElementProfile, IsThatOfTheProperty) {
  write("config", "[default]\nagent-id=77\n[work]\nagent-id=78\n");
  Settings settings = seed_without({"agent-id"});
  settings.emplace_back("profile", "work");
  const Streamed streamed = stream(src_with(settings));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  expect_request("/v1/autocontentengine/101/cells/3300/generate?agent_id=78", test_key);
}

// A profile's key goes where the profile says; one that was set elsewhere does not follow.
TEST_F(ElementProfile, ThatAUriNamesDoesNotMoveAKey) {
  write("key", "gen_pat_of_file\n");
  write("config", "[lab]\napi-base-url=http://127.0.0.1:9/v1\napi-key-file=key\n");
  const auto set_uri = [](GstElement* src) {
    ErrorPtr error;
    const bool is_set =
        gst_uri_handler_set_uri(GST_URI_HANDLER(src), "genpro://101/3300?prompt=A&profile=lab",
                                error.out()) != FALSE;
    return is_set ? "" : error.message();
  };
  EXPECT_EQ(set_uri(src_with({}).get()), "");
  const std::string refused = set_uri(src_with({{"api-key", test_key}}).get());
  EXPECT_NE(refused.find("the key would be sent there"), std::string::npos) << refused;
}

TEST_F(ElementProfile, IsOfNoUseWhereOthersWriteToIt) {
  write("config", "[default]\nagent-id=77\n");
  chmod(config_path().c_str(), 0666);
  const Streamed streamed = stream(src_with(seed_without({"agent-id"})));
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                                      .mentions = {config_path(), "chmod 600"},
                                      .charged = "no"});
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(ElementProfile, AllThatIsMissingIsToldAtOnce) {
  const Streamed streamed = stream(src_with(
      seed_without({"agent-id", "sheet-id", "cell-id", "prompt", "asset-ids", "api-key"})));
  expect_one_error(streamed.outcome,
                   {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                    .mentions = {"sheet-id, cell-id, agent-id, prompt, ingredients and api-key",
                                 "genpro init", "GEN_AGENT_ID", "GEN_API_KEY"},
                    .charged = "no"});
  ASSERT_FALSE(streamed.outcome.errors.empty());
  EXPECT_EQ(streamed.outcome.errors[0].detail("missing"),
            "sheet-id,cell-id,agent-id,prompt,ingredients,api-key");
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(ElementProfile, AProgramGivesTheKey) {
  write("config", "[default]\napi-key-command=printf 'gen_pat_of_%s' program\n");
  const Streamed streamed = stream(src_with(seed_without({"api-key"})));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  expect_request("/v1/autocontentengine/101/cells/3300/generate?agent_id=42", "gen_pat_of_program");
  for (const Seen& seen : service.requests(is_cdn)) EXPECT_EQ(seen.header("x-api-key"), "");
}

TEST_F(ElementProfile, AProgramWithoutAKeyIsAnError) {
  write("config", "[default]\napi-key-command=sh -c 'echo hush; exit 3'\n");
  const Streamed streamed = stream(src_with(seed_without({"api-key"})));
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                                      .mentions = {"api-key-command", "exit code is 3"},
                                      .charged = "no"});
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(ElementProfile, NothingWaitsForTheProgram) {
  const std::string fifo = (folder() / "fifo").string();
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  write("config", "[default]\napi-key-command=cat " + fifo + "\n");
  const Collector collector(src_with(seed_without({"api-key"})));
  GstElement* pipeline = collector.pipeline();
  // Neither the way up nor the way down, though nobody ever writes to what it reads.
  EXPECT_NE(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(gst_element_set_state(pipeline, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(ElementProfile, SaysWhereAUriMaySendTheKey) {
  write("config",
        "[default]\napi-base-url=http://127.0.0.1:8080/v1\n"
        "[work]\napi-base-url=https://work.example/v1\n");
  const ElementPtr src = bare_src();
  ErrorPtr error;
  const auto is_taken = [&](const std::string& base) {
    const std::string uri = "genpro://101/3300?prompt=A&api-base-url=" + base;
    return gst_uri_handler_set_uri(GST_URI_HANDLER(src.get()), uri.c_str(), error.out()) == TRUE;
  };
  EXPECT_TRUE(is_taken("http://127.0.0.1:8080/v2"));
  EXPECT_TRUE(is_taken("https://work.example/v1&profile=work"));
  EXPECT_FALSE(is_taken("http://127.0.0.1:8081/v1"));
  EXPECT_FALSE(is_taken("https://work.example/v1"));
  EXPECT_FALSE(is_taken("http://127.0.0.1:8080/v1&profile=work"));
  EXPECT_FALSE(is_taken("https://work.example/v1&profile=home"));
  EXPECT_NE(std::string(error.message()).find("\"home\""), std::string::npos) << error.message();
}

// Of the limits, a preset that was saved holds only those that were set.
TEST_F(ElementProfile, KeepsItsLimitsWhenASavedPresetIsLoaded) {
  constexpr const char* preset = "of a user";
  write("config", "[default]\ndaily-generation-limit=1\n");
  const TempDir ledger;
  Settings settings = seed_without({});
  settings.insert(settings.end(), {{"reuse", "never"}, {"ledger", ledger.file("ledger.db")}});
  ASSERT_TRUE(gst_preset_save_preset(GST_PRESET(src_with(settings).get()), preset));
  const auto stream_with_preset = [&] {
    const ElementPtr src = src_with(settings);
    EXPECT_TRUE(gst_preset_load_preset(GST_PRESET(src.get()), preset));
    return stream(src);
  };
  const Streamed first = stream_with_preset();
  EXPECT_TRUE(first.outcome.eos) << first.outcome.summary();
  const Streamed second = stream_with_preset();
  gst_preset_delete_preset(GST_PRESET(bare_src().get()), preset);
  expect_one_error(second.outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                                    .mentions = {"daily-generation-limit"},
                                    .charged = "no"});
  EXPECT_EQ(service.count(is_generate), 1U);
}

}  // namespace
}  // namespace genpro::test
