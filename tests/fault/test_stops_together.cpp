// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of the unfinished generations of elements that end together, and of one that an
// element is attached to.
#include <cstdio>
#include <future>
#include <set>

#include "fault/fault_fixture.h"

namespace genpro::test {
namespace {

// Sources with a sink each in one pipeline, every second pair of them in a bin of its own. Each is
// on a cell of its own, so that none waits for another one's request.
class Ensemble {
 public:
  Ensemble(const Bench& bench, int number, const std::string& prompt = "Scene ",
           const Settings& changes = {})
      : pipeline_(sink_ref(gst_pipeline_new(nullptr))) {
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

constexpr std::size_t pipelines = 10;
// Each waits for the service for half a second at most.
constexpr auto one_after_the_other = pipelines * std::chrono::milliseconds(500);

TEST(StopsTogether, AServiceThatNeverAnswersIsWaitedForOnce) {
  Bench bench(endless);
  Ensemble ensemble(bench, pipelines);
  ASSERT_TRUE(bench.wait_for(followed(pipelines))) << bench.books().text();
  bench.service.behave({.polls = never, .stop = StopFate::dropped, .away = Loss::silent});
  ASSERT_TRUE(ensemble.stop());
  std::printf("to NULL: %lld ms\n", static_cast<long long>(ensemble.took().count()));
  RecordProperty("milliseconds_to_null", static_cast<int>(ensemble.took().count()));
  EXPECT_LT(ensemble.took(), one_after_the_other);
  // Whatever did not arrive is noted, and the next runs send it.
  bench.service.behave({});
  EXPECT_TRUE(eventually([&] {
    EXPECT_TRUE(bench.run({{"cell-id", "1"}, {"reuse", "completed"}}).outcome.eos);
    return bench.books().stopped().size() == pipelines;
  })) << bench.books().text();
  EXPECT_EQ(different(bench.books().stopped()).size(), pipelines) << bench.books().text();
  EXPECT_EQ(bench.books().charged().size(), 1U) << bench.books().text();
}

// On one cell one asks, and the others wait for their turn.
TEST(StopsTogether, WhoHasNotAskedYetDoesNotAskAnyMore) {
  Bench bench({.next_posts = {PostFate::dropped}, .loss = Loss::silent});
  Ensemble ensemble(bench, pipelines, "Scene ", {{"cell-id", "3300"}});
  ASSERT_TRUE(bench.wait_for(posts(1))) << bench.books().text();
  ASSERT_TRUE(ensemble.stop());
  EXPECT_LT(ensemble.took(), one_after_the_other);
  bench.service.behave({});
  EXPECT_TRUE(bench.run({{"prompt", "Something else"}, {"cell-id", "1"}}).outcome.eos);
  EXPECT_EQ(bench.books().posts.size(), 2U) << bench.books().text();
}

TEST(StopsTogether, AServiceThatAnswersStopsThemAll) {
  Bench bench(endless);
  Ensemble ensemble(bench, pipelines);
  ASSERT_TRUE(bench.wait_for(followed(pipelines))) << bench.books().text();
  ASSERT_TRUE(ensemble.stop());
  EXPECT_TRUE(bench.wait_for(stopped(pipelines))) << bench.books().text();
  EXPECT_EQ(bench.books().stops.size(), pipelines) << "once each: " << bench.books().text();
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
  Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
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
    Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
    ElementPtr bin = sink_ref(gst_element_factory_make("genprobin", nullptr));
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
