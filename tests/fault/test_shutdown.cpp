// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of an unfinished generation when its pipeline ends.
#include <csignal>
#include <cstdio>
#include <future>

#include "fault/fault_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

// A production that waits for its generation, of which the service says that it goes on.
struct Waiting {
  explicit Waiting(Bench& bench, const Settings& changes = {}) : production(bench.src(changes)) {
    const unsigned before = bench.books().polls;
    production.play();
    EXPECT_TRUE(bench.wait_for(polls(before + 2))) << bench.books().text();
    id = bench.books().generations.empty() ? "" : bench.books().generations[0].id;
  }
  Production production;
  std::string id;
};

TEST(Shutdown, StopIsTheDefault) {
  EXPECT_EQ(get_property(bare_src().get(), "on-shutdown"), "stop");
}

TEST(Shutdown, StopAsksForARefund) {
  Bench bench(endless);
  Waiting waiting(bench);
  ASSERT_TRUE(waiting.production.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_TRUE(bench.books().charged().empty());
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().created().size(), 2U);
}

TEST(Shutdown, ToReadyStopsAsToNullDoes) {
  Bench bench(endless);
  Waiting waiting(bench);
  ASSERT_TRUE(changes_in_time(waiting.production.collector().pipeline(), GST_STATE_READY));
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
}

TEST(Shutdown, StopNeedsNoLedger) {
  Bench bench(endless);
  Waiting waiting(bench, {{"ledger", ""}});
  ASSERT_TRUE(waiting.production.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
}

TEST(Shutdown, AnInterruptOfTheToolStopsIt) {
  Bench bench(endless);
  auto child = bench.start();
  ASSERT_TRUE(bench.wait_for(polls(2))) << child->output();
  child->send(SIGINT);
  ASSERT_TRUE(child->wait());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
}

struct Deaf {
  const char* name;
  Manners manners;
};

void PrintTo(const Deaf& deaf, std::ostream* out) {
  *out << deaf.name;
}

class DeafService : public testing::TestWithParam<Deaf> {};

TEST_P(DeafService, IsToldByTheNextRun) {
  Bench bench(endless);
  Waiting waiting(bench);
  bench.service.behave(GetParam().manners);
  ASSERT_TRUE(waiting.production.stop());
  std::printf("to NULL: %lld ms\n", static_cast<long long>(waiting.production.took().count()));
  RecordProperty("milliseconds_to_null", static_cast<int>(waiting.production.took().count()));
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().stopped(), std::vector{waiting.id}) << bench.books().text();
}

TEST_P(DeafService, IsToldByARunOfAnotherRequest) {
  Bench bench(endless);
  Waiting waiting(bench);
  bench.service.behave(GetParam().manners);
  ASSERT_TRUE(waiting.production.stop());
  bench.service.behave({});
  EXPECT_TRUE(bench.run({{"prompt", "Something else"}}).outcome.eos);
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_EQ(bench.books().stopped(), std::vector{waiting.id});
  EXPECT_EQ(bench.books().charged().size(), 1U);
}

// What could not be stopped has become a clip in the meantime, which is paid for.
TEST(Shutdown, AStopThatIsSentTooLateLeavesTheClip) {
  Bench bench(endless);
  Waiting waiting(bench);
  bench.service.behave({.polls = never, .stop = StopFate::dropped});
  ASSERT_TRUE(waiting.production.stop());
  bench.service.end(waiting.id, "completed");
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
}

INSTANTIATE_TEST_SUITE_P(
    Each, DeafService,
    testing::Values(Deaf{"silent_to_stop", {.polls = never, .stop = StopFate::dropped}},
                    Deaf{"silent_after_stopping", {.polls = never, .stop = StopFate::unanswered}},
                    Deaf{"silent", {.away = Loss::silent}}, Deaf{"closed", {.away = Loss::closed}}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Shutdown, WhileThePostIsUnansweredPaysOnce) {
  for (const PostFate fate : {PostFate::unanswered, PostFate::dropped}) {
    for (const bool honours_keys : {true, false}) {
      Bench bench({.honours_keys = honours_keys, .next_posts = {fate}, .loss = Loss::silent});
      {
        Production production(bench.src());
        production.play();
        ASSERT_TRUE(bench.wait_for(posts(1)));
        ASSERT_TRUE(production.stop());
      }
      bench.service.behave({.honours_keys = honours_keys});
      EXPECT_TRUE(one_charge(bench, bench.run()));
    }
  }
}

// The answer comes while the pipeline ends: what it names is stopped.
TEST(Shutdown, WhileThePostIsAnsweredStopsWhatItMade) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.post_gate = gate, .polls = never});
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(posts(1)));
  auto stopping = std::async(std::launch::async, [&] { return production.stop(); });
  gate->open();
  EXPECT_TRUE(stopping.get());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
}

TEST(Shutdown, DetachLeavesItToTheNextRun) {
  Bench bench(endless);
  {
    Waiting waiting(bench, {{"on-shutdown", "detach"}});
    ASSERT_TRUE(waiting.production.stop());
  }
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().posts.size(), 1U);
  EXPECT_TRUE(bench.books().stops.empty());
}

// The element believes it to be unfinished, and the service knows better.
TEST(Shutdown, AStopThatComesTooLateLeavesTheClip) {
  Bench bench(endless);
  {
    Production production(bench.src({{"poll-interval", "600000"}}));
    production.play();
    ASSERT_TRUE(bench.wait_for(created(1)));
    const std::string id = bench.books().generations[0].id;
    ASSERT_TRUE(production.collector().listener().wait_for(names(id)));
    bench.service.end(id, "completed");
    ASSERT_TRUE(production.stop());
  }
  EXPECT_TRUE(bench.wait_for([](const Books& books) { return books.stops.size() == 1; }));
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
  EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
}

TEST(Shutdown, WhatAnotherProcessFollowsIsNotStopped) {
  Bench bench(endless);
  Waiting waiting(bench);
  auto follower = bench.start("clip.mp4", {}, "-m");
  ASSERT_TRUE(says(*follower, waiting.id));
  ASSERT_TRUE(waiting.production.stop());
  bench.service.behave({});
  ASSERT_TRUE(follower->wait());
  EXPECT_EQ(follower->exit_code(), 0) << follower->output();
  EXPECT_TRUE(one_charge_in_file(bench, bench.file()));
  EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
}

TEST(Shutdown, TheFollowerMayLeaveToo) {
  Bench bench(endless);
  auto poster = bench.start("clip.mp4", {}, "-m");
  ASSERT_TRUE(bench.wait_for(created(1)));
  const std::string id = bench.books().generations[0].id;
  ASSERT_TRUE(says(*poster, id));
  Production follower(bench.src());
  follower.play();
  ASSERT_TRUE(follower.collector().listener().wait_for(names(id)));
  ASSERT_TRUE(follower.stop());
  bench.service.behave({});
  ASSERT_TRUE(poster->wait());
  EXPECT_EQ(poster->exit_code(), 0) << poster->output();
  EXPECT_TRUE(one_charge_in_file(bench, bench.file()));
  EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
}

TEST(Shutdown, TheLastOfTwoElementsStopsIt) {
  Bench bench(endless);
  Waiting first(bench);
  Production second(bench.src());
  second.play();
  ASSERT_TRUE(second.collector().listener().wait_for(names(first.id)));
  ASSERT_TRUE(first.production.stop());
  const unsigned asked = bench.books().polls;
  EXPECT_TRUE(bench.wait_for(polls(asked + 3))) << "the other one goes on";
  EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
  ASSERT_TRUE(second.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_EQ(bench.books().created().size(), 1U);
}

TEST(Shutdown, WhatIsFollowedByItsIdIsNotStopped) {
  Bench bench(endless);
  Waiting waiting(bench);
  Production attached(bench.src({{"generation-id", waiting.id}}));
  attached.play();
  ASSERT_TRUE(attached.collector().listener().wait_for([](GstMessage* message) {
    const GstStructure* structure = gst_message_get_structure(message);
    return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT &&
           g_strcmp0(gst_structure_get_string(structure, "status"), "processing") == 0;
  }));
  ASSERT_TRUE(waiting.production.stop());
  bench.service.behave({});
  EXPECT_TRUE(attached.finish().eos);
  EXPECT_TRUE(one_charge(bench, attached.collector().bytes()));
  EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
}

TEST(Shutdown, TheLastOfManyThatLeaveTogetherStopsIt) {
  Bench bench(endless);
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 6; ++i) children.push_back(bench.start(std::to_string(i), {}, "-m"));
  ASSERT_TRUE(bench.wait_for(created(1)));
  const std::string id = bench.books().generations[0].id;
  for (const auto& child : children) ASSERT_TRUE(says(*child, id));
  for (const auto& child : children) child->send(SIGINT);
  for (const auto& child : children) EXPECT_TRUE(child->wait());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_EQ(bench.books().created().size(), 1U) << bench.books().text();
}

TEST(Shutdown, AKilledFollowerDoesNotHoldIt) {
  Bench bench(endless);
  Waiting waiting(bench);
  auto follower = bench.start("clip.mp4", {}, "-m");
  ASSERT_TRUE(says(*follower, waiting.id));
  ASSERT_TRUE(follower->kill());
  ASSERT_TRUE(waiting.production.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
}

TEST(Shutdown, AKilledPosterDoesNotHoldIt) {
  Bench bench(endless);
  auto poster = bench.start("clip.mp4", {}, "-m");
  ASSERT_TRUE(bench.wait_for(created(1)));
  const std::string id = bench.books().generations[0].id;
  ASSERT_TRUE(says(*poster, id));
  Production follower(bench.src());
  follower.play();
  ASSERT_TRUE(follower.collector().listener().wait_for(names(id)));
  ASSERT_TRUE(poster->kill());
  ASSERT_TRUE(follower.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
}

TEST(Shutdown, AFlushingSeekStopsNothing) {
  Bench bench(endless);
  Waiting waiting(bench);
  for (int i = 0; i < 3; ++i) {
    const unsigned asked = bench.books().polls;
    gst_element_send_event(waiting.production.src(),
                           gst_event_new_seek(1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
                                              GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1));
    EXPECT_TRUE(bench.wait_for(polls(asked + 2)));
  }
  EXPECT_TRUE(bench.books().stops.empty());
  bench.service.behave({});
  EXPECT_TRUE(waiting.production.finish().eos);
  EXPECT_TRUE(one_charge(bench, waiting.production.collector().bytes()));
  EXPECT_TRUE(bench.books().stops.empty());
}

TEST(Shutdown, AnErrorOfAnotherElementStopsIt) {
  Bench bench(endless);
  Waiting waiting(bench);
  ElementPtr sink = child(waiting.production.collector().pipeline(), "sink");
  GST_ELEMENT_ERROR(sink.get(), RESOURCE, NO_SPACE_LEFT, ("The disk is full"), ("a test"));
  ASSERT_TRUE(waiting.production.collector().listener().wait_for_end());
  ASSERT_TRUE(waiting.production.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
}

TEST(Shutdown, AnErrorOfItsOwnStopsIt) {
  Bench bench(endless);
  Production production(bench.src({{"generation-timeout", "1"}}));
  production.play();
  const Outcome outcome = production.finish();
  EXPECT_EQ(outcome.errors.size(), 1U) << outcome.summary();
  ASSERT_TRUE(production.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_TRUE(bench.books().charged().empty());
}

TEST(Shutdown, OfTenElementsWaitsForNobody) {
  Bench bench(endless);
  std::vector<std::unique_ptr<Production>> productions;
  for (int i = 0; i < 10; ++i) {
    productions.push_back(
        std::make_unique<Production>(bench.src({{"prompt", "Scene " + std::to_string(i)}})));
    productions.back()->play();
  }
  ASSERT_TRUE(bench.wait_for([](const Books& books) {
    return books.generations.size() == 10 &&
           std::all_of(books.generations.begin(), books.generations.end(),
                       [](const PaidGeneration& generation) { return generation.polls > 0; });
  })) << bench.books().text();
  for (const auto& production : productions) EXPECT_TRUE(production->stop());
  EXPECT_TRUE(bench.wait_for(stopped(10))) << bench.books().text();
}

}  // namespace
}  // namespace genpro::test
