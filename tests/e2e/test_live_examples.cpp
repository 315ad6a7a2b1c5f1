// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The examples of a live production as they stand, behind the real emulator, and what is in the
// files that they write.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "on_emulator.h"
#include "support/bus.h"
#include "support/child.h"

namespace genpro::test {
namespace {

// Short clips, and no waiting between questions for the status.
constexpr const char* quick = "duration=1 poll-interval=50";

// A picture, small and without colour.
constexpr int width = 128;
constexpr int height = 72;
struct Area {
  int left, top, right, bottom;
};

class Frame {
 public:
  explicit Frame(std::string bytes) : bytes_(std::move(bytes)) {}

  double brightness() const {
    double sum = 0;
    for (const char value : bytes_) sum += static_cast<unsigned char>(value);
    return sum / static_cast<double>(bytes_.size());
  }
  // Of the values of 0 to 255, on average.
  double difference(const Frame& other, const Area& area) const {
    double sum = 0;
    for (int y = area.top; y < area.bottom; ++y) {
      for (int x = area.left; x < area.right; ++x) sum += std::abs(at(x, y) - other.at(x, y));
    }
    return sum / ((area.right - area.left) * (area.bottom - area.top));
  }

 private:
  int at(int x, int y) const {
    return static_cast<unsigned char>(bytes_[static_cast<std::size_t>(y * width + x)]);
  }

  std::string bytes_;
};

class LiveExamples : public OnExamples {
 protected:
  std::vector<Frame> frames_of(const std::string& name) const {
    const Outcome outcome = run_launch(
        "filesrc location=" + file(name) +
        " ! decodebin ! videoconvert ! videoscale ! video/x-raw,format=GRAY8,width=128,height=72"
        " ! filesink location=" +
        file("frames.raw"));
    EXPECT_TRUE(outcome.eos) << name << ": " << outcome.summary();
    const std::string raw = read_file(file("frames.raw"));
    constexpr std::size_t size = std::size_t{width} * height;
    EXPECT_EQ(raw.size() % size, 0U);
    std::vector<Frame> frames;
    for (std::size_t at = 0; at + size <= raw.size(); at += size) {
      frames.emplace_back(raw.substr(at, size));
    }
    return frames;
  }
};

// In seconds, as progressreport has told last. On a loaded machine the recording is behind.
struct Progress {
  int passed = -1;
  int recorded = -1;
};

Progress last_progress(const std::string& output) {
  const std::size_t at = output.rfind("recorded (");
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  int recorded = 0;
  if (at == std::string::npos || std::sscanf(output.c_str() + at, "recorded (%d:%d:%d): %d", &hours,
                                             &minutes, &seconds, &recorded) != 4) {
    return {};
  }
  return {(hours * 60 + minutes) * 60 + seconds, recorded};
}

TEST_F(LiveExamples, PictureInPictureShowsTheClipAndTheBackgroundBeforeAndAfter) {
  Child child(on_emulator({example("picture-in-picture.sh"), file("out.mkv"), "duration=1",
                           "poll-interval=50", "fade=0"}),
              {{"RECORD_SECONDS", "1200"}, {"GST_DEBUG", "genprobin:4"}}, file("log"));
  int ended = -1;
  ASSERT_TRUE(eventually(
      [&] {
        const std::string output = child.output();
        ended = last_progress(output).passed;
        return ended >= 0 && output.find(" has ended") != std::string::npos;
      },
      patient))
      << child.output();
  ASSERT_TRUE(
      eventually([&] { return last_progress(child.output()).recorded >= ended + 5; }, patient))
      << child.output();
  child.send(SIGINT);
  ASSERT_TRUE(child.wait()) << child.output();
  EXPECT_EQ(child.exit_code(), 0) << child.output();

  // Where the clip is; what is beside it never changes once it is there.
  constexpr Area corner{90, 6, 122, 38};
  constexpr Area beside{0, 0, 84, height};
  const std::vector<Frame> frames = frames_of("out.mkv");
  // The inputs do not begin and end with the same picture: what counts is where the background is.
  const auto first = std::find_if(frames.begin(), frames.end(),
                                  [](const Frame& frame) { return frame.brightness() > 40; });
  ASSERT_NE(first, frames.end());
  int before = 0;
  int with_clip = 0;
  int after = 0;
  for (const Frame& frame : frames) {
    if (frame.difference(*first, beside) > 3) continue;
    const bool has_clip = frame.difference(*first, corner) > 8;
    ++(has_clip ? with_clip : with_clip == 0 ? before : after);
  }
  EXPECT_GT(before, 5);
  EXPECT_GT(with_clip, 5);
  EXPECT_GT(after, 5);
}

TEST_F(LiveExamples, APromptThatChangesIsAnotherClip) {
  const Finished finished =
      run_command(on_emulator({variable("GENPRO_CHANGING_PROMPT"), "--clips", "2", "--every", "1",
                               "--settings", quick, "--output", file("out.mkv"), "First", "Then"}),
                  {}, "", patient);
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  std::size_t at = 0;
  for (const char* line :
       {"Prompt: First\n", "Clip 9040 is on\n", "Prompt: Then\n", "Clip 9041 is on\n"}) {
    at = finished.out.find(line, at);
    ASSERT_NE(at, std::string::npos) << line << " is not in its place in\n" << finished.out;
  }
  const std::vector<Frame> frames = frames_of("out.mkv");
  ASSERT_GT(frames.size(), 20U);
  EXPECT_LT(frames.front().brightness(), 60) << "the slate";
  EXPECT_GT(frames.back().brightness(), 60) << "the clip goes on to the end";
}

TEST_F(LiveExamples, APlaylistThatCannotBeWrittenIsNotAskedFor) {
  write_file(file("taken"), "");
  const Finished finished = run_command(on_emulator({variable("GENPRO_PLAYLIST_TO_HLS"),
                                                     "--settings", quick, file("taken"), "First"}),
                                        {{"GST_DEBUG", "genpro*:4"}}, "", patient);
  EXPECT_EQ(finished.exit_code, 2) << finished.out;
  EXPECT_NE(finished.out.find("Nothing can be written to the folder"), std::string::npos)
      << finished.out;
  EXPECT_EQ(finished.out.find("is queued"), std::string::npos) << finished.out;
}

TEST_F(LiveExamples, APlaylistTellsWhatIsWrongWithItsSettings) {
  const Finished finished =
      run_command(on_emulator({variable("GENPRO_PLAYLIST_TO_HLS"), "--settings",
                               "api-base-url=none", file("hls"), "First"}),
                  {}, "", patient);
  EXPECT_EQ(finished.exit_code, 1) << finished.out;
  EXPECT_NE(finished.out.find("The item was not queued."), std::string::npos) << finished.out;
}

TEST_F(LiveExamples, APlaylistBecomesSegmentsThatDecode) {
  const Finished finished =
      run_command(on_emulator({variable("GENPRO_PLAYLIST_TO_HLS"), "--settings", quick, file("hls"),
                               "First", "Then"}),
                  {}, "", patient);
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  const std::size_t first = finished.out.find("Clip 9040 is on air");
  ASSERT_NE(first, std::string::npos) << finished.out;
  ASSERT_NE(finished.out.find("Clip 9041 is on air", first), std::string::npos) << finished.out;

  std::istringstream playlist(read_file(file("hls/playlist.m3u8")));
  std::vector<Frame> frames;
  int segments = 0;
  bool has_end = false;
  for (std::string line; std::getline(playlist, line);) {
    has_end = has_end || line == "#EXT-X-ENDLIST";
    if (line.empty() || line.front() == '#') continue;
    ++segments;
    const std::vector<Frame> more =
        frames_of("hls/" + std::filesystem::path(line).filename().string());
    EXPECT_FALSE(more.empty()) << line;
    frames.insert(frames.end(), more.begin(), more.end());
  }
  EXPECT_TRUE(has_end);
  EXPECT_GE(segments, 2);
  ASSERT_FALSE(frames.empty());
  EXPECT_LT(frames.front().brightness(), 60) << "the slate";
  EXPECT_GT(frames.back().brightness(), 60) << "the last clip";
}

TEST_F(LiveExamples, LinesThatAreTypedBecomeClips) {
  const Finished finished = run_command(
      on_emulator({example("live.py"), "--settings", quick, "--output", file("out.mkv")}), {},
      "First\nThen\n", patient);
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_NE(finished.out.find("Clip 9040 is on"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("Clip 9041 is over"), std::string::npos) << finished.out;
  const std::vector<Frame> frames = frames_of("out.mkv");
  const auto bright = std::count_if(frames.begin(), frames.end(),
                                    [](const Frame& frame) { return frame.brightness() > 60; });
  EXPECT_GT(bright, 10);
  EXPECT_LT(bright, static_cast<std::ptrdiff_t>(frames.size()) - 5) << "the slate";
}

TEST_F(LiveExamples, WhatFailsIsTold) {
  const Finished finished =
      run_command(on_emulator({variable("GENPRO_PLAYLIST_TO_HLS"), "--settings", "asset-ids=999",
                               file("hls"), "One"}),
                  {}, "", patient);
  EXPECT_EQ(finished.exit_code, 1) << finished.out;
  EXPECT_NE(finished.out.find("content_resource_not_found"), std::string::npos) << finished.out;
}

}  // namespace
}  // namespace genpro::test
