// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the page is served and told, seen by a client; tests/page has the browser.
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "emulator/http/guard.h"
#include "emulator/util/api_error.h"
#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace {

class Page : public EmulatorTest {
 protected:
  Json exchanges(const std::string& path) {
    const auto number = path.substr(path.rfind('/') + 1);
    const auto answer = client_->get("/_emulator/generations/" + number + "/exchanges");
    EXPECT_EQ(answer.status, 200u) << answer.body;
    return answer.json()["exchanges"];
  }

  // What the event stream says within `seconds`, or until it says `words`.
  std::string events_until(const std::string& words, const std::function<void()>& meanwhile) {
    const int socket = connect_to(emulator_->port());
    const Socket owner(socket);
    const std::string request =
        std::string("GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ") + test_key +
        "\r\n\r\n";
    EXPECT_EQ(write(socket, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    std::string text;
    bool acted = false;
    eventually([&] {
      char buffer[4096];
      const auto got = recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
      if (!acted && text.find("event: reload") != std::string::npos) {
        acted = true;
        meanwhile();
      }
      return got == 0 || text.find(words) != std::string::npos;
    });
    return text;
  }

 private:
  struct Socket {
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket() { close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd_;
  };
};

Request request_of(const std::string& method, const std::string& host,
                   const std::string& origin = {}, const std::string& site = {}) {
  Request request;
  request.method = method;
  request.headers["host"] = host;
  if (!origin.empty()) request.headers["origin"] = origin;
  if (!site.empty()) request.headers["sec-fetch-site"] = site;
  return request;
}

bool lets_in(const OriginGuard& guard, const Request& request) {
  try {
    guard.check(request);
    return true;
  } catch (const ApiError& refusal) {
    EXPECT_EQ(refusal.status(), 403u);
    EXPECT_EQ(refusal.code(), "forbidden");
    return false;
  }
}

TEST(OriginGuard, TakesThisMachineUnderItsOwnNamesOnly) {
  const OriginGuard guard("127.0.0.1");
  for (const char* host : {"127.0.0.1", "127.0.0.1:8787", "localhost:8787", "LOCALHOST", "[::1]:80",
                           "127.1.2.3:9", "app.localhost:1", ""}) {
    EXPECT_TRUE(lets_in(guard, request_of("GET", host))) << host;
    EXPECT_TRUE(lets_in(guard, request_of("POST", host))) << host;
  }
  for (const char* host :
       {"evil.example", "evil.example:8787", "127.0.0.1.evil.example", "localhost.evil.example",
        "notlocalhost", "192.168.1.1:8787", "0.0.0.0:8787", "[::2]", "[", "]", ":", ":80",
        "127.0.0.1, evil.example", "evil.example, 127.0.0.1", "localhost@evil.example"}) {
    EXPECT_FALSE(lets_in(guard, request_of("GET", host))) << host;
    EXPECT_FALSE(lets_in(guard, request_of("POST", host))) << host;
  }
}

TEST(OriginGuard, TakesTheConfiguredAddressAndAllOfAWildcard) {
  EXPECT_TRUE(lets_in(OriginGuard("192.0.2.7"), request_of("GET", "192.0.2.7:8787")));
  EXPECT_FALSE(lets_in(OriginGuard("192.0.2.7"), request_of("GET", "192.0.2.8:8787")));
  EXPECT_TRUE(lets_in(OriginGuard("0.0.0.0"), request_of("GET", "studio.example:8787")));
  EXPECT_FALSE(
      lets_in(OriginGuard("0.0.0.0"), request_of("POST", "studio.example", "http://evil.example")));
}

TEST(OriginGuard, RefusesChangesFromPagesOfOthers) {
  const OriginGuard guard("127.0.0.1");
  const std::string host = "127.0.0.1:8787";
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WHATEVER"}) {
    EXPECT_TRUE(lets_in(guard, request_of(method, host, "http://127.0.0.1:8787", "same-origin")));
    EXPECT_TRUE(lets_in(guard, request_of(method, host, "", "none")));
    for (const char* origin :
         {"http://evil.example", "null", "http://127.0.0.1", "http://localhost:8787",
          "http://127.0.0.1:8788", "127.0.0.1:8787", "http://127.0.0.1:8787.evil.example"}) {
      EXPECT_FALSE(lets_in(guard, request_of(method, host, origin))) << origin;
    }
    EXPECT_FALSE(lets_in(guard, request_of(method, host, "", "cross-site")));
    EXPECT_FALSE(lets_in(guard, request_of(method, host, "", "same-site")));
  }
  // Reading does no harm, and links from elsewhere lead to the page.
  EXPECT_TRUE(lets_in(guard, request_of("GET", host, "http://evil.example", "cross-site")));
}

TEST_F(Page, OtherPagesChangeNothingAlsoWithTheKey) {
  upload_two();
  const std::string body = body_with("Not wanted");
  for (const Headers& headers :
       {Headers{{"Origin", "http://evil.example"}}, Headers{{"Sec-Fetch-Site", "cross-site"}}}) {
    expect_error(client_->post(generate_path, body, headers), 403, "forbidden");
    expect_error(client_->send("DELETE", "/v1/content_resources/501?agent_id=42", {}, headers), 403,
                 "forbidden");
  }
  EXPECT_EQ(cell()["user_jobs"].size(), 0u);
  EXPECT_EQ(client_->get("/v1/content_resources/501?agent_id=42").status, 200u);
  EXPECT_EQ(client_->post(generate_path, body, {{"Origin", client_->origin()}}).status, 201u);
}

TEST_F(Page, IsInTheProgramAndLoadsNothingFromElsewhere) {
  const auto page = client_->get("/", {{"X-API-Key", ""}});
  ASSERT_EQ(page.status, 200u);
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  const std::string policy = page.header("content-security-policy");
  for (const char* rule : {"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"}) {
    EXPECT_NE(policy.find(rule), std::string::npos) << policy;
  }
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  EXPECT_EQ(page.header("x-frame-options"), "DENY");
  // Each file that it names is there, and none of them names another machine.
  std::vector<std::string> files{"/"};
  for (std::size_t at = 0; (at = page.body.find("\"/page/", at)) != std::string::npos; ++at) {
    files.push_back(page.body.substr(at + 1, page.body.find('"', at + 1) - at - 1));
  }
  EXPECT_EQ(files.size(), 4u);
  for (const auto& file : files) {
    const auto answer = client_->get(file, {{"X-API-Key", ""}});
    EXPECT_EQ(answer.status, 200u) << file;
    EXPECT_FALSE(answer.body.empty()) << file;
    EXPECT_EQ(answer.body.find("https://"), std::string::npos) << file;
  }
  EXPECT_EQ(client_->get("/page/nothing.js").status, 404u);
  EXPECT_EQ(client_->get("/page/..%2Fmain.js").status, 404u);
}

TEST_F(Page, NeedsTheKeyForAllThatItShows) {
  EXPECT_EQ(client_->get("/page/settings.json", {{"X-API-Key", ""}}).body,
            R"({"key_required":true})");
  for (const char* path : {"/_emulator/form", "/_emulator/generations", "/_emulator/events",
                           "/_emulator/generations/9040/exchanges", "/_emulator/faults"}) {
    expect_error(client_->get(path, {{"X-API-Key", "wrong"}}), 401, "unauthorized");
  }
  start([](EmulatorSettings& settings) { settings.api_key.clear(); });
  EXPECT_EQ(client_->get("/page/settings.json").body, R"({"key_required":false})");
}

TEST_F(Page, OffersTheCellsThatHoldVideos) {
  call("POST", "columns", R"({"spreadsheet_column":{"title":"city","type":"text"}})");
  const Json form = client_->get("/_emulator/form").json();
  EXPECT_EQ(form["credit"].number(), credit());
  EXPECT_EQ(form["agents"].at(0)["id"].number(), 42);
  ASSERT_EQ(form["cells"].size(), 1u) << form.dump();
  EXPECT_EQ(form["cells"].at(0)["sheet_id"].number(), 101);
  EXPECT_EQ(form["cells"].at(0)["cell_id"].number(), 3300);
  EXPECT_EQ(form["models"].size(), 5u);
  EXPECT_EQ(form["dialect"].text(), "seed");
}

TEST_F(Page, OffersTheModelsOfTheDialectThatIsSpoken) {
  start([](EmulatorSettings& settings) { settings.dialect = Dialect::today; });
  const Json form = client_->get("/_emulator/form").json();
  EXPECT_EQ(form["dialect"].text(), "today");
  bool has_grok = false;
  for (std::size_t at = 0; at < form["models"].size(); ++at) {
    const std::string name = form["models"].at(at)["name"].text();
    EXPECT_NE(name, "pika");
    const std::size_t ratios = form["models"].at(at)["aspect_ratios"].size();
    EXPECT_TRUE(name != "veo-3.1" || ratios == 2) << ratios;
    EXPECT_TRUE(name != "grok" || ratios == 7) << ratios;
    has_grok = has_grok || name == "grok";
  }
  EXPECT_TRUE(has_grok) << form.dump();
}

TEST_F(Page, ListsGenerationsNewestFirstInParts) {
  upload_two();
  for (int i = 0; i < 5; ++i) wait_for(generate("Number " + std::to_string(i)), "completed");
  const Json first = client_->get("/_emulator/generations?limit=3").json();
  ASSERT_EQ(first["generations"].size(), 3u);
  EXPECT_EQ(first["has_more"].dump(), "true");
  const Json newest = first["generations"].at(0);
  EXPECT_EQ(newest["prompt"].text(), "Number 4");
  EXPECT_EQ(newest["generation"]["id"].number(), 9044);
  EXPECT_EQ(newest["generation"]["status"].text(), "completed");
  EXPECT_EQ(newest["asset_resource_ids"].size(), 2u);
  EXPECT_TRUE(newest["progress"].is_null());
  const Json rest = client_->get("/_emulator/generations?limit=3&before=9042").json();
  ASSERT_EQ(rest["generations"].size(), 2u);
  EXPECT_EQ(rest["generations"].at(1)["generation"]["id"].number(), 9040);
  EXPECT_EQ(rest["has_more"].dump(), "false");
  expect_error(client_->get("/_emulator/generations?before=x"), 422, "validation_error", "before");
}

TEST_F(Page, TellsHowFarAGenerationHasCome) {
  upload_two();
  const std::string path = generate("[hang]");
  wait_for(path, "processing");
  const auto progress = [&] {
    return client_->get("/_emulator/generations").json()["generations"].at(0)["progress"].number();
  };
  EXPECT_TRUE(eventually([&] { return progress() == 0.5; })) << progress();
}

TEST_F(Page, KeepsRequestsAndAnswersWordForWordAndWithoutTheKey) {
  upload_two();
  // The order of members and the white space are the client's own.
  const std::string body = std::string("{ \"data\": {\"prompt\":\"My key is ") + test_key +
                           "\",\n \"asset_resource_ids\":[502,501]},"
                           "\"generation_type\":\"video_from_ingredients\" }";
  const auto created =
      client_->post(generate_path, body, {{"Idempotency-Key", "k-1"}, {"User-Agent", "caf\xe9"}});
  ASSERT_EQ(created.status, 201u) << created.body;
  const std::string path =
      "/v1/generations/" +
      std::to_string(static_cast<int>(created.json()["generation_id"].number()));
  wait_for(path, "completed");
  const auto last = client_->get(path).body;
  for (int i = 0; i < 3; ++i) client_->get(path);
  expect_error(client_->post(path + "/stop", "{}"), 422, "job_cannot_be_stopped");

  const Json said = exchanges(path);
  ASSERT_GE(said.size(), 3u) << said.dump();
  EXPECT_EQ(said.dump().find(test_key), std::string::npos) << said.dump();
  const Json first = said.at(0);
  EXPECT_EQ(first["method"].text(), "POST");
  EXPECT_EQ(first["target"].text(), generate_path);
  EXPECT_EQ(first["headers"]["idempotency-key"].text(), "k-1");
  std::string expected = body;
  expected.replace(expected.find(test_key), std::string(test_key).size(), "[key]");
  EXPECT_EQ(first["request"].text(), expected);
  EXPECT_EQ(first["status"].number(), 201);
  EXPECT_EQ(first["answer"].text(), created.body);
  const Json poll = said.at(said.size() - 2);
  EXPECT_EQ(poll["target"].text(), path);
  EXPECT_EQ(poll["answer"].text(), last);
  EXPECT_GE(poll["times"].number(), 4);
  const Json stop = said.at(said.size() - 1);
  EXPECT_EQ(stop["target"].text(), path + "/stop");
  EXPECT_EQ(stop["status"].number(), 422);

  // They are there after a restart, in a file that is nobody else's business.
  const std::string before = said.dump();
  restart();
  EXPECT_EQ(exchanges(path).dump(), before);
  EXPECT_EQ(std::filesystem::status(folder_.path("data/journal.db")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Page, KeepsSoManyAnswersOfOneGeneration) {
  upload_two();
  const std::string path = generate("a");
  wait_for(path, "completed");
  for (int i = 0; i < 250; ++i) client_->get(path + "?n=" + std::to_string(i));
  const Json said = exchanges(path);
  EXPECT_LE(said.size(), 101u);
  EXPECT_GE(said.size(), 50u);
  EXPECT_EQ(said.at(0)["method"].text(), "POST");
  EXPECT_EQ(said.at(said.size() - 1)["target"].text(), path + "?n=249");
}

TEST_F(Page, SaysWhichAnswerAFaultHasLost) {
  upload_two();
  client_->post("/_emulator/faults", R"({"name":"lost-answers","value":"closed:count=1"})");
  EXPECT_ANY_THROW(client_->post(generate_path, body_with("a")));
  EXPECT_TRUE(eventually([&] { return cell()["user_jobs"].size() == 1; }));
  const Json said = exchanges("/v1/generations/9040");
  ASSERT_GE(said.size(), 1u);
  EXPECT_EQ(said.at(0)["arrived"].dump(), "false") << said.dump();
}

TEST_F(Page, TellsOfChangesAsTheyCome) {
  const std::string told = events_until(R"("status":"completed")", [&] {
    upload_two();
    generate("Live");
  });
  EXPECT_TRUE(told.starts_with("HTTP/1.1 200")) << told;
  EXPECT_NE(told.find("text/event-stream"), std::string::npos) << told;
  for (const char* part :
       {"event: credit\ndata: {\"credit\":1000}", "event: resources\ndata: {}",
        "event: generation\ndata: {", R"("prompt":"Live")", R"("status":"completed")"}) {
    EXPECT_NE(told.find(part), std::string::npos) << part << "\n" << told;
  }
  const std::string faults = events_until(
      "event: faults", [&] { client_->post("/_emulator/faults", R"({"name":"poll-errors"})"); });
  EXPECT_NE(faults.find("event: faults"), std::string::npos) << faults;
}

TEST_F(Page, EndsWithPagesOpenAndTakesNoMoreThanItCanServe) {
  std::vector<int> sockets;
  const auto open = [&] {
    const int socket = connect_to(emulator_->port());
    sockets.push_back(socket);
    const std::string request =
        std::string("GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ") + test_key +
        "\r\n\r\n";
    EXPECT_EQ(write(socket, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    char head[13] = {};
    EXPECT_EQ(recv(socket, head, 12, MSG_WAITALL), 12);
    return std::string(head);
  };
  for (int i = 0; i < 64; ++i) EXPECT_EQ(open(), "HTTP/1.1 200");
  EXPECT_EQ(open(), "HTTP/1.1 503");
  // Those of pages that have gone are free again, at once.
  for (int i = 0; i < 3; ++i) {
    for (const int socket : sockets) close(socket);
    sockets.clear();
    for (int page = 0; page < 64; ++page) EXPECT_EQ(open(), "HTTP/1.1 200") << page;
  }
  restart();
  EXPECT_EQ(client_->get("/_emulator/form").status, 200u);
  for (const int socket : sockets) close(socket);
}

}  // namespace

}  // namespace genpro::emulator::test
