// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a request ends in when it cannot be served: a status, the contract's code and a sentence.
#pragma once

#include <stdexcept>
#include <string>

namespace genpro::emulator {

// Thrown by handlers and body readers, turned into the contract's error JSON by the server. It
// never leaves the callback it was thrown in.
class ApiError : public std::runtime_error {
 public:
  ApiError(unsigned status, std::string code, const std::string& text)
      : std::runtime_error(text), status_(status), code_(std::move(code)) {}

  unsigned status() const noexcept { return status_; }
  const std::string& code() const noexcept { return code_; }

 private:
  unsigned status_;
  std::string code_;
};

inline ApiError validation_error(const std::string& text) {
  return {422, "validation_error", text};
}
inline ApiError not_found(const std::string& text) {
  return {404, "not_found", text};
}

}  // namespace genpro::emulator
