// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The README files against what they describe: the elements, `--help`, the emulator's faults, the
// suites of the tests, and the files that they link to.
#include <gtest/gtest.h>
#include <json-glib/json-glib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "docs/markdown.h"
#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path root() {
  return variable("GENPRO_SOURCE");
}

std::string document(const std::string& path) {
  return read_file((root() / path).string());
}

// Those that carry a meaning, as far as their length tells.
std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  static const std::regex word("[A-Za-z0-9_-]{4,}");
  for (auto match = std::sregex_iterator(text.begin(), text.end(), word);
       match != std::sregex_iterator(); ++match) {
    std::string lower = match->str();
    std::transform(lower.begin(), lower.end(), lower.begin(), g_ascii_tolower);
    words.insert(lower);
  }
  return words;
}

// The table may say more, and say it in another order, but not something else.
void expect_same_meaning(const std::string& what, const std::string& table,
                         const std::string& program) {
  const std::set<std::string> told = words_of(table);
  const std::set<std::string> wanted = words_of(program);
  const auto shared =
      std::count_if(wanted.begin(), wanted.end(), [&](const auto& w) { return told.contains(w); });
  EXPECT_GE(static_cast<std::size_t>(shared) * 2, wanted.size())
      << what << "\n  table:   " << table << "\n  program: " << program;
}

// ---- Properties ----

std::string type_of(const GParamSpec* spec) {
  const std::map<GType, std::string> names = {
      {G_TYPE_STRING, "string"}, {G_TYPE_UINT, "uint"},       {G_TYPE_UINT64, "uint64"},
      {G_TYPE_DOUBLE, "double"}, {G_TYPE_BOOLEAN, "boolean"}, {G_TYPE_INT, "int"}};
  const auto name = names.find(spec->value_type);
  std::string text = G_IS_PARAM_SPEC_ENUM(spec) ? "enum"
                     : name != names.end()      ? name->second
                                                : g_type_name(spec->value_type);
  if ((spec->flags & G_PARAM_READABLE) == 0) text += ", write-only";
  if ((spec->flags & G_PARAM_WRITABLE) == 0) text += ", read-only";
  return text;
}

// Of an element that nothing has been set of.
std::string default_of(GstElement* element, const GParamSpec* spec) {
  if ((spec->flags & G_PARAM_READABLE) == 0 || spec->value_type == GST_TYPE_STRUCTURE) return "–";
  const std::string text = get_property(element, spec->name);
  const std::string state = g_get_user_state_dir();
  if (text.starts_with(state)) return "$XDG_STATE_HOME" + text.substr(state.size());
  if (G_IS_PARAM_SPEC_UINT64(spec) && text == std::to_string(GST_CLOCK_TIME_NONE)) return "none";
  return text.empty() ? "–" : text;
}

// What a reader has to know to set it: the values of an enum, and limits that are not the type's.
std::vector<std::string> values_of(GParamSpec* spec) {
  std::vector<std::string> values;
  if (G_IS_PARAM_SPEC_ENUM(spec)) {
    const GEnumClass* choices = G_PARAM_SPEC_ENUM(spec)->enum_class;
    for (guint i = 0; i < choices->n_values; ++i) {
      values.push_back("`" + std::string(choices->values[i].value_nick) + "`");
    }
  } else if (G_IS_PARAM_SPEC_UINT(spec)) {
    const GParamSpecUInt* range = G_PARAM_SPEC_UINT(spec);
    if (range->minimum > 0) values.push_back(std::to_string(range->minimum));
    if (range->maximum < G_MAXUINT) values.push_back(std::to_string(range->maximum));
  } else if (G_IS_PARAM_SPEC_UINT64(spec)) {
    const GParamSpecUInt64* range = G_PARAM_SPEC_UINT64(spec);
    if (range->minimum > 0) values.push_back(std::to_string(range->minimum));
    if (range->maximum < G_MAXUINT64) values.push_back(std::to_string(range->maximum));
  }
  return values;
}

void expect_properties(GstElement* element, const Table& table) {
  std::map<std::string, Row> rows;
  for (const Row& row : table) {
    ASSERT_EQ(row.size(), 4U) << row.front();
    EXPECT_TRUE(rows.emplace(row.front(), row).second) << row.front() << " is there twice";
  }
  guint number = 0;
  const Owned<GParamSpec*, g_free> specs(
      g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &number));
  for (guint i = 0; i < number; ++i) {
    GParamSpec* spec = specs.get()[i];
    if (spec->owner_type != G_OBJECT_TYPE(element)) continue;
    const std::string name = spec->name;
    const auto found = rows.find(name);
    if (found == rows.end()) {
      ADD_FAILURE() << name << " has no row";
      continue;
    }
    const Row& row = found->second;
    EXPECT_EQ(row[1], type_of(spec)) << name;
    EXPECT_EQ(row[2], default_of(element, spec)) << name;
    for (const std::string& value : values_of(spec)) {
      const bool is_there = row[3].find(value) != std::string::npos || "`" + row[2] + "`" == value;
      EXPECT_TRUE(is_there) << name << ": " << value << " is not explained";
    }
    const std::string blurb = g_param_spec_get_blurb(spec);
    expect_same_meaning(name, row[3], blurb.substr(0, blurb.find(" (default: ")));
    rows.erase(found);
  }
  for (const auto& [name, row] : rows) ADD_FAILURE() << "there is no property " << name;
}

ElementPtr bare_bin() {
  return sink_ref(gst_element_factory_make("genprobin", nullptr));
}

TEST(Docs, TheTablesHaveThePropertiesOfTheElements) {
  const auto tables = tables_of(document("plugin/README.md"), "property");
  ASSERT_EQ(tables.size(), 3U);
  const auto with = [&](const Table& own) {
    Table all = tables.front();
    all.insert(all.end(), own.begin(), own.end());
    return all;
  };
  expect_properties(bare_src().get(), with(tables[1]));
  expect_properties(bare_bin().get(), with(tables[2]));
}

TEST(Docs, TheTableHasTheSignalsOfTheBin) {
  std::map<std::string, std::string> documented;
  for (const Table& table : tables_of(document("plugin/README.md"), "signal")) {
    for (const Row& row : table) documented[row[0]] = row[1];
  }
  const ElementPtr bin = bare_bin();
  guint number = 0;
  const Owned<guint, g_free> ids(g_signal_list_ids(G_OBJECT_TYPE(bin.get()), &number));
  std::map<std::string, std::string> signals;
  for (guint i = 0; i < number; ++i) {
    GSignalQuery query;
    g_signal_query(ids.get()[i], &query);
    std::string& arguments = signals[query.signal_name];
    for (guint at = 0; at < query.n_params; ++at) {
      const bool is_action = (query.signal_flags & G_SIGNAL_ACTION) != 0;
      const GType type = query.param_types[at];
      if (type == G_TYPE_UINT64) {
        arguments += at == 0 ? "time" : ", length";
      } else if (type == G_TYPE_UINT) {
        arguments += at == 0 ? "number" : ", position";
      } else {
        arguments += is_action ? "settings" : at == 0 ? "id" : ", reason";
      }
    }
    if (arguments.empty()) arguments = "–";
  }
  EXPECT_EQ(documented, signals);
}

TEST(Docs, TheTableHasThePresetsAndWhatTheySet) {
  std::set<std::string> listed;
  for (const char* type : {"genprosrc", "genprobin"}) {
    const Owned<char*, g_strfreev> names(gst_preset_get_preset_names(
        GST_PRESET(sink_ref(gst_element_factory_make(type, nullptr)).get())));
    for (char** name = names.get(); name != nullptr && *name != nullptr; ++name) {
      listed.insert(std::string(type) + " " + *name);
    }
  }
  const auto tables = tables_of(document("plugin/README.md"), "preset");
  ASSERT_EQ(tables.size(), 1U);
  for (const Row& row : tables.front()) {
    ASSERT_EQ(row.size(), 4U) << row.front();
    const std::string& type = row[1];
    const std::string& name = row[0];
    EXPECT_EQ(listed.erase(type + " " + name), 1U) << type << " has no preset " << name;
    const ElementPtr fresh = sink_ref(gst_element_factory_make(type.c_str(), nullptr));
    const ElementPtr element = sink_ref(gst_element_factory_make(type.c_str(), nullptr));
    ASSERT_TRUE(gst_preset_load_preset(GST_PRESET(element.get()), name.c_str())) << name;
    // The marks of a cell that is code alone are not part of it.
    const bool is_one = row[3].find('`') == std::string::npos;
    const std::string told = is_one ? "`" + row[3] + "`" : row[3];
    std::string set;
    guint number = 0;
    const Owned<GParamSpec*, g_free> specs(
        g_object_class_list_properties(G_OBJECT_GET_CLASS(element.get()), &number));
    for (guint i = 0; i < number; ++i) {
      const char* property = specs.get()[i]->name;
      if (specs.get()[i]->owner_type != G_OBJECT_TYPE(element.get()) ||
          (specs.get()[i]->flags & G_PARAM_READABLE) == 0) {
        continue;
      }
      const std::string value = get_property(element.get(), property);
      if (value == get_property(fresh.get(), property)) continue;
      const std::string word = std::string("`") + property + "=" + value + "`";
      EXPECT_NE(told.find(word), std::string::npos) << name << " sets " << word;
      set += word;
    }
    EXPECT_EQ(std::count(row[3].begin(), row[3].end(), '='),
              std::count(set.begin(), set.end(), '='))
        << name << " sets " << set;
    char* comment = nullptr;
    gst_preset_get_meta(GST_PRESET(element.get()), name.c_str(), "comment", &comment);
    EXPECT_EQ(row[2], take_string(comment)) << name;
  }
  for (const std::string& name : listed) ADD_FAILURE() << name << " has no row";
}

// ---- Command lines ----

struct Option {
  std::string initial = "–";
  std::string meaning;
};
using Options = std::map<std::string, Option>;  // by `--name=VALUE`

std::string help_of(std::vector<std::string> command) {
  command.emplace_back("--help");
  const Finished finished = run_command(command, {{"LC_ALL", "C.UTF-8"}});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  return finished.out;
}

Options options_of(const std::string& help) {
  Options options;
  static const std::regex line(R"(\n +(?:-\w, )?(--[\w-]+\S*) +([^\n]*))");
  static const std::regex brackets(R"( \(([^)]*)\))");
  for (auto match = std::sregex_iterator(help.begin(), help.end(), line);
       match != std::sregex_iterator(); ++match) {
    if ((*match)[1] == "--help") continue;
    Option option;
    const std::string text = (*match)[2];
    std::smatch initial;
    if (std::regex_search(text, initial, brackets)) option.initial = initial[1];
    option.meaning = std::regex_replace(text, brackets, "");
    options[(*match)[1]] = option;
  }
  return options;
}

void expect_options(const std::string& command, const Table& table, const Options& options) {
  std::set<std::string> left;
  for (const auto& [name, option] : options) left.insert(name);
  for (const Row& row : table) {
    ASSERT_EQ(row.size(), 3U) << row.front();
    const auto found = options.find(row[0]);
    if (found == options.end()) {
      ADD_FAILURE() << command << " has no option " << row[0];
      continue;
    }
    EXPECT_EQ(row[1], found->second.initial) << command << " " << row[0];
    expect_same_meaning(command + " " + row[0], row[2], found->second.meaning);
    left.erase(row[0]);
  }
  for (const std::string& name : left) ADD_FAILURE() << command << " " << name << " has no row";
}

// The command and those below it, with their words after `genpro`.
void expect_commands(const std::vector<std::string>& words) {
  std::string name = "genpro";
  std::vector<std::string> command{variable("GENPRO")};
  for (const std::string& word : words) {
    name += " " + word;
    command.push_back(word);
  }
  const std::string help = help_of(command);
  const std::size_t begin = help.find("\nCommands:\n");
  const std::string names =
      begin == std::string::npos ? "" : help.substr(begin, help.find("\n\n", begin + 1) - begin);
  static const std::regex line(R"(\n  (\w+) )");
  for (auto match = std::sregex_iterator(names.begin(), names.end(), line);
       match != std::sregex_iterator(); ++match) {
    std::vector<std::string> below = words;
    below.push_back((*match)[1]);
    expect_commands(below);
  }
  // A group in between has nothing of its own.
  if (!names.empty() && !words.empty()) return;
  for (const auto& [heading, text] : sections_of(document("src/cli/README.md"))) {
    // Behind the name come the arguments, and behind `genpro` the other commands.
    const bool is_it =
        heading == "`" + name + "`" || (!words.empty() && heading.starts_with("`" + name + " "));
    if (!is_it) continue;
    const auto tables = tables_of(text, "option");
    ASSERT_EQ(tables.size(), 1U) << heading;
    return expect_options(name, tables.front(), options_of(help));
  }
  ADD_FAILURE() << name << " has no section";
}

TEST(Docs, TheTablesHaveTheCommandsAndOptionsOfGenpro) {
  expect_commands({});
}

TEST(Docs, TheTableHasTheOptionsOfTheEmulator) {
  const auto tables = tables_of(document("src/emulator/README.md"), "option");
  ASSERT_EQ(tables.size(), 1U);
  const Table& serve = tables.front();
  expect_options("serve", serve, options_of(help_of({variable("GENPRO_EMULATOR"), "serve"})));
  // In what is said of the other ones both commands are the same.
  std::set<std::string> documented;
  for (const Row& row : serve) {
    if (row[2].find("`serve` only") == std::string::npos) documented.insert(row[0]);
  }
  std::set<std::string> options;
  for (const auto& [name, option] : options_of(help_of({variable("GENPRO_EMULATOR"), "exec"}))) {
    options.insert(name);
  }
  EXPECT_EQ(documented, options);
}

TEST(Docs, TheTableHasTheFaultsOfTheEmulator) {
  std::map<std::string, std::string> documented;
  for (const Table& table : tables_of(document("src/emulator/README.md"), "fault")) {
    for (const Row& row : table) documented[row[0]] = row[2];
  }
  const Finished finished = run_command(
      {variable("GENPRO_EMULATOR"), "exec", "--", "sh", "-c",
       R"(curl -s -H "X-API-Key: $GEN_API_KEY" "${GEN_API_BASE_URL%/v1}/_emulator/faults")"});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  const Owned<JsonNode, json_node_unref> answer(json_from_string(finished.out.c_str(), nullptr));
  ASSERT_TRUE(answer) << finished.out;
  JsonArray* list = json_object_get_array_member(json_node_get_object(answer.get()), "faults");
  std::map<std::string, std::string> faults;
  for (guint i = 0; i < json_array_get_length(list); ++i) {
    JsonObject* fault = json_array_get_object_element(list, i);
    faults[json_object_get_string_member(fault, "name")] =
        json_object_get_string_member(fault, "default");
  }
  EXPECT_EQ(documented, faults);
}

// ---- The repository ----

TEST(Docs, TheTableHasTheSuitesOfTheTests) {
  std::set<std::string> documented;
  for (const Table& table : tables_of(document("tests/README.md"), "suite")) {
    for (const Row& row : table) documented.insert(row[0]);
  }
  const std::string tests = read_file(variable("GENPRO_BUILD") + "/meson-info/intro-tests.json");
  static const std::regex suite(R"re("gst-genpro:(\w+)")re");
  for (auto match = std::sregex_iterator(tests.begin(), tests.end(), suite);
       match != std::sregex_iterator(); ++match) {
    EXPECT_TRUE(documented.contains((*match)[1])) << (*match)[1] << " has no row";
  }
}

std::vector<fs::path> documents() {
  std::vector<fs::path> found;
  for (auto at = fs::recursive_directory_iterator(root()); at != fs::end(at); ++at) {
    const std::string name = at->path().filename().string();
    if (at->is_directory() && (name.starts_with(".") || name.starts_with("build"))) {
      at.disable_recursion_pending();
    } else if (at->path().extension() == ".md") {
      found.push_back(at->path());
    }
  }
  return found;
}

TEST(Docs, LinksLeadToWhatIsThere) {
  const auto files = documents();
  ASSERT_GE(files.size(), 9U);
  for (const fs::path& file : files) {
    const std::string text = read_file(file.string());
    for (const std::string& link : links_of(text)) {
      if (link.starts_with("https://")) continue;
      const std::size_t hash = link.find('#');
      const std::string path = link.substr(0, hash);
      EXPECT_FALSE(path.starts_with("/")) << file << " has the link " << link;
      const fs::path target = path.empty() ? file : file.parent_path() / path;
      if (!fs::exists(target)) {
        ADD_FAILURE() << file << " links to " << link;
      } else if (hash != std::string::npos) {
        const auto sections = sections_of(read_file(target.string()));
        EXPECT_TRUE(std::any_of(
            sections.begin(), sections.end(),
            [&](const auto& section) { return anchor_of(section.first) == link.substr(hash + 1); }))
            << file << " links to " << link;
      }
    }
    for (const std::string& path : paths_of(text)) {
      EXPECT_TRUE(fs::exists(root() / path)) << file << " names " << path;
    }
  }
}

TEST(Docs, EachReadmeIsLinkedFromTheFirstOrOneThatIs) {
  std::set<fs::path> reached;
  std::vector<fs::path> left{root() / "README.md"};
  while (!left.empty()) {
    const fs::path file = fs::canonical(left.back());
    left.pop_back();
    if (!reached.insert(file).second) continue;
    for (const std::string& link : links_of(read_file(file.string()))) {
      fs::path target = file.parent_path() / link.substr(0, link.find('#'));
      if (fs::is_directory(target)) target /= "README.md";
      if (target.extension() == ".md" && fs::exists(target)) left.push_back(target);
    }
  }
  for (const fs::path& file : documents())
    EXPECT_TRUE(reached.contains(fs::canonical(file))) << file;
}

TEST(Docs, TheFirstReadmeTakesFiveMinutes) {
  const std::string text = document("README.md");
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 200);
}

}  // namespace
}  // namespace genpro::test
