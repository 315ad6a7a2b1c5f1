// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files as ingredients: uploaded when they are needed, and the same request whatever their ids are.
#include <filesystem>
#include <fstream>

#include "element/element_fixture.h"
#include "support/fake_resources.h"
#include "support/json_text.h"

namespace genpro::test {
namespace {

const std::string png("\x89PNG\r\n\x1a\n0123", 12);
const std::string mp4(
    "\0\0\0\x18"
    "ftypmp42 0123",
    17);

class Ingredients : public testing::Test {
 protected:
  Ingredients() {
    service.set_clip({.bytes = small_clip()});
    std::filesystem::create_directories(folder);
  }
  ~Ingredients() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder / name, std::ios::binary | std::ios::trunc) << bytes;
    return (folder / name).string();
  }
  // A source with these ingredients, and a ledger of the test's own.
  ElementPtr src(const std::string& ingredients, const Settings& changes = {}) const {
    Settings settings = {{"asset-ids", ""},
                         {"ingredients", ingredients},
                         {"ledger", (folder / "ledger.db").string()}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    return seed_src(service, settings);
  }
  Outcome run(const std::string& ingredients, const Settings& changes = {}) const {
    Outcome outcome = stream(src(ingredients, changes)).outcome;
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    return outcome;
  }
  // Runs until the request is posted, and leaves its generation as it is, as a kill would.
  void leave_behind(const std::string& ingredients) {
    service.push_status("pending");
    const std::size_t posts = service.count(is_generate);
    Collector left(src(ingredients, {{"on-shutdown", "detach"}}));
    gst_element_set_state(left.pipeline(), GST_STATE_PAUSED);
    EXPECT_TRUE(service.wait_for(is_generate, posts + 1));
    EXPECT_TRUE(service.wait_for(is_poll, 1));
    gst_element_set_state(left.pipeline(), GST_STATE_NULL);
    service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  }
  // What the last request for a generation said.
  std::string posted() const {
    const auto posts = service.requests(is_generate);
    return posts.empty() ? "nothing was posted" : canonical_json(posts.back().body);
  }
  std::size_t posts() const { return service.count(is_generate); }

  FakeService service;
  FakeResources resources{service};
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("genpro-ingredients-" + take_string(g_uuid_string_random()));
};

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What kind it is decides what the others are called.
TEST_F(Ingredients, AnIdThatTheApiDoesNotKnowCannotBeCounted) {
  const Outcome outcome =
      stream(src("502," + file("photo.png", png), {{"prompt", "@photo moves"}})).outcome;
  expect_one_error(outcome, {.mentions = {"502"}, .http_status = "404", .charged = "no"});
  EXPECT_EQ(posts(), 0U);
}

TEST_F(Ingredients, AnIdOfUnknownTypeCannotBeNamedInThePrompt) {
  resources.fail(json_answer(200, R"({"content_resource":{"id":502}})"));
  const Outcome outcome = stream(src("502", {{"prompt", "@502 moves"}})).outcome;
  expect_one_error(outcome, {.mentions = {"502", "no type"}, .charged = "no"});
  EXPECT_EQ(posts(), 0U);
}

TEST_F(Ingredients, AreSentInTheirOrder) {
  const Outcome outcome = run(file("photo.png", png) + ",502,file://" + file("clip.mp4", mp4));
  const std::string photo = resources.id_of("image/png");
  const std::string clip = resources.id_of("video/mp4");
  EXPECT_TRUE(mentions(posted(), "\"asset_resource_ids\":[" + photo + ",502," + clip + "]"))
      << posted();
  EXPECT_EQ(resources.uploads(), 2U);
  std::string progress;
  for (const Progress& one : outcome.progress) progress += one.text + "\n";
  EXPECT_TRUE(mentions(progress, "Uploading 2 files: 100 %")) << progress;
  EXPECT_TRUE(mentions(progress, "clip.mp4 is content resource " + clip)) << progress;
}

TEST_F(Ingredients, AreNamedInThePromptAsTheServiceDoes) {
  run(file("photo.png", png) + "," + file("clip.mp4", mp4) + "," + file("logo.png", png + "x"),
      {{"prompt", "@logo on @photo, moving as @2. Mail me@home.org"}});
  EXPECT_TRUE(
      mentions(posted(), R"("prompt":"Image 2 on Image 1, moving as Video 1. Mail me@home.org")"))
      << posted();
}

TEST_F(Ingredients, OfOneContentAreUploadedOnce) {
  for (const char* ledger : {"", "ledger.db"}) {
    const std::size_t before = resources.uploads();
    const std::string path = *ledger != 0 ? (folder / ledger).string() : "";
    run(file("photo.png", png) + "," + file("copy.png", png) + "," + file("photo.png", png),
        {{"ledger", path}});
    EXPECT_EQ(resources.uploads(), before + 1);
    const std::string id = std::to_string(700 + before + 1);
    EXPECT_TRUE(mentions(posted(), "\"asset_resource_ids\":[" + id + "," + id + "," + id + "]"))
        << posted();
  }
}

TEST_F(Ingredients, AnAtSignWithoutIngredientsIsJustThat) {
  Settings settings = {{"prompt", "A lamp @home"}};
  EXPECT_TRUE(stream(seed_src(service, settings)).outcome.eos);
  EXPECT_TRUE(mentions(posted(), R"("prompt":"A lamp @home")")) << posted();
}

TEST_F(Ingredients, WhatAKilledRunAskedForIsPickedUpWithoutAnUpload) {
  const std::string photo = file("photo.png", png);
  leave_behind(photo);
  ASSERT_EQ(posts(), 1U);
  // Another name, another time: the same content.
  std::filesystem::remove(photo);
  run(file("other.png", png));
  EXPECT_EQ(posts(), 1U) << "it was charged twice";
  EXPECT_EQ(resources.uploads(), 1U);
  // That one was delivered: a new request, with what was uploaded.
  run(file("other.png", png));
  EXPECT_EQ(posts(), 2U);
  EXPECT_EQ(resources.uploads(), 1U);
  EXPECT_EQ(resources.gets(), 1U);
}

TEST_F(Ingredients, TheSameContentIsTheSameRequestUnderAnotherId) {
  const std::string photo = file("photo.png", png);
  leave_behind(photo);
  // By the id that the upload had.
  run("701");
  EXPECT_EQ(posts(), 1U) << "it was charged twice";
  const Settings completed = {{"reuse", "completed"}};
  EXPECT_TRUE(stream(seed_src(service, {{"asset-ids", "701"},
                                        {"reuse", "completed"},
                                        {"ledger", (folder / "ledger.db").string()}}))
                  .outcome.eos);
  EXPECT_EQ(posts(), 1U) << "it was charged twice";
  // Gone, and uploaded anew for another request.
  resources.remove("701");
  run(photo, {{"prompt", "Another one"}});
  EXPECT_TRUE(mentions(posted(), R"("asset_resource_ids":[702])")) << posted();
  EXPECT_EQ(posts(), 2U);
  run(photo, completed);
  run("702", completed);
  EXPECT_EQ(posts(), 2U) << "it was charged twice";
  // Other content is another request.
  run(file("photo.png", png + "x"), completed);
  EXPECT_EQ(posts(), 3U);
  // And an id that nothing is known of is that id.
  run("501", completed);
  EXPECT_EQ(posts(), 4U);
}

TEST_F(Ingredients, WithoutALedgerFilesAreUploadedEachTime) {
  for (int i = 0; i < 2; ++i) run(file("photo.png", png), {{"ledger", ""}});
  EXPECT_EQ(resources.uploads(), 2U);
  EXPECT_EQ(posts(), 2U);
}

TEST_F(Ingredients, WhatCannotBeUsedEndsInAnErrorThatNamesIt) {
  const std::string photo = file("photo.png", png);
  struct {
    Settings changes;
    std::vector<std::string> mentions;
  } const cases[] = {
      {{{"ingredients", photo + "," + (folder / "missing.png").string()}},
       {"missing.png", "No such file"}},
      {{{"ingredients", file("empty.png", "") + "," + photo}}, {"empty.png", "empty"}},
      {{{"ingredients", photo + "," + file("text.png", "A prompt")}}, {"text.png", "image"}},
      {{{"ingredients", photo + "," + folder.string()}}, {folder.filename().string(), "file"}},
      {{{"ingredients", photo + ",,"}}, {"ingredients", "empty"}},
      {{{"ingredients", photo + ",https://a.test/x.png"}}, {"https://a.test/x.png"}},
      {{{"prompt", "@foto"}}, {"@foto", "@1 (photo.png)"}},
      {{{"prompt", "@2"}}, {"@2", "@1 (photo.png)"}},
      {{{"asset-ids", "501"}}, {"asset-ids", "ingredients"}},
  };
  for (const auto& [changes, mentions] : cases) {
    const Outcome outcome = stream(src(photo, changes)).outcome;
    expect_one_error(outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                               .mentions = mentions,
                               .charged = "no",
                               .retryable = "FALSE"});
  }
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(Ingredients, OfTheWrongKindAreRefusedBeforeTheyAreUploaded) {
  const std::string photo = file("photo.png", png);
  const std::string clip = file("clip.mp4", mp4);
  struct {
    const char* dialect;
    const char* type;
    std::string ingredients;
    const char* mentions;
  } const cases[] = {
      {"vidsheet", "lipsync", photo + "," + photo, "Number 1 of the ingredients is an image"},
      {"actions", "lipsync", clip + "," + photo, "Number 2 of the ingredients is an image"},
      {"vidsheet", "remove_background", photo, "Number 1 of the ingredients is an image"},
      {"vidsheet", "video_from_image", photo + "," + clip,
       "Number 2 of the ingredients is a video"},
      {"seed", "video_from_image", clip, "Number 1 of the ingredients is a video"},
  };
  for (const auto& [dialect, type, ingredients, mentions] : cases) {
    const bool has_prompt = std::string_view(type) == "video_from_image";
    const Settings changes = {{"dialect", dialect}, {"generation-type", type},
                              {"model", "default"}, {"aspect-ratio", "default"},
                              {"duration", "0"},    {"prompt", has_prompt ? "Orbit" : ""}};
    const Outcome outcome = stream(src(ingredients, changes)).outcome;
    expect_one_error(outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                               .mentions = {mentions},
                               .charged = "no"});
  }
  EXPECT_EQ(service.count(), 0U);
}

TEST_F(Ingredients, AnUploadThatFailsIsTold) {
  resources.fail(json_answer(422, R"({"error": "No", "error_code": "invalid_content_type"})"));
  const Outcome outcome = stream(src(file("photo.png", png))).outcome;
  expect_one_error(outcome, {.mentions = {"photo.png"},
                             .http_status = "422",
                             .error_code = "invalid_content_type",
                             .charged = "no"});
  EXPECT_EQ(posts(), 0U);
}

// The state change neither waits for the upload nor for its end.
TEST_F(Ingredients, AnUploadEndsWithThePipeline) {
  Answer held = json_answer(500, "{}");
  held.hold = std::make_shared<Gate>();
  resources.fail(held);
  {
    Collector stopped(src(file("photo.png", png)));
    EXPECT_NE(gst_element_set_state(stopped.pipeline(), GST_STATE_PAUSED),
              GST_STATE_CHANGE_FAILURE);
    ASSERT_TRUE(service.wait_for(FakeResources::is_upload));
    EXPECT_EQ(gst_element_set_state(stopped.pipeline(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
  held.hold->open();
  // Nobody has it: the next run uploads it.
  resources.fail(std::nullopt);
  run(file("photo.png", png));
  EXPECT_EQ(posts(), 1U);
}

}  // namespace
}  // namespace genpro::test
