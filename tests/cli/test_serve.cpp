// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro serve`: clips for any player, each paid once.
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "cli/serve_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

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
