// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <libsoup/soup.h>

#include <future>

#include "base/backoff.h"
#include "base/interruption.h"
#include "base/runtime.h"
#include "base/text.h"
#include "base/url.h"

namespace genpro {
namespace {

using namespace std::chrono_literals;

TEST(Id, IsLettersDigitsUnderscoreAndHyphen) {
  for (const char* id : {"501", "agent_xyz789", "a-b", "A", "0"}) EXPECT_TRUE(is_id(id)) << id;
  for (const char* text : {"", " ", "a b", "../x", "1,2", "a/b", "é", "a\n", "%41", "a."}) {
    EXPECT_FALSE(is_id(text)) << text;
  }
  EXPECT_TRUE(is_id(std::string(max_id_length, 'a')));
  EXPECT_FALSE(is_id(std::string(max_id_length + 1, 'a')));
}

TEST(List, KeepsEmptyPartsSoThatTheyCanBeRefused) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(split_list("501,502"), (Parts{"501", "502"}));
  EXPECT_EQ(split_list(" 501 , 502 "), (Parts{"501", "502"}));
  EXPECT_EQ(split_list("1,,2"), (Parts{"1", "", "2"}));
  EXPECT_EQ(split_list("1,"), (Parts{"1", ""}));
  EXPECT_EQ(split_list("  "), Parts{});
}

TEST(OneLine, IsPrintableAndBounded) {
  EXPECT_EQ(one_line("a\r\n\tb\x01  c "), "a b c");
  EXPECT_EQ(one_line("abcdef", 4), "abc…");
  EXPECT_EQ(one_line("ääää", 4), "ääää");
  EXPECT_TRUE(g_utf8_validate(one_line("\xff\xfe<html>").c_str(), -1, nullptr));
}

TEST(Redact, MasksEveryOccurrence) {
  EXPECT_EQ(redact("key=K1 and K1", "K1"), "key=*** and ***");
  EXPECT_EQ(redact("nothing here", "K1"), "nothing here");
  EXPECT_EQ(redact("empty secret", ""), "empty secret");
}

TEST(ParseUnsigned, TakesAWholeNumberOnly) {
  EXPECT_EQ(parse_unsigned("42"), 42U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "99999999999999999999999"}) {
    EXPECT_FALSE(parse_unsigned(text)) << text;
  }
}

TEST(Url, TellsLoopbackFromWhatLooksLikeIt) {
  for (const char* text : {"http://127.0.0.1:8787/v1", "http://localhost/v1", "http://[::1]:1/",
                           "http://127.8.9.1/", "https://api.gen.pro/v1", "HTTPS://API.GEN.PRO"}) {
    EXPECT_TRUE(parse_url(text)) << text;
  }
  for (const char* text :
       {"", "gen.pro", "ftp://gen.pro/a", "file:///etc/passwd", "http://gen.pro/v1",
        "http://127.0.0.1.gen.pro/", "http://localhost.gen.pro/", "https://",
        "https://a:b@gen.pro/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/",
        "javascript:alert(1)"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, OriginNamesSchemeHostAndPort) {
  EXPECT_EQ(parse_url("https://API.gen.pro/v1?x=1")->origin(), "https://api.gen.pro:443");
  EXPECT_EQ(parse_url("http://[::1]:8080/")->origin(), "http://[::1]:8080");
  EXPECT_EQ(parse_url("https://cdn.gen.pro/a.mp4?sig=secret#x")->without_query(),
            "https://cdn.gen.pro/a.mp4");
}

TEST(Url, ResolvesLocations) {
  const Url base = *parse_url("https://cdn.gen.pro/a/b.mp4");
  EXPECT_EQ(resolve_url(base, "c.mp4")->text, "https://cdn.gen.pro/a/c.mp4");
  EXPECT_EQ(resolve_url(base, "//x.gen.pro/c")->text, "https://x.gen.pro/c");
  EXPECT_FALSE(resolve_url(base, "http://cdn.gen.pro/c.mp4"));
  EXPECT_FALSE(resolve_url(base, "file:///etc/passwd"));
}

TEST(Backoff, DoublesWithJitterUpToItsLimit) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    Backoff backoff({.first = 100ms, .longest = 1000ms}, seed);
    for (const auto& [low, high] :
         {std::pair{50, 100}, {100, 200}, {200, 400}, {400, 800}, {500, 1000}, {500, 1000}}) {
      const auto wait = backoff.next();
      EXPECT_GE(wait.count(), low);
      EXPECT_LE(wait.count(), high);
    }
    EXPECT_EQ(backoff.failures(), 6U);
    backoff.reset();
    EXPECT_LE(backoff.next().count(), 100);
  }
}

TEST(Backoff, NeverUndercutsRetryAfter) {
  Backoff backoff({.first = 10ms, .longest = 20ms}, 1);
  EXPECT_GE(backoff.next(3s), 3s);
  EXPECT_LE(backoff.next(3s), 4s);
}

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(parse_retry_after("7"), 7000ms);
  EXPECT_EQ(parse_retry_after("0"), 0ms);
  const DateTimePtr now(g_date_time_new_now_utc());
  const DateTimePtr soon(g_date_time_add_seconds(now.get(), 60));
  const GCharPtr date(soup_date_time_to_string(soon.get(), SOUP_DATE_HTTP));
  const auto wait = parse_retry_after(date.get());
  ASSERT_TRUE(wait);
  EXPECT_GT(*wait, 50s);
  EXPECT_LE(*wait, 60s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0ms);
  for (const char* text : {"", "soon", "-5", "1.5", "9999999999"}) {
    EXPECT_FALSE(parse_retry_after(text)) << text;
  }
}

TEST(Interruption, ConcernsAWaitEvenWhenItIsOverAlready) {
  Interruption interruption;
  const auto begun_at = interruption.count;
  EXPECT_FALSE(interruption.concerns(begun_at));
  interruption.set(true);
  interruption.set(false);
  EXPECT_TRUE(interruption.concerns(begun_at));
  EXPECT_FALSE(interruption.concerns(interruption.count));
}

TEST(Runtime, IsSharedRunsInOrderAndEndsWithItsLastReference) {
  auto first = Runtime::acquire();
  auto second = Runtime::acquire();
  EXPECT_EQ(first, second);
  std::promise<std::vector<int>> done;
  auto order = std::make_shared<std::vector<int>>();
  bool on_thread = false;
  first->post([&, order] {
    on_thread = first->on_thread();
    order->push_back(1);
  });
  first->post([&, order] {
    order->push_back(2);
    done.set_value(*order);
  });
  EXPECT_EQ(done.get_future().get(), (std::vector<int>{1, 2}));
  EXPECT_TRUE(on_thread);
  EXPECT_FALSE(first->on_thread());
  const std::weak_ptr<Runtime> gone = first;
  first.reset();
  EXPECT_FALSE(gone.expired());
  second.reset();
  EXPECT_TRUE(gone.expired());
}

TEST(Timer, FiresOnceCanBeStoppedAndMayDestroyItself) {
  auto runtime = Runtime::acquire();
  std::promise<int> done;
  struct Timers {
    Timer stopped;
    Timer restarted;
    Timer suicidal;
    int fired = 0;
  };
  runtime->post([&] {
    auto timers = std::make_shared<Timers>();
    timers->stopped.start(1ms, [] { FAIL() << "it was stopped"; });
    timers->stopped.stop();
    timers->restarted.start(1h, [t = timers.get()] { ++t->fired; });
    timers->restarted.restart(1ms);
    // Holds the last reference to its own timer and lets it go.
    timers->suicidal.start(30ms, [timers = timers, &done]() mutable {
      const int fired = timers->fired;
      timers->suicidal.start(1h, [] {});
      timers.reset();
      done.set_value(fired);
    });
  });
  EXPECT_EQ(done.get_future().get(), 1);
}

TEST(Timer, StoppedByAnotherInTheSameTurnDoesNotFire) {
  auto runtime = Runtime::acquire();
  std::promise<int> done;
  struct Timers {
    Timer first;
    Timer second;
    Timer last;
    int fired = 0;
  };
  auto timers = std::make_shared<Timers>();
  runtime->post([&] {
    timers->first.start(0ms, [&] {
      ++timers->fired;
      timers->second.stop();
    });
    timers->second.start(0ms, [&] {
      ++timers->fired;
      timers->first.stop();
    });
    timers->last.start(20ms, [&] {
      const int fired = timers->fired;
      timers.reset();
      done.set_value(fired);
    });
  });
  EXPECT_EQ(done.get_future().get(), 1);
}

TEST(Url, ALogShowsNoSecret) {
  EXPECT_EQ(address_for_log("https://me:word@cdn.example/a/b?token=1#x"),
            "https://cdn.example/a/b");
  EXPECT_EQ(address_for_log("https://cdn.example/a"), "https://cdn.example/a");
  EXPECT_EQ(address_for_log("ftp://me@host@other/x\n"), "ftp://other/x");
  EXPECT_EQ(address_for_log("/a?b"), "/a");
}

}  // namespace
}  // namespace genpro
