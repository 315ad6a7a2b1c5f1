// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro serve`: clips for any player, each paid once, and by nobody's page.
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "cli/service_fixture.h"
#include "support/plain_client.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class ServeCommand : public ServiceCliTest {
 protected:
  void SetUp() override {
    fs::create_directory(folder());
    write_recipe("boat", "A boat");
  }
  std::string folder() const { return file("recipes"); }
  void write_recipe(const std::string& name, const std::string& prompt,
                    const std::string& more = "") const {
    write_file(folder() + "/" + name + ".genpro",
               "[genpro]\nasset-ids=501\nmodel=pika\npoll-interval=20\nretries=1\nprompt=" +
                   prompt + "\n" + more);
  }
  // Of a recipe that leaves nothing to the cell.
  static constexpr const char* whole = "aspect-ratio=16:9\nduration=5\n";
  void serve(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"serve", folder(), "--port", "0"};
    words.insert(words.end(), more.begin(), more.end());
    start(with_access(words));
  }
  void start(const std::vector<std::string>& words) {
    server_.reset();
    server_ = std::make_unique<Child>(words, environment(), file("output-serve"));
    ASSERT_TRUE(eventually([&] { return server_->output().find("/\n") != std::string::npos; }))
        << server_->output();
    const std::string text = server_->output();
    const std::size_t begin = text.find("http://127.0.0.1:");
    ASSERT_NE(begin, std::string::npos) << text;
    origin_ = text.substr(begin, text.find("/\n", begin) - begin);
  }
  std::vector<std::string> with_access(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {g_getenv("GENPRO")};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.insert(words.end(), {"--api-base-url", service_.api_base(), "--sheet-id", "101",
                               "--cell-id", "3300", "--agent-id", "42", "--ledger", path_});
    return words;
  }
  std::string host() const { return origin_.substr(std::string("http://").size()); }
  Reply get(const std::string& path, const RequestHeaders& headers = {}) const {
    return send("GET", origin_ + path, headers);
  }
  std::string paid_clip() const {
    const auto charged = service_.books().charged();
    return charged.size() == 1 ? service_.clip(charged.front().id) : service_.books().text();
  }
  // A connection of its own, on which `request` has been sent.
  ObjectPtr<GSocketConnection> connect(const std::string& request) const {
    const auto client = ObjectPtr<GSocketClient>::adopt(g_socket_client_new());
    auto connection = ObjectPtr<GSocketConnection>::adopt(
        g_socket_client_connect_to_host(client.get(), host().c_str(), 80, nullptr, nullptr));
    if (!connection) throw std::runtime_error("no connection");
    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection.get())),
                              request.data(), request.size(), nullptr, nullptr, nullptr);
    return connection;
  }
  // What it brings, up to its end or until all of `end` has come.
  static std::string read(const ObjectPtr<GSocketConnection>& connection,
                          const std::string& end = "") {
    GInputStream* in = g_io_stream_get_input_stream(G_IO_STREAM(connection.get()));
    std::string all;
    char buffer[4096];
    while (end.empty() || all.find(end) == std::string::npos) {
      const gssize count = g_input_stream_read(in, buffer, sizeof buffer, nullptr, nullptr);
      if (count <= 0) break;
      all.append(buffer, static_cast<std::size_t>(count));
    }
    return all;
  }
  std::string exchange(const std::string& request) const { return read(connect(request)); }
  std::string request(const std::string& path) const {
    return "GET " + path + " HTTP/1.1\r\nHost: " + host() + "\r\nConnection: close\r\n\r\n";
  }

  std::unique_ptr<Child> server_;
  std::string origin_;
};

TEST_F(ServeCommand, GivesTheClipOfARecipeThatIsPaidOnce) {
  // Whatever it says.
  write_recipe("boat", "A boat", "reuse=never\n");
  serve();
  const Reply whole = get("/recipe/boat.mp4");
  ASSERT_EQ(whole.status, 200) << whole.body << server_->output();
  EXPECT_EQ(whole.body, paid_clip());
  EXPECT_EQ(whole.headers.at("Content-Type"), "video/mp4");
  EXPECT_EQ(whole.headers.at("Accept-Ranges"), "bytes");
  EXPECT_EQ(get("/recipe/boat.mp4").body, whole.body);
  EXPECT_EQ(service_.books().posts.size(), 1U);

  // Also after the server has been started again.
  server_->send(SIGTERM);
  ASSERT_TRUE(server_->wait());
  EXPECT_EQ(server_->exit_code(), 128 + SIGTERM);
  serve();
  EXPECT_EQ(get("/recipe/boat.mp4").body, whole.body);
  EXPECT_EQ(service_.books().posts.size(), 1U);
  EXPECT_EQ(server_->output().find(key), std::string::npos);
}

TEST_F(ServeCommand, ListsAClipOnceThatARecipeWasOpenedFor) {
  ASSERT_EQ(run({"generate", "--prompt", "A kite", "-o", file("clip.mp4")}).exit_code, 0);
  const std::string kite = service_.books().charged().front().id;
  write_recipe("boat", "A boat");
  serve();
  const auto lines = [&](const std::string& part) {
    const std::string text = get("/playlist.m3u").body;
    int count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(lines("/generation/"), 1);
  ASSERT_EQ(get("/recipe/boat.mp4").status, 200);
  EXPECT_EQ(lines("/recipe/boat.mp4"), 1);
  EXPECT_EQ(lines("/generation/"), 1);
  EXPECT_EQ(lines("/generation/" + kite + ".mp4"), 1);
  // Changed, the recipe makes another clip, and what it has made stands for itself.
  write_recipe("boat", "Another boat");
  EXPECT_EQ(lines("/generation/"), 2);
}

TEST_F(ServeCommand, ListsAClipOnceThatARecipeMadeInAnEarlierRun) {
  write_recipe("boat", "A boat", whole);
  serve();
  ASSERT_EQ(get("/recipe/boat.mp4").status, 200) << server_->output();
  server_->send(SIGTERM);
  ASSERT_TRUE(server_->wait());
  serve();
  const std::string text = get("/playlist.m3u").body;
  EXPECT_NE(text.find("/recipe/boat.mp4"), std::string::npos) << text;
  EXPECT_EQ(text.find("/generation/"), std::string::npos) << text;
  // Changed, the recipe makes another clip, and what it has made stands for itself.
  write_recipe("boat", "Another boat", whole);
  const std::string changed = get("/playlist.m3u").body;
  EXPECT_NE(changed.find("/generation/"), std::string::npos) << changed;
  EXPECT_EQ(service_.books().posts.size(), 1U);
}

TEST_F(ServeCommand, HidesNoClipOfAnEarlierRunThatTheCellMayDecideOtherwiseNow) {
  serve();
  ASSERT_EQ(get("/recipe/boat.mp4").status, 200) << server_->output();
  const std::string id = service_.books().charged().front().id;
  serve();
  const std::string text = get("/playlist.m3u").body;
  EXPECT_NE(text.find("/recipe/boat.mp4"), std::string::npos) << text;
  EXPECT_NE(text.find("/generation/" + id + ".mp4"), std::string::npos) << text;
}

TEST_F(ServeCommand, ListsTheClipsThatARecipeIsNotServedWith) {
  const auto with_output = [&](const char* name) -> std::vector<std::string> {
    return {"generate", "--prompt", "A boat", "--reuse", "never", "-o", file(name)};
  };
  // The first one is paid, and never delivered.
  Manners manners;
  manners.clip_held_at = 1000;
  service_.behave(manners);
  const auto child = ServiceCliTest::start(with_output("first.mp4"));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.clip_requests >= 1; }));
  child->kill();
  const std::string first = service_.books().charged().front().id;
  service_.behave({});
  ASSERT_EQ(run(with_output("second.mp4")).exit_code, 0);
  ASSERT_EQ(service_.books().charged().size(), 2U);
  const std::string second = service_.books().charged().back().id;
  ASSERT_NE(first, second);

  write_recipe("boat", "A boat", whole);
  serve();
  const std::string text = get("/playlist.m3u").body;
  EXPECT_EQ(text.find("/generation/" + first + ".mp4"), std::string::npos) << text;
  EXPECT_NE(text.find("/generation/" + second + ".mp4"), std::string::npos) << text;
  EXPECT_EQ(get("/recipe/boat.mp4").body, service_.clip(first));
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
}

TEST_F(ServeCommand, ServesWhatTheLedgerHoldsWhereThatIsWanted) {
  ASSERT_EQ(run({"generate", "--prompt", "A kite", "-o", file("clip.mp4")}).exit_code, 0);
  serve({"--metrics"});
  const Reply page = get("/metrics");
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_EQ(page.headers.at("Content-Type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(page.body, genpro({"metrics", "--ledger", path_}).out);
  EXPECT_NE(page.body.find("status=\"completed\"} 1\n"), std::string::npos) << page.body;
  EXPECT_EQ(get("/metrics", {{"Origin", "https://evil.example"}}).status, 403U);
  EXPECT_EQ(service_.books().posts.size(), 1U);
  // In a while it tells what has changed.
  sql("UPDATE generations SET status = 'failed'");
  const auto tells_failure = [&] {
    return get("/metrics").body.find("status=\"failed\"} 1\n") != std::string::npos;
  };
  EXPECT_TRUE(eventually(tells_failure, 120s));

  sql("UPDATE generations SET status = 'strange'");
  serve({"--metrics"});
  const Reply damaged = get("/metrics");
  EXPECT_EQ(damaged.status, 500U);
  EXPECT_NE(damaged.body.find("is damaged"), std::string::npos) << damaged.body;
  EXPECT_EQ(get("/metrics").body, damaged.body);

  serve();
  EXPECT_EQ(get("/metrics").status, 404U);
}

TEST_F(ServeCommand, GivesRanges) {
  serve();
  const std::string path = "/recipe/boat.mp4";
  const Reply whole = get(path);
  const std::string size = std::to_string(whole.body.size());
  const std::string tag = whole.headers.at("ETag");
  const auto part = [&](const std::string& range, const RequestHeaders& more = {}) {
    RequestHeaders headers = {{"Range", range}};
    headers.insert(headers.end(), more.begin(), more.end());
    return get(path, headers);
  };
  const Reply middle = part("bytes=100-299");
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, whole.body.substr(100, 200));
  EXPECT_EQ(middle.headers.at("Content-Range"), "bytes 100-299/" + size);
  EXPECT_EQ(part("bytes=99990-").body, whole.body.substr(99990));
  EXPECT_EQ(part("bytes=-7").body, whole.body.substr(whole.body.size() - 7));
  EXPECT_EQ(part("bytes=0-999999999").body, whole.body);

  const Reply beyond = part("bytes=" + size + "-");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.at("Content-Range"), "bytes */" + size);
  EXPECT_EQ(part("bytes=-0").status, 416);
  // What is no range is none.
  for (const char* odd : {"bytes=5-3", "bytes=a-", "lines=1-2", "bytes=", "bytes=0-1,5-6"}) {
    EXPECT_EQ(part(odd).status, 200) << odd;
  }

  EXPECT_EQ(part("bytes=0-9", {{"If-Range", tag}}).status, 206);
  EXPECT_EQ(part("bytes=0-9", {{"If-Range", "\"another\""}}).body, whole.body);
  EXPECT_EQ(get(path, {{"If-None-Match", tag}}).status, 304);
  const Reply head = send("HEAD", origin_ + path);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("Content-Length"), size);
  EXPECT_EQ(head.headers.at("ETag"), tag);
  EXPECT_EQ(service_.books().posts.size(), 1U);
}

TEST_F(ServeCommand, LetsAllWhoAskAtOnceShareOneGeneration) {
  Manners manners;
  manners.end_gate = std::make_shared<Gate>();
  service_.behave(manners);
  serve();
  std::vector<std::string> bodies(8);
  {
    std::vector<std::jthread> clients;
    for (std::string& body : bodies) {
      clients.emplace_back([&] { body = get("/recipe/boat.mp4").body; });
    }
    ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 2; }));
    manners.end_gate->open();
  }
  EXPECT_EQ(service_.books().posts.size(), 1U);
  for (const std::string& body : bodies) EXPECT_EQ(body, paid_clip());
  EXPECT_EQ(service_.books().clip_bytes, paid_clip().size()) << "fetched more than once";
}

TEST_F(ServeCommand, LosesNothingWhenAPlayerGoesAway) {
  Manners manners;
  manners.end_gate = std::make_shared<Gate>();
  service_.behave(manners);
  serve();
  {
    const auto player = connect(request("/recipe/boat.mp4"));
    ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
  }
  manners.end_gate->open();
  EXPECT_EQ(get("/recipe/boat.mp4").body, paid_clip());
  EXPECT_EQ(service_.books().posts.size(), 1U);
  EXPECT_TRUE(service_.books().stops.empty());
}

TEST_F(ServeCommand, GivesWhatIsThereWhileTheRestIsFetched) {
  Manners manners;
  manners.clip_size = 1'000'000;
  manners.clip_held_at = 600'000;
  service_.behave(manners);
  serve();
  const Reply part = get("/recipe/boat.mp4", {{"Range", "bytes=1000-1999"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, paid_clip().substr(1000, 1000));
  EXPECT_EQ(part.headers.at("Content-Range"), "bytes 1000-1999/1000000");
  EXPECT_EQ(server_->output().find("is there"), std::string::npos) << server_->output();
}

TEST_F(ServeCommand, GivesGenerationsOfTheLedgerAndPaysForNone) {
  ASSERT_EQ(run({"generate", "--prompt", "A kite & <b>", "-o", file("clip.mp4")}).exit_code, 0);
  const std::string id = service_.books().charged().front().id;
  const std::string foreign = service_.add_foreign("101/3300");
  service_.end(foreign, "completed");
  serve();
  EXPECT_EQ(get("/generation/" + id + ".mp4").body, service_.clip(id));
  EXPECT_EQ(get("/generation/" + foreign + ".mp4").status, 404) << "it is somebody else's";
  EXPECT_EQ(get("/generation/none.mp4").status, 404);
  EXPECT_EQ(service_.books().posts.size(), 1U);

  const Reply page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("href=\"/generation/" + id + ".mp4\""), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("href=\"/recipe/boat.mp4\""), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("A kite &amp; &lt;b&gt;"), std::string::npos) << page.body;
  const Reply list = get("/playlist.m3u");
  EXPECT_TRUE(list.body.starts_with("#EXTM3U\n")) << list.body;
  EXPECT_NE(list.body.find("\n" + origin_ + "/recipe/boat.mp4\n"), std::string::npos) << list.body;
  EXPECT_NE(list.body.find("\n" + origin_ + "/generation/" + id + ".mp4\n"), std::string::npos);
  for (const Reply& reply : {page, list}) EXPECT_EQ(reply.body.find(key), std::string::npos);
  EXPECT_EQ(service_.books().posts.size(), 1U) << "a list has been paid for";
}

TEST_F(ServeCommand, LetsNoPageOfAnotherSiteAskForAnything) {
  serve();
  const std::string path = "/recipe/boat.mp4";
  const std::vector<RequestHeaders> refused = {{{"Sec-Fetch-Site", "cross-site"}},
                                               {{"Sec-Fetch-Site", "same-site"}},
                                               {{"Origin", "https://evil.example"}},
                                               {{"Origin", "null"}},
                                               {{"Referer", "https://evil.example/page"}},
                                               {{"Referer", origin_ + ".evil.example/"}},
                                               {{"Sec-Purpose", "prefetch"}}};
  for (const RequestHeaders& headers : refused) {
    EXPECT_EQ(get(path, headers).status, 403) << headers.front().first << headers.front().second;
  }
  // A name that was made to point here.
  for (const char* name :
       {"evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""}) {
    const std::string answer =
        exchange("GET " + path + " HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << name << ": " << answer;
  }
  EXPECT_EQ(send("POST", origin_ + path, {}, "{}").status, 405);
  // Who only looks has asked for nothing.
  EXPECT_EQ(send("HEAD", origin_ + path).status, 200);
  EXPECT_TRUE(service_.books().posts.empty());

  EXPECT_EQ(
      get(path,
          {{"Sec-Fetch-Site", "same-origin"}, {"Origin", origin_}, {"Referer", origin_ + "/"}})
          .status,
      200);
  EXPECT_EQ(get(path, {{"Sec-Fetch-Site", "none"}}).status, 200);
}

TEST_F(ServeCommand, LeadsOutOfItsFolderNowhere) {
  write_file(file("secret.genpro"), "[genpro]\nprompt=A secret\nasset-ids=501\n");
  fs::create_directory(folder() + "/below");
  write_file(folder() + "/below/deep.genpro", "[genpro]\nprompt=A secret\nasset-ids=501\n");
  write_file(folder() + "/.hidden.genpro", "[genpro]\nprompt=A secret\nasset-ids=501\n");
  serve();
  for (const char* path :
       {"/recipe/../secret.mp4", "/recipe/..%2Fsecret.mp4", "/recipe/%2e%2e/secret.mp4",
        "/recipe/below/deep.mp4", "/recipe/below%2Fdeep.mp4", "/recipe/.hidden.mp4",
        "/recipe/boat%00.mp4", "/recipe/.mp4", "/recipe//boat.mp4", "/recipe/boat.genpro", "/etc",
        "//recipe/boat.mp4", "/generation/..%2Fsecret.mp4"}) {
    const std::string answer = exchange(request(path));
    const bool is_refused =
        answer.starts_with("HTTP/1.1 404 ") || answer.starts_with("HTTP/1.1 400 ");
    EXPECT_TRUE(is_refused) << path << ": " << answer;
  }
  EXPECT_TRUE(service_.books().posts.empty());
}

TEST_F(ServeCommand, SaysWhatIsWrong) {
  write_recipe("unknown", "A boat", "colour=red\n");
  write_recipe("silent", "");
  serve();
  const Reply unknown = get("/recipe/unknown.mp4");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_NE(unknown.body.find("colour"), std::string::npos) << unknown.body;
  EXPECT_EQ(get("/recipe/silent.mp4").status, 422);
  EXPECT_EQ(get("/recipe/none.mp4").status, 404);
  EXPECT_TRUE(service_.books().posts.empty());

  Manners manners;
  manners.given_posts = {
      {.answer = {
           .status = 422,
           .body = R"({"error": "No credits", "error_code": "usable_gen_credit_required"})"}}};
  service_.behave(manners);
  const Reply poor = get("/recipe/boat.mp4");
  EXPECT_EQ(poor.status, 402) << poor.body;
  EXPECT_NE(poor.body.find("credits"), std::string::npos) << poor.body;
  // A player that asks again at once does not ask the service again.
  EXPECT_EQ(get("/recipe/boat.mp4").status, 402);
  EXPECT_EQ(service_.books().posts.size(), 1U);
  for (const Reply& reply : {unknown, poor}) EXPECT_EQ(reply.body.find(key), std::string::npos);
}

TEST_F(ServeCommand, KeepsTheLimits) {
  write_recipe("kite", "A kite");
  write_recipe("greedy", "Another kite", "daily-generation-limit=0\n");
  serve({"--daily-generation-limit", "1"});
  EXPECT_EQ(get("/recipe/boat.mp4").status, 200);
  const Reply refused = get("/recipe/kite.mp4");
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_EQ(get("/recipe/greedy.mp4").status, 422);
  EXPECT_EQ(service_.books().posts.size(), 1U);
}

TEST_F(ServeCommand, BeginsNothingAboveTheCostThatIsAllowed) {
  write_recipe("kite", "A kite");
  serve({"--max-cost", "4"});
  EXPECT_EQ(get("/recipe/boat.mp4").status, 200);
  // Until the cost of the first one is known, it has to wait.
  Reply refused;
  ASSERT_TRUE(eventually([&] { return (refused = get("/recipe/kite.mp4")).status != 503; }));
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_NE(refused.body.find("--max-cost=4"), std::string::npos) << refused.body;
  EXPECT_EQ(get("/recipe/boat.mp4").status, 200) << "it is paid";
  EXPECT_EQ(service_.books().posts.size(), 1U);
}

TEST_F(ServeCommand, CountsAClipThatTheDiskHasNoRoomFor) {
  write_recipe("kite", "A kite");
  Manners manners;
  manners.clip_size = 3'000'000;
  service_.behave(manners);
  // No file may be larger: as on a disk that is full.
  std::vector<std::string> words = {"sh", "-c", "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\""};
  for (const std::string& word :
       with_access({"serve", folder(), "--port", "0", "--max-cost", "100"})) {
    words.push_back(word);
  }
  start(words);
  get("/recipe/boat.mp4");
  ASSERT_TRUE(eventually([&] {
    return server_->output().find("cannot be kept") != std::string::npos;
  })) << server_->output();
  const Reply told = get("/recipe/boat.mp4");
  EXPECT_EQ(told.status, 500) << told.body;
  EXPECT_NE(told.body.find("TMPDIR"), std::string::npos) << told.body;
  // What the clip has cost is known, so that the next one may be begun.
  get("/recipe/kite.mp4");
  EXPECT_EQ(service_.books().posts.size(), 2U) << server_->output();
}

TEST_F(ServeCommand, PaysNothingAnewWhileTheCellCannotBeRead) {
  serve();
  const std::string clip = get("/recipe/boat.mp4").body;
  ASSERT_EQ(clip, paid_clip());
  const std::string id = service_.books().charged().front().id;
  server_->send(SIGTERM);
  ASSERT_TRUE(server_->wait());
  Manners manners;
  manners.cell = CellReading::not_found;
  service_.behave(manners);
  serve();
  const Reply refused = get("/recipe/boat.mp4");
  EXPECT_EQ(refused.status, 502) << refused.body;
  EXPECT_NE(refused.body.find(id), std::string::npos) << refused.body;
  EXPECT_EQ(get("/generation/" + id + ".mp4").body, clip);
  EXPECT_EQ(service_.books().posts.size(), 1U);
  // It is no such doubt about another clip.
  write_recipe("kite", "A kite");
  EXPECT_EQ(get("/recipe/kite.mp4").status, 200);
  EXPECT_EQ(service_.books().posts.size(), 2U);
}

TEST_F(ServeCommand, TellsNothingThatATerminalObeys) {
  write_recipe("red\x1b[31m", "A boat");
  serve();
  EXPECT_EQ(get("/recipe/red%1B%5B31m.mp4").status, 200);
  EXPECT_NE(server_->output().find("red"), std::string::npos) << server_->output();
  EXPECT_EQ(server_->output().find('\x1b'), std::string::npos) << server_->output();
}

TEST_F(ServeCommand, IsReachedOnThisMachineOnly) {
  serve();
  const std::string port = host().substr(host().find(':') + 1);
  // All that listens on this port, as the kernel has it: addresses in hexadecimal.
  char suffix[8];
  std::snprintf(suffix, sizeof suffix, ":%04X ", static_cast<unsigned>(std::stoi(port)));
  const std::string sockets = read_file("/proc/net/tcp") + read_file("/proc/net/tcp6");
  for (const std::string& line : lines_of(sockets)) {
    const bool listens = line.find(" 0A ") != std::string::npos;
    if (!listens || line.find(suffix) == std::string::npos) continue;
    const bool is_loopback = line.find(" 0100007F:") != std::string::npos ||
                             line.find(" 00000000000000000000000001000000:") != std::string::npos;
    EXPECT_TRUE(is_loopback) << line;
  }
  const Reply by_name = send("GET", "http://localhost:" + port + "/");
  EXPECT_EQ(by_name.status, 200) << by_name.error;
  const Finished second = run_command(with_access({"serve", "--port", port}), environment());
  EXPECT_EQ(second.exit_code, 1) << second.out;
  EXPECT_NE(second.out.find("--port"), std::string::npos) << second.out;
}

TEST_F(ServeCommand, StandsOddRequests) {
  serve();
  const std::string host_line = "Host: " + host() + "\r\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\r\n\r\n", "400"},
      {"GET\r\n\r\n", "400"},
      {"GET / HTTP/1.1 x\r\n" + host_line + "\r\n", "400"},
      {"GET / HTTP/2.0\r\n" + host_line + "\r\n", "505"},
      {"GET /%zz HTTP/1.1\r\n" + host_line + "\r\n", "400"},
      {"GET http://evil.example/ HTTP/1.1\r\n" + host_line + "\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + host_line + "\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + "Bad Name: 1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + "Transfer-Encoding: chunked\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + "Content-Length: 5\r\n\r\nhello", "400"},
      {"DELETE / HTTP/1.1\r\n" + host_line + "\r\n", "405"},
      {"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "431"},
  };
  for (const auto& [text, status] : cases) {
    const std::string answer = exchange(text);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status + " "))
        << text.substr(0, 60) << ": " << answer.substr(0, 60);
  }
  // Two on one connection, of which the second is not asked to stay.
  const std::string both = exchange("GET /none HTTP/1.1\r\n" + host_line + "\r\n" + request("/"));
  EXPECT_TRUE(both.starts_with("HTTP/1.1 404 ")) << both;
  EXPECT_NE(both.find("HTTP/1.1 200 OK"), std::string::npos) << both;
}

TEST_F(ServeCommand, RefusesConnectionsAboveItsLimitAndTakesThemAgain) {
  serve();
  std::vector<ObjectPtr<GSocketConnection>> idle;
  for (int i = 0; i < 64; ++i) idle.push_back(connect("GET "));
  ASSERT_TRUE(
      eventually([&] { return exchange(request("/")).find(" 503 ") != std::string::npos; }));
  idle.clear();
  EXPECT_TRUE(eventually([&] { return get("/").status == 200; }));
}

TEST_F(ServeCommand, EndsAtOnceWithPlayersWaiting) {
  write_recipe("boat", "A boat", "on-shutdown=stop\n");
  Manners manners;
  manners.end_gate = std::make_shared<Gate>();
  service_.behave(manners);
  serve();
  const auto waiting = connect(request("/recipe/boat.mp4"));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
  server_->send(SIGINT);
  ASSERT_TRUE(server_->wait());
  EXPECT_EQ(server_->exit_code(), 128 + SIGINT) << server_->output();
  EXPECT_TRUE(service_.books().stops.empty());
  manners.end_gate->open();
  serve();
  EXPECT_EQ(get("/recipe/boat.mp4").body, paid_clip());
  EXPECT_EQ(service_.books().posts.size(), 1U);
}

}  // namespace
}  // namespace genpro::test
