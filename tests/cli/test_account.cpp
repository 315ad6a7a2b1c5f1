// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro whoami` and `genpro init`: who asks, shown and written down.
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "cli/cli_fixture.h"
#include "support/fake_service.h"
#include "support/media.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* key = "gen_pat_of_the_test";

// Two agents, a sheet each, two cells for videos and one that is none.
std::optional<Answer> account(const Seen& seen) {
  if (seen.path == "/v1/agents") {
    return json_answer(200, R"([{"id": 42, "name": "Desk"}, {"id": "agent_x", "name": "Night"}])");
  }
  if (seen.path == "/v1/autocontentengine") {
    return json_answer(200, seen.query == "agent_id=42"
                                ? R"({"sheets": [{"id": 101, "title": "Spring\u001b[2J"}]})"
                                : "[]");
  }
  if (seen.path == "/v1/autocontentengine/101") {
    return json_answer(200, R"({"id": 101,
      "columns": [{"id": 1, "title": "product", "type": "text"},
                  {"id": 2, "title": "clip", "type": "video"}],
      "rows": [{"id": 1, "cells": [{"id": 3299, "value": "a red lamp"}, {"id": 3300, "value": null}]},
               {"id": 2, "cells": [{"id": 3398, "value": null}, {"id": "cell_b", "value": null}]}]})");
  }
  if (seen.path == "/v1/autocontentengine/101/cells/9999") {
    return json_answer(404, R"({"error": "no such cell", "error_code": "not_found"})");
  }
  return std::nullopt;
}

class AccountCommands : public CliTest {
 protected:
  AccountCommands() { service.set_script(account); }
  Environment environment() const {
    return {{"GEN_API_BASE_URL", service.api_base()},
            {"GEN_API_KEY", api_key},
            {"LC_ALL", "C.UTF-8"},
            {"XDG_CONFIG_HOME", folder.path()}};
  }
  std::vector<std::string> command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{g_getenv("GENPRO")};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }
  Finished run(const std::vector<std::string>& arguments) const {
    return run_command(command(arguments), environment());
  }
  std::string config_file() const { return folder.file("genpro/config"); }
  std::string config() const { return read_file(config_file()); }
  void configure(const std::string& text) const {
    fs::create_directories(folder.file("genpro"));
    write_file(config_file(), text);
    chmod(config_file().c_str(), 0600);
  }
  // Nothing but reading, and the key at the API alone.
  void expect_only_reads() const {
    EXPECT_GT(service.count(), 0U);
    for (const Seen& seen : service.requests()) {
      EXPECT_EQ(seen.method, "GET") << seen.path;
      EXPECT_TRUE(is_api(seen)) << seen.path;
    }
  }

  const TempDir folder;
  std::string api_key = key;
  FakeService service;
};

TEST_F(AccountCommands, WhoamiShowsWhatTheKeyReaches) {
  configure("[default]\nagent-id=42\nsheet-id=101\ncell-id=cell_b\n");
  const Finished told = run({"whoami"});
  EXPECT_EQ(told.exit_code, 0) << told.out;
  EXPECT_EQ(told.out, "API   " + service.api_base() +
                          "\n"
                          "key   from GEN_API_KEY\n"
                          "agent 42  Desk  *\n"
                          "└─ sheet 101  Spring [2J  *\n"
                          "   ├─ cell 3300  clip  row 1: a red lamp\n"
                          "   └─ cell cell_b  clip  row 2  *\n"
                          "agent agent_x  Night\n");
  expect_only_reads();
}

TEST_F(AccountCommands, WhoamiTellsItAsJson) {
  configure("[default]\nagent-id=42\nsheet-id=101\ncell-id=cell_b\n");
  const Finished finished = run({"whoami", "--json"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(finished.out.find(key), std::string::npos) << finished.out;
  EXPECT_FALSE(has_control_characters(finished.out)) << finished.out;
  const auto node = api::parse_json(finished.out);
  ASSERT_TRUE(node) << finished.out;
  JsonObject* document = api::as_object(node->get());
  EXPECT_EQ(names_of(document), (std::vector<std::string>{"api_base_url", "key_from", "agents"}));
  JsonArray* agents = json_object_get_array_member(document, "agents");
  ASSERT_EQ(json_array_get_length(agents), 2U);
  JsonObject* agent = json_array_get_object_element(agents, 0);
  EXPECT_EQ(member_text(agent, "id"), "\"42\"");
  JsonArray* sheets = json_object_get_array_member(agent, "sheets");
  ASSERT_EQ(json_array_get_length(sheets), 1U);
  JsonArray* cells =
      json_object_get_array_member(json_array_get_object_element(sheets, 0), "cells");
  ASSERT_EQ(json_array_get_length(cells), 2U);
  JsonObject* cell = json_array_get_object_element(cells, 1);
  EXPECT_EQ(member_text(cell, "id"), "\"cell_b\"");
  EXPECT_EQ(member_text(cell, "row"), "2");
  EXPECT_EQ(member_text(cell, "is_used"), "true");
  EXPECT_EQ(member_text(json_array_get_object_element(cells, 0), "is_used"), "false");
  EXPECT_EQ(member_text(json_array_get_object_element(cells, 0), "label"), "\"a red lamp\"");
}

TEST_F(AccountCommands, WhoamiMarksACellOfTheChosenSheetAndAgentAlone) {
  service.set_script([](const Seen& seen) -> std::optional<Answer> {
    if (seen.path == "/v1/autocontentengine") {
      return json_answer(200,
                         R"({"sheets": [{"id": 101, "title": "A"}, {"id": 102, "title": "B"}]})");
    }
    if (seen.path.starts_with("/v1/autocontentengine/")) {
      return json_answer(200,
                         R"({"id": 101, "columns": [{"id": 1, "title": "clip", "type": "video"}],
                                  "rows": [{"id": 1, "cells": [{"id": 3300, "value": null}]}]})");
    }
    return account(seen);
  });
  configure("[default]\nagent-id=agent_x\nsheet-id=101\ncell-id=3300\n");
  const Finished told = run({"whoami"});
  EXPECT_NE(told.out.find("agent 42  Desk\n"
                          "├─ sheet 101  A\n"
                          "│  └─ cell 3300  clip  row 1\n"
                          "└─ sheet 102  B\n"
                          "   └─ cell 3300  clip  row 1\n"
                          "agent agent_x  Night  *\n"
                          "├─ sheet 101  A  *\n"
                          "│  └─ cell 3300  clip  row 1  *\n"
                          "└─ sheet 102  B\n"
                          "   └─ cell 3300  clip  row 1\n"),
            std::string::npos)
      << told.out;
  const std::string document = run({"whoami", "--json"}).out;
  std::size_t marks = 0;
  constexpr std::string_view mark = "\"is_used\" : true";
  for (std::size_t at = document.find(mark); at != std::string::npos;
       at = document.find(mark, at + 1)) {
    ++marks;
  }
  EXPECT_EQ(marks, 3U) << document;
}

TEST_F(AccountCommands, WhoamiShowsTheRestOfWhatCannotBeRead) {
  service.set_script([](const Seen& seen) -> std::optional<Answer> {
    if (seen.path == "/v1/autocontentengine" && seen.query == "agent_id=42") {
      return json_answer(403, R"({"error": "not yours", "error_code": "forbidden"})");
    }
    return account(seen);
  });
  const Finished told = run({"whoami"});
  EXPECT_EQ(told.exit_code, 1);
  EXPECT_NE(told.out.find("not yours"), std::string::npos) << told.out;
  EXPECT_NE(told.out.find("agent agent_x"), std::string::npos) << told.out;
}

TEST_F(AccountCommands, WhoamiTellsWhereTheKeyIsFrom) {
  configure("[default]\napi-key-command=printf " + std::string(key) + "\n");
  api_key = "";
  const Finished told = run({"whoami"});
  EXPECT_EQ(told.exit_code, 0) << told.out;
  EXPECT_NE(told.out.find("from the program printf\n"), std::string::npos) << told.out;
  EXPECT_EQ(told.out.find(key), std::string::npos) << told.out;
  EXPECT_EQ(service.requests().front().header("x-api-key"), key);
}

TEST_F(AccountCommands, WithoutAKeyNothingIsAsked) {
  api_key = "";
  for (const char* name : {"whoami", "init"}) {
    const Finished told = run({name});
    EXPECT_NE(told.exit_code, 0);
    EXPECT_NE(told.out.find("GEN_API_KEY"), std::string::npos) << told.out;
  }
  EXPECT_EQ(service.count(), 0U);
  EXPECT_FALSE(fs::exists(config_file()));
}

TEST_F(AccountCommands, InitWritesWhatTheOptionsSay) {
  write_file(folder.file("key"), std::string(key) + "\n");
  chmod(folder.file("key").c_str(), 0600);
  const Finished told = run({"init", "--profile", "work", "--api-key-file", folder.file("key"),
                             "--agent-id=42", "--sheet-id=101", "--cell-id=cell_b"});
  EXPECT_EQ(told.exit_code, 0) << told.out;
  EXPECT_EQ(config(), "[work]\napi-key-file=" + folder.file("key") +
                          "\nagent-id=42\nsheet-id=101\ncell-id=cell_b\napi-base-url=" +
                          service.api_base() + "\n");
  struct stat status {};
  ASSERT_EQ(stat(config_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  expect_only_reads();
  api_key = "";
  EXPECT_EQ(run({"whoami", "--profile", "work"}).exit_code, 0) << "what was written is of use";
}

TEST_F(AccountCommands, ANewProfileNamesTheKeyThatItWasMadeWith) {
  configure("[default]\nagent-id=42\napi-key-command=printf '%s' " + std::string(key) + "\n");
  api_key = "";
  const Finished told = run({"init", "--profile=work", "--sheet-id=101", "--cell-id=cell_b"});
  EXPECT_EQ(told.exit_code, 0) << told.out;
  EXPECT_EQ(run({"whoami", "--profile=work"}).exit_code, 0) << config();
}

TEST_F(AccountCommands, InitWritesNothingThatTheServiceDoesNotKnow) {
  const Finished told = run({"init", "--agent-id=42", "--sheet-id=101", "--cell-id=9999"});
  EXPECT_EQ(told.exit_code, 1);
  EXPECT_NE(told.out.find("no such cell"), std::string::npos) << told.out;
  EXPECT_FALSE(fs::exists(config_file()));
}

TEST_F(AccountCommands, InitTakesWhatIsTheOnlyOneAndAsksNobodyForTheRest) {
  const Finished told = run({"init", "--agent-id=42"});
  EXPECT_EQ(told.exit_code, 2);
  EXPECT_NE(told.out.find("The only sheet is 101"), std::string::npos) << told.out;
  EXPECT_NE(told.out.find("--cell-id"), std::string::npos) << told.out;
  EXPECT_FALSE(fs::exists(config_file()));
}

TEST_F(AccountCommands, InitRefusesAKeyThatOthersCanRead) {
  write_file(folder.file("key"), std::string(key) + "\n");
  chmod(folder.file("key").c_str(), 0644);
  const Finished told = run({"init", "--api-key-file", folder.file("key"), "--agent-id=42",
                             "--sheet-id=101", "--cell-id=cell_b"});
  EXPECT_EQ(told.exit_code, 2);
  EXPECT_NE(told.out.find("chmod 600"), std::string::npos) << told.out;
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(AccountCommands, BadOptionsAreErrorsOfUse) {
  const std::vector<std::vector<std::string>> lines = {
      {"init", "--agent-id=4 2"},
      {"init", "--api-key-file=a", "--api-key-command=b"},
      {"init", "--api-key-command=b 'c"},
      {"init", "--api-key=b"},
      {"whoami", "42"},
  };
  for (const auto& line : lines) EXPECT_EQ(run(line).exit_code, 2) << line.back();
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(AccountCommands, TheEmulatorAnswersThem) {
  write_file(folder.file("seed.json"), R"({"agents": [{"id": 42, "name": "Desk"}],
    "sheets": [{"id": 101, "title": "Spring",
                "columns": [{"title": "product", "type": "text"}, {"title": "clip", "type": "video"}],
                "rows": [{"cells": {"product": "a lamp", "clip": {"id": 3300}}}]}]})");
  const Finished told = run_command(
      {g_getenv("GENPRO_EMULATOR"), "exec", "--seed", folder.file("seed.json"), "--", "sh", "-c",
       "\"$0\" init --profile desk </dev/null && \"$0\" whoami --profile desk", g_getenv("GENPRO")},
      environment());
  EXPECT_EQ(told.exit_code, 0) << told.out;
  for (const char* line : {"agent 42  Desk  *\n", "└─ sheet 101  Spring  *\n",
                           "   └─ cell 3300  clip  row 1: a lamp  *\n"}) {
    EXPECT_NE(told.out.find(line), std::string::npos) << line << " in:\n" << told.out;
  }
}

// A person at a terminal, who answers each question once it is there.
class Terminal {
 public:
  Terminal(const std::vector<std::string>& command, const Environment& environment) {
    int slave = -1;
    if (openpty(&master_, &slave, nullptr, nullptr, nullptr) != 0) {
      throw std::runtime_error("no terminal");
    }
    pid_ = spawn(command, environment, slave, slave);
    close(slave);
  }
  ~Terminal() {
    close(master_);
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void answer(const std::string& question, const std::string& text) {
    EXPECT_TRUE(read_to(question)) << question << " in: " << shown_;
    const std::string line = text + "\n";
    EXPECT_EQ(write(master_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  int exit_code() {
    read_to("");
    int status = 0;
    waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& shown() const { return shown_; }

 private:
  // False at its end.
  bool read_to(const std::string& text) {
    while (text.empty() || shown_.find(text, read_) == std::string::npos) {
      pollfd wait{master_, POLLIN, 0};
      constexpr int limit = std::chrono::milliseconds(generous).count();
      char buffer[4096];
      if (poll(&wait, 1, limit) <= 0) return false;
      const ssize_t size = read(master_, buffer, sizeof buffer);
      if (size <= 0) return false;
      shown_.append(buffer, static_cast<std::size_t>(size));
    }
    read_ = shown_.find(text, read_) + text.size();
    return true;
  }
  int master_ = -1;
  GPid pid_ = 0;
  std::string shown_;
  std::size_t read_ = 0;
};

TEST_F(AccountCommands, InitAsksAtATerminal) {
  api_key = "";
  Terminal terminal(command({"init"}), environment());
  terminal.answer("File with the API key", "");
  terminal.answer("which is not shown", key);
  terminal.answer("Which agent?", "1");
  terminal.answer("Which cell?", "7");
  terminal.answer("Which cell?", "cell_b");
  EXPECT_EQ(terminal.exit_code(), 0) << terminal.shown();
  EXPECT_EQ(terminal.shown().find(key), std::string::npos) << terminal.shown();
  EXPECT_NE(config().find("agent-id=42\nsheet-id=101\ncell-id=cell_b\n"), std::string::npos)
      << config();
  EXPECT_EQ(config().find(key), std::string::npos);
  EXPECT_EQ(read_file(folder.file("genpro/key")), std::string(key) + "\n");
  struct stat status {};
  ASSERT_EQ(stat(folder.file("genpro/key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(run({"whoami"}).exit_code, 0);
}

TEST_F(AccountCommands, InitKeepsNoKeyThatTheServiceRefuses) {
  api_key = "";
  service.set_script([](const Seen& seen) -> std::optional<Answer> {
    if (seen.header("x-api-key") == key) return account(seen);
    return json_answer(401, R"({"error": "no such key", "error_code": "unauthorized"})");
  });
  const std::string file = folder.file("home/keys/gen");
  Environment home = environment();
  home.emplace_back("HOME", folder.file("home"));
  {
    Terminal terminal(command({"init"}), home);
    terminal.answer("File with the API key", "~/keys/gen");
    terminal.answer("which is not shown", "gen_pat_mistyped");
    EXPECT_NE(terminal.exit_code(), 0) << terminal.shown();
  }
  EXPECT_FALSE(fs::exists(file));
  EXPECT_FALSE(fs::exists(config_file()));
  Terminal terminal(command({"init"}), home);
  terminal.answer("File with the API key", "~/keys/gen");
  terminal.answer("which is not shown", key);
  terminal.answer("Which agent?", "1");
  terminal.answer("Which cell?", "cell_b");
  EXPECT_EQ(terminal.exit_code(), 0) << terminal.shown();
  EXPECT_EQ(read_file(file), std::string(key) + "\n");
  EXPECT_NE(config().find("api-key-file=" + file), std::string::npos) << config();
}

TEST_F(AccountCommands, InitProposesWhatWasWritten) {
  configure("# mine\n[default]\nagent-id=42\nsheet-id=101\ncell-id=3300\nmodel=pika\n");
  Terminal terminal(command({"init"}), environment());
  terminal.answer("Which agent? Its number or id [42]", "");
  terminal.answer("Which cell? Its number or id [3300]", "2");
  EXPECT_EQ(terminal.exit_code(), 0) << terminal.shown();
  EXPECT_NE(config().find("# mine"), std::string::npos) << config();
  EXPECT_NE(config().find("cell-id=cell_b"), std::string::npos) << config();
  EXPECT_NE(config().find("model=pika"), std::string::npos) << config();
}

TEST_F(AccountCommands, InitWritesNothingWhenTheAnswersEnd) {
  Terminal terminal(command({"init"}), environment());
  terminal.answer("Which agent?", "\x04\x04");
  EXPECT_NE(terminal.exit_code(), 0);
  EXPECT_FALSE(fs::exists(config_file()));
}

}  // namespace
}  // namespace genpro::test
