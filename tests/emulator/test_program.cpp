// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The program itself: its command line, `serve` and `exec`, and what is left when it ends.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "child_process.h"
#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace {

bool is_alive(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto end = stat.rfind(')');
  return end != std::string::npos && stat.substr(end + 2, 1) != "Z";
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

}  // namespace

class Program : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  void SetUp() override { std::filesystem::create_directory(folder_.path("tmp")); }

  // Whatever a test did, nothing is left of it; the clean-up may still be at work.
  void TearDown() override {
    EXPECT_TRUE(eventually([this] { return is_clean(); }));
  }

  std::unique_ptr<ChildProcess> run(const Words& arguments, bool terminal = false,
                                    ChildProcess::Environment environment = {}) {
    Words argv{EMULATOR_PROGRAM};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    environment.emplace_back("TMPDIR", folder_.path("tmp"));
    return std::make_unique<ChildProcess>(argv, environment, terminal);
  }
  // Starts `exec` with a script and `options`.
  std::unique_ptr<ChildProcess> exec(const std::string& script, Words options = {},
                                     bool terminal = false) {
    options.insert(options.begin(), "exec");
    options.insert(options.end(), {"--", "/bin/sh", "-c", script});
    return run(options, terminal);
  }
  // Starts `serve` and waits until it listens.
  std::unique_ptr<ChildProcess> serve(Words options) {
    options.insert(options.begin(), {"serve", "--port", "0"});
    auto process = run(options);
    EXPECT_TRUE(process->wait_for_output("/v1\n")) << process->output() << process->errors();
    return process;
  }
  static std::string origin_of(const ChildProcess& process) {
    const auto start = process.output().find("http://");
    return process.output().substr(start, process.output().find("/v1") - start);
  }
  bool is_clean() { return std::filesystem::is_empty(folder_.path("tmp")); }
  void expect_refusal(const Words& arguments, int code, const std::string& words) {
    const auto process = run(arguments);
    EXPECT_EQ(process->wait(), code) << arguments.back();
    EXPECT_TRUE(process->output().empty()) << process->output();
    EXPECT_NE(process->errors().find(words), std::string::npos) << process->errors();
    EXPECT_TRUE(is_clean());
  }

  TemporaryFolder folder_;
};

TEST_F(Program, HelpsAndTellsItsVersion) {
  for (const Words& words : {Words{"--help"}, Words{"serve", "--help"}, Words{"exec", "--help"}}) {
    const auto process = run(words);
    EXPECT_EQ(process->wait(), 0);
    EXPECT_NE(process->output().find("Usage:"), std::string::npos);
    EXPECT_TRUE(process->errors().empty()) << process->errors();
  }
  const auto version = run({"--version"});
  EXPECT_EQ(version->wait(), 0);
  EXPECT_EQ(version->output(), "genpro-emulator 0.1.0\n");
}

TEST_F(Program, HasAllItsOptionsInItsManual) {
  const auto process = run({"manual"});
  EXPECT_EQ(process->wait(), 0);
  const std::string page = process->output();
  EXPECT_TRUE(page.starts_with(".TH GENPRO\\-EMULATOR 1 ")) << page;
  const std::size_t serve = page.find("\n.SS serve\n");
  const std::size_t exec = page.find("\n.SS exec\n");
  ASSERT_NE(exec, std::string::npos) << page;
  EXPECT_NE(page.find("\\-\\-port\\fR=\\fIPORT\\fR\n", serve), std::string::npos) << page;
  EXPECT_EQ(page.find("\\-\\-port", exec), std::string::npos) << page;
  for (const std::size_t section : {serve, exec}) {
    EXPECT_NE(page.find("\\fB\\-\\-fault\\-seed\\fR=", section), std::string::npos) << page;
    EXPECT_NE(page.find("\\fB\\-v\\fR, \\fB\\-\\-verbose\\fR\n", section), std::string::npos)
        << page;
  }
}

TEST_F(Program, RefusesACommandLineItDoesNotUnderstand) {
  expect_refusal({}, 2, "serve or exec");
  expect_refusal({"dance"}, 2, "dance");
  expect_refusal({"serve"}, 2, "--port");
  expect_refusal({"serve", "--port", "70000"}, 2, "65535");
  expect_refusal({"serve", "--port", "x"}, 2, "x");
  expect_refusal({"serve", "--port", "0", "--no-such"}, 2, "--no-such");
  expect_refusal({"serve", "--port", "0", "extra"}, 2, "extra");
  expect_refusal({"serve", "--port", "0", "--latency", "-1"}, 2, "--latency");
  expect_refusal({"serve", "--port", "0", "--latency", "nan"}, 2, "--latency");
  expect_refusal({"serve", "--port", "0", "--credit", "-1"}, 2, "--credit");
  expect_refusal({"serve", "--port", "0", "--api-key", ""}, 2, "empty");
  expect_refusal({"serve", "--port", "0", "--api-key", "a\nb"}, 2, "line break");
  expect_refusal({"serve", "--port", "0", "--sheet", "../x"}, 2, "../x");
  for (const char* option : {"--sheet", "--cell", "--agent"}) {
    for (const char* id : {"9223372036854775807", "9007199254740993", "123456789012345678901234"}) {
      expect_refusal({"serve", "--port", "0", option, id}, 2, id);
    }
  }
  expect_refusal({"exec"}, 2, "needs a command");
  expect_refusal({"exec", "--port", "1", "--", "true"}, 2, "--port");
  expect_refusal({"serve", "--port", "0", "--api-key-file", folder_.path("none")}, 1, "none");
}

TEST_F(Program, RefusesIngredientsBeforeAnythingStarts) {
  const std::string text = folder_.write("notes.png", "no picture");
  const std::string empty = folder_.write("empty.png", "");
  for (const char* subcommand : {"serve", "exec"}) {
    const auto with = [&](const std::string& file) {
      return std::string(subcommand) == "serve"
                 ? Words{"serve", "--port", "0", "--ingredient", file}
                 : Words{"exec", "--ingredient", file, "--", "echo", "started"};
    };
    expect_refusal(with(folder_.path("missing.png")), 1, "missing.png does not exist");
    expect_refusal(with(text), 1, "notes.png is no media file");
    expect_refusal(with(empty), 1, "empty.png is empty");
    expect_refusal(with(folder_.path()), 1, "is not a file");
  }
}

TEST_F(Program, ServesOnOtherAddressesOnlyWithAKey) {
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1"}) {
    expect_refusal({"serve", "--port", "0", "--host", host}, 1, "--api-key");
  }
  expect_refusal({"serve", "--port", "0", "--host", "no-such-host.invalid"}, 1,
                 "no-such-host.invalid");
}

TEST_F(Program, SaysWhenAPortIsTaken) {
  const auto first = serve({});
  const std::string origin = origin_of(*first);
  const auto second = run({"serve", "--port", origin.substr(origin.rfind(':') + 1)});
  EXPECT_EQ(second->wait(), 1);
  EXPECT_NE(second->errors().find("Cannot listen on 127.0.0.1 port"), std::string::npos)
      << second->errors();
}

TEST_F(Program, ServeUploadsItsIngredientsAndGoesWithItsFolder) {
  const std::string a = folder_.write("a.png", png_bytes());
  const std::string b = folder_.write("b.mp4", mp4_bytes());
  for (const int signal_number : {SIGTERM, SIGINT, SIGKILL}) {
    const auto process = serve({"--api-key", test_key, "--ingredient", a, "--ingredient", b});
    EXPECT_TRUE(
        process->wait_for_output("Ingredient 501: a.png (image/png)\n"
                                 "Ingredient 502: b.mp4 (video/mp4)\n"))
        << process->output();
    Client client(origin_of(*process));
    EXPECT_EQ(client.get("/v1/content_resources/502?agent_id=42").json()["file_name"].text(),
              "b.mp4");
    EXPECT_FALSE(is_clean());
    process->kill(signal_number);
    EXPECT_EQ(process->wait(), signal_number == SIGKILL ? 128 + SIGKILL : 0);
    EXPECT_TRUE(eventually([this] { return is_clean(); }));
  }
}

TEST_F(Program, AGivenDataFolderStays) {
  const auto process = serve({"--data-dir", folder_.path("kept/here")});
  EXPECT_TRUE(is_clean());
  process->kill(SIGTERM);
  EXPECT_EQ(process->wait(), 0);
  EXPECT_TRUE(std::filesystem::exists(folder_.path("kept/here/uploads")));
  EXPECT_EQ(std::filesystem::status(folder_.path("kept/here")).permissions(),
            std::filesystem::perms::owner_all);
}

TEST_F(Program, KeepsTheKeyToItself) {
  const std::string file = folder_.write("key", std::string(test_key) + "\r\nmore\n");
  for (const Words& key :
       {Words{"--api-key", test_key}, Words{std::string("--api-key=") + test_key},
        Words{"--api-key-file", file}}) {
    Words options{"--verbose"};
    options.insert(options.end(), key.begin(), key.end());
    const auto process = serve(options);
    Client client(origin_of(*process));
    EXPECT_EQ(client.get("/v1/organizations/1").status, 200u);
    EXPECT_EQ(client.get("/v1/organizations/1", {{"X-API-Key", "x"}}).status, 401u);
    const std::string line = read_file("/proc/" + std::to_string(process->pid()) + "/cmdline");
    EXPECT_EQ(line.find(test_key), std::string::npos);
    process->kill(SIGTERM);
    process->wait();
    EXPECT_NE(process->errors().find("GET /v1/organizations/1 200"), std::string::npos)
        << process->errors();
    EXPECT_EQ((process->output() + process->errors()).find(test_key), std::string::npos);
  }
}

TEST_F(Program, ExecPassesTheEndOfTheCommandOn) {
  const std::vector<std::pair<std::string, int>> cases{
      {"exit 0", 0}, {"exit 7", 7}, {"kill -TERM $$", 128 + SIGTERM}, {"kill -KILL $$", 137}};
  for (const auto& [script, code] : cases) {
    const auto process = exec(script);
    EXPECT_EQ(process->wait(), code) << script;
    EXPECT_TRUE(process->output().empty()) << process->output();
    EXPECT_TRUE(process->errors().empty()) << process->errors();
    EXPECT_TRUE(is_clean());
  }
  const auto missing = run({"exec", "--", "/no/such/program"});
  EXPECT_EQ(missing->wait(), 127);
  EXPECT_NE(missing->errors().find("/no/such/program"), std::string::npos);
  const auto plain = run({"exec", "--", folder_.write("plain", "x")});
  EXPECT_EQ(plain->wait(), 126);
  EXPECT_TRUE(is_clean());
}

TEST_F(Program, ExecGivesTheCommandItsSurroundings) {
  const auto process = exec(
      "read line; echo \"in=$line\"; echo err >&2; echo \"url=$GEN_API_BASE_URL\"; "
      "curl -s -o /dev/null -w '%{http_code} ' -H \"X-API-Key: $GEN_API_KEY\" "
      "\"$GEN_API_BASE_URL/content_resources/501?agent_id=a-1\"; "
      "curl -s -o /dev/null -w '%{http_code}' \"$GEN_API_BASE_URL/organizations/1\"",
      {"--ingredient", folder_.write("a.png", png_bytes()), "--agent", "a-1"});
  process->write("hello\n");
  EXPECT_EQ(process->wait(), 0);
  EXPECT_TRUE(process->output().starts_with("in=hello\nurl=http://127.0.0.1:"))
      << process->output();
  EXPECT_TRUE(process->output().ends_with("/v1\n200 401")) << process->output();
  EXPECT_EQ(process->errors(), "err\n");
}

TEST_F(Program, ExecUsesTheKeyItIsGiven) {
  const auto process = exec("echo $GEN_API_KEY", {"--api-key", "my-key"});
  EXPECT_EQ(process->wait(), 0);
  EXPECT_EQ(process->output(), "my-key\n");
  const auto random = exec("echo $GEN_API_KEY");
  EXPECT_EQ(random->wait(), 0);
  EXPECT_GT(random->output().size(), 32u);
}

TEST_F(Program, ExecForwardsSignals) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    const auto process =
        exec("trap 'echo trapped; exit 9' INT TERM HUP; echo ready; while :; do sleep 0.05; done");
    ASSERT_TRUE(process->wait_for_output("ready"));
    process->kill(signal_number);
    EXPECT_EQ(process->wait(), 9);
    EXPECT_EQ(process->output(), "ready\ntrapped\n");
    EXPECT_TRUE(is_clean());
  }
  const auto untrapped = exec("echo ready; exec sleep 100");
  ASSERT_TRUE(untrapped->wait_for_output("ready"));
  untrapped->kill(SIGTERM);
  EXPECT_EQ(untrapped->wait(), 128 + SIGTERM);
}

TEST_F(Program, ExecKeepsIgnoredSignalsIgnored) {
  const auto process = std::make_unique<ChildProcess>(
      Words{"/bin/sh", "-c",
            "trap '' HUP; exec " + std::string(EMULATOR_PROGRAM) +
                " exec -- /bin/sh -c 'kill -HUP $$; kill -HUP $PPID; echo survived'"});
  EXPECT_EQ(process->wait(), 0);
  EXPECT_EQ(process->output(), "survived\n");
}

// Neither the command nor what it started nor the folder outlives a program that was killed.
TEST_F(Program, ExecCleansUpWhenItIsKilled) {
  const auto process =
      exec("trap '' TERM INT HUP; sleep 1000 & echo \"pids $$ $!\"; (setsid sleep 1001 &) ; wait");
  ASSERT_TRUE(process->wait_for_output("\n"));
  int command = 0;
  int grandchild = 0;
  ASSERT_EQ(std::sscanf(process->output().c_str(), "pids %d %d", &command, &grandchild), 2);
  EXPECT_TRUE(is_alive(command));
  EXPECT_FALSE(is_clean());
  process->kill(SIGKILL);
  // The end of the output is the end of everything that could write to it.
  EXPECT_EQ(process->wait(), 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return !is_alive(command) && !is_alive(grandchild); }));
  EXPECT_TRUE(eventually([this] { return is_clean(); }));
}

// A container or a chroot may come without them.
bool has_terminals() {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) close(terminal);
  return terminal >= 0;
}

TEST_F(Program, ExecOnATerminalLeavesItToTheCommand) {
  if (!has_terminals()) GTEST_SKIP() << "this machine gives out no pseudo-terminal";
  const auto process = exec(
      "trap 'echo interrupted; exit 5' INT; read line; echo \"line=$line\"; "
      "while :; do sleep 0.05; done",
      {}, true);
  process->write("typed\n");
  ASSERT_TRUE(process->wait_for_output("line=typed"));
  process->write("\x03");
  EXPECT_EQ(process->wait(), 5) << process->output();
  const auto first = process->output().find("interrupted");
  EXPECT_NE(first, std::string::npos) << process->output();
  EXPECT_EQ(process->output().find("interrupted", first + 1), std::string::npos);
  EXPECT_TRUE(is_clean());
}

// Stopped and continued by the keys of an interactive shell.
TEST_F(Program, ExecCanBeStoppedAndContinuedByAShell) {
  if (!has_terminals()) GTEST_SKIP() << "this machine gives out no pseudo-terminal";
  // What is typed while it takes the terminal back may be lost. Its prompt says that it has it, and
  // how many jobs it knows.
  ChildProcess shell({"/bin/bash", "--norc", "--noprofile", "--noediting", "-i"},
                     {{"TMPDIR", folder_.path("tmp")}, {"PS1", "jobs-\\j "}}, true);
  shell.write("set -m\n" EMULATOR_PROGRAM
              " exec -- /bin/sh -c 'echo up-$$-$((40+2)); read x; echo got-$x; exit 3'\n");
  ASSERT_TRUE(shell.wait_for_output("-42")) << shell.output();
  const std::string output = shell.output();
  const auto end = output.find("-42");
  const auto at = output.rfind("up-", end) + 3;
  const std::string command = output.substr(at, end - at);
  shell.write("\x1a");
  ASSERT_TRUE(shell.wait_for_output("jobs-1 ")) << shell.output();
  EXPECT_NE(shell.output().find("Stopped"), std::string::npos) << shell.output();
  // The shell says so when the first process has stopped. Until the last one has, it may still
  // take a byte of what is typed.
  ASSERT_TRUE(eventually([&command] {
    const std::string stat = read_file("/proc/" + command + "/stat");
    return stat.find(") T ") != std::string::npos;
  })) << command
      << ": " << shell.output();
  shell.write("fg\n");
  // The command is told nothing of its being back: what is typed before goes to the shell.
  bool has_come = false;
  for (int tries = 0; tries < 20 && !has_come; ++tries) {
    shell.write("more\n");
    has_come = shell.wait_for_output("got-more", std::chrono::seconds(5));
  }
  ASSERT_TRUE(has_come) << shell.output();
  shell.write("echo code-$?\n");
  ASSERT_TRUE(shell.wait_for_output("code-3")) << shell.output();
  shell.write("exit 0\n");
  EXPECT_EQ(shell.wait(), 0) << shell.output();
}

// libsoup 3.2 loses a few bytes with each of these, hence a process of its own.
TEST_F(Program, SurvivesBodiesThatCannotBeRead) {
  const auto process = serve({});
  Client client(origin_of(*process));
  const std::string origin = client.origin();
  const auto port = static_cast<std::uint16_t>(std::stoi(origin.substr(origin.rfind(':') + 1)));
  for (const char* header :
       {"Content-Length: x", "Content-Length: -5", "Transfer-Encoding: gzip"}) {
    const auto answer =
        raw_exchange(port, std::string("POST /v1/direct_upload HTTP/1.1\r\nHost: localhost\r\n") +
                               header + "\r\n\r\n");
    EXPECT_FALSE(answer.starts_with("HTTP/1.1 2")) << answer;
  }
  EXPECT_EQ(client.get("/v1/organizations/1").status, 200u);
  process->kill(SIGKILL);
  process->wait();
  EXPECT_TRUE(process->errors().empty()) << process->errors();
}

// The request of the documentation, host aside, and its answer field by field; with the real
// renderer.
TEST_F(Program, TheDocumentedRequestGetsTheDocumentedAnswer) {
  const std::string script = R"SCRIPT(
curl -s -X POST "$GEN_API_BASE_URL/autocontentengine/101/cells/3300/generate?agent_id=42" \
-H "X-API-Key: your-api-key" \
-H "Content-Type: application/json" \
-d '{
"generation_type": "video_from_ingredients",
"data": {
"prompt": "A dynamic product showcase video featuring the uploaded product image, camera orbiting around it with particle effects and dramatic lighting",
"model": "pika",
"asset_resource_ids": [501, 502],
"aspect_ratio": "16:9",
"duration": 5
}
}'
echo
while :; do
  answer=$(curl -s -H "X-API-Key: your-api-key" "$GEN_API_BASE_URL/generations/9040")
  case $answer in *pending*|*processing*) sleep 0.2 ;; *) break ;; esac
done
echo "$answer"
curl -s -o "$0" "$(echo "$answer" | sed 's/.*"\(http[^"]*mp4\)".*/\1/')"
)SCRIPT";
  const GCharPtr picture_text(
      g_strdup("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4YSOHFTEMLQkAfuxIgRXblWM"
               "AAAAASUVORK5CYII="));
  gsize size = 0;
  const Owned<guchar, g_free> picture(g_base64_decode(picture_text.get(), &size));
  const std::string file =
      folder_.write("product.png", std::string(reinterpret_cast<char*>(picture.get()), size));
  const std::string clip = folder_.path("clip.mp4");
  // GStreamer loads plugins that a leak check objects to at the end.
  const auto process = run({"exec", "--api-key", "your-api-key", "--ingredient", file,
                            "--ingredient", file, "--", "/bin/sh", "-c", script, clip},
                           false, {{"ASAN_OPTIONS", "detect_leaks=0"}});
  EXPECT_EQ(process->wait(), 0);
  const auto line_end = process->output().find('\n');
  ASSERT_NE(line_end, std::string::npos) << process->output();
  EXPECT_EQ(Json::parse(process->output().substr(0, line_end)).dump(),
            Json::parse(R"({"generation_id": 9040, "status": "pending"})").dump());
  std::string answer = process->output().substr(line_end + 1);
  const auto host = answer.find("http://");
  ASSERT_NE(host, std::string::npos) << answer;
  answer =
      replaced(answer, answer.substr(host, answer.find("/outputs") - host), "https://cdn.gen.pro");
  EXPECT_EQ(Json::parse(answer).dump(), Json::parse(R"({
"id": 9040,
"status": "completed",
"user_job_type": "video_generation",
"result": null,
"failed_reason": null,
"output_resources": [
{
"id": 1900,
"url": "https://cdn.gen.pro/outputs/vid_ingredients_001.mp4",
"thumbnail_url": "https://cdn.gen.pro/thumbnails/vid_ingredients_001.jpg",
"object_type": "video",
"type": "output"
}
],
"execution_cost": 3.5
})")
                                            .dump());
  EXPECT_EQ(read_file(clip).substr(4, 4), "ftyp");
}

}  // namespace genpro::emulator::test
