// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What may lie where the clip was promised.
#include <filesystem>
#include <vector>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

const std::vector<Code> wrong_type{stream_error(GST_STREAM_ERROR_WRONG_TYPE)};
const std::vector<Code> unavailable{
    resource(GST_RESOURCE_ERROR_NOT_FOUND), resource(GST_RESOURCE_ERROR_NOT_AUTHORIZED),
    resource(GST_RESOURCE_ERROR_OPEN_READ), resource(GST_RESOURCE_ERROR_READ)};

class ClipFault : public testing::Test {
 protected:
  ClipFault() { service.set_clip({.bytes = small_clip()}); }
  Streamed run_it(const Settings& changes = {}) { return stream(seed_src(service, changes)); }
  FakeService service;
};

class NotAnMp4 : public ClipFault, public testing::WithParamInterface<const char*> {};

TEST_P(NotAnMp4, IsOfTheWrongType) {
  for (const char* content_type : {"text/html", "video/mp4", ""}) {
    service.set_clip({.bytes = GetParam(), .content_type = content_type});
    const Streamed streamed = run_it();
    expect_one_error(streamed.outcome, {.codes = wrong_type, .generation_id = "9040"});
    EXPECT_EQ(streamed.bytes, "") << "no byte of it goes downstream";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, NotAnMp4,
    testing::Values("<!doctype html><html><body>This link has expired</body></html>",
                    "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
                    "{\"error\": \"expired\", \"error_code\": \"not_found\"}",
                    "\x89PNG\r\n\x1a\n and more of a picture than of a video", "x", "ftyp",
                    "GIF89a....................."));

// Else it would be served in place of the clip from then on.
TEST_F(ClipFault, APageIsNotKeptInTheArchive) {
  const std::string archive = take_string(g_dir_make_tmp("genpro-archive-XXXXXX", nullptr));
  service.set_clip({.bytes = "<!doctype html><html><body>Sign in to the network</body></html>"});
  expect_one_error(run_it({{"archive", archive}}).outcome,
                   {.codes = wrong_type, .generation_id = "9040"});
  service.set_clip({.bytes = small_clip()});
  const Streamed again = run_it({{"archive", archive}, {"generation-id", "9040"}});
  EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
  EXPECT_EQ(again.bytes, small_clip());
  const auto sizes_of = [&](const char* extension) {
    std::vector<std::uintmax_t> sizes;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(archive, ignored)) {
      if (entry.path().extension() == extension) sizes.push_back(entry.file_size(ignored));
    }
    return sizes;
  };
  // Its record is the last that is written.
  EXPECT_TRUE(eventually([&] { return !sizes_of(".json").empty(); }));
  EXPECT_EQ(sizes_of(".mp4"), std::vector<std::uintmax_t>{small_clip().size()});
  std::filesystem::remove_all(archive);
}

TEST_F(ClipFault, NothingAtAll) {
  service.set_clip({.bytes = ""});
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.generation_id = "9040"});
}

TEST_F(ClipFault, WhatIsCutAndNotServedAgain) {
  for (int i = 0; i < 20; ++i) service.files().add_trouble({.kind = Trouble::Kind::cut, .at = 6});
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.generation_id = "9040"});
  EXPECT_EQ(streamed.bytes, small_clip().substr(0, streamed.bytes.size()));
}

TEST_F(ClipFault, RefusedByTheCdn) {
  for (const int status : {401, 403, 404, 410}) {
    FakeService each;
    for (int i = 0; i < 20; ++i) each.files().push_answer(html_answer(status, "<h1>no</h1>"));
    const Streamed streamed = stream(seed_src(each));
    expect_one_error(
        streamed.outcome,
        {.codes = unavailable, .http_status = std::to_string(status), .generation_id = "9040"});
    EXPECT_EQ(each.count(is_generate), 1U);
    EXPECT_EQ(streamed.bytes, "");
  }
}

TEST_F(ClipFault, AnErrorOfTheCdnsServerIsTriedAgain) {
  service.files().push_answer(html_answer(503, "<h1>busy</h1>"));
  const Streamed streamed = run_it();
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
  EXPECT_GE(service.count(is_cdn), 2U);
}

TEST_F(ClipFault, AnErrorOfTheCdnsServerThatStays) {
  for (int i = 0; i < 20; ++i) service.files().push_answer(html_answer(503, "<h1>busy</h1>"));
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_OPEN_READ),
                                                resource(GST_RESOURCE_ERROR_READ)},
                                      .http_status = "503",
                                      .generation_id = "9040"});
}

TEST_F(ClipFault, ACdnThatCannotBeReached) {
  service.push_poll(json_answer(
      200,
      FakeService::completed_json("http://127.0.0.1:" + std::to_string(closed_port()) + "/a.mp4")));
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_OPEN_READ),
                                                resource(GST_RESOURCE_ERROR_READ)},
                                      .mentions = {"127.0.0.1"},
                                      .generation_id = "9040"});
}

TEST_F(ClipFault, ACdnOfNoKnownName) {
  service.push_poll(
      json_answer(200, FakeService::completed_json("https://no-such-host.invalid/a.mp4")));
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_OPEN_READ),
                                                resource(GST_RESOURCE_ERROR_READ)},
                                      .mentions = {"no-such-host.invalid"},
                                      .generation_id = "9040"});
}

TEST_F(ClipFault, ASilentCdn) {
  for (int i = 0; i < 20; ++i) service.files().push_answer(silent_answer());
  const Streamed streamed = run_it({{"stall-timeout", "1"}});
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_OPEN_READ),
                                                resource(GST_RESOURCE_ERROR_READ)},
                                      .generation_id = "9040"});
}

TEST_F(ClipFault, ARedirectInACircle) {
  for (int i = 0; i < 200; ++i)
    service.files().push_answer(redirect_answer(302, service.clip_url()));
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.generation_id = "9040"});
  EXPECT_LT(service.count(is_cdn), 100U);
}

TEST_F(ClipFault, ARedirectToAFile) {
  for (int i = 0; i < 5; ++i)
    service.files().push_answer(redirect_answer(302, "file:///etc/passwd"));
  const Streamed streamed = run_it();
  expect_one_error(streamed.outcome, {.generation_id = "9040"});
  EXPECT_EQ(streamed.bytes, "");
}

TEST_F(ClipFault, LargerThanAllowed) {
  const std::string clip = large_clip(100'001);
  for (const bool says_length : {true, false}) {
    service.set_clip({.bytes = clip, .says_length = says_length});
    const Streamed streamed = run_it({{"max-clip-size", "100000"}});
    expect_one_error(streamed.outcome, {.mentions = {"max-clip-size"}, .generation_id = "9040"});
    ASSERT_FALSE(streamed.outcome.errors.empty());
    EXPECT_EQ(streamed.outcome.errors[0].detail("charged"), "yes");
    EXPECT_LE(streamed.bytes.size(), 100'000U);
    EXPECT_EQ(streamed.bytes, clip.substr(0, streamed.bytes.size()));
    if (says_length) {
      EXPECT_EQ(streamed.bytes, "") << "its length was known before";
    }
  }
}

TEST_F(ClipFault, AsLargeAsAllowed) {
  const std::string clip = large_clip(100'000);
  for (const bool says_length : {true, false}) {
    service.set_clip({.bytes = clip, .says_length = says_length});
    const Streamed streamed = run_it({{"max-clip-size", "100000"}});
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_EQ(sha256(streamed.bytes), sha256(clip));
  }
}

TEST_F(ClipFault, TheElementRunsAgainAfterwards) {
  ElementPtr src = seed_src(service);
  service.set_clip({.bytes = "<html>no</html>", .content_type = "text/html"});
  expect_one_error(stream(src).outcome, {.codes = wrong_type});
  service.set_clip({.bytes = small_clip()});
  const Streamed streamed = stream(src);
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(sha256(streamed.bytes), sha256(small_clip()));
}

}  // namespace
}  // namespace genpro::test
