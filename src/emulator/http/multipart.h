// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads multipart/form-data as it arrives, in memory that does not grow with the parts.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace genpro::emulator {

struct PartHeader {
  std::string name;
  std::string file_name;  // may be empty though has_file_name is set
  bool has_file_name = false;
};

class MultipartParser {
 public:
  struct Handlers {
    std::function<void(const PartHeader&)> begin;
    std::function<void(std::string_view)> data;
    std::function<void()> end;
  };

  // `content_type`: the whole header. Throws ApiError 422 when it has no usable boundary.
  MultipartParser(const std::string& content_type, Handlers handlers);

  // Throws ApiError 422 when the body is malformed, and whatever the handlers throw.
  void feed(std::string_view chunk);
  // To be called at the end of the body; throws ApiError 422 when the last boundary is missing.
  void finish() const;

 private:
  enum class State { preamble, after_boundary, headers, data, epilogue };

  bool step();
  bool find_delimiter(bool in_part);
  void read_headers(std::string_view block);

  Handlers handlers_;
  std::string delimiter_;  // CR LF "--" boundary
  std::string buffer_;
  State state_ = State::preamble;
  int parts_ = 0;
};

}  // namespace genpro::emulator
