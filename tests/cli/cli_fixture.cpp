// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/cli_fixture.h"

namespace genpro::test {

namespace {

const Environment environment = {{"TZ", "+05:30"}, {"LC_ALL", "C.UTF-8"}};

std::vector<std::string> with_ledger(const std::string& path,
                                     const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"--ledger", path, "ledger"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

std::string program() {
  const char* path = g_getenv("GENPRO");
  if (path == nullptr) throw std::runtime_error("GENPRO has to name the built program");
  return path;
}

}  // namespace

std::int64_t CliTest::add_costing(ledger::Ledger& ledger, const ledger::Identity& identity,
                                  const payment::State& state, double cost, bool delivered) {
  const std::int64_t id = add(ledger, identity);
  put(ledger, id, state, {.came = "told", .decided = "noted", .cost = cost});
  if (delivered) must(ledger.note_delivery(id, 1000));
  return id;
}

payment::State CliTest::likely(payment::State state) {
  std::visit(
      [](auto& stage) {
        if constexpr (requires { stage.generation; }) {
          stage.generation.evidence = payment::Evidence::likely;
        }
      },
      state);
  return state;
}

payment::State CliTest::gone(const std::string& id) {
  return payment::Gone{generation(id), "no such generation"};
}

void CliTest::make_old(std::int64_t id, ledger::WallTime by) {
  const std::string then = std::to_string(ledger::wall_clock_now() - by);
  sql("UPDATE generations SET created_at = " + then +
      ", made_boot = '', posted_boot = '', made_up = 0, "
      "posted_up = 0, made_at = " +
      then + ", posted_at = " + then + " WHERE id = " + std::to_string(id));
}

std::int64_t CliTest::prepare(ledger::Ledger& ledger, const ledger::Identity& identity) {
  const payment::State state = payment::Prepared{attempt().key};
  return must(ledger.begin(identity, state, note("begun"), {}, ledger::clock_now())).entry.id;
}

Finished CliTest::genpro(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_command(command, environment);
}

Finished CliTest::ledger(const std::vector<std::string>& arguments) {
  return genpro(with_ledger(path_, arguments));
}

std::string CliTest::output(const std::vector<std::string>& arguments) {
  const Finished finished = ledger(arguments);
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  return finished.out;
}

api::JsonNodePtr CliTest::json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Finished finished = shell("\"$0\" \"$@\" 2>/dev/null", with_ledger(path_, arguments));
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_FALSE(has_control_characters(finished.out)) << finished.out;
  auto node = api::parse_json(finished.out);
  if (!node) throw std::runtime_error(node.error() + ": " + finished.out);
  return std::move(*node);
}

Finished CliTest::shell(const std::string& line, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"sh", "-c", line, program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_command(command, environment);
}

std::string member_text(JsonObject* object, const char* name) {
  if (!json_object_has_member(object, name)) return "missing";
  return take_string(json_to_string(json_object_get_member(object, name), FALSE));
}

JsonObject* object_at(const api::JsonNodePtr& array, guint index) {
  JsonArray* elements = api::as_array(array.get());
  if (elements == nullptr || index >= json_array_get_length(elements)) {
    throw std::runtime_error("there is no element " + std::to_string(index));
  }
  JsonObject* object = api::as_object(json_array_get_element(elements, index));
  if (object == nullptr) throw std::runtime_error("the element is no object");
  return object;
}

std::vector<std::string> names_of(JsonObject* object) {
  std::vector<std::string> names;
  const Owned<GList, g_list_free> members(json_object_get_members(object));
  for (const GList* item = members.get(); item != nullptr; item = item->next) {
    names.emplace_back(static_cast<const char*>(item->data));
  }
  return names;
}

std::size_t number_of(const api::JsonNodePtr& array) {
  JsonArray* elements = api::as_array(array.get());
  if (elements == nullptr) throw std::runtime_error("it is no array");
  return json_array_get_length(elements);
}

bool has_control_characters(const std::string& text) {
  if (!g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr)) return true;
  for (const char* at = text.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (c != '\n' && g_unichar_iscntrl(c)) return true;
  }
  return false;
}

}  // namespace genpro::test
