// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The service's answers vary between its reference, its OpenAPI file and its SDK; each variation
// has to give the clip.
#include "element/element_fixture.h"

namespace genpro::test {
namespace {

struct Variation {
  const char* name;
  int post_status = 201;
  const char* post = R"({"generation_id": 9040, "status": "pending"})";
  // $URL stands for the clip's.
  const char* poll = R"({"id": 9040, "status": "completed", "output_resources":
    [{"id": 1900, "url": "$URL", "object_type": "video", "type": "output"}], "execution_cost": 3.5})";
  const char* generation_id = "9040";
  double cost = 3.5;
};

void PrintTo(const Variation& variation, std::ostream* out) {
  *out << variation.name;
}

const Variation variations[] = {
    {.name = "the_published_one"},
    {.name = "post_200", .post_status = 200},
    {.name = "post_id_as_text", .post = R"({"generation_id": "9040", "status": "pending"})"},
    {.name = "post_id_as_word",
     .post = R"({"generation_id": "gen_a-7", "status": "pending"})",
     .poll = R"({"id": "gen_a-7", "status": "completed", "output_resources":
       [{"id": "r1", "url": "$URL", "object_type": "video"}], "execution_cost": 3.5})",
     .generation_id = "gen_a-7"},
    {.name = "post_id_in_place_of_generation_id", .post = R"({"id": 9040, "status": "pending"})"},
    {.name = "post_id_as_text_in_place", .post = R"({"id": "9040", "status": "pending"})"},
    {.name = "post_without_status", .post = R"({"generation_id": 9040})"},
    {.name = "post_with_unknown_members",
     .post = R"({"generation_id": 9040, "status": "pending", "new": {"deep": [1]}, "status2": 1})"},
    {.name = "post_already_processing",
     .post = R"({"generation_id": 9040, "status": "processing"})"},
    {.name = "post_with_the_whole_generation",
     .post = R"({"id": 9040, "status": "pending", "user_job_type": "video_generation",
                 "result": null, "failed_reason": null, "output_resources": [],
                 "execution_cost": null})"},
    {.name = "poll_id_as_text", .poll = R"({"id": "9040", "status": "completed", "output_resources":
       [{"id": "1900", "url": "$URL", "object_type": "video", "type": "output"}],
       "execution_cost": 3.5})"},
    {.name = "object_type_with_a_capital",
     .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1900, "url": "$URL", "object_type": "Video", "type": "output"}],
       "execution_cost": 3.5})"},
    {.name = "type_missing", .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1900, "url": "$URL", "object_type": "video"}], "execution_cost": 3.5})"},
    {.name = "cost_as_text", .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1900, "url": "$URL", "object_type": "video"}], "execution_cost": "3.50"})"},
    {.name = "cost_as_integer",
     .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1900, "url": "$URL", "object_type": "video"}], "execution_cost": 4})",
     .cost = 4},
    {.name = "cost_null",
     .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1900, "url": "$URL", "object_type": "video"}], "execution_cost": null})",
     .cost = -1},
    {.name = "cost_missing",
     .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1900, "url": "$URL", "object_type": "video"}]})",
     .cost = -1},
    {.name = "cost_that_is_no_number",
     .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1900, "url": "$URL", "object_type": "video"}], "execution_cost": "a lot"})",
     .cost = -1},
    {.name = "a_picture_before_the_video",
     .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1899, "url": "https://cdn.gen.pro/a.jpg", "object_type": "image", "type": "output"},
        {"id": 1900, "url": "$URL", "object_type": "video", "type": "output"}],
       "execution_cost": 3.5})"},
    {.name = "an_input_before_the_output",
     .poll = R"({"id": 9040, "status": "completed", "output_resources":
       [{"id": 1899, "url": "https://cdn.gen.pro/in.mp4", "object_type": "video", "type": "input"},
        {"id": 1900, "url": "$URL", "object_type": "video", "type": "output"}],
       "execution_cost": 3.5})"},
    {.name = "escaped_slashes_and_white_space",
     .poll = "\n\t {\"id\":9040 ,\"status\":\"completed\",\"output_resources\":[ {\"url\":\"$ESC\","
             "\"object_type\":\"video\"} ],\"execution_cost\":3.5}\r\n"},
};

class Reading : public testing::TestWithParam<Variation> {};

TEST_P(Reading, GivesTheClip) {
  const Variation& variation = GetParam();
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  std::string escaped;
  for (const char c : service.clip_url()) escaped += c == '/' ? "\\/" : std::string(1, c);
  std::string poll = variation.poll;
  for (const auto& [word, url] :
       {std::pair<std::string, std::string>("$URL", service.clip_url()), {"$ESC", escaped}}) {
    if (const auto at = poll.find(word); at != std::string::npos) poll.replace(at, 4, url);
  }
  service.push_post(json_answer(variation.post_status, variation.post));
  service.push_poll(json_answer(200, poll));
  ElementPtr src = seed_src(service);
  Collector collector(src);
  const Outcome outcome = collector.play_out();
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(sha256(collector.bytes()), sha256(small_clip()));
  const auto polls = service.requests(is_poll);
  ASSERT_FALSE(polls.empty());
  EXPECT_EQ(polls[0].path, "/v1/generations/" + std::string(variation.generation_id));
  const auto messages = outcome.named("genpro-generation");
  ASSERT_FALSE(messages.empty());
  double cost = 0;
  gst_structure_get_double(messages.back(), "cost", &cost);
  EXPECT_DOUBLE_EQ(cost, variation.cost);
}

INSTANTIATE_TEST_SUITE_P(Each, Reading, testing::ValuesIn(variations),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(ReadingStatus, AnUnknownWordIsNotAnEnd) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  for (const char* status : {"pending", "queued_for_review", "processing", "uploading"})
    service.push_status(status);
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  const Streamed streamed = stream(seed_src(service));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(service.count(is_poll), 5U);
}

TEST(ReadingStatus, MayGoBackToPending) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  for (const char* status : {"processing", "pending", "processing"}) service.push_status(status);
  service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
  const Streamed streamed = stream(seed_src(service));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
}

TEST(ReadingStatus, CompletesRightAwayWhenThePostSaysSo) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  service.push_post(json_answer(201, R"({"generation_id": 9040, "status": "completed"})"));
  const Streamed streamed = stream(seed_src(service));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
}

}  // namespace
}  // namespace genpro::test
