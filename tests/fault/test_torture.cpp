// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers that misbehave by chance, each in its own way: the clip, or an error behind a part of it.
#include <cstdlib>
#include <random>

#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

// Fewer where each one takes longer.
unsigned servers() {
  const char* number = g_getenv("GENPRO_TEST_SERVERS");
  return number != nullptr ? static_cast<unsigned>(std::atoi(number)) : 40;
}

class Torture : public Delivery {
 protected:
  struct Traits {
    std::string tag;
    std::string date;
    bool ranges = true;
    bool tells_length = true;
    // From that request on there is another clip, under the same name or under another one.
    int swap_at = 0;
    bool swap_shows = false;
  };

  static Traits draw(std::mt19937& random) {
    Traits traits;
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    if (!one_in(3)) traits.tag = one_in(4) ? "W/\"t\"" : "\"t\"";
    if (one_in(2)) traits.date = "Wed, 01 Jan 2025 00:00:00 GMT";
    traits.ranges = !one_in(4);
    traits.tells_length = !one_in(4);
    if (one_in(2)) traits.swap_at = 2 + static_cast<int>(random() % 4);
    traits.swap_shows = one_in(2);
    return traits;
  }

  // One answer, of which so much is sent that the download gets on, and which then breaks off.
  static Answer answer(const Traits& traits, const Seen& seen, int number, std::mt19937& random) {
    const bool is_swapped = traits.swap_at > 0 && number >= traits.swap_at;
    const std::string& clip = is_swapped ? other_long_clip() : long_clip();
    std::string tag = traits.tag;
    if (is_swapped && traits.swap_shows && !tag.empty()) tag = "\"other\"";
    const std::string if_range = seen.header("if-range");
    const bool is_partial =
        traits.ranges && (if_range.empty() || if_range == tag || if_range == traits.date);
    const std::size_t first = is_partial ? range_begin(seen) : 0;
    std::size_t end = clip.size();
    std::vector<std::string> lines{"Connection: close"};
    if (!tag.empty()) lines.push_back("ETag: " + tag);
    if (!traits.date.empty()) lines.push_back("Last-Modified: " + traits.date);
    if (is_partial) {
      if (random() % 3 == 0) end = std::min(end, first + 500'000);
      lines.push_back("Content-Range: bytes " + std::to_string(first) + "-" +
                      std::to_string(end - 1) + "/" + std::to_string(clip.size()));
    } else if (traits.ranges) {
      lines.emplace_back("Accept-Ranges: bytes");
    }
    const bool is_chunked = !traits.tells_length && random() % 2 == 0;
    if (is_chunked) {
      lines.emplace_back("Transfer-Encoding: chunked");
    } else if (traits.tells_length) {
      lines.push_back("Content-Length: " + std::to_string(end - first));
    }
    const std::string text = head(is_partial ? "206 Partial Content" : "200 OK", lines);
    const std::string part = clip.substr(first, end - first);
    // What begins at the front again has to get on as well.
    const std::size_t least = is_partial ? 200'000 : static_cast<std::size_t>(number) * 1'000'000;
    const std::size_t sent = std::min<std::size_t>(least + random() % 700'000, part.size());
    const std::string whole = text + (is_chunked ? chunked_body(part) : part);
    const std::size_t size =
        sent == part.size() ? whole.size() : std::min(whole.size(), text.size() + sent);
    const bool resets = is_partial && random() % 6 == 0 && sent < part.size();
    return Answer{.raw = [bytes = whole.substr(0, size), resets](Wire& wire) {
      wire.write(bytes);
      if (resets) wire.close_with_reset();
    }};
  }
};

TEST_F(Torture, NoByteIsWrong) {
  unsigned whole = 0;
  unsigned errors = 0;
  for (unsigned seed = 1; seed <= servers(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto random = std::make_shared<std::mt19937>(seed);
    const Traits traits = draw(*random);
    service.files().set_script(
        [=](const Seen& seen, int number) { return answer(traits, seen, number, *random); });
    const Streamed streamed = run_it({{"retries", "3"}});
    ASSERT_FALSE(streamed.outcome.timed_out);
    if (streamed.outcome.eos) {
      ++whole;
      // Of another clip only when nothing of the first one was out.
      const bool is_other = traits.swap_at > 0 && streamed.bytes == other_long_clip();
      ASSERT_TRUE(is_other || streamed.bytes == long_clip())
          << streamed.bytes.size() << " wrong bytes";
    } else {
      ++errors;
      ASSERT_GT(traits.swap_at, 0) << streamed.outcome.summary();
      expect_one_error(streamed.outcome, {.generation_id = "9040"});
      ASSERT_TRUE(streamed.bytes == long_clip().substr(0, streamed.bytes.size()) ||
                  streamed.bytes == other_long_clip().substr(0, streamed.bytes.size()))
          << "wrong bytes";
    }
  }
  EXPECT_GT(whole, servers() / 3);
  EXPECT_GT(errors, 0U);
}

}  // namespace
}  // namespace genpro::test
