// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Redirects, and servers that ask to come back later.
#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

using Kind = Trouble::Kind;
using std::chrono::milliseconds;

class Redirects : public Delivery {
 protected:
  // The clip's address leads there.
  void lead_to(const std::string& location) {
    service.files().set_script([location](const Seen& seen, int) -> std::optional<Answer> {
      if (seen.path != "/outputs/clip.mp4") return std::nullopt;
      return redirect_answer(302, location);
    });
  }
};

TEST_F(Redirects, AreFollowedToAnotherOriginWithoutTheKey) {
  FakeService elsewhere;
  elsewhere.set_clip({.bytes = long_clip()});
  elsewhere.files().add_trouble({.kind = Kind::cut, .at = late});
  lead_to(elsewhere.clip_url() + "?signature=x");
  expect_whole(run_it(), long_clip());
  EXPECT_EQ(elsewhere.count(is_cdn), 2U);
  EXPECT_EQ(gets(), 2U) << "where it led may not be there any more";
  expect_cdn_saw_no_key(elsewhere);
}

// A redirect into the API's own origin is one like any other: there is no key in it either.
TEST_F(Redirects, IntoTheApiCarryNoKey) {
  lead_to(service.api_url() + "/v1/generations/9040");
  const Streamed streamed = run_it();
  expect_error(streamed, short_clip());
  for (const Seen& seen : service.requests(is_api)) {
    if (!seen.header("range").empty()) {
      EXPECT_EQ(seen.header("x-api-key"), "");
    }
  }
}

TEST_F(Redirects, OfAllKindsAreFollowed) {
  service.files().set_clip("/real.mp4", {.bytes = short_clip()});
  for (const int status : {301, 302, 303, 307, 308}) {
    service.files().set_script([status](const Seen& seen, int) -> std::optional<Answer> {
      if (seen.path != "/outputs/clip.mp4") return std::nullopt;
      return redirect_answer(status, "../real.mp4");
    });
    expect_whole(run_it(), short_clip());
  }
}

TEST_F(Redirects, AreFollowedTenTimes) {
  for (const int last : {10, 11}) {
    service.files().set_clip("/hop/" + std::to_string(last), {.bytes = short_clip()});
    const std::size_t before = gets();
    service.files().set_script([last](const Seen& seen, int) -> std::optional<Answer> {
      const int hop = seen.path.starts_with("/hop/") ? std::stoi(seen.path.substr(5)) : 0;
      if (hop == last) return std::nullopt;
      return redirect_answer(307, "/hop/" + std::to_string(hop + 1));
    });
    const Streamed streamed = run_it();
    if (last == 10)
      expect_whole(streamed, short_clip());
    else
      expect_error(streamed, short_clip(), {"more than 10 times"}, "307");
    EXPECT_EQ(gets() - before, 11U);
  }
}

TEST_F(Redirects, WhereTheyMustNotLeadAreAnError) {
  for (const char* location :
       {"", "file:///etc/passwd", "ftp://127.0.0.1/clip.mp4", "data:video/mp4;base64,AAAA",
        "javascript:alert(1)", "http://example.org/clip.mp4", "http://", "//", "http:///x",
        "https://127.0.0.1:0/clip.mp4"}) {
    lead_to(location);
    expect_error(run_it(), short_clip(), {"redirected"}, "302");
  }
}

TEST_F(Redirects, WithCredentialsAreAnErrorThatDoesNotTellThem) {
  lead_to("http://user:pa55word@127.0.0.1/clip.mp4?token=t0ken");
  const Streamed streamed = run_it();
  expect_error(streamed, short_clip(), {"user name or password", "127.0.0.1"}, "302");
  EXPECT_EQ(streamed.outcome.everything.find("pa55word"), std::string::npos);
  EXPECT_EQ(streamed.outcome.everything.find("t0ken"), std::string::npos);
}

class Later : public Delivery {
 protected:
  // The first request is answered so, the second one well. The time between the two.
  milliseconds wait_after(int status, const std::string& retry_after,
                          const Settings& changes = {}) {
    const std::size_t before = gets();
    Answer answer = html_answer(status, "<h1>later</h1>");
    if (!retry_after.empty()) answer.headers = {{"Retry-After", retry_after}};
    service.files().push_answer(answer);
    expect_whole(run_it(changes), short_clip());
    const auto seen = service.requests(is_cdn);
    EXPECT_EQ(seen.size(), before + 2);
    return std::chrono::duration_cast<milliseconds>(seen.back().at - seen[seen.size() - 2].at);
  }
  static std::string http_date(int seconds_from_now) {
    const DateTimePtr now(g_date_time_new_now_utc());
    const DateTimePtr then(g_date_time_add_seconds(now.get(), seconds_from_now));
    return take_string(soup_date_time_to_string(then.get(), SOUP_DATE_HTTP));
  }
};

TEST_F(Later, SecondsAreWaited) {
  EXPECT_GE(wait_after(429, "1"), milliseconds(1000));
  EXPECT_GE(wait_after(503, "1"), milliseconds(1000));
}

TEST_F(Later, ADateIsWaitedFor) {
  // Dates are of whole seconds.
  EXPECT_GE(wait_after(503, http_date(3)), milliseconds(1900));
}

TEST_F(Later, WhatMakesNoSenseIsNotWaitedFor) {
  for (const char* text : {"-1", "99999999999999999999", "999999999", "soon",
                           "Wed, 01 Jan 2020 00:00:00 GMT", "Wed, 01 Jan 9999 00:00:00 GMT"})
    EXPECT_LT(wait_after(503, text), milliseconds(60'000)) << text;
}

TEST_F(Later, EveryServerErrorIsTriedAgain) {
  for (const int status : {408, 429, 500, 504, 599})
    EXPECT_GE(wait_after(status, ""), milliseconds(200)) << status;
}

TEST_F(Later, AServerErrorThatStaysIsNamed) {
  service.files().set_script([](const Seen&, int) { return html_answer(502, "<h1>bad</h1>"); });
  expect_error(run_it({{"retries", "1"}}), short_clip(), {"HTTP 502", "2 tries"}, "502");
  EXPECT_EQ(gets(), 2U);
}

TEST_F(Later, WithoutRetriesNothingIsTriedAgain) {
  service.files().set_script([](const Seen&, int) { return html_answer(502, "<h1>bad</h1>"); });
  expect_error(run_it({{"retries", "0"}}), short_clip(), {"HTTP 502"}, "502");
  EXPECT_EQ(gets(), 1U);
}

}  // namespace
}  // namespace genpro::test
