// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the emulator's tests have in common: a server on a thread of its own, a client, JSON to
// look into, and files.
#pragma once

#include <gtest/gtest.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/glib_ptr.h"
#include "emulator/app/emulator.h"
#include "fake_clip.h"

namespace genpro::emulator::test {

inline constexpr const char* test_key = "gen_pat_test-key";

// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path(const std::string& name = {}) const;
  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string root_;
};

std::string read_file(const std::string& path);
std::string png_bytes(std::size_t size = 200);
std::string mp4_bytes(std::size_t size = 300);
std::string wav_bytes();
std::string md5_base64(const std::string& bytes);

// A JSON text to look into. Wrong steps give an empty value instead of a crash, so that a test
// fails with a message.
class Json {
 public:
  Json() = default;
  static Json parse(const std::string& text);

  bool valid() const { return node_ != nullptr; }
  Json operator[](const char* name) const;
  Json at(std::size_t index) const;
  std::size_t size() const;
  bool is_null() const;
  std::string text() const;  // of a string, else "<kind>"
  double number() const;     // of a number, else NaN
  std::string dump() const;  // canonical enough to compare: members in their order
  std::vector<std::string> names() const;

 private:
  std::shared_ptr<JsonNode> node_;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Response {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  Json json() const { return Json::parse(body); }
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found != headers.end() ? found->second : std::string();
  }
};

class Client {
 public:
  explicit Client(std::string origin);
  // `target`: a path, sent as it stands, or a URL. The key is sent unless `headers` has one.
  Response send(const std::string& method, const std::string& target, const std::string& body = {},
                const Headers& headers = {});
  Response get(const std::string& target, const Headers& headers = {}) {
    return send("GET", target, {}, headers);
  }
  Response post(const std::string& target, const std::string& json, Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return send("POST", target, json, headers);
  }
  // Uploads as a form.
  Response upload(const std::string& file_name, const std::string& bytes);

  const std::string& origin() const { return origin_; }

 private:
  std::string origin_;
  ObjectPtr<SoupSession> session_;
};

// Sends `bytes` as they are over a connection of its own and returns what comes back until the
// server closes or `deadline` seconds have passed. `finish` closes the writing side.
std::string raw_exchange(std::uint16_t port, const std::string& bytes, bool finish = true,
                         double deadline = 10);
// A connected socket; -1 when there is none to be had.
int connect_to(std::uint16_t port);

// An emulator on a thread of its own.
class RunningEmulator {
 public:
  explicit RunningEmulator(EmulatorSettings settings);
  ~RunningEmulator();
  RunningEmulator(const RunningEmulator&) = delete;
  RunningEmulator& operator=(const RunningEmulator&) = delete;

  std::uint16_t port() const { return port_; }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // How many changes of generations there have been.
  std::uint64_t changes();
  // Waits until there are more; false after `seconds`.
  bool wait_for_change(std::uint64_t seen, double seconds = 60);

 private:
  void serve(const EmulatorSettings& settings);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;
  std::uint64_t changes_ = 0;
  std::string failure_;
  std::uint16_t port_ = 0;
  MainContextPtr context_;
  MainLoopPtr loop_;
  std::thread thread_;
};

// Repeats `condition` until it holds; false after `seconds`. For what nobody tells of: files,
// other processes, what a receiver has got.
bool eventually(const std::function<bool()>& condition, double seconds = 60);

inline constexpr const char* generate_path =
    "/v1/autocontentengine/101/cells/3300/generate?agent_id=42";

// One emulator with the fake renderer and without latency, and a client of it.
class EmulatorTest : public ::testing::Test {
 protected:
  void SetUp() override { start({}); }
  // Starts anew with changed settings and nothing in the store.
  void start(const std::function<void(EmulatorSettings&)>& change);
  // Ends the emulator and starts another one on the same store.
  void restart(const std::function<void(EmulatorSettings&)>& change = {});

  // A valid body of a generation, with `data` members added or replaced.
  static std::string body_with(const std::string& prompt, const std::string& more = {});
  // Uploads two ingredients, 501 and 502.
  void upload_two();
  // Posts a generation of two ingredients and returns its path, "/v1/generations/9040".
  std::string generate(const std::string& prompt, const std::string& more = {});
  // Waits until the generation has this status and returns it.
  Json wait_for(const std::string& path, const std::string& status);
  std::string status_of(const std::string& path);
  // Waits for a completed generation, and gives the path of its clip's address.
  std::string clip_of(const std::string& path);
  double credit();
  // What the emulator itself knows of a generation, by the path that generate() returns.
  Json inspect(const std::string& path);
  Json cell(const std::string& id = "3300");
  // Asserts that a call on the sheet 101 succeeds, such as "PATCH", "cells/3300"; its answer.
  Json call(const std::string& method, const std::string& path, const std::string& body = {});
  static void expect_error(const Response& response, unsigned status, const std::string& code,
                           const std::string& words = {});

  TemporaryFolder folder_;
  std::unique_ptr<RunningEmulator> emulator_;
  std::unique_ptr<Client> client_;
};

}  // namespace genpro::emulator::test
