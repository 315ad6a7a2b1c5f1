// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fault/delivery_fixture.h"

#include <charconv>

namespace genpro::test {

const std::string& short_clip() {
  static const std::string clip = large_clip(short_size, 1);
  return clip;
}
const std::string& other_short_clip() {
  static const std::string clip = large_clip(short_size, 2);
  return clip;
}
const std::string& long_clip() {
  static const std::string clip = large_clip(long_size, 3);
  return clip;
}
const std::string& other_long_clip() {
  static const std::string clip = large_clip(long_size, 4);
  return clip;
}

ElementPtr Delivery::src(const Settings& changes) {
  Settings settings{{"stall-timeout", "1"}, {"retries", "2"}, {"generation-id", "9040"}};
  settings.insert(settings.end(), changes.begin(), changes.end());
  return seed_src(service, settings);
}

void Delivery::expect_whole(const Streamed& streamed, const std::string& clip) {
  expect_whole(streamed.outcome, streamed.bytes, clip);
}

void Delivery::expect_whole(const Outcome& outcome, const std::string& bytes,
                            const std::string& clip) {
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_EQ(bytes.size(), clip.size());
  EXPECT_EQ(sha256(bytes), sha256(clip));
  expect_nothing_posted(service);
  expect_cdn_saw_no_key(service);
}

void Delivery::expect_error(const Streamed& streamed, const std::string& clip,
                            const std::vector<std::string>& words, const std::string& http_status) {
  expect_one_error(streamed.outcome,
                   {.mentions = words, .http_status = http_status, .generation_id = "9040"});
  EXPECT_LT(streamed.bytes.size(), clip.size());
  EXPECT_EQ(sha256(streamed.bytes), sha256(clip.substr(0, streamed.bytes.size())))
      << "wrong bytes came out";
  expect_cdn_saw_no_key(service);
}

std::size_t range_begin(const Seen& seen) {
  const std::string range = seen.header("range");
  constexpr std::size_t unit = 6;
  std::size_t begin = 0;
  const char* end = range.data() + range.size();
  if (!range.starts_with("bytes=") ||
      std::from_chars(range.data() + unit, end, begin).ec != std::errc())
    return std::string::npos;
  return begin;
}

Answer wire_answer(std::string text) {
  return Answer{.raw = [text = std::move(text)](Wire& wire) { wire.write(text); }};
}

std::string head(const std::string& status, const std::vector<std::string>& lines) {
  std::string text = "HTTP/1.1 " + status + "\r\nContent-Type: video/mp4\r\n";
  for (const std::string& line : lines) text += line + "\r\n";
  return text + "\r\n";
}

std::string partial_head(std::size_t first, std::size_t size) {
  return head("206 Partial Content", {"ETag: \"first\"",
                                      "Content-Range: bytes " + std::to_string(first) + "-" +
                                          std::to_string(size - 1) + "/" + std::to_string(size),
                                      "Content-Length: " + std::to_string(size - first)});
}

std::string chunked_body(const std::string& bytes) {
  char length[32];
  g_snprintf(length, sizeof length, "%zx\r\n", bytes.size());
  return length + bytes + "\r\n0\r\n\r\n";
}

}  // namespace genpro::test
