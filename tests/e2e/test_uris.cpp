// SPDX-License-Identifier: LGPL-2.1-or-later
//
// genpro URIs in programs that know nothing of them, behind the real emulator.
#include "on_emulator.h"

namespace genpro::test {
namespace {

class Uris : public OnPlainEmulator {
 protected:
  Uris() {
    write_file(file("shot.genpro"),
               "[genpro]\nsheet-id=101\ncell-id=3300\nagent-id=42\nasset-ids=501\n"
               "prompt=A boat at noon\nmodel=veo_3_1_fast\nduration=1\npoll-interval=50\n");
  }
  std::string recipe() const { return "genpro://" + file("shot.genpro"); }

  // Runs a script behind `genpro-emulator exec`, with $RECIPE and $URI, which ask for another
  // video. It prints the cell's generations at its end.
  Finished run(const std::string& script, const std::string& latency = "0.2") const {
    const std::string uri =
        "genpro://101/3300?agent-id=42&asset-ids=501&prompt=A%20boat%20at%20night&model=pika"
        "&duration=1&poll-interval=50";
    return exec({"--latency", latency}, {"sh", "-c", script + R"(
                  curl -s -H "X-API-Key: $GEN_API_KEY" \
                    "$GEN_API_BASE_URL/autocontentengine/101/cells/3300?agent_id=42")"},
                {{"RECIPE", recipe()}, {"URI", uri}});
  }

  // In what run() has printed.
  static std::size_t generations(const Finished& finished) {
    const std::string jobs = finished.out.substr(finished.out.rfind("\"user_jobs\":"));
    std::size_t number = 0;
    for (std::size_t at = 0; (at = jobs.find("\"user_job_type\"", at)) != std::string::npos; ++at) {
      ++number;
    }
    return number;
  }
};

TEST_F(Uris, PlayersAndDiscoverersPayOnce) {
  const Finished finished = run(R"(
    for uri in "$RECIPE" "$URI"; do
      gst-discoverer-1.0 -t 60 "$uri"
      for player in "" --use-playbin3; do
        gst-play-1.0 --no-interactive $player --videosink=fakesink --audiosink=fakesink "$uri"
      done
      gst-launch-1.0 -q "$uri" ! filesink location="$FOLDER/${uri%%:*}.mp4"
    done)");
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(finished.out.find("ERROR"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("audio #2"), std::string::npos) << finished.out;
  EXPECT_EQ(generations(finished), 2U) << finished.out;
  EXPECT_EQ(decoded_frames(read_file(file("genpro.mp4"))), 24);
}

TEST_F(Uris, ADiscovererThatGivesUpFindsTheClipAtItsNextTry) {
  const Finished finished = run(R"(
    gst-discoverer-1.0 -t 1 "$RECIPE"
    gst-discoverer-1.0 -t 60 "$RECIPE")",
                                "4");
  const std::size_t gave_up = finished.out.find("timed out");
  ASSERT_NE(gave_up, std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("video #1", gave_up), std::string::npos) << finished.out;
  EXPECT_EQ(generations(finished), 1U) << finished.out;
}

TEST_F(Uris, AnEditorHasTheClipBetweenTwoFiles) {
  write_file(file("before.mp4"), make_mp4({.frames = 24, .width = 320, .height = 180}));
  write_file(file("after.mp4"), make_mp4({.frames = 24, .width = 320, .height = 180}));
  const Finished finished = run(R"(
    ges-launch-1.0 +clip "$FOLDER/before.mp4" +clip "$RECIPE" +clip "$FOLDER/after.mp4" \
      -o "$FOLDER/edited.mkv" -f video/x-matroska:video/x-h264:audio/x-vorbis &&
    gst-discoverer-1.0 "$FOLDER/edited.mkv")");
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_NE(finished.out.find("Vorbis"), std::string::npos) << finished.out;
  EXPECT_EQ(decoded_frames(read_file(file("edited.mkv"))), 90) << "30 a second";
  EXPECT_EQ(generations(finished), 1U) << finished.out;
}

// The lines of the examples' README, but for where a player shows it.
TEST_F(Uris, TheExamplesWork) {
  const std::string examples = variable("GENPRO_EXAMPLES");
  const std::string wrapper = examples + "/on-emulator.sh";
  std::size_t lines = 0;
  for (const std::string& line : lines_of(read_file(examples + "/README.md"))) {
    if (line.find("genpro://") == std::string::npos && !line.starts_with("| `examples/edit.sh"))
      continue;
    ++lines;
    std::string command = line.substr(3, line.find("` |") - 3);
    if (const auto rest = command.find(" ["); rest != std::string::npos) command.resize(rest);
    const std::string player = "gst-play-1.0 ";
    if (const auto at = command.find(player); at != std::string::npos)
      command.insert(at + player.size(), "--videosink=fakesink --audiosink=fakesink ");
    SCOPED_TRACE(command);
    const Finished finished = run_command(
        {"sh", "-c", R"(cd "$0" && ln -sfn "$1" examples && "$1/on-emulator.sh" sh -c "$2")",
         folder_.path(), examples, command},
        {{"LATENCY", "1"}, {"XDG_CACHE_HOME", file("cache")}}, "", patient);
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_EQ(finished.out.find("ERROR"), std::string::npos) << finished.out;
    EXPECT_EQ(finished.out.find("timed out"), std::string::npos) << finished.out;
  }
  EXPECT_EQ(lines, 3U);
  EXPECT_EQ(decoded_frames(read_file(file("edit.mkv"))), 120) << "30 a second";
}

}  // namespace
}  // namespace genpro::test
