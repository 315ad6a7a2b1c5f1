// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The dialects, from the command line to a clip of the real emulator.
#include <functional>

#include "on_emulator.h"

namespace genpro::test {
namespace {

class Dialects : public OnPlainEmulator {
 protected:
  // Runs `genpro generate` behind an emulator that speaks `spoken`, then prints how many
  // generations the cell has. `before`: what the shell does first.
  Finished generate(const std::string& spoken, const std::string& options,
                    const std::string& before = {}) const {
    const std::string script =
        before + R"("$GENPRO" generate --sheet-id=101 --cell-id=3300 --agent-id=42 )" +
        R"(--poll-interval=50 --output="$FOLDER/clip.mp4" --force )" + options +
        R"(; echo "exit $?";
      curl -s -H "X-API-Key: $GEN_API_KEY" "$GEN_API_BASE_URL/vidsheet/101/cells/3300?agent_id=42")";
    return exec({"--latency", "0.2", "--dialect", spoken}, {"sh", "-c", script});
  }
  // Ingredients of the user's own, which `pipeline` writes, in each dialect that takes them; then
  // `check` looks at the clip.
  void expect_clips(const std::string& options, const std::string& pipeline,
                    const std::function<void()>& check) const {
    for (const std::string dialect : {"vidsheet", "actions"}) {
      const Finished finished = generate("today", options + " --dialect=" + dialect,
                                         "gst-launch-1.0 -q " + pipeline + "; ");
      ASSERT_TRUE(has(finished, "exit 0")) << finished.out;
      check();
    }
  }
  // What gst-discoverer says of the clip.
  std::string discovered() const {
    return run_command({"gst-discoverer-1.0", "-v", file("clip.mp4")}, {}, "", patient).out;
  }

  static bool has(const Finished& finished, const std::string& text) {
    return finished.out.find(text) != std::string::npos;
  }
};

TEST_F(Dialects, EachMakesAClip) {
  for (const std::string options :
       {"--asset-ids=501 --model=pika --duration=1",
        "--generation-type=video_from_text --model=veo_3 --duration=1",
        "--dialect=vidsheet --asset-ids=501 --model=seedance-2.0 --resolution=480p --duration=4",
        R"(--dialect=vidsheet --ingredients="$FOLDER/ingredient.mp4" --duration=4)",
        "--dialect=vidsheet --generation-type=video_from_text --model=grok --duration=1",
        "--dialect=actions --asset-ids=501 --model=grok --duration=1"}) {
    const Finished finished = generate("both", "--prompt=Boat " + options);
    EXPECT_TRUE(has(finished, "exit 0")) << options << "\n" << finished.out;
    EXPECT_TRUE(has(finished, R"("status":"completed")")) << options << "\n" << finished.out;
  }
}

TEST_F(Dialects, EachKindAndModelHasAnEstimate) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& words, const std::vector<std::string>& models) {
    for (const std::string& model : models) all.push_back(words + " --model=" + model);
  };
  const std::string text = "--prompt=Boat --generation-type=video_from_text";
  const std::string image = "--prompt=Boat --generation-type=video_from_image --asset-ids=501";
  const std::string ingredients = "--prompt=Boat --asset-ids=501";
  const std::string lipsync = "--generation-type=lipsync --asset-ids=501,502";
  add(ingredients, {"pika", "kling_1_6", "seedance_lite", "veo_3_1", "veo_3_1_fast"});
  add(text, {"veo_3"});
  add(image, {"kling_2_6"});
  for (const std::string dialect : {" --dialect=vidsheet", " --dialect=actions"}) {
    add(ingredients + dialect, {"seedance-2.0", "seedance-2.5", "veo-3.1", "grok", "kling-v3"});
    add(text + dialect, {"seedance-2.0-fast", "gemini-omni-1.1-flash", "kling-v3"});
    add(image + dialect, {"kling-v2-6", "minimax-h3-max", "veo-3.1-fast"});
    add(lipsync + dialect, {"gen", "sync.so"});
  }
  all.push_back(ingredients + " --dialect=vidsheet");
  const std::string vidsheet = "--dialect=vidsheet --generation-type=";
  all.push_back(vidsheet + "remove_background --asset-ids=501");
  all.push_back(vidsheet + "render");
  std::string script;
  for (const std::string& words : all) {
    script += R"("$GENPRO" estimate --sheet-id=101 --cell-id=3300 --agent-id=42 )" + words +
              " || echo 'failed: " + words + "'\n";
  }
  const Finished finished = exec({"--dialect", "both"}, {"sh", "-c", script});
  EXPECT_FALSE(has(finished, "failed: ")) << finished.out;
  EXPECT_TRUE(has(finished, "as the service estimates")) << finished.out;
}

TEST_F(Dialects, ALimitOfTheCostIsKeptWithTheModelOfTheExamples) {
  const std::string options = "--prompt=Boat --asset-ids=501 --model=pika --duration=1 --max-cost=";
  const Finished enough = generate("both", options + "0.7");
  EXPECT_TRUE(has(enough, "exit 0")) << enough.out;
  const Finished small = generate("both", options + "0.6");
  EXPECT_TRUE(has(small, "0.7 credits")) << small.out;
  EXPECT_TRUE(has(small, R"("user_jobs":[])")) << small.out;
}

TEST_F(Dialects, LipsyncHasTheGivenAudio) {
  expect_clips(
      R"(--ingredients="$FOLDER/ingredient.mp4,$FOLDER/sound.wav" --generation-type=lipsync)",
      R"(audiotestsrc num-buffers=60 ! wavenc ! filesink location="$FOLDER/sound.wav")", [this] {
        const std::string clip = discovered();
        EXPECT_NE(clip.find("Width: 320"), std::string::npos) << clip;
        EXPECT_NE(clip.find("AAC"), std::string::npos) << clip;
        EXPECT_EQ(decoded_frames(read_file(file("clip.mp4"))), 48);
      });
}

TEST_F(Dialects, AnImageBecomesAClip) {
  expect_clips(R"(--prompt=Zoom --ingredients="$FOLDER/image.png,$FOLDER/image.png" )"
               "--generation-type=video_from_image --model=kling-v3 --duration=3",
               R"(videotestsrc num-buffers=1 ! pngenc ! filesink location="$FOLDER/image.png")",
               [this] { EXPECT_EQ(decoded_frames(read_file(file("clip.mp4"))), 72); });
}

TEST_F(Dialects, AClipWithoutABackgroundHasAlphaAndIsALayerOfARender) {
  const Finished cut =
      generate("today", "--dialect=vidsheet --generation-type=remove_background --asset-ids=501");
  ASSERT_TRUE(has(cut, "exit 0")) << cut.out;
  EXPECT_NE(discovered().find("ProRes"), std::string::npos);
  EXPECT_EQ(decoded_frames(read_file(file("clip.mp4"))), 30);

  const Finished finished = generate("today", "--dialect=vidsheet --generation-type=render",
                                     R"(curl -s -H "X-API-Key: $GEN_API_KEY" -d '{"name": "ground",
        "type": "video", "additional_attributes": {"asset_resource_ids": [501]}}' \
        "$GEN_API_BASE_URL/vidsheet/101/cells/3300/layers?agent_id=42"; )");
  ASSERT_TRUE(has(finished, "exit 0")) << finished.out;
  EXPECT_EQ(decoded_frames(read_file(file("clip.mp4"))), 48) << "in whole seconds";
}

TEST_F(Dialects, AClipIsMadeInALayerOfItsCell) {
  for (const std::string dialect : {"vidsheet", "actions"}) {
    const Finished finished =
        generate("today",
                 "--prompt=Boat --generation-type=video_from_text --model=grok --duration=1 "
                 "--layer-id=4000 --dialect=" +
                     dialect,
                 R"(curl -s -H "X-API-Key: $GEN_API_KEY" -d '{"name": "ground", "type": "video"}' \
        "$GEN_API_BASE_URL/vidsheet/101/cells/3300/layers?agent_id=42"; )");
    ASSERT_TRUE(has(finished, "exit 0")) << finished.out;
    EXPECT_TRUE(has(finished, R"("user_jobs":[],"video_layers")")) << finished.out;
    EXPECT_EQ(decoded_frames(read_file(file("clip.mp4"))), 24);
  }
}

TEST_F(Dialects, TheModelsAreThoseOfTheService) {
  const Finished finished =
      exec({}, {"sh", "-c", R"("$GENPRO" models --agent-id=42 --type=video_from_text)"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_TRUE(has(finished, "The service lists the same models")) << finished.out;
  EXPECT_TRUE(has(finished, "pika 0.7 a second")) << finished.out;
  const Finished alone = exec({}, {"sh", "-c", R"(env -u GEN_AGENT_ID "$GENPRO" models)"});
  EXPECT_EQ(alone.exit_code, 0);
  EXPECT_TRUE(has(alone, "pika 0.7 a second")) << "prices are no agent's: " << alone.out;
  EXPECT_TRUE(has(alone, "--agent-id")) << alone.out;
  const Finished seconds = exec(
      {}, {"sh", "-c", R"("$GENPRO" models --type=video_from_ingredients | grep '^veo-3.1 ')"});
  EXPECT_FALSE(has(seconds, "4 6 8")) << "not of this type: " << seconds.out;
  const Finished of_seed =
      exec({"--dialect", "seed"}, {"sh", "-c", R"("$GENPRO" models --agent-id=42)"});
  EXPECT_EQ(of_seed.exit_code, 0) << "the table is there without it";
  EXPECT_TRUE(has(of_seed, "The service does not tell: ")) << of_seed.out;
}

TEST_F(Dialects, TheWrongOneIsToldAndMakesNothing) {
  const Finished finished = generate("today", "--prompt=Boat --asset-ids=501 --model=pika");
  EXPECT_TRUE(has(finished, "exit 3")) << finished.out;
  EXPECT_TRUE(has(finished, "set dialect to vidsheet or actions")) << finished.out;
  EXPECT_TRUE(has(finished, R"("user_jobs":[])")) << finished.out;
}

TEST_F(Dialects, WhatDoesNotFitIsRefusedBeforeAnythingIsSent) {
  const Finished finished = generate("both", "--prompt=Boat --asset-ids=501 --resolution=720p");
  EXPECT_TRUE(has(finished, "resolution")) << finished.out;
  EXPECT_FALSE(has(finished, "exit 0")) << finished.out;
  EXPECT_TRUE(has(finished, R"("user_jobs":[])")) << finished.out;
}

}  // namespace
}  // namespace genpro::test
