// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/multipart.h"

#include <optional>
#include <utility>
#include <vector>

#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_header_block = 16 * 1024;
constexpr std::size_t max_boundary = 256;
constexpr int max_parts = 64;

ApiError malformed(const std::string& what) {
  return validation_error("The multipart body is malformed: " + what +
                          ". Send multipart/form-data with the file in the part "
                          "content_resource[file].");
}

// The parameters of a header value such as `form-data; name="a"; filename="b.png"`. Quoted values
// may hold semicolons and escaped quotes; a backslash before anything else stays, since browsers
// send Windows paths unescaped.
std::vector<std::pair<std::string, std::string>> parameters_of(std::string_view value) {
  std::vector<std::pair<std::string, std::string>> found;
  std::size_t at = value.find(';');
  while (at != std::string_view::npos && at < value.size()) {
    ++at;
    const auto equals = value.find_first_of("=;", at);
    if (equals == std::string_view::npos) break;
    if (value[equals] == ';') {
      at = equals;
      continue;
    }
    const std::string name = to_lower(trim(value.substr(at, equals - at)));
    std::string text;
    at = equals + 1;
    while (at < value.size() && (value[at] == ' ' || value[at] == '\t')) ++at;
    if (at < value.size() && value[at] == '"') {
      for (++at; at < value.size() && value[at] != '"'; ++at) {
        if (value[at] == '\\' && at + 1 < value.size() &&
            (value[at + 1] == '"' || value[at + 1] == '\\')) {
          ++at;
        }
        text += value[at];
      }
      at = value.find(';', at);
    } else {
      const auto end = value.find(';', at);
      text = std::string(trim(value.substr(at, end == std::string_view::npos ? end : end - at)));
      at = end;
    }
    found.emplace_back(name, text);
  }
  return found;
}

}  // namespace

MultipartParser::MultipartParser(const std::string& content_type, Handlers handlers)
    : handlers_(std::move(handlers)) {
  std::string boundary;
  for (const auto& [name, value] : parameters_of(content_type)) {
    if (name == "boundary") boundary = value;
  }
  if (boundary.empty() || boundary.size() > max_boundary) {
    throw malformed("the Content-Type header names no usable boundary");
  }
  delimiter_ = "\r\n--" + boundary;
  // The first boundary may stand at the very start, without the line break that belongs to it.
  buffer_ = "\r\n";
}

void MultipartParser::feed(std::string_view chunk) {
  if (state_ == State::epilogue) return;
  buffer_.append(chunk);
  while (step()) {
  }
}

void MultipartParser::finish() const {
  if (state_ != State::epilogue) throw malformed("it ends before the closing boundary");
}

// Looks for the next boundary and passes on what stands before it. True when it was found.
bool MultipartParser::find_delimiter(bool in_part) {
  const auto at = buffer_.find(delimiter_);
  if (at == std::string::npos) {
    // The start of a boundary may be at the end of what is here.
    const std::size_t keep = delimiter_.size() - 1;
    if (buffer_.size() > keep) {
      const std::size_t ready = buffer_.size() - keep;
      if (in_part) handlers_.data(std::string_view(buffer_).substr(0, ready));
      buffer_.erase(0, ready);
    }
    return false;
  }
  if (in_part) {
    if (at > 0) handlers_.data(std::string_view(buffer_).substr(0, at));
    handlers_.end();
  }
  buffer_.erase(0, at + delimiter_.size());
  state_ = State::after_boundary;
  return true;
}

bool MultipartParser::step() {
  switch (state_) {
    case State::preamble:
      return find_delimiter(false);
    case State::data:
      return find_delimiter(true);
    case State::after_boundary: {
      if (buffer_.size() < 2) return false;
      if (buffer_.compare(0, 2, "--") == 0) {
        state_ = State::epilogue;
        buffer_.clear();
        return false;
      }
      const auto line_end = buffer_.find("\r\n");
      if (line_end == std::string::npos) {
        if (buffer_.size() > max_boundary) throw malformed("a boundary line does not end");
        return false;
      }
      if (!trim(std::string_view(buffer_).substr(0, line_end)).empty()) {
        throw malformed("text follows a boundary on its line");
      }
      // The line break stays: a part without headers has its empty line right here.
      buffer_.erase(0, line_end);
      state_ = State::headers;
      return true;
    }
    case State::headers: {
      const auto end = buffer_.find("\r\n\r\n");
      if (end == std::string::npos || end > max_header_block) {
        if (buffer_.size() > max_header_block) throw malformed("the header of a part is too long");
        return false;
      }
      if (++parts_ > max_parts) throw malformed("it has too many parts");
      read_headers(std::string_view(buffer_).substr(0, end));
      buffer_.erase(0, end + 4);
      state_ = State::data;
      return true;
    }
    case State::epilogue:
      break;
  }
  return false;
}

void MultipartParser::read_headers(std::string_view block) {
  PartHeader part;
  bool named = false;
  while (!block.empty()) {
    const auto end = block.find("\r\n");
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(end == std::string_view::npos ? block.size() : end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (to_lower(trim(line.substr(0, colon))) != "content-disposition") continue;
    std::optional<std::string> extended;
    for (const auto& [name, value] : parameters_of(line.substr(colon + 1))) {
      if (name == "name") {
        part.name = value;
        named = true;
      } else if (name == "filename") {
        part.file_name = value;
        part.has_file_name = true;
      } else if (name == "filename*") {
        const auto quote = value.rfind('\'');
        if (quote != std::string::npos) {
          extended = percent_decode(value.substr(quote + 1), false);
        }
      }
    }
    if (extended) {
      part.file_name = *extended;
      part.has_file_name = true;
    }
  }
  if (!named) throw malformed("a part has no name");
  handlers_.begin(part);
}

}  // namespace genpro::emulator
