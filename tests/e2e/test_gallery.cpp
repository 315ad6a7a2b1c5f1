// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The gallery: each example as it stands, behind the real emulator, and what it makes.
#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "docs/markdown.h"
#include "on_emulator.h"
#include "support/bus.h"

namespace genpro::test {
namespace {

class Gallery : public OnExamples {
 protected:
  static std::string example(const std::string& name) {
    return OnExamples::example("gallery/" + name);
  }

  // With settings that make it quick.
  Finished run_example(std::vector<std::string> command,
                       const Environment& environment = {}) const {
    command.insert(command.end(), {"duration=1", "poll-interval=50"});
    Environment all = environment;
    all.emplace_back("XDG_STATE_HOME", folder_.path());
    return run_command(on_emulator(command), all, "", patient);
  }

  // That it decodes to about a second of bars, and has sound if so.
  void expect_clip(const std::string& name, bool has_sound) const {
    const std::string decoded = file(name + ".raw");
    const std::string sound =
        has_sound ? " clip. ! audio/x-raw ! audioconvert ! fakesink name=sound" : "";
    const Outcome outcome =
        run_launch("filesrc location=" + file(name) +
                   " ! decodebin name=clip clip. ! video/x-raw ! videoconvert ! videoscale !"
                   " video/x-raw,format=GRAY8,width=128,height=72 ! filesink location=" +
                   decoded + sound);
    EXPECT_TRUE(outcome.eos) << name << ": " << outcome.summary();
    const std::string raw = read_file(decoded);
    constexpr std::size_t size = std::size_t{128} * 72;
    EXPECT_EQ(raw.size() % size, 0U) << name;
    std::size_t bright = 0;
    for (std::size_t at = 0; at + size <= raw.size(); at += size) {
      double sum = 0;
      for (std::size_t pixel = 0; pixel < size; ++pixel) {
        sum += static_cast<unsigned char>(raw[at + pixel]);
      }
      bright += sum / size > 60 ? 1 : 0;
    }
    EXPECT_GE(bright, 15U) << name << ", of " << raw.size() / size;
  }
};

TEST_F(Gallery, Save) {
  const Finished finished = run_example({example("save.sh"), file("save.mp4")});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  expect_clip("save.mp4", false);
}

TEST_F(Gallery, Play) {
  const Finished finished = run_example(
      {example("play.sh")},
      {{"VIDEO_SINK",
        "x264enc speed-preset=ultrafast ! matroskamux ! filesink location=" + file("seen.mkv")},
       {"AUDIO_SINK", "wavenc ! filesink location=" + file("heard.wav")}});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  expect_clip("seen.mkv", false);
  EXPECT_GT(std::filesystem::file_size(file("heard.wav")), 50'000U);
}

TEST_F(Gallery, WebM) {
  const Finished finished = run_example({example("webm.sh"), file("clip.webm")});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  expect_clip("clip.webm", true);
}

TEST_F(Gallery, Hls) {
  const Finished finished = run_example({example("hls.sh"), file("hls")});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  const std::string playlist = read_file(file("hls/playlist.m3u8"));
  EXPECT_NE(playlist.find("segment000.ts"), std::string::npos) << playlist;
  EXPECT_NE(playlist.find("#EXT-X-ENDLIST"), std::string::npos) << playlist;
  expect_clip("hls/segment000.ts", true);
}

TEST_F(Gallery, Mezzanine) {
  const Finished finished = run_example({example("mezzanine.sh"), file("clip.mov")});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  const std::string movie = read_file(file("clip.mov"));
  EXPECT_NE(movie.find("apch"), std::string::npos) << "no ProRes 422 HQ";
  EXPECT_NE(movie.find("sowt"), std::string::npos) << "no PCM";
  expect_clip("clip.mov", true);
}

TEST_F(Gallery, ProgressBarInC) {
  const std::string program = variable("GENPRO_PROGRESS_BAR");
  ASSERT_EQ(run_example({program, file("first.mp4")}).exit_code, 0);
  const Finished finished = run_example({program, file("clip.mp4"), "reuse=never"});
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_NE(finished.out.find("[####################] Generation"), std::string::npos)
      << finished.out;
  expect_clip("clip.mp4", false);
  EXPECT_EQ(run_example({program, file("none.mp4"), "asset-ids=999"}).exit_code, 1);
}

TEST_F(Gallery, GraphsOfEditors) {
  for (const char* graph : {"obs.txt", "studio.gps", "strom.json"}) {
    const std::string recorded = std::string(graph) + ".mkv";
    const Finished finished =
        run_example({example("graph.py"), example(graph), file(recorded), "fade=0"});
    ASSERT_EQ(finished.exit_code, 0) << graph << "\n" << finished.out;
    expect_clip(recorded, false);
  }
}

TEST_F(Gallery, Batch) {
  std::vector<std::string> words{variable("GENPRO_EMULATOR"), "exec", "--latency", "1"};
  for (int i = 0; i < 2; ++i) words.insert(words.end(), {"--ingredient", file("bars.mp4")});
  words.insert(words.end(), {"--", example("batch.sh"), file("clips"), "--duration=1",
                             "--ledger=" + file("ledger.db")});
  const Finished finished = run_command(words, {}, "", patient);
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  for (const char* place :
       {"harbour", "beach", "market", "station", "garden", "bridge", "museum"}) {
    EXPECT_GT(read_file(file("clips/" + std::string(place) + ".mp4")).size(), 10'000U) << place;
  }
  expect_clip("clips/tower.mp4", false);
}

TEST_F(Gallery, Serve) {
  std::vector<std::string> words{variable("GENPRO_EMULATOR"), "exec", "--latency", "1"};
  for (int i = 0; i < 3; ++i) words.insert(words.end(), {"--ingredient", file("bars.mp4")});
  words.insert(words.end(), {"--", example("serve.sh"), "--ledger=" + file("ledger.db")});
  const Finished finished = run_command(
      words,
      {{"VIDEO_SINK",
        "x264enc speed-preset=ultrafast ! matroskamux ! filesink location=" + file("seen.mkv")},
       {"AUDIO_SINK", "wavenc ! filesink location=" + file("heard.wav")}},
      "", patient);
  ASSERT_EQ(finished.exit_code, 0) << finished.out;
  expect_clip("seen.mkv", false);
  EXPECT_GT(std::filesystem::file_size(file("heard.wav")), 50'000U);
}

// Each row of the gallery names a file that a test of this suite runs.
TEST(GalleryList, HasNothingThatIsNotRun) {
  const std::set<std::string> run = {"gallery/save.sh",
                                     "gallery/play.sh",
                                     "gallery/webm.sh",
                                     "gallery/hls.sh",
                                     "gallery/mezzanine.sh",
                                     "gallery/progress_bar.c",
                                     "gallery/obs.txt",
                                     "gallery/studio.gps",
                                     "gallery/strom.json",
                                     "picture-in-picture.sh",
                                     "changing_prompt.cpp",
                                     "live.py",
                                     "edit.sh",
                                     "gallery/batch.sh",
                                     "gallery/serve.sh"};
  const std::string examples = variable("GENPRO_EXAMPLES");
  const auto tables = tables_of(read_file(examples + "/README.md"), "frame");
  ASSERT_EQ(tables.size(), 1U);
  std::set<std::string> listed;
  for (const Row& row : tables.front()) {
    ASSERT_EQ(row.size(), 3U) << row.front();
    const auto links = links_of(row[1]);
    ASSERT_EQ(links.size(), 1U) << row[1];
    listed.insert(links.front());
    EXPECT_EQ(links_of(row[0]).size(), 1U) << row[1] << " has no picture";
  }
  EXPECT_EQ(listed, run);
}

}  // namespace
}  // namespace genpro::test
