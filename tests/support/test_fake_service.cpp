// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The fake service must serve its faults as the other tests believe, so it is tested with a client
// that has nothing to do with the project: plain libsoup, and plain sockets.
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "support/fake_service.h"
#include "support/plain_client.h"
#include "support/process.h"

namespace genpro::test {
namespace {

std::string ten_bytes() {
  return "0123456789";
}

TEST(FakeService, RecordsTheRequestInFull) {
  FakeService service;
  const Reply reply =
      send("POST", service.api_base() + "/autocontentengine/1/cells/2/generate?agent_id=3",
           {{"X-API-Key", "k"}}, R"({"a":1})");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, R"({"generation_id": 9040, "status": "pending"})");
  const auto posts = service.requests(is_generate);
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].path, "/v1/autocontentengine/1/cells/2/generate");
  EXPECT_EQ(posts[0].query, "agent_id=3");
  EXPECT_EQ(posts[0].body, R"({"a":1})");
  EXPECT_EQ(posts[0].header("x-api-key"), "k");
  EXPECT_EQ(posts[0].header("content-type"), "application/json");
  EXPECT_EQ(posts[0].header("no-such"), "");
  EXPECT_TRUE(is_api(posts[0]));
}

TEST(FakeService, AnswersInTheOrderGivenAndKeepsTheLast) {
  FakeService service;
  service.push_status("pending");
  service.push_status("processing");
  const std::string url = service.api_base() + "/generations/9040";
  EXPECT_NE(send("GET", url).body.find("pending"), std::string::npos);
  EXPECT_NE(send("GET", url).body.find("processing"), std::string::npos);
  EXPECT_NE(send("GET", url).body.find("processing"), std::string::npos);
  EXPECT_EQ(service.count(is_poll), 3U);
}

TEST(FakeService, CompletesAndStopsWhenUnscripted) {
  FakeService service;
  EXPECT_NE(send("GET", service.api_base() + "/generations/9040").body.find(service.clip_url()),
            std::string::npos);
  EXPECT_NE(send("POST", service.api_base() + "/generations/9040/stop").body.find("stopped"),
            std::string::npos);
  EXPECT_EQ(service.count(is_stop), 1U);
  EXPECT_EQ(send("GET", service.api_base() + "/nonsense").status, 404);
}

TEST(FakeService, HoldsAnAnswerUntilTheGateOpens) {
  FakeService service;
  auto gate = std::make_shared<Gate>();
  Answer held = json_answer(200, "{}");
  held.hold = gate;
  service.push_poll(held);
  auto reply = std::async(std::launch::async,
                          [&] { return send("GET", service.api_base() + "/generations/1"); });
  ASSERT_TRUE(service.wait_for(is_poll));
  EXPECT_EQ(reply.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  gate->open();
  EXPECT_EQ(reply.get().body, "{}");
}

TEST(FakeService, AGateMayOpenAfterTheServiceIsGone) {
  auto gate = std::make_shared<Gate>();
  std::future<Reply> reply;
  {
    FakeService service;
    Answer held = json_answer(200, "{}");
    held.hold = gate;
    service.push_poll(held);
    reply = std::async(std::launch::async,
                       [url = service.api_base() + "/generations/1"] { return send("GET", url); });
    ASSERT_TRUE(service.wait_for(is_poll));
  }
  gate->open();
  EXPECT_NE(reply.get().error, "");
}

TEST(FakeService, SilenceLastsUntilTheClientLeaves) {
  FakeService service;
  service.push_poll(silent_answer());
  auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  auto reply = std::async(std::launch::async, [&] {
    return send("GET", service.api_base() + "/generations/1", {}, "", cancellable.get());
  });
  ASSERT_TRUE(service.wait_for(is_poll));
  EXPECT_EQ(reply.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  g_cancellable_cancel(cancellable.get());
  EXPECT_NE(reply.get().error, "");
}

TEST(FakeService, ACutAnswerIsShorterThanItPromises) {
  FakeService service;
  service.push_poll(cut_answer(200, R"({"id": 9040, "status": "completed"})", 12));
  const std::string all = send_plain(service.api_url(), "/v1/generations/1");
  EXPECT_TRUE(all.ends_with("\r\n\r\n{\"id\": 9040,")) << all;
  EXPECT_NE(all.find("Content-Length: 35"), std::string::npos) << all;
}

TEST(FakeService, AClosingAnswerHasNoByte) {
  FakeService service;
  service.push_poll(closing_answer());
  EXPECT_EQ(send_plain(service.api_url(), "/v1/generations/1"), "");
}

TEST(FakeCdn, ServesRangesWithIdentity) {
  FakeService service;
  service.set_clip({.bytes = ten_bytes()});
  const Reply whole = send("GET", service.clip_url());
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, ten_bytes());
  EXPECT_EQ(whole.headers.at("Content-Type"), "video/mp4");
  EXPECT_EQ(whole.headers.at("ETag"), "\"first\"");
  const Reply tail = send("GET", service.clip_url(), {{"Range", "bytes=7-"}});
  EXPECT_EQ(tail.status, 206);
  EXPECT_EQ(tail.body, "789");
  EXPECT_EQ(tail.headers.at("Content-Range"), "bytes 7-9/10");
  EXPECT_EQ(send("GET", service.clip_url(), {{"Range", "bytes=2-4"}}).body, "234");
  EXPECT_EQ(send("GET", service.clip_url(), {{"Range", "bytes=-2"}}).body, "89");
  EXPECT_EQ(send("GET", service.clip_url(), {{"Range", "bytes=10-"}}).status, 416);
  const Reply head = send("HEAD", service.clip_url());
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.headers.at("Content-Length"), "10");
  EXPECT_EQ(service.count(is_cdn), 6U);
}

TEST(FakeCdn, HonoursIfRange) {
  FakeService service;
  service.set_clip({.bytes = ten_bytes()});
  EXPECT_EQ(
      send("GET", service.clip_url(), {{"Range", "bytes=7-"}, {"If-Range", "\"first\""}}).body,
      "789");
  EXPECT_EQ(
      send("GET", service.clip_url(), {{"Range", "bytes=7-"}, {"If-Range", "\"other\""}}).body,
      ten_bytes());
  service.set_clip({.bytes = ten_bytes(), .honours_if_range = false});
  EXPECT_EQ(
      send("GET", service.clip_url(), {{"Range", "bytes=7-"}, {"If-Range", "\"other\""}}).body,
      "789");
}

TEST(FakeCdn, CanBeWithoutRangesAndWithoutLength) {
  FakeService service;
  service.set_clip({.bytes = ten_bytes(), .ranges = false});
  EXPECT_EQ(send("GET", service.clip_url(), {{"Range", "bytes=7-"}}).status, 200);
  service.set_clip({.bytes = ten_bytes(), .says_length = false});
  const Reply chunked = send("GET", service.clip_url());
  EXPECT_EQ(chunked.body, ten_bytes());
  EXPECT_EQ(chunked.headers.count("Content-Length"), 0U);
}

TEST(FakeCdn, CanLieAboutARange) {
  FakeService service;
  service.set_clip({.bytes = ten_bytes(), .range_shift = -3});
  const Reply reply = send("GET", service.clip_url(), {{"Range", "bytes=7-"}});
  EXPECT_EQ(reply.body, "456789");
  EXPECT_EQ(reply.headers.at("Content-Range"), "bytes 4-9/10");
}

TEST(FakeCdn, TroubleComesOnceAndWhereItShould) {
  FakeService service;
  service.set_clip({.bytes = ten_bytes()});
  service.files().add_trouble({.kind = Trouble::Kind::cut,
                               .at = 6,
                               .replacement = Clip{.bytes = "abcdefghij", .etag = "\"second\""}});
  EXPECT_TRUE(send("GET", service.clip_url(), {{"Range", "bytes=7-"}}).error.empty());
  const std::string all = send_plain(service.cdn_url(), "/outputs/clip.mp4");
  EXPECT_TRUE(all.ends_with("\r\n\r\n012345")) << all;
  EXPECT_NE(all.find("Content-Length: 10"), std::string::npos) << all;
  const Reply after = send("GET", service.clip_url());
  EXPECT_EQ(after.body, "abcdefghij");
  EXPECT_EQ(after.headers.at("ETag"), "\"second\"");
}

TEST(FakeCdn, AResetIsNoOrdinaryEnd) {
  FakeService service;
  service.set_clip({.bytes = ten_bytes()});
  service.files().add_trouble({.kind = Trouble::Kind::reset, .at = 0});
  EXPECT_NE(send("GET", service.clip_url()).error, "");
}

TEST(FakeService, GoesWithoutLeavingAnything) {
  // One round before counting: the first server of a process makes GLib's own helper thread.
  for (int round = 0; round < 2; ++round) {
    static int threads;
    static int fds;
    if (round == 1) {
      threads = thread_count();
      fds = fd_count();
    }
    {
      FakeService service;
      service.push_poll(silent_answer());
      auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
      auto reply = std::async(std::launch::async, [&] {
        return send("GET", service.api_base() + "/generations/1", {}, "", cancellable.get());
      });
      ASSERT_TRUE(service.wait_for(is_poll));
      g_cancellable_cancel(cancellable.get());
      reply.get();
    }
    if (round == 1) {
      EXPECT_TRUE(eventually([] { return thread_count() <= threads; }));
      EXPECT_TRUE(eventually([] { return fd_count() <= fds; }));
    }
  }
}

}  // namespace
}  // namespace genpro::test
