// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of an unfinished generation when its pipeline ends.
#include <csignal>
#include <cstdio>
#include <future>
#include <set>

#include "fault/fault_test.h"
#include "support/process.h"

namespace genpro::test {
namespace {

const Manners endless{.polls = never};

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

// Sources with a sink each in one pipeline, every second pair of them in a bin of its own. Each is
// on a cell of its own, so that none waits for another one's request.
class Ensemble {
 public:
  Ensemble(const Bench& bench, int number, const std::string& prompt = "Scene ",
           const Settings& changes = {})
      : pipeline_(sunk(gst_pipeline_new(nullptr))) {
    for (int i = 0; i < number; ++i) {
      const std::string scene = prompt + std::to_string(i);
      Settings settings{{"prompt", scene}, {"cell-id", cell_of(scene)}, {"stall-timeout", "30"}};
      settings.insert(settings.end(), changes.begin(), changes.end());
      add(bench.src(settings), i % 2 != 0);
    }
    listener_ = std::make_unique<BusListener>(pipeline_.get());
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }

  static std::string cell_of(const std::string& scene) {
    std::string cell;
    for (const char letter : scene) {
      if (letter != ' ') cell += letter;
    }
    return cell;
  }

  // To NULL; false when that hangs. `took` is how long it was.
  bool stop() {
    const auto begin = std::chrono::steady_clock::now();
    const bool stopped = stops_in_time(pipeline_.get());
    took_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                  begin);
    return stopped;
  }
  std::chrono::milliseconds took() const { return took_; }
  GstElement* pipeline() const { return pipeline_.get(); }
  GstElement* src(std::size_t index) const { return srcs_.at(index).get(); }
  BusListener& listener() { return *listener_; }

 private:
  void add(ElementPtr src, bool is_nested) {
    GstElement* bin = pipeline_.get();
    if (is_nested) {
      bin = gst_bin_new(nullptr);
      gst_bin_add(GST_BIN(pipeline_.get()), bin);
    }
    GstElement* sink = gst_element_factory_make("fakesink", nullptr);
    g_object_set(sink, "sync", FALSE, nullptr);
    gst_bin_add_many(GST_BIN(bin), src.get(), sink, nullptr);
    EXPECT_TRUE(gst_element_link(src.get(), sink));
    srcs_.push_back(std::move(src));
  }

  Running pipeline_;
  std::vector<ElementPtr> srcs_;
  std::unique_ptr<BusListener> listener_;
  std::chrono::milliseconds took_{0};
};

// So many generations are there, and each was asked for `polls` times.
PaidService::Condition followed(std::size_t number, unsigned polls = 1) {
  return [number, polls](const Books& books) {
    return books.generations.size() == number &&
           std::all_of(books.generations.begin(), books.generations.end(),
                       [polls](const auto& one) { return one.polls >= polls; });
  };
}

// All generations but the stopped ones have been polled on since now.
testing::AssertionResult rest_goes_on(const Bench& bench) {
  const Books before = bench.books();
  const bool goes_on = bench.wait_for([&](const Books& books) {
    for (std::size_t i = 0; i < books.generations.size(); ++i) {
      if (books.generations[i].ended()) continue;
      if (books.generations[i].polls < before.generations.at(i).polls + 3) return false;
    }
    return true;
  });
  if (goes_on) return testing::AssertionSuccess();
  return testing::AssertionFailure() << bench.books().text();
}

std::set<std::string> different(const std::vector<std::string>& ids) {
  return {ids.begin(), ids.end()};
}

constexpr std::size_t many = 10;

TEST(StopsTogether, AServiceThatNeverAnswersIsWaitedForOnce) {
  Bench bench(endless);
  Ensemble ensemble(bench, many);
  ASSERT_TRUE(bench.wait_for(followed(many))) << bench.books().text();
  bench.service.behave({.polls = never, .stop = StopFate::dropped, .away = Loss::silent});
  ASSERT_TRUE(ensemble.stop());
  std::printf("to NULL: %lld ms\n", static_cast<long long>(ensemble.took().count()));
  RecordProperty("milliseconds_to_null", static_cast<int>(ensemble.took().count()));
  // One after the other they would take twice as long, however quick the machine is.
  EXPECT_LT(ensemble.took(), std::chrono::milliseconds(2500));
  // Whatever did not arrive is noted, and the next runs send it.
  bench.service.behave({});
  EXPECT_TRUE(eventually([&] {
    EXPECT_TRUE(bench.run({{"cell-id", "1"}, {"reuse", "completed"}}).outcome.eos);
    return bench.books().stopped().size() == many;
  })) << bench.books().text();
  EXPECT_EQ(different(bench.books().stopped()).size(), many) << bench.books().text();
  EXPECT_EQ(bench.books().charged().size(), 1U) << bench.books().text();
}

// On one cell one asks, and the others wait for their turn.
TEST(StopsTogether, WhoHasNotAskedYetDoesNotAskAnyMore) {
  Bench bench({.next_posts = {PostFate::dropped}, .loss = Loss::silent});
  Ensemble ensemble(bench, many, "Scene ", {{"cell-id", "3300"}});
  ASSERT_TRUE(bench.wait_for(posts(1))) << bench.books().text();
  ASSERT_TRUE(ensemble.stop());
  EXPECT_LT(ensemble.took(), std::chrono::milliseconds(2500));
  bench.service.behave({});
  EXPECT_TRUE(bench.run({{"prompt", "Something else"}, {"cell-id", "1"}}).outcome.eos);
  EXPECT_EQ(bench.books().posts.size(), 2U) << bench.books().text();
}

TEST(StopsTogether, AServiceThatAnswersStopsThemAll) {
  Bench bench(endless);
  Ensemble ensemble(bench, many);
  ASSERT_TRUE(bench.wait_for(followed(many))) << bench.books().text();
  ASSERT_TRUE(ensemble.stop());
  EXPECT_TRUE(bench.wait_for(stopped(many))) << bench.books().text();
  EXPECT_EQ(bench.books().stops.size(), many) << "once each: " << bench.books().text();
}

TEST(StopsTogether, OneElementThatEndsAloneEndsAlone) {
  Bench bench(endless);
  Ensemble ensemble(bench, 4);
  ASSERT_TRUE(bench.wait_for(followed(4))) << bench.books().text();
  ASSERT_TRUE(stops_in_time(ensemble.src(0)));
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_TRUE(rest_goes_on(bench));
  EXPECT_EQ(bench.books().stops.size(), 1U) << bench.books().text();
  ASSERT_TRUE(ensemble.stop());
  EXPECT_TRUE(bench.wait_for(stopped(4))) << bench.books().text();
}

TEST(StopsTogether, OneBinThatEndsAloneEndsAlone) {
  Bench bench(endless);
  Ensemble ensemble(bench, 4);
  ASSERT_TRUE(bench.wait_for(followed(4))) << bench.books().text();
  const auto bin =
      ElementPtr::adopt(GST_ELEMENT(gst_object_get_parent(GST_OBJECT(ensemble.src(1)))));
  ASSERT_NE(bin.get(), ensemble.pipeline());
  ASSERT_TRUE(stops_in_time(bin.get()));
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_TRUE(rest_goes_on(bench));
  EXPECT_EQ(bench.books().stops.size(), 1U) << bench.books().text();
}

TEST(StopsTogether, AnotherPipelineGoesOn) {
  Bench bench(endless);
  Ensemble one(bench, 2, "One ");
  Ensemble other(bench, 2, "Other ");
  ASSERT_TRUE(bench.wait_for(followed(4))) << bench.books().text();
  ASSERT_TRUE(one.stop());
  EXPECT_TRUE(bench.wait_for(stopped(2))) << bench.books().text();
  EXPECT_TRUE(rest_goes_on(bench));
  EXPECT_EQ(bench.books().stops.size(), 2U) << bench.books().text();
  bench.service.behave({});
  EXPECT_TRUE(other.listener().wait_for_end());
  EXPECT_TRUE(other.listener().outcome().eos) << other.listener().outcome().summary();
}

TEST(StopsTogether, AnElementWhoseStateIsLockedGoesOn) {
  Bench bench(endless);
  Ensemble ensemble(bench, 2);
  ASSERT_TRUE(bench.wait_for(followed(2))) << bench.books().text();
  gst_element_set_locked_state(ensemble.src(0), TRUE);
  ASSERT_TRUE(ensemble.stop());
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  EXPECT_TRUE(rest_goes_on(bench));
  EXPECT_EQ(bench.books().stops.size(), 1U) << bench.books().text();
  gst_element_set_locked_state(ensemble.src(0), FALSE);
  ASSERT_TRUE(stops_in_time(ensemble.src(0)));
  EXPECT_TRUE(bench.wait_for(stopped(2))) << bench.books().text();
}

TEST(StopsTogether, OneThatIsCompletedKeepsItsClip) {
  Bench bench({.polls = never, .clip_size = 4'000'000, .clip_held_at = 1'000});
  Ensemble ensemble(bench, 3);
  ASSERT_TRUE(bench.wait_for(followed(3))) << bench.books().text();
  const std::string id = generation_of(bench.books(), "Scene 1");
  bench.service.end(id, "completed");
  ASSERT_TRUE(bench.wait_for(clip_bytes(1'000))) << bench.books().text();
  ASSERT_TRUE(ensemble.stop());
  EXPECT_TRUE(bench.wait_for(stopped(2))) << bench.books().text();
  bench.service.behave({});
  const std::size_t asked = bench.books().posts.size();
  const Streamed streamed =
      bench.run({{"prompt", "Scene 1"}, {"cell-id", Ensemble::cell_of("Scene 1")}});
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(streamed.bytes, bench.service.clip(id));
  EXPECT_EQ(bench.books().posts.size(), asked) << bench.books().text();
}

TEST(StopsTogether, WhatEndsInOtherThreadsMeanwhileIsNoDanger) {
  for (int round = 0; round < 10; ++round) {
    Bench bench(endless);
    Ensemble ensemble(bench, 4);
    ASSERT_TRUE(bench.wait_for(followed(4))) << bench.books().text();
    std::vector<std::future<bool>> ends;
    for (std::size_t i = 0; i < 3; ++i) {
      ends.push_back(std::async(std::launch::async, [src = ElementPtr::ref(ensemble.src(i))] {
        return stops_in_time(src.get());
      }));
    }
    ASSERT_TRUE(ensemble.stop());
    for (auto& end : ends) EXPECT_TRUE(end.get());
    EXPECT_TRUE(bench.wait_for(stopped(4))) << bench.books().text();
  }
}

// Ways in which what is attached to a generation may end.
struct Door {
  const char* name;
  Settings changes;
  std::function<void(Production&)> leave;
};

void PrintTo(const Door& door, std::ostream* out) {
  *out << door.name;
}

class Attached : public testing::TestWithParam<Door> {};

TEST_P(Attached, NeverStopsIt) {
  for (const bool has_ledger : {true, false}) {
    Bench bench(endless);
    const std::string id = bench.service.add_foreign("101/3300");
    Settings settings{{"generation-id", id}};
    if (!has_ledger) settings.emplace_back("ledger", "");
    settings.insert(settings.end(), GetParam().changes.begin(), GetParam().changes.end());
    {
      Production production(bench.src(settings));
      production.play();
      ASSERT_TRUE(bench.wait_for(polls(2))) << bench.books().text();
      GetParam().leave(production);
      ASSERT_TRUE(production.stop());
    }
    // Another run goes on with it, and would send what the first one owed.
    bench.service.behave({});
    EXPECT_TRUE(bench.run({{"generation-id", id}}).outcome.eos) << bench.books().text();
    EXPECT_TRUE(bench.run({{"cell-id", "1"}}).outcome.eos) << bench.books().text();
    EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, Attached,
    testing::Values(Door{"shutdown", {}, [](Production&) {}},
                    Door{"eos",
                         {},
                         [](Production& production) {
                           gst_element_send_event(production.collector().pipeline(),
                                                  gst_event_new_eos());
                           EXPECT_TRUE(production.collector().listener().wait_for_end());
                         }},
                    Door{"error_of_another",
                         {},
                         [](Production& production) {
                           ElementPtr sink = child(production.collector().pipeline(), "sink");
                           GST_ELEMENT_ERROR(sink.get(), RESOURCE, NO_SPACE_LEFT,
                                             ("The disk is full"), ("a test"));
                           EXPECT_TRUE(production.collector().listener().wait_for_end());
                         }},
                    Door{"error_of_its_own",
                         {{"generation-timeout", "1"}},
                         [](Production& production) {
                           EXPECT_TRUE(production.collector().listener().wait_for_end());
                         }}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(StopsTogether, WhatIsAttachedIsNotAmongThem) {
  Bench bench(endless);
  const std::string id = bench.service.add_foreign("101/3300");
  Running pipeline(sunk(gst_pipeline_new(nullptr)));
  for (const Settings& settings : {Settings{{"cell-id", "1"}}, Settings{{"generation-id", id}}}) {
    ElementPtr src = bench.src(settings);
    GstElement* sink = gst_element_factory_make("fakesink", nullptr);
    gst_bin_add_many(GST_BIN(pipeline.get()), src.get(), sink, nullptr);
    ASSERT_TRUE(gst_element_link(src.get(), sink));
  }
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  ASSERT_TRUE(bench.wait_for(followed(2))) << bench.books().text();
  ASSERT_TRUE(stops_in_time(pipeline.get()));
  EXPECT_TRUE(bench.wait_for(stopped(1))) << bench.books().text();
  bench.service.behave({});
  EXPECT_TRUE(bench.run({{"generation-id", id}}).outcome.eos) << bench.books().text();
  EXPECT_EQ(bench.books().stops.size(), 1U) << bench.books().text();
  EXPECT_NE(bench.books().stopped(), std::vector{id});
}

// The rounds of a loop attach to the clip's generation, too.
TEST(AttachedBin, InALiveProductionNeverStopsIt) {
  Bench bench(endless);
  const std::string id = bench.service.add_foreign("101/3300");
  {
    Running pipeline(sunk(gst_pipeline_new(nullptr)));
    ElementPtr bin = sunk(gst_element_factory_make("genprobin", nullptr));
    ASSERT_TRUE(bin);
    for (const auto& [name, value] : bench.settings({{"generation-id", id}, {"at-end", "loop"}}))
      set_property(bin.get(), name, value);
    GstElement* sink = gst_element_factory_make("fakesink", nullptr);
    gst_bin_add_many(GST_BIN(pipeline.get()), bin.get(), sink, nullptr);
    ASSERT_TRUE(gst_element_link_pads(bin.get(), "video", sink, "sink"));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    ASSERT_TRUE(bench.wait_for(polls(2))) << bench.books().text();
    // The one that was attached to gives way to another try.
    g_signal_emit_by_name(bin.get(), "generate");
    const unsigned asked = bench.books().polls;
    ASSERT_TRUE(bench.wait_for(polls(asked + 3))) << bench.books().text();
    ASSERT_TRUE(stops_in_time(pipeline.get()));
  }
  bench.service.behave({});
  EXPECT_TRUE(bench.run({{"generation-id", id}}).outcome.eos) << bench.books().text();
  EXPECT_TRUE(bench.run({{"cell-id", "1"}}).outcome.eos) << bench.books().text();
  EXPECT_TRUE(bench.books().stops.empty()) << bench.books().text();
}

}  // namespace
}  // namespace genpro::test
