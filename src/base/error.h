// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What went wrong, in a form that a person can act on and a program can sort.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace genpro {

// The kinds a caller treats differently. The element maps each to one GStreamer error code.
enum class ErrorKind {
  settings,        // something the user set, or did not set
  not_authorized,  // the key, its rights or the credits
  not_found,       // an id or a clip that the service does not know
  open_read,       // nothing could be read at all
  read,            // reading broke off, or what was read makes no sense
  failed,          // the service gave the generation up
  wrong_type,      // what came is not an MP4
  too_large,       // the clip is larger than allowed
  limit,           // a limit that the user set is reached
  ledger,          // the ledger cannot be used
  ledger_busy,     // another program holds it
  ledger_full,     // there is no space left for it
};

// Whether what failed was paid for. Unknown: a request was made, and whether the service took it
// cannot be told.
enum class Charged { no, yes, unknown };
constexpr const char* to_word(Charged charged) {
  return charged == Charged::yes ? "yes" : charged == Charged::no ? "no" : "unknown";
}

struct Error {
  ErrorKind kind = ErrorKind::failed;
  // One or two sentences: what happened, to what, what to do. Never holds the API key.
  std::string message;
  // For a developer: the address, the raw reason. Never holds the API key.
  std::string debug;
  unsigned http_status = 0;   // 0: no answer was received
  std::string error_code;     // the service's own code, empty when it gave none
  std::string generation_id;  // empty when none is known
  // Each nothing where it is not known, or where the question makes no sense.
  std::optional<Charged> charged;
  std::optional<bool> retryable;  // the same once more may work
  std::int64_t ledger_row = 0;    // that keeps account of it; 0: there is none
  // Further facts for a program, by name.
  std::vector<std::pair<std::string, std::string>> details;
};

inline Error settings_error(std::string message) {
  return {.kind = ErrorKind::settings, .message = std::move(message)};
}

// One more sentence; none if it is empty.
inline void append(Error& error, const std::string& sentence) {
  if (!sentence.empty()) error.message += " " + sentence;
}

// A value or the reason why there is none.
template <typename T, typename E = Error>
class Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(*-explicit-*)
  Result(E error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

  explicit operator bool() const noexcept { return content_.index() == 0; }
  T& value() { return std::get<0>(content_); }
  const T& value() const { return std::get<0>(content_); }
  E& error() { return std::get<1>(content_); }
  const E& error() const { return std::get<1>(content_); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }

 private:
  std::variant<T, E> content_;
};

}  // namespace genpro
