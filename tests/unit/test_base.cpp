// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "base/backoff.h"
#include "base/log.h"
#include "base/text.h"
#include "base/threads/runtime.h"
#include "base/web/range_header.h"
#include "base/web/url.h"

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

TEST(RangeHeader, NamesOnePartOfAFile) {
  const auto read = [](std::string_view header, std::uint64_t size) {
    const auto range = parse_range(header, size);
    return range ? content_range(*range, size) : "whole";
  };
  EXPECT_EQ(read("bytes=0-9", 100), "bytes 0-9/100");
  EXPECT_EQ(read(" Bytes= 90 - ", 100), "bytes 90-99/100");
  EXPECT_EQ(read("bytes=-7", 100), "bytes 93-99/100");
  EXPECT_EQ(read("bytes=-700", 100), "bytes 0-99/100");
  EXPECT_EQ(read("bytes=50-99999999999999999999999", 100), "bytes 50-99/100");
  for (const char* beyond : {"bytes=100-", "bytes=-0", "bytes=99999999999999999999999-"}) {
    EXPECT_EQ(read(beyond, 100), "bytes */100") << beyond;
  }
  EXPECT_EQ(read("bytes=-5", 0), "bytes */0");
  for (const char* odd : {"", "bytes=", "bytes=-", "bytes=5-3", "bytes=a-", "bytes=1-b",
                          "lines=1-2", "byte-s=1", "bytes=0-1,5-6", "bytes=+1-2"}) {
    EXPECT_EQ(read(odd, 100), "whole") << odd;
  }
  EXPECT_TRUE(lists_tag("\"a\", W/\"b\"", "\"b\""));
  EXPECT_TRUE(lists_tag("*", "\"b\""));
  EXPECT_FALSE(lists_tag("\"a\"", "\"b\""));
  EXPECT_FALSE(lists_tag("", "\"b\""));
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

class Lines final : public log::Sink {
 public:
  explicit Lines(log::Level level) : level_(level) { log::set_sink(this); }
  ~Lines() { log::set_sink(nullptr); }
  bool wants(log::Category category, log::Level level) const noexcept override {
    return category == log::Category::api && level <= level_;
  }
  void write(log::Category, log::Level, const log::Place& place, const std::string& id,
             const std::string& text) const noexcept override {
    lines.push_back(id + ": " + text + " (" + place.function + ")");
  }
  mutable std::vector<std::string> lines;

 private:
  const log::Level level_;
};

TEST(Log, MakesATextOnlyForWhoWantsIt) {
  int made = 0;
  const auto text = [&] { return "text " + std::to_string(++made); };
  const log::Logger api(log::Category::api, "src");
  const log::Logger clip(log::Category::clip, "src");
  api.info(text);
  EXPECT_EQ(made, 0) << "without a sink";
  {
    const Lines sink(log::Level::info);
    api.debug(text);
    clip.warning(text);
    EXPECT_EQ(made, 0);
    api.info(text);
    api.warning(text);
    EXPECT_EQ(sink.lines,
              (std::vector<std::string>{"src: text 1 (TestBody)", "src: text 2 (TestBody)"}));
  }
  api.info(text);
  EXPECT_EQ(made, 2);
}

TEST(Runtime, IsSharedRunsInOrderAndEndsWithItsLastReference) {
  auto first = Runtime::acquire();
  auto second = Runtime::acquire();
  EXPECT_EQ(first, second);
  std::promise<std::vector<int>> done;
  auto order = std::make_shared<std::vector<int>>();
  std::thread::id ran_on;
  first->post([&, order] {
    ran_on = std::this_thread::get_id();
    order->push_back(1);
  });
  first->post([&, order] {
    order->push_back(2);
    done.set_value(*order);
  });
  EXPECT_EQ(done.get_future().get(), (std::vector<int>{1, 2}));
  EXPECT_NE(ran_on, std::this_thread::get_id());
  const std::weak_ptr<Runtime> gone = first;
  first.reset();
  EXPECT_FALSE(gone.expired());
  second.reset();
  EXPECT_TRUE(gone.expired());
}

TEST(Runtime, ReadsClipsOnThreadsOfTheirOwn) {
  const auto api = Runtime::acquire();
  std::vector<std::shared_ptr<Runtime>> clips;
  for (int count = 0; count < 20; ++count) clips.push_back(Runtime::acquire_for_clip());
  std::set<Runtime*> threads;
  unsigned uses = 0;
  for (const auto& clip : clips) threads.insert(clip.get());
  for (Runtime* thread : threads) uses += thread->clip_count();
  EXPECT_FALSE(threads.contains(api.get()));
  EXPECT_EQ(api->clip_count(), 0U);
  EXPECT_EQ(uses, 20U);
  EXPECT_EQ(threads.size(), std::clamp(std::thread::hardware_concurrency(), 1U, 4U));

  const std::weak_ptr<Runtime> gone = clips.front()->weak_from_this();
  clips.clear();
  EXPECT_TRUE(gone.expired()) << "it goes on without a clip";
  // A clip that is alone needs one thread.
  const auto alone = Runtime::acquire_for_clip();
  EXPECT_EQ(alone->clip_count(), 1U);
}

TEST(Runtime, GoesOnWhileAClipKeepsItsThreadBusy) {
  const auto api = Runtime::acquire();
  const auto clip = Runtime::acquire_for_clip();
  std::promise<void> release;
  std::promise<void> done;
  // It may begin only when this has ended.
  clip->post([released = release.get_future().share()] { released.wait(); });
  api->post([&] { done.set_value(); });
  EXPECT_EQ(done.get_future().wait_for(30s), std::future_status::ready);
  release.set_value();
}

TEST(Runtime, KeepsOneOfAKindUntilItsThreadEnds) {
  struct Counts {
    std::atomic<int> made = 0;
    std::atomic<int> aborted = 0;
    std::promise<void> gone;
  };
  static Counts* counts = nullptr;
  Counts counted;
  counts = &counted;
  struct Thing : Runtime::Kept {
    Thing() { ++counts->made; }
    ~Thing() override { counts->gone.set_value(); }
    void abort() override { ++counts->aborted; }
  };
  auto clip = Runtime::acquire_for_clip();
  std::promise<bool> same;
  clip->post([&, runtime = clip.get()] {
    same.set_value(&runtime->keep<Thing>() == &runtime->keep<Thing>());
  });
  EXPECT_TRUE(same.get_future().get());
  clip.reset();
  ASSERT_EQ(counted.gone.get_future().wait_for(30s), std::future_status::ready);
  EXPECT_EQ(counted.made, 1);
  EXPECT_EQ(counted.aborted, 1);
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
