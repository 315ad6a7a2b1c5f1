// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Receives request bodies as they arrive.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "emulator/http/multipart.h"

namespace genpro::emulator {

// All members throw ApiError when the body is not acceptable; the rest of it is then thrown away.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  virtual void feed(std::string_view chunk) = 0;
  virtual void finish() {}
};

// JSON or CSV.
class TextBody final : public BodyReader {
 public:
  static constexpr std::size_t max_size = 1024 * 1024;
  // Refuses a body by its announced length, if there is one.
  static void check_length(std::int64_t announced);

  void feed(std::string_view chunk) override;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// multipart/form-data without files.
class FieldsBody final : public BodyReader {
 public:
  explicit FieldsBody(const std::string& content_type);
  void feed(std::string_view chunk) override;
  void finish() override { parser_.finish(); }
  const std::map<std::string, std::string>& fields() const { return fields_; }

 private:
  std::map<std::string, std::string> fields_;
  std::string* current_ = nullptr;
  std::size_t size_ = 0;
  MultipartParser parser_;
};

}  // namespace genpro::emulator
