// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The misbehaving file server that a finished generation points to.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "support/http_origin.h"

namespace genpro::test {

// A file as the CDN serves it. Empty texts are headers that are not sent.
struct Clip {
  std::string bytes;
  std::string etag = "\"first\"";
  std::string last_modified;
  std::string content_type = "video/mp4";
  bool ranges = true;            // false: the whole file with 200, whatever was asked
  bool honours_if_range = true;  // false: 206 although the file has changed
  bool says_length = true;       // false: chunked, no Content-Length
  std::int64_t range_shift = 0;  // added to where a range begins: a 206 with the wrong bytes
};

// Something that happens once to the first answer that holds the byte at `at`: the bytes before it
// are sent, then this. `at` counts from the beginning of the file, not of the range.
struct Trouble {
  enum class Kind { cut, reset, stall } kind = Kind::cut;
  std::size_t at = 0;
  // Takes the file's place at that moment.
  std::optional<Clip> replacement = std::nullopt;
  // The bytes are sent at once, but it happens only when this opens.
  std::shared_ptr<Gate> gate = nullptr;
};

// The head of an answer as a raw function writes it, with the length of its body.
std::string head_text(const Answer& answer, std::size_t length);

// Answers GET and HEAD for the files it was given. Thread-safe.
class FakeCdn {
 public:
  void set_clip(const std::string& path, Clip clip);
  void add_trouble(Trouble trouble);
  // Comes before everything else, once.
  void push_answer(Answer answer);
  // Asked next, for each request, with its number from 1 on; nothing: the file as usual.
  using Script = std::function<std::optional<Answer>(const Seen&, int number)>;
  void set_script(Script script);
  Answer answer(const Seen& seen);

 private:
  std::mutex mutex_;
  std::map<std::string, Clip> clips_;
  std::deque<Trouble> troubles_;
  std::deque<Answer> answers_;
  Script script_;
  int scripted_ = 0;
};

}  // namespace genpro::test
