// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When a new generation is asked for, and what is told of it.
#include "live/live_fixture.h"

namespace genpro::test {
namespace {

using Words = std::vector<std::string>;

// Asks anew each time, also for what has been asked for before.
const Settings always_new = {{"reuse", "never"}};

Settings with(Settings settings, const Settings& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Generate, TellsWhatHappensInOrder) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.generate();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9042")) << studio.signals().text();
  EXPECT_EQ(studio.signals().words(),
            (Words{"started 9041", "completed 9041", "clip-started 9041", "clip-ended 9041",
                   "started 9042", "completed 9042", "clip-started 9042", "clip-ended 9042"}));
  EXPECT_EQ(service.posts(), 2);
  studio.stop();
}

TEST(Generate, ShowsTheLatestInItsProperties) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60}));
  service.hold_from(1);
  Studio studio(live_bin(service, always_new));
  EXPECT_EQ(get_property(studio.bin(), "status"), "idle");
  EXPECT_EQ(get_property(studio.bin(), "generation-id"), "");
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("started 9041"));
  EXPECT_EQ(get_property(studio.bin(), "generation-id"), "9041");
  EXPECT_TRUE(eventually([&] { return get_property(studio.bin(), "status") == "processing"; }));
  service.complete(1);
  EXPECT_TRUE(eventually([&] { return get_property(studio.bin(), "cost") == "3.5"; }));
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  studio.generate();
  ASSERT_TRUE(studio.signals().wait_for("started 9042"));
  EXPECT_EQ(get_property(studio.bin(), "generation-id"), "9042");
  studio.stop();
}

TEST(Generate, PostsProgressAndStatusAsItsOwn) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  const Outcome outcome = studio.bus().outcome();
  expect_progress(outcome, "progress-complete");
  for (const char* status : {"submitting", "pending", "streaming", "done"})
    EXPECT_TRUE(outcome.reached(status)) << status << "\n" << outcome.summary();
  for (const GstStructure* message : outcome.named("genpro-generation"))
    EXPECT_TRUE(gst_structure_has_field(message, "generation-id"));
}

TEST(Generate, EndsTheProgressOfWhatIsGivenUp) {
  LiveService service;
  service.hold_from(1);
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("started 9041"));
  studio.stop();
  expect_progress(studio.bus().outcome(), "progress-canceled");
}

TEST(Generate, IsDoneByItselfOnlyWhenToldTo) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  set_property(studio.bin(), "prompt", "Another thing altogether");
  set_property(studio.bin(), "asset-ids", "7,8");
  set_property(studio.bin(), "duration", "10");
  ASSERT_TRUE(studio.video().wait_for_more(30));
  EXPECT_EQ(service.posts(), 1) << "it spends";
  studio.generate();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9042")) << studio.signals().text();
  ASSERT_EQ(service.posts(), 2);
  EXPECT_TRUE(has(service.bodies()[1], "Another thing altogether"));
  EXPECT_TRUE(has(service.bodies()[1], "[7,8]")) << service.bodies()[1];
  studio.stop();
}

TEST(Generate, TakesChangesThatComeTogetherAsOne) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"at-end", "loop"}, {"auto-generate", "true"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  for (const char* prompt : {"One", "Two", "Three of {{name}}"})
    set_property(studio.bin(), "prompt", prompt);
  set_property(studio.bin(), "model", "pika");
  set_property(studio.bin(), "duration", "8");
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9042"));
  ASSERT_TRUE(studio.video().wait_for_more(30));
  ASSERT_EQ(service.posts(), 2);
  EXPECT_TRUE(has(service.bodies()[1], "Three of")) << service.bodies()[1];
  EXPECT_TRUE(has(service.bodies()[1], "pika"));
  // Each of the settings that make another video counts.
  int number = 2;
  for (const auto& [name, value] :
       Settings{{"asset-ids", "9"}, {"variables", R"({"name": "x"})"}, {"aspect-ratio", "9:16"}}) {
    set_property(studio.bin(), name, value);
    ++number;
    ASSERT_TRUE(service.wait_for_posts(number)) << name;
    ASSERT_TRUE(studio.signals().wait_for("clip-started " + LiveService::id(number))) << name;
  }
  studio.stop();
}

TEST(Generate, IsNotDoneForWhatMakesNoOtherVideo) {
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service, {{"at-end", "loop"}, {"auto-generate", "true"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  for (const auto& [name, value] : Settings{{"fade", "100"},
                                            {"placeholder", "slate"},
                                            {"retries", "2"},
                                            {"prompt", seed_prompt},
                                            {"at-end", "hold"}})
    set_property(studio.bin(), name, value);
  ASSERT_TRUE(studio.video().wait_for_more(45));
  EXPECT_EQ(service.posts(), 1);
  studio.stop();
}

TEST(Generate, IsNotDoneForChangesBeforePlaying) {
  LiveService service;
  service.set_clip(clip_of({.frames = 60}));
  Studio studio(live_bin(service, {{"auto-generate", "true"}}));
  set_property(studio.bin(), "prompt", "One");
  EXPECT_EQ(service.posts(), 0);
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  ASSERT_TRUE(studio.video().wait_for_more(30));
  EXPECT_EQ(service.posts(), 1);
  EXPECT_TRUE(has(service.bodies()[0], "One"));
  studio.stop();
}

TEST(Generate, StopsWhatIsReplacedBeforeItWasShown) {
  LiveService service;
  service.set_clip(clip_of({.tag = 3, .frames = 30}));
  service.hold_from(1);
  Studio studio(live_bin(service, always_new));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("started 9041"));
  studio.generate();
  ASSERT_TRUE(service.wait_for_stop(1)) << "it would be paid for in vain";
  ASSERT_TRUE(studio.signals().wait_for("started 9042"));
  service.complete(2);
  ASSERT_TRUE(studio.wait_for_clip(3));
  EXPECT_FALSE(service.was_stopped(2));
  studio.stop();
  EXPECT_EQ(service.posts(), 2);
  EXPECT_FALSE(has(studio.signals().text(), "clip-started 9041"));
}

TEST(Generate, LeavesTheRunningClipUntilTheNextIsThere) {
  LiveService service;
  service.set_clip(1, LiveService::plain_clip(clip_of({.tag = 1, .frames = 15})));
  service.set_clip(2, LiveService::plain_clip(clip_of({.tag = 2, .frames = 15})));
  service.hold_from(2);
  Studio studio(
      live_bin(service, {{"at-end", "loop"}, {"auto-generate", "true"}, {"reuse", "never"}}));
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  const std::size_t before = studio.video().count();
  set_property(studio.bin(), "prompt", "Another thing altogether");
  ASSERT_TRUE(studio.signals().wait_for("started 9042"));
  ASSERT_TRUE(studio.video().wait_for_more(20));
  service.complete(2);
  ASSERT_TRUE(studio.wait_for_clip(2));
  studio.stop();
  const Pictures pictures = studio.video().pictures();
  for (std::size_t i = before; i < pictures.size(); ++i)
    ASSERT_TRUE(pictures[i].mark) << text_of(pictures);
  EXPECT_EQ(part_of(pictures, 2).front().mark->frame, 0);
}

TEST(Generate, CanAttachToAGenerationThatExists) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, {{"generation-id", "9047"}}));
  studio.play();
  EXPECT_TRUE(studio.wait_for_clip(1));
  studio.stop();
  EXPECT_EQ(service.posts(), 0);
}

TEST(Generate, CanBeAskedForManyTimesAtOnce) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, with(always_new, {{"at-end", "hold"}})));
  studio.play();
  for (int i = 0; i < 30; ++i) studio.generate();
  ASSERT_TRUE(studio.wait_for_clip(1));
  // One at a time: each that was made and not shown is stopped.
  ASSERT_TRUE(studio.video().wait_for_more(15));
  studio.stop();
  studio.expect_quiet();
}

TEST(Log, TellsTheStoryOfARunInSomeTwentyLines) {
  const LogListener log("genpro*:4");
  LiveService service;
  service.set_clip(clip_of({.frames = 15}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  service.set_post(json_answer(401, R"({"error": "No", "error_code": "unauthorized"})"));
  studio.generate();
  ASSERT_TRUE(studio.signals().wait_for("failed "));
  studio.stop();
  const std::vector<std::string> lines = log.lines();
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  EXPECT_LE(lines.size(), 30U) << all;
  std::size_t at = 0;
  for (const char* part :
       {"the placeholder is on", "clip 1 is asked for", "sheet 101, cell 3300", "which is charged",
        "is streaming", "clip 1, generation 9041, is on at running time 0:00:0", ", frame ",
        "clip 1, generation 9041, has ended at running time 0:00:0", ", frame ",
        "the placeholder is on", "clip 2 is asked for", "clip 2 has failed: "}) {
    at = all.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << " is not there, or not in its turn:\n" << all;
  }
}

TEST(Generate, BeforePlayingDoesNoHarm) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service));
  studio.generate();
  EXPECT_EQ(service.posts(), 0) << "nothing is asked for by an element that does not run";
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  studio.stop();
  studio.generate();
  EXPECT_EQ(service.posts(), 1);
}

}  // namespace
}  // namespace genpro::test
