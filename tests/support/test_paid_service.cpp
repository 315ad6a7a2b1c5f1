// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests about money believe of their judge.
#include <csignal>
#include <future>

#include <gtest/gtest.h>

#include "support/child.h"
#include "support/media.h"
#include "support/paid_service.h"
#include "support/plain_client.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

class Paid : public testing::Test {
 protected:
  Reply post(const std::string& key = "", const std::string& cell = "3300") {
    RequestHeaders headers{{"X-API-Key", "k"}};
    if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
    return send("POST", cell_url(cell) + "/generate?agent_id=42", headers, "{}");
  }
  Reply get(const std::string& path) {
    return send("GET", service.api_base() + path, {{"X-API-Key", "k"}});
  }
  Reply stop(const std::string& id) {
    return send("POST", service.api_base() + "/generations/" + id + "/stop", {{"X-API-Key", "k"}});
  }
  Reply cell() { return send("GET", cell_url("3300") + "?agent_id=42", {{"X-API-Key", "k"}}); }
  std::string cell_url(const std::string& cell) {
    return service.api_base() + "/autocontentengine/101/cells/" + cell;
  }
  std::string only_id() { return service.books().generations.at(0).id; }
  static bool has(const Reply& reply, const std::string& text) {
    return reply.body.find(text) != std::string::npos;
  }

  const std::string small = make_mp4({.frames = 4});
  PaidService service{small};
};

TEST_F(Paid, ChargesEachPostAndListsItInItsCell) {
  EXPECT_EQ(post().status, 201);
  EXPECT_EQ(post("", "3301").status, 201);
  const Books books = service.books();
  ASSERT_EQ(books.charged().size(), 2U);
  EXPECT_EQ(books.generations[0].cell, "101/3300");
  EXPECT_EQ(books.generations[1].cell, "101/3301");
  EXPECT_NE(books.generations[0].id, books.generations[1].id);
  EXPECT_TRUE(has(cell(), books.generations[0].id));
  EXPECT_FALSE(has(cell(), books.generations[1].id));
}

TEST_F(Paid, HonoursOrIgnoresAKey) {
  const std::string first = post("a").body;
  EXPECT_EQ(post("a").body, first);
  EXPECT_NE(post("b").body, first);
  EXPECT_EQ(service.books().charged().size(), 2U);
  service.behave({.honours_keys = false});
  EXPECT_NE(post("a").body, first);
  EXPECT_EQ(service.books().charged().size(), 3U);
  EXPECT_EQ(service.books().posts.size(), 4U);
}

TEST_F(Paid, CompletesWithAClipOfItsOwn) {
  post();
  post();
  const auto generations = service.books().generations;
  const std::string path = "/generations/" + generations[0].id;
  EXPECT_TRUE(has(get(path), "processing"));
  const std::string done = get(path).body;
  const auto begin = done.find("http://");
  const std::string url = done.substr(begin, done.find('"', begin) - begin);
  EXPECT_EQ(send("GET", url).body, service.clip(generations[0].id));
  const Reply part = send("GET", url, {{"Range", "bytes=99000-"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, service.clip(generations[0].id).substr(99000));
  EXPECT_EQ(service.clip(generations[0].id).size(), 100'000U);
  EXPECT_NE(service.clip(generations[0].id), service.clip(generations[1].id));
  EXPECT_EQ(service.books().clip_bytes, 101'000U);
}

TEST_F(Paid, RefundsAStopUnlessItComesTooLate) {
  post();
  EXPECT_EQ(stop(only_id()).status, 200);
  EXPECT_EQ(service.books().charged().size(), 0U);
  EXPECT_EQ(service.books().stopped(), std::vector{only_id()});
  post();
  const std::string second = service.books().generations[1].id;
  service.end(second, "completed");
  const Reply late = stop(second);
  EXPECT_EQ(late.status, 422);
  EXPECT_TRUE(has(late, "job_cannot_be_stopped"));
  EXPECT_EQ(service.books().charged().size(), 1U);
}

TEST_F(Paid, LosesRequestsToStop) {
  post();
  service.behave({.stop = StopFate::dropped});
  auto silent = [&] {
    auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
    const std::size_t before = service.books().stops.size();
    auto asked = std::async(std::launch::async, [&] {
      send("POST", service.api_base() + "/generations/" + only_id() + "/stop", {{"X-API-Key", "k"}},
           "", cancellable.get());
    });
    EXPECT_TRUE(
        service.wait_for([&](const Books& books) { return books.stops.size() == before + 1; }));
    g_cancellable_cancel(cancellable.get());
  };
  silent();
  EXPECT_EQ(service.books().charged().size(), 1U);
  service.behave({.stop = StopFate::unanswered});
  silent();
  EXPECT_EQ(service.books().charged().size(), 0U);
}

TEST_F(Paid, GivesAnswersThatAreNotItsOwn) {
  service.behave({.given_posts = {{json_answer(409, "{}"), true}, {json_answer(409, "{}"), false}},
                  .given_polls = {json_answer(404, "{}")}});
  EXPECT_EQ(post().status, 409);
  EXPECT_EQ(service.books().charged().size(), 1U);
  EXPECT_EQ(post().status, 409);
  EXPECT_EQ(service.books().charged().size(), 1U);
  EXPECT_EQ(get("/generations/" + only_id()).status, 404);
  EXPECT_TRUE(has(get("/generations/" + only_id()), "processing"));
}

TEST_F(Paid, ListsAGenerationLate) {
  service.behave({.listing_delay = 24h});
  post();
  EXPECT_EQ(service.books().charged().size(), 1U);
  EXPECT_FALSE(has(cell(), "\"id\": " + only_id()));
}

TEST_F(Paid, ListsStrangersEntriesThatCannotBeReadAndNotAll) {
  service.behave({.strangers = {0ms, 24h}, .unreadable_entries = 1});
  post();
  EXPECT_TRUE(has(cell(), R"({"status": "pending"})"));
  const Books books = service.books();
  ASSERT_EQ(books.generations.size(), 2U);
  EXPECT_TRUE(books.generations[1].foreign);
  EXPECT_TRUE(has(cell(), "\"id\": " + books.generations[0].id));
  service.behave({.missing_entries = 1});
  EXPECT_FALSE(has(cell(), "\"id\": " + books.generations[0].id));
  EXPECT_TRUE(has(cell(), "\"id\": " + books.generations[1].id));
}

TEST_F(Paid, CompletesWithoutResources) {
  service.behave({.polls = 1, .resources_delay = 24h});
  post();
  EXPECT_TRUE(has(get("/generations/" + only_id()), R"("output_resources": [])"));
  service.behave({.polls = 1});
  EXPECT_TRUE(has(get("/generations/" + only_id()), "http://"));
}

TEST_F(Paid, RefundsAFailure) {
  service.behave({.polls = 1, .end = "failed"});
  post();
  EXPECT_TRUE(has(get("/generations/" + only_id()), "The model gave up"));
  EXPECT_EQ(service.books().created().size(), 1U);
  EXPECT_EQ(service.books().charged().size(), 0U);
}

TEST_F(Paid, LosesAnswersToPostsItTookOrDropped) {
  service.behave({.next_posts = {PostFate::unanswered, PostFate::dropped}});
  EXPECT_EQ(post().status, 0);
  EXPECT_EQ(service.books().charged().size(), 1U);
  EXPECT_EQ(post().status, 0);
  EXPECT_EQ(service.books().charged().size(), 1U);
  EXPECT_EQ(post().status, 201);
  EXPECT_EQ(service.books().charged().size(), 2U);
  EXPECT_EQ(service.books().posts.size(), 3U);
}

TEST_F(Paid, LosesAnAnswerBeforeItsGenerationExists) {
  auto gate = std::make_shared<Gate>();
  service.behave({.next_posts = {PostFate::late}, .loss = Loss::gateway, .post_gate = gate});
  EXPECT_EQ(post().status, 504);
  EXPECT_TRUE(service.books().generations.empty());
  gate->open();
  EXPECT_TRUE(service.wait_for([](const Books& books) { return books.charged().size() == 1; }));
}

TEST_F(Paid, MakesAGenerationLateAndAlsoWhenTheClientHasGone) {
  auto gate = std::make_shared<Gate>();
  service.behave({.post_delay = 1ms, .post_gate = gate});
  auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  auto asked = std::async(std::launch::async, [&] {
    return send("POST", cell_url("3300") + "/generate?agent_id=42",
                {{"X-API-Key", "k"}, {"Idempotency-Key", "a"}}, "{}", cancellable.get());
  });
  ASSERT_TRUE(service.wait_for([](const Books& books) { return books.posts.size() == 1; }));
  EXPECT_TRUE(service.books().generations.empty());
  g_cancellable_cancel(cancellable.get());
  EXPECT_EQ(asked.get().status, 0);
  gate->open();
  ASSERT_TRUE(service.wait_for([](const Books& books) { return books.charged().size() == 1; }));
  EXPECT_TRUE(has(post("a"), only_id()));
  EXPECT_EQ(service.books().charged().size(), 1U);
}

TEST_F(Paid, ShowsACellAsItIsTold) {
  service.behave({.cell = CellReading::not_found});
  EXPECT_EQ(cell().status, 404);
  service.behave({.cell = CellReading::failing});
  EXPECT_EQ(cell().status, 500);
  service.behave({.cell = CellReading::garbage});
  EXPECT_EQ(cell().status, 200);
  service.behave({.cell = CellReading::closed});
  EXPECT_EQ(cell().status, 0);
  service.behave({});
  const std::string foreign = service.add_foreign("101/3300");
  EXPECT_TRUE(has(cell(), foreign));
  EXPECT_TRUE(service.books().charged().empty());
  EXPECT_EQ(service.books().cell_readings, 5U);
}

TEST_F(Paid, IsAwayOrAsksForTheKey) {
  EXPECT_EQ(send("POST", cell_url("3300") + "/generate?agent_id=42", {}, "{}").status, 401);
  service.behave({.away = Loss::closed});
  EXPECT_EQ(post().status, 0);
  EXPECT_EQ(service.books().posts.size(), 2U);
  EXPECT_TRUE(service.books().generations.empty());
}

TEST_F(Paid, HoldsAClipAtAByteAndCountsWhatItSent) {
  service.behave({.clip_held_at = 5000, .drip = 1000, .drip_interval = 1ms});
  post();
  service.end(only_id(), "completed");
  auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  const std::string done = get("/generations/" + only_id()).body;
  const auto begin = done.find("http://");
  const std::string url = done.substr(begin, done.find('"', begin) - begin);
  auto asked =
      std::async(std::launch::async, [&] { return send("GET", url, {}, "", cancellable.get()); });
  EXPECT_TRUE(service.wait_for([](const Books& books) { return books.clip_bytes == 5000; }));
  g_cancellable_cancel(cancellable.get());
  asked.get();
  EXPECT_EQ(service.books().clip_bytes, 5000U);
  EXPECT_EQ(send("GET", url, {{"Range", "bytes=6000-"}}).body.size(), 94'000U);
}

TEST(Child, TellsHowItEnded) {
  const TempDir folder;
  Child good({"sh", "-c", "echo said; exit 3"}, {}, folder.file("good"));
  EXPECT_TRUE(good.wait());
  EXPECT_EQ(good.exit_code(), 3);
  EXPECT_EQ(good.output(), "said\n");
  EXPECT_FALSE(good.kill());
  Child endless({"sleep", "1000"}, {}, folder.file("endless"));
  EXPECT_FALSE(endless.wait(1ms));
  EXPECT_TRUE(endless.kill());
  EXPECT_EQ(endless.exit_code(), -1);
}

}  // namespace
}  // namespace genpro::test
