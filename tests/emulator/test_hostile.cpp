// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input that means harm or makes no sense: an error, and the service goes on.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/file_descriptor.h"
#include "emulator_fixture.h"

namespace genpro::emulator::test {

class Hostile : public EmulatorTest {
 protected:
  void TearDown() override {
    ASSERT_TRUE(client_);
    EXPECT_EQ(client_->get("/v1/organizations/1").status, 200u);
  }
  std::string raw(const std::string& request) { return raw_exchange(emulator_->port(), request); }
  // What comes until the server closes; the test fails when it does not.
  static std::string read_to_the_end(int fd) {
    std::string text;
    bool ended = false;
    EXPECT_TRUE(eventually([&] {
      char buffer[4096];
      const ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
      ended = got == 0;
      return ended;
    })) << "the connection stays open after \""
        << text << '"';
    return text;
  }
  // Over a connection of its own, which would be kept, and is left.
  std::string status_of_one_get() {
    const FileDescriptor fd(connect_to(emulator_->port()));
    const std::string request =
        std::string("GET /v1/organizations/1 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ") +
        test_key + "\r\n\r\n";
    if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
    const timeval patience{20, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char status[13] = {};
    return recv(fd.get(), status, 12, MSG_WAITALL) == 12 ? status : "";
  }
  std::string head(const std::string& line) {
    return line + " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + test_key +
           "\r\nConnection: close\r\n";
  }
  static void expect_json_error(const std::string& answer, unsigned status) {
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status))) << answer;
    const auto body = answer.find("\r\n\r\n");
    ASSERT_NE(body, std::string::npos) << answer;
    EXPECT_FALSE(Json::parse(answer.substr(body + 4))["error"].text().empty()) << answer;
    EXPECT_NE(answer.find("\"error_code\""), std::string::npos) << answer;
  }
};

TEST_F(Hostile, PathsLeadNowhereElse) {
  for (const char* path :
       {"/outputs/../../etc/passwd", "/outputs/%2e%2e/%2e%2e/etc/passwd", "/outputs/..%2flock",
        "/outputs/%2e%2e%2flock", "/../../etc/passwd", "/outputs/%00", "/outputs/a%00.mp4",
        "/outputs/%ff%fe", "/outputs/%zz", "/outputs/%", "/outputs/....//lock", "//etc/passwd",
        "/v1/generations/..%2f..%2f", "/outputs\\..\\lock"}) {
    const auto answer = raw(head(std::string("GET ") + path) + "\r\n");
    EXPECT_EQ(answer.find("root:"), std::string::npos) << path;
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"))
        << path << ": " << answer;
    expect_json_error(answer, answer[9] == '4' && answer[11] == '4' ? 404 : 400);
  }
  // These are other spellings of "/", where the page is.
  const std::string page = client_->get("/").body;
  for (const char* path : {"/uploads/..", "/uploads/%2e%2e", "/outputs/../uploads/.."}) {
    EXPECT_TRUE(raw(head(std::string("GET ") + path) + "\r\n").ends_with("\r\n\r\n" + page))
        << path;
  }
  expect_json_error(raw(head("GET /" + std::string(60'000, 'a')) + "\r\n"), 404);
}

TEST_F(Hostile, DeepJsonIsRefusedBeforeItIsParsed) {
  for (const char* unit : {"[", "{\"a\":", "[{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 10'000; ++i) deep += unit;
    expect_error(client_->post(generate_path, deep), 422, "validation_error", "64 deep");
  }
  // What hides from a check that is not as strict as the parser is lax.
  for (const std::string& sly :
       {std::string("/* \" */") + std::string(10'000, '['), "var x = " + std::string(10'000, '['),
        "{'a\":'" + std::string(10'000, '[')}) {
    expect_error(client_->post(generate_path, sly), 422, "validation_error");
  }
}

TEST_F(Hostile, WholeNumbersThatDoNotFitAreNamedAndChangeNothing) {
  upload_two();
  const auto patch = [this](const std::string& body) {
    return client_->send("PATCH", "/v1/vidsheet/101/cells/3300?agent_id=42", body,
                         {{"Content-Type", "application/json"}});
  };
  const std::string import = "/v1/vidsheet/101/import_global_variables?agent_id=42";
  EXPECT_EQ(patch(R"({"value":"kept"})").status, 200u);
  for (const std::string number : {"123456789012345678901234567890", "9223372036854775808",
                                   "-9223372036854775809", "18446744073709551616"}) {
    expect_error(patch(R"({"value":)" + number + "}"), 422, "validation_error", number);
    expect_error(patch(R"({"additional_attributes":{"a":[)" + number + "]}}"), 422,
                 "validation_error", number);
    expect_error(client_->post(import, R"({"variables":{"a":)" + number + "}}"), 422,
                 "validation_error", number);
    expect_error(
        client_->post(generate_path, body_with("a", "\"x\":" + number), {{"Idempotency-Key", "k"}}),
        422, "validation_error", number);
  }
  EXPECT_EQ(cell()["value"].text(), "kept");
  EXPECT_EQ(cell()["additional_attributes"].dump(), "{}");
  EXPECT_EQ(client_->get("/v1/vidsheet/101/global_variables?agent_id=42").body, "null");
  // A name of so many digits is shortened for the message, and not cut out of what is kept.
  expect_error(patch(R"({"value":)" + std::string(5000, '7') + "}"), 422, "validation_error",
               "7777777");
  for (const std::string number :
       {"9223372036854775807", "-9223372036854775808", "0", "-1", "0.5"}) {
    EXPECT_EQ(patch(R"({"value":)" + number + "}").json()["value"].text(), number);
  }
  EXPECT_EQ(patch(R"({"value":"123456789012345678901234567890"})").json()["value"].text(),
            "123456789012345678901234567890");
}

TEST_F(Hostile, LargeJsonIsRefused) {
  const std::string large = body_with(std::string(std::size_t{50} * 1024 * 1024, 'a'));
  expect_error(client_->post(generate_path, large), 422, "validation_error", "1 MB");
  // Without an announced length.
  std::string chunked = head(std::string("POST ") + generate_path) +
                        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200; ++i) chunked += "4000\r\n" + std::string(0x4000, ' ') + "\r\n";
  expect_json_error(raw(chunked + "0\r\n\r\n"), 422);
}

TEST_F(Hostile, TextThatIsNoUtf8IsRefused) {
  upload_two();
  expect_error(client_->post(generate_path, body_with("a\xff\xfe")), 422, "validation_error",
               "UTF-8");
  expect_error(client_->post(generate_path, body_with("a\\u0000b")), 422, "validation_error",
               "U+0000");
  expect_error(client_->post(generate_path, body_with("\\ud800")), 422, "validation_error",
               "surrogate");
  EXPECT_EQ(client_->post(generate_path, body_with("\\ud83d\\ude00")).status, 201u);
  expect_error(client_->get("/v1/content_resources?agent_id=%ff"), 400, "bad_request");
}

TEST_F(Hostile, BrokenHttpGetsAnErrorOrNothing) {
  for (const std::string& request :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("\0\0\0\0", 4), std::string("GET / HTTP/1.1\r\n\r\n"),
        head("POST /v1/direct_upload") + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        head("OPTIONS *") + "\r\n", head("CONNECT a:1") + "\r\n", head("GET http://[/") + "\r\n",
        "GET / HTTP/1.1\r\nX: " + std::string(200'000, 'x')}) {
    const auto answer = raw(request);
    if (!answer.empty()) {
      EXPECT_TRUE(answer.starts_with("HTTP/1.")) << answer;
      EXPECT_FALSE(answer.starts_with("HTTP/1.1 2")) << request.substr(0, 100) << answer;
    }
  }
  expect_json_error(raw("GET / HTTP/1.1\r\n\r\n"), 400);
}

TEST_F(Hostile, ABodyThatIsCutLeavesTheServiceAlone) {
  raw(head(std::string("POST ") + generate_path) +
      "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"generation_type\":");
  EXPECT_EQ(client_->get("/v1/vidsheet/101/cells/3300?agent_id=42").json()["user_jobs"].size(), 0u);
}

TEST_F(Hostile, AHostHeaderCannotWriteIntoTheAnswer) {
  upload_two();
  wait_for(generate("a"), "completed");
  const auto answer =
      raw("GET /v1/generations/9040 HTTP/1.1\r\nHost: a\"b,<script>\r\nConnection: close\r\n"
          "X-API-Key: " +
          std::string(test_key) + "\r\n\r\n");
  EXPECT_EQ(answer.find("<script>"), std::string::npos) << answer;
}

TEST_F(Hostile, AnswersNeverHoldTheKey) {
  const std::string secret = test_key;
  for (const auto& response :
       {client_->get("/v1/" + secret), client_->post(generate_path, "x"),
        client_->get("/v1/generations/1"), client_->get("/v1/organizations/1"),
        client_->get("/v1/organizations/1", {{"X-API-Key", "wrong"}})}) {
    EXPECT_EQ(response.body.find(secret), std::string::npos) << response.body;
  }
}

// One connection serves many requests, also when their bodies come later than their heads.
TEST_F(Hostile, ConnectionsAreKept) {
  const FileDescriptor fd(connect_to(emulator_->port()));
  std::string answers;
  for (int i = 0; i < 5; ++i) {
    const std::string request = std::string("POST ") + generate_path +
                                " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + test_key +
                                "\r\nContent-Length: 2\r\n\r\n";
    ASSERT_GT(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    // The answer to another client tells that the head has been read.
    EXPECT_EQ(client_->get("/v1/organizations/1").status, 200u);
    ASSERT_EQ(send(fd.get(), "{}", 2, MSG_NOSIGNAL), 2) << "the connection was closed";
    char buffer[4096];
    std::string answer;
    while (answer.find("error_code") == std::string::npos) {
      const ssize_t got = recv(fd.get(), buffer, sizeof buffer, 0);
      ASSERT_GT(got, 0) << "the connection was closed after " << i << " requests";
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    EXPECT_NE(answer.find("generation_type"), std::string::npos) << answer;
  }
}

TEST_F(Hostile, SlowClientsDoNotHoldUpOthers) {
  std::vector<FileDescriptor> slow;
  for (int i = 0; i < 300; ++i) {
    slow.emplace_back(connect_to(emulator_->port()));
    const std::string start = i % 3 == 0   ? "GET /v1/org"
                              : i % 3 == 1 ? head(std::string("POST ") + generate_path) +
                                                 "Content-Length: 500\r\n\r\n{\"a\":"
                                           : "";
    if (!start.empty()) {
      EXPECT_GT(send(slow.back().get(), start.data(), start.size(), MSG_NOSIGNAL), 0);
    }
  }
  upload_two();
  EXPECT_EQ(client_->get("/v1/organizations/1").status, 200u);
}

TEST_F(Hostile, ALargeTransferDoesNotHoldUpOthers) {
  const std::string bytes = mp4_bytes(std::size_t{400} * 1024 * 1024);
  const auto announced =
      client_
          ->post("/v1/direct_upload", R"({"blob":{"filename":"c.mp4","byte_size":)" +
                                          std::to_string(bytes.size()) + R"(,"checksum":")" +
                                          md5_base64(bytes) + R"(","content_type":"video/mp4"}})")
          .json();
  std::atomic<bool> busy{true};
  Response put;
  std::thread uploader([&] {
    Client other(emulator_->origin());
    put = other.send("PUT", announced["direct_upload"]["url"].text(), bytes,
                     {{"Content-Type", "video/mp4"}, {"Content-MD5", md5_base64(bytes)}});
    busy = false;
  });
  int asked = 0;
  while (busy) {
    EXPECT_EQ(client_->get("/v1/organizations/1").status, 200u);
    ++asked;
  }
  uploader.join();
  EXPECT_EQ(put.status, 200u) << put.body;
  EXPECT_GT(asked, 10);
}

TEST_F(Hostile, ManyConnectionsComeAndGo) {
  const auto open_files = [] {
    int count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd")) {
      ++count;
    }
    return count;
  };
  client_->get("/v1/organizations/1");
  const int before = open_files();
  for (int i = 0; i < 1500; ++i) {
    const FileDescriptor fd(connect_to(emulator_->port()));
    ASSERT_TRUE(fd);
  }
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(status_of_one_get(), "HTTP/1.1 200") << i;
  EXPECT_EQ(client_->get("/v1/organizations/1").status, 200u);
  EXPECT_TRUE(eventually([&] { return open_files() <= before + 2; }));
}

TEST_F(Hostile, ConnectionsThatHaveGoneTakeNoDescriptors) {
  rlimit original = {};
  getrlimit(RLIMIT_NOFILE, &original);
  client_->get("/v1/organizations/1");
  const FileDescriptor probe(dup(0));
  rlimit tight = original;
  tight.rlim_cur = static_cast<rlim_t>(probe.get()) + 40;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(status_of_one_get(), "HTTP/1.1 200") << i;
  setrlimit(RLIMIT_NOFILE, &original);
}

// The requests that a client has sent at once are answered, although it says no more.
TEST_F(Hostile, RequestsInARowAreAnsweredAfterTheLastByte) {
  const std::string one =
      std::string("GET /v1/organizations/1 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ") + test_key +
      "\r\n\r\n";
  const std::string answers = raw(one + one + one);
  std::size_t found = 0;
  for (auto at = answers.find("HTTP/1.1 200"); at != std::string::npos;
       at = answers.find("HTTP/1.1 200", at + 1)) {
    ++found;
  }
  EXPECT_EQ(found, 3u) << answers;
}

TEST_F(Hostile, ConnectionsThatSayNothingMoreAreClosed) {
  start([](EmulatorSettings& settings) {
    settings.connections.idle = 0.3;
    settings.connections.stalled = 0.3;
  });
  const std::string get =
      std::string("GET /v1/organizations/1 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ") + test_key +
      "\r\n\r\n";
  const std::string post =
      head(std::string("POST ") + generate_path) + "Content-Length: 500\r\n\r\n{";
  const auto closed = [this](const std::string& bytes) {
    const FileDescriptor fd(connect_to(emulator_->port()));
    EXPECT_EQ(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    return read_to_the_end(fd.get());
  };
  EXPECT_EQ(closed(""), "");
  EXPECT_TRUE(closed(get).starts_with("HTTP/1.1 200"));
  for (const std::string& half : {get.substr(0, 9), get.substr(0, 50), post}) {
    expect_json_error(closed(half), 408);
  }
  EXPECT_TRUE(closed(get + "GET /v1/org").starts_with("HTTP/1.1 200"));
}

TEST_F(Hostile, AnAnswerThatTakesLongerThanAnIdleConnectionMayIsSent) {
  start([](EmulatorSettings& settings) {
    settings.connections.idle = 0.2;
    settings.connections.stalled = 0.2;
    settings.faults = {{"slow-downloads", "50k"}};
  });
  upload_two();
  EXPECT_EQ(client_->get(clip_of(generate("a"))).body, fake_clip());
}

TEST_F(Hostile, ABodyOverItsLimitIsAnsweredBeforeItsEnd) {
  const std::string start =
      head(std::string("POST ") + generate_path) + "Content-Type: application/json\r\n";
  const std::string piece = "10000\r\n" + std::string(0x10000, ' ') + "\r\n";
  std::string pieces;
  for (int i = 0; i < 17; ++i) pieces += piece;
  // None of them sends its body to the end, nor closes its side.
  for (const std::string& request :
       {start + "Content-Length: 2000000\r\n\r\n{",
        start + "Transfer-Encoding: chunked\r\n\r\n" + pieces,
        head("POST /v1/nothing") + "Transfer-Encoding: chunked\r\n\r\n" + piece,
        head("GET /v1/organizations/1") + "Transfer-Encoding: chunked\r\n\r\n" + pieces}) {
    const bool is_lost = request.starts_with("POST /v1/nothing");
    const FileDescriptor fd(connect_to(emulator_->port()));
    ASSERT_EQ(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    expect_json_error(read_to_the_end(fd.get()), is_lost ? 404 : 422);
  }
}

TEST_F(Hostile, WhatCannotBeReadIsSaidSo) {
  expect_json_error(
      raw(head(std::string("POST ") + generate_path) + "Transfer-Encoding: chunked\r\n\r\n5\r\n{}"),
      400);
  expect_json_error(raw(head("GET /" + std::string(80'000, 'a')) + "\r\n"), 414);
  expect_json_error(raw(head("GET /") + "X: " + std::string(200'000, 'x') + "\r\n\r\n"), 431);
  expect_json_error(raw(head("GET /") + "X: " + std::string(80'000, 'x') + "\r\n\r\n"), 431);
  for (const char* value : {"%00", "%zz", "%ff"}) {
    const auto answer =
        raw(head(std::string("GET /v1/content_resources?agent_id=") + value) + "\r\n");
    expect_json_error(answer, 400);
  }
}

TEST_F(Hostile, AShortageOfDescriptorsPasses) {
  rlimit original = {};
  getrlimit(RLIMIT_NOFILE, &original);
  client_->get("/v1/organizations/1");
  const FileDescriptor probe(dup(0));
  rlimit tight = original;
  tight.rlim_cur = static_cast<rlim_t>(probe.get()) + 60;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  {
    std::vector<FileDescriptor> hoard;
    for (int i = 0; i < 200; ++i) {
      FileDescriptor fd(socket(AF_INET, SOCK_STREAM, 0));
      if (!fd) break;
      hoard.push_back(std::move(fd));
      const int connected = connect_to(emulator_->port());
      if (connected >= 0) hoard.emplace_back(connected);
    }
  }
  setrlimit(RLIMIT_NOFILE, &original);
  Client fresh(emulator_->origin());
  EXPECT_EQ(fresh.get("/v1/organizations/1").status, 200u);
}

}  // namespace genpro::emulator::test
