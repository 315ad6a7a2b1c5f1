// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of promises 2 and 3 share: no byte is wrong, and nothing hangs.
#pragma once

#include <string>
#include <vector>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {

// A clip that is read ahead at once, and one that is not: when a connection gets to byte `late` of
// it, its first bytes have been pushed.
inline constexpr std::size_t short_size = 400'000;
inline constexpr std::size_t long_size = 4'000'000;
inline constexpr std::size_t late = 3'000'000;
const std::string& short_clip();
const std::string& other_short_clip();
const std::string& long_clip();
const std::string& other_long_clip();

// How many bytes before a break are asked for once more.
inline constexpr std::size_t overlap = 64 * 1024;

class Delivery : public testing::Test {
 protected:
  Delivery() { service.set_clip({.bytes = short_clip()}); }

  // Attached to a generation that is completed; stall-timeout 1, retries 2, then `changes`.
  ElementPtr src(const Settings& changes = {});
  Streamed run_it(const Settings& changes = {}) { return stream(src(changes)); }

  // EOS, these bytes, nothing paid for, and the key at the API alone.
  void expect_whole(const Streamed& streamed, const std::string& clip);
  void expect_whole(const Outcome& outcome, const std::string& bytes, const std::string& clip);
  // One error that says `words`; what came before it is the beginning of the clip.
  void expect_error(const Streamed& streamed, const std::string& clip,
                    const std::vector<std::string>& words = {},
                    const std::string& http_status = "");
  std::size_t gets() const { return service.count(is_cdn); }

  FakeService service;
};

// The first byte that a request asks for; npos when it asks for no range.
std::size_t range_begin(const Seen& seen);

// An answer as it goes over the wire, with nothing added.
Answer wire_answer(std::string text);
// "HTTP/1.1 206 Partial Content" and so on, with these lines and the empty one.
std::string head(const std::string& status, const std::vector<std::string>& lines);
// The head of a 206 for the bytes from `first` on, with the tag of FakeCdn's clips.
std::string partial_head(std::size_t first, std::size_t size);
std::string chunked_body(const std::string& bytes);

}  // namespace genpro::test
