// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers that have the clip, and say so in their own way.
#include "element/element_test.h"

namespace genpro::test {
namespace {

class Servers : public testing::Test {
 protected:
  Servers() { service.set_clip({.bytes = clip}); }

  Streamed run_it() { return stream(seed_src(service, {{"retries", "3"}})); }
  void expect_whole(const Streamed& streamed) {
    EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    EXPECT_TRUE(streamed.bytes == clip);
  }
  // Whatever came out before the error is the beginning of the clip.
  void expect_error_and_no_wrong_byte(const Streamed& streamed) {
    expect_one_error(streamed.outcome,
                     {.codes = {resource(GST_RESOURCE_ERROR_READ)}, .mentions = {"changed"}});
    EXPECT_TRUE(streamed.bytes == clip.substr(0, streamed.bytes.size()));
  }
  void refuse_ranges(int status, int from_request = 1) {
    service.files().set_script([=](const Seen& seen, int number) -> std::optional<Answer> {
      if (seen.header("range").empty() || number < from_request) return std::nullopt;
      return html_answer(status, "<h1>no</h1>");
    });
  }

  // Far more than is read ahead.
  static constexpr std::size_t size = 4'000'000;
  const std::string clip = large_clip(size);
  FakeService service;
};

TEST_F(Servers, ARangeThatIsRefusedIsAskedForWithoutOnce) {
  for (const int status : {400, 406, 416, 501}) {
    refuse_ranges(status);
    const std::size_t before = service.count(is_cdn);
    expect_whole(run_it());
    EXPECT_EQ(service.count(is_cdn) - before, 2U) << status;
  }
}

TEST_F(Servers, ARangeThatIsRefusedInTheMiddleIsReadFromTheBeginning) {
  for (const int status : {400, 406, 416, 501}) {
    refuse_ranges(status, 2);
    service.files().add_trouble({.kind = Trouble::Kind::cut, .at = 3'000'000});
    expect_whole(run_it());
    const auto gets = service.requests(is_cdn);
    EXPECT_EQ(gets.back().header("if-range"), "") << "it says what to do with a range";
  }
}

TEST_F(Servers, WhoRefusesEachRequestIsAskedTwice) {
  for (const int status : {406, 416}) {
    service.files().set_script([status](const Seen&, int) -> std::optional<Answer> {
      return html_answer(status, "<h1>no</h1>");
    });
    const std::size_t before = service.count(is_cdn);
    expect_one_error(run_it().outcome, {.http_status = std::to_string(status)});
    EXPECT_EQ(service.count(is_cdn) - before, 2U);
  }
}

}  // namespace
}  // namespace genpro::test
