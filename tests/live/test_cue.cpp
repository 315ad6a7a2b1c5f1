// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Clips that are cued and taken: on air at the frame that was called for, with their sound.
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "live/gapless_run.h"

namespace genpro::test {
namespace {

constexpr GstClockTime frame_time = GST_SECOND / 30;

bool act(GstElement* bin, const char* action, std::uint64_t when) {
  gboolean is_done = FALSE;
  g_signal_emit_by_name(bin, action, guint64{when}, &is_done);
  return is_done != FALSE;
}

bool untake(GstElement* bin) {
  gboolean is_done = FALSE;
  g_signal_emit_by_name(bin, "untake", &is_done);
  return is_done != FALSE;
}

bool is_event(GstMessage* message, const char* name, const char* event) {
  return gst_message_has_name(message, name) &&
         g_strcmp0(gst_structure_get_string(gst_message_get_structure(message), "event"), event) ==
             0;
}

std::uint64_t time_in(const GstStructure* fields, const char* name) {
  std::uint64_t time = GST_CLOCK_TIME_NONE;
  gst_structure_get_clock_time(fields, name, &time);
  return time;
}

class Cue : public testing::Test, public GaplessRun {
 protected:
  void play(const Settings& changes = {}) {
    service.set_clip(clip_of(spec));
    Settings settings = {{"start-mode", "cue"}, {"framerate", "30/1"}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    studio = std::make_unique<Studio>(live_bin(service, settings));
    studio->play();
  }
  bool wait_for(const char* event, const char* name = "genpro-clip") {
    return studio->bus().wait_for(
        [&](GstMessage* message) { return is_event(message, name, event); });
  }
  StructurePtr message(const char* event, const char* name = "genpro-clip") {
    const Outcome outcome = studio->outcome();
    for (const GstStructure* fields : outcome.named(name)) {
      if (g_strcmp0(gst_structure_get_string(fields, "event"), event) == 0) {
        return StructurePtr(gst_structure_copy(fields));
      }
    }
    ADD_FAILURE() << "no " << name << " " << event;
    return nullptr;
  }
  StructurePtr stats() {
    GstStructure* fields = nullptr;
    g_object_get(bin(), "stats", &fields, nullptr);
    return StructurePtr(fields);
  }
  std::uint64_t last_time() { return studio->video().pictures().back().pts; }
  bool wait_until(std::uint64_t time) {
    return studio->video().wait_for([=](const Shown& shown) { return shown.pts >= time; });
  }
  // What is the first frame that is not before that time.
  const Shown& frame_from(std::uint64_t time) {
    static const Shown none;
    const auto found = std::find_if(pictures.begin(), pictures.end(),
                                    [=](const Shown& shown) { return shown.pts >= time; });
    EXPECT_TRUE(found != pictures.end()) << "no frame after " << time;
    return found == pictures.end() ? none : *found;
  }

  ClipSpec spec{.frames = 45};
};

TEST_F(Cue, HoldsAClipUntilItIsTakenAtTheFrameThatWasCalledFor) {
  play();
  ASSERT_TRUE(wait_for("cued"));
  ASSERT_TRUE(studio->video().wait_for_more(15));
  const std::uint64_t take = last_time() + 40 * frame_time + 7 * GST_MSECOND;
  EXPECT_TRUE(act(bin(), "take", take));
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, spec.tag, spec.frames);
  EXPECT_EQ(frame_from(take).mark, (Mark{spec.tag, 0}));
  const Pictures clip = part_of(pictures, spec.tag);
  expect_in_sync(pictures, sound, spec, clip.front().pts, clip.back().end());
  EXPECT_EQ(time_in(message("cued").get(), "length"), 1500 * GST_MSECOND);
  EXPECT_EQ(time_in(message("started").get(), "running-time"), clip.front().pts);
  studio->expect_quiet();
}

TEST_F(Cue, OfOneClipInTwoBinsIsTakenAtTheSameFrame) {
  play();
  const ElementPtr other =
      live_bin(service, {{"start-mode", "cue"}, {"framerate", "30/1"}, {"reuse", "completed"}});
  const Recorder video(other.get(), "video");
  BusListener& bus = studio->bus();
  gst_bin_add(GST_BIN(studio->pipeline()), other.get());
  ASSERT_TRUE(gst_element_sync_state_with_parent(other.get()));
  for (GstElement* each : {bin(), other.get()}) {
    ASSERT_TRUE(bus.wait_for([each](GstMessage* message) {
      return GST_MESSAGE_SRC(message) == GST_OBJECT(each) &&
             is_event(message, "genpro-clip", "cued");
    }));
  }
  const std::uint64_t take = last_time() + 60 * frame_time + 7 * GST_MSECOND;
  for (GstElement* each : {bin(), other.get()}) EXPECT_TRUE(act(each, "take", take));
  ASSERT_TRUE(studio->wait_for_picture({spec.tag, 10}));
  ASSERT_TRUE(video.wait_for([this](const Shown& shown) {
    return shown.mark == Mark{spec.tag, 10};
  }));
  ASSERT_NO_FATAL_FAILURE(stop());
  const Pictures clip = part_of(pictures, spec.tag);
  const Pictures same = part_of(video.pictures(), spec.tag);
  EXPECT_EQ(clip.front().mark, (Mark{spec.tag, 0}));
  EXPECT_EQ(same.front().mark, (Mark{spec.tag, 0}));
  EXPECT_EQ(clip.front().pts, frame_from(take).pts);
  // Each bin counts its frames from its own beginning, and rounds their times.
  EXPECT_NEAR(static_cast<double>(same.front().pts), static_cast<double>(clip.front().pts),
              1.0 * GST_USECOND);
  EXPECT_EQ(service.posts(), 1);
}

// Whichever of them has it first.
TEST_F(Cue, OfOneGenerationInTwoBinsThatDoNotWaitIsOnAtTheSameFrame) {
  service.set_clip(clip_of(spec));
  const Settings settings = {{"framerate", "30/1"}, {"generation-id", LiveService::id(1)}};
  for (int run = 0; run < 5; ++run) {
    studio = std::make_unique<Studio>(live_bin(service, settings));
    const ElementPtr other = live_bin(service, settings);
    const Recorder video(other.get(), "video");
    gst_bin_add(GST_BIN(studio->pipeline()), other.get());
    studio->play();
    const auto is_on = [this](const Shown& shown) { return shown.mark == Mark{spec.tag, 10}; };
    ASSERT_TRUE(studio->video().wait_for(is_on));
    ASSERT_TRUE(video.wait_for(is_on));
    studio->stop();
    const Pictures clip = part_of(studio->video().pictures(), spec.tag);
    const Pictures same = part_of(video.pictures(), spec.tag);
    EXPECT_EQ(clip.front().mark, (Mark{spec.tag, 0}));
    EXPECT_EQ(same.front().mark, (Mark{spec.tag, 0}));
    EXPECT_NEAR(static_cast<double>(same.front().pts), static_cast<double>(clip.front().pts),
                1.0 * GST_USECOND);
  }
}

TEST_F(Cue, ATakeBeforeTheClipIsCuedIsArmedAndHolds) {
  service.hold_from(1);
  play();
  EXPECT_FALSE(untake(bin()));
  EXPECT_TRUE(act(bin(), "take", GST_CLOCK_TIME_NONE));
  EXPECT_TRUE(untake(bin()));
  EXPECT_TRUE(act(bin(), "take", last_time()));
  service.complete(1);
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  EXPECT_FALSE(act(bin(), "take", GST_CLOCK_TIME_NONE)) << "nothing is cued";
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, spec.tag, spec.frames);
  EXPECT_GE(time_in(message("started").get(), "late"), frame_time);
  EXPECT_EQ(studio->outcome().warnings.size(), 1U);
}

TEST_F(Cue, IsToldInTheStatistics) {
  play();
  EXPECT_EQ(time_in(stats().get(), "needed-in"), GST_CLOCK_TIME_NONE);
  set_property(bin(), "needed-by", std::to_string(3600 * GST_SECOND));
  ASSERT_TRUE(wait_for("cued"));
  EXPECT_STREQ(gst_structure_get_string(stats().get(), "cued"), "9041");
  const std::uint64_t left = time_in(stats().get(), "needed-in");
  EXPECT_GT(left, 3000 * GST_SECOND);
  EXPECT_LT(left, 3600 * GST_SECOND);
  EXPECT_TRUE(act(bin(), "take", GST_CLOCK_TIME_NONE));
  ASSERT_TRUE(studio->signals().wait_for("clip-started 9041"));
  EXPECT_STREQ(gst_structure_get_string(stats().get(), "cued"), "");
  studio->stop();
}

TEST_F(Cue, OfAClipThatWasNeverOnLeavesItToBeUsed) {
  const auto wait_until_read = [this](std::size_t times) {
    return studio->signals().wait_for("completed 9041", times) && wait_for("cued") &&
           eventually([&] { return get_property(bin(), "status") == "done"; });
  };
  play({{"preroll", "whole"}});
  ASSERT_TRUE(wait_until_read(1)) << studio->signals().text();
  studio->generate();
  ASSERT_TRUE(wait_until_read(2)) << studio->signals().text();
  studio->stop();
  play({{"preroll", "whole"}});
  ASSERT_TRUE(wait_until_read(1)) << studio->signals().text();
  studio->stop();
  EXPECT_EQ(service.posts(), 1);
}

TEST_F(Cue, CuesAtAPositionBackwardsToo) {
  play();
  ASSERT_TRUE(wait_for("cued"));
  EXPECT_TRUE(act(bin(), "seek-cue", GST_SECOND));
  const auto is_cued_at = [](GstMessage* message, std::uint64_t position) {
    return is_event(message, "genpro-clip", "cued") &&
           time_in(gst_message_get_structure(message), "position") == position;
  };
  ASSERT_TRUE(
      studio->bus().wait_for([&](GstMessage* message) { return is_cued_at(message, GST_SECOND); }));
  EXPECT_TRUE(act(bin(), "seek-cue", 500 * GST_MSECOND));
  ASSERT_TRUE(studio->bus().wait_for(
      [&](GstMessage* message) { return is_cued_at(message, 500 * GST_MSECOND); }));
  EXPECT_TRUE(act(bin(), "take", GST_CLOCK_TIME_NONE));
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  ASSERT_NO_FATAL_FAILURE(stop());
  const Pictures clip = part_of(pictures, spec.tag);
  ASSERT_FALSE(clip.empty());
  EXPECT_EQ(clip.front().mark, (Mark{spec.tag, 15}));
  EXPECT_EQ(clip.back().mark, (Mark{spec.tag, 44}));
  EXPECT_EQ(service.posts(), 1) << "it was paid for again";
  // The first burst is that of half a second.
  ASSERT_FALSE(bursts(sound).empty());
  EXPECT_NEAR(static_cast<double>(bursts(sound).front()), static_cast<double>(clip.front().pts),
              20.0 * GST_MSECOND);
  studio->expect_quiet();
}

TEST_F(Cue, FreezesReplaysAndClears) {
  play();
  EXPECT_FALSE(act(bin(), "freeze", GST_CLOCK_TIME_NONE)) << "no clip is on";
  EXPECT_FALSE(act(bin(), "replay", GST_CLOCK_TIME_NONE)) << "no clip was on";
  ASSERT_TRUE(wait_for("cued"));
  const std::uint64_t start = last_time() + 40 * frame_time;
  EXPECT_TRUE(act(bin(), "take", start));
  EXPECT_TRUE(act(bin(), "freeze", start + 500 * GST_MSECOND));
  EXPECT_TRUE(act(bin(), "unfreeze", start + GST_SECOND));
  ASSERT_TRUE(wait_until(start + 1200 * GST_MSECOND));
  const std::uint64_t again = last_time() + 240 * frame_time;
  EXPECT_TRUE(act(bin(), "replay", again));
  EXPECT_TRUE(act(bin(), "clear", again + 400 * GST_MSECOND));
  ASSERT_TRUE(wait_until(again + 600 * GST_MSECOND));
  ASSERT_NO_FATAL_FAILURE(stop());
  EXPECT_EQ(frame_from(start).mark, (Mark{spec.tag, 0}));
  const Mark frozen{spec.tag, frame_from(start + 500 * GST_MSECOND).mark->frame};
  EXPECT_NEAR(frozen.frame, 15, 1);
  EXPECT_EQ(frame_from(start + 800 * GST_MSECOND).mark, frozen);
  EXPECT_EQ(loudness(sound, start + 560 * GST_MSECOND, start + 940 * GST_MSECOND), 0);
  EXPECT_NEAR(frame_from(start + 1200 * GST_MSECOND).mark->frame, 21, 1);
  EXPECT_EQ(frame_from(again).mark, (Mark{spec.tag, 0}));
  EXPECT_TRUE(frame_from(again + 330 * GST_MSECOND).mark);
  EXPECT_FALSE(frame_from(again + 400 * GST_MSECOND).mark);
  EXPECT_EQ(service.posts(), 1);
}

TEST_F(Cue, MayBeCalledForInAnyHandler) {
  play({{"at-end", "placeholder"}});
  struct Handlers {
    std::atomic<int> done = 0;
    static void on_cued(GstElement* bin, const char*, guint64, gpointer self) {
      if (act(bin, "take", GST_CLOCK_TIME_NONE)) ++static_cast<Handlers*>(self)->done;
    }
    static void on_started(GstElement* bin, const char*, gpointer self) {
      if (act(bin, "clear", GST_CLOCK_TIME_NONE)) ++static_cast<Handlers*>(self)->done;
    }
  } handlers;
  const auto cued = g_signal_connect(bin(), "clip-cued", G_CALLBACK(Handlers::on_cued), &handlers);
  const auto started =
      g_signal_connect(bin(), "clip-started", G_CALLBACK(Handlers::on_started), &handlers);
  studio->generate();
  ASSERT_TRUE(wait_for("ended"));
  EXPECT_STREQ(gst_structure_get_string(message("ended").get(), "reason"), "cleared");
  g_signal_handler_disconnect(bin(), cued);
  g_signal_handler_disconnect(bin(), started);
  studio->stop();
  EXPECT_EQ(handlers.done, 2);
}

class Deadline : public Cue {
 protected:
  void SetUp() override {
    service.hold_from(1);
    std::ofstream(fallback) << clip_of({.tag = 7, .frames = 60});
  }
  void play_until(std::uint64_t needed_by, const Settings& changes) {
    Settings settings = {{"start-mode", "auto"}, {"needed-by", std::to_string(needed_by)}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    play(settings);
  }
  const TempDir folder;
  const std::string fallback = folder.file("fallback.mp4");
  static constexpr std::uint64_t needed_by = 8010 * GST_MSECOND;
};

TEST_F(Deadline, PutsTheFallbackOnItsFrameAndGivesUpTheClip) {
  play_until(needed_by, {{"fallback-location", fallback}});
  ASSERT_TRUE(wait_for("missed", "genpro-deadline"));
  EXPECT_TRUE(service.wait_for_stop(1));
  ASSERT_TRUE(wait_for("ended"));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, 7, 60);
  EXPECT_EQ(frame_from(needed_by).mark, (Mark{7, 0}));
  EXPECT_EQ(time_in(message("missed", "genpro-deadline").get(), "running-time"),
            frame_from(needed_by).pts);
  EXPECT_EQ(studio->outcome().warnings.size(), 1U);
}

TEST_F(Deadline, TakesTheLateClipInPlaceOfTheFallback) {
  play_until(needed_by, {{"fallback-location", fallback}, {"late-clip", "take"}});
  ASSERT_TRUE(studio->wait_for_clip(7));
  service.complete(1);
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, spec.tag, spec.frames);
}

TEST_F(Deadline, KeepsTheLateClipCued) {
  play_until(needed_by, {{"fallback-location", fallback}, {"late-clip", "cue"}});
  ASSERT_TRUE(studio->wait_for_clip(7));
  service.complete(1);
  ASSERT_TRUE(wait_for("cued"));
  ASSERT_TRUE(studio->video().wait_for_more(5));
  ASSERT_NO_FATAL_FAILURE(stop());
  EXPECT_TRUE(part_of(pictures, spec.tag).empty());
}

TEST_F(Deadline, ThatIsMetChangesNothing) {
  play({{"start-mode", "auto"}, {"fallback-location", fallback}});
  service.complete(1);
  ASSERT_TRUE(studio->signals().wait_for("clip-started 9041"));
  set_property(bin(), "needed-by", std::to_string(last_time() + 30 * frame_time));
  ASSERT_TRUE(wait_for("met", "genpro-deadline"));
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  ASSERT_NO_FATAL_FAILURE(stop());
  expect_whole(pictures, spec.tag, spec.frames);
  EXPECT_TRUE(part_of(pictures, 7).empty());
  studio->expect_quiet();
}

TEST_F(Deadline, AnImageStays) {
  const std::string image = folder.file("image.png");
  const Outcome made = run_launch(
      "videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=192,height=108 ! pngenc ! "
      "filesink location=" +
      image);
  ASSERT_TRUE(made.eos) << made.summary();
  play_until(needed_by, {{"fallback-location", image}});
  ASSERT_TRUE(wait_until(needed_by + GST_SECOND));
  ASSERT_NO_FATAL_FAILURE(stop());
  for (const Shown& shown : pictures) {
    EXPECT_NEAR(shown.brightness(), shown.pts < needed_by ? 16 : 235, 1) << shown.pts;
  }
}

TEST_F(Deadline, ThatIsNotLikelyToHoldIsToldEarly) {
  play({{"start-mode", "auto"}, {"reuse", "never"}});
  service.complete(1);
  ASSERT_TRUE(studio->signals().wait_for("clip-ended 9041"));
  // What such generations take is known from the first one.
  ASSERT_NO_FATAL_FAILURE(set_durations(service.ledger(), 7200));
  const std::uint64_t deadline = last_time() + 600 * GST_SECOND;
  set_property(bin(), "needed-by", std::to_string(deadline));
  studio->generate();
  ASSERT_TRUE(wait_for("at-risk", "genpro-deadline"));
  studio->stop();
  const StructurePtr told = message("at-risk", "genpro-deadline");
  EXPECT_STREQ(gst_structure_get_string(told.get(), "generation-id"), "9042");
  EXPECT_EQ(time_in(told.get(), "running-time"), deadline);
  EXPECT_GT(time_in(told.get(), "expected"), deadline);
}

TEST_F(Cue, TheTimeToTakeItAtIsNoneOnceItWasTaken) {
  const std::string none = std::to_string(GST_CLOCK_TIME_NONE);
  const std::string late = std::to_string(3600 * GST_SECOND);
  play({{"take-at", late}});
  EXPECT_EQ(get_property(bin(), "take-at"), late);
  EXPECT_TRUE(untake(bin()));
  EXPECT_EQ(get_property(bin(), "take-at"), none);
  ASSERT_TRUE(wait_for("cued"));
  const std::uint64_t take = last_time() + 90 * frame_time + 7 * GST_MSECOND;
  set_property(bin(), "take-at", std::to_string(take));
  ASSERT_TRUE(studio->wait_for_picture({spec.tag, 0}));
  EXPECT_EQ(get_property(bin(), "take-at"), none);
  ASSERT_NO_FATAL_FAILURE(stop());
  EXPECT_EQ(frame_from(take).mark, (Mark{spec.tag, 0}));
}

TEST_F(Deadline, IsADateAndTimeToo) {
  const Owned<GDateTime, g_date_time_unref> now(g_date_time_new_now_utc());
  const Owned<GDateTime, g_date_time_unref> then(g_date_time_add_hours(now.get(), 1));
  const GCharPtr text(g_date_time_format_iso8601(then.get()));
  play({{"start-mode", "auto"}, {"needed-by-time", text.get()}});
  std::uint64_t left = GST_CLOCK_TIME_NONE;
  ASSERT_TRUE(eventually([&] {
    left = time_in(stats().get(), "needed-in");
    return left != GST_CLOCK_TIME_NONE;
  }));
  const Owned<GDateTime, g_date_time_unref> by_now(g_date_time_new_now_utc());
  const auto passed = static_cast<std::uint64_t>(g_date_time_difference(by_now.get(), now.get()));
  EXPECT_LE(left, 3600 * GST_SECOND);
  EXPECT_GE(left, 3600 * GST_SECOND - passed * GST_USECOND - GST_SECOND);
  studio->stop();
}

TEST_F(Deadline, ThatIsLongPastIsMissedAtOnce) {
  play({{"start-mode", "auto"}, {"late-clip", "take"}});
  set_property(bin(), "needed-by-time", "1600-01-01T00:00:00Z");
  EXPECT_TRUE(wait_for("missed", "genpro-deadline"));
  studio->stop();
}

TEST_F(Deadline, WithAFallbackThatIsNoneIsToldAtOnce) {
  play_until(GST_CLOCK_TIME_NONE, {{"fallback-location", "/no/such/clip.mp4"}});
  ASSERT_TRUE(studio->bus().wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING; }));
  studio->stop();
  const std::string text = studio->outcome().warnings[0].text;
  EXPECT_NE(text.find("/no/such/clip.mp4"), std::string::npos) << text;
  EXPECT_NE(text.find("Set fallback-location"), std::string::npos) << text;
}

TEST_F(Deadline, WhoseFilesArePipesIsToldAndHoldsUpNothing) {
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), S_IRUSR | S_IWUSR), 0);
  play_until(
      GST_CLOCK_TIME_NONE,
      {{"fallback-location", pipe}, {"placeholder", "image"}, {"placeholder-location", pipe}});
  EXPECT_TRUE(eventually([&] {
    const Outcome outcome = studio->outcome();
    return std::ranges::count_if(outcome.warnings, [&](const BusError& warning) {
             return warning.text.find(pipe) != std::string::npos;
           }) == 2;
  }));
  studio->stop();
}

TEST_F(Deadline, ThatIsNoDateOrHasPassedIsAnError) {
  for (const std::string when : {"tomorrow", "2001-01-31T20:15:00Z"}) {
    Studio wrong(live_bin(service, {{"needed-by-time", when}}));
    wrong.set(GST_STATE_PLAYING);
    ASSERT_TRUE(wrong.bus().wait_for_end()) << when;
    const Outcome outcome = wrong.bus().outcome();
    ASSERT_EQ(outcome.errors.size(), 1U);
    const std::string& text = outcome.errors[0].text;
    EXPECT_NE(text.find("needed-by-time is \"" + when + "\""), std::string::npos) << text;
  }
  EXPECT_EQ(service.posts(), 0);
}

}  // namespace
}  // namespace genpro::test
