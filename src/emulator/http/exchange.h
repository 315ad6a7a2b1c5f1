// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A request as it arrives, the readers of its body, and the handler that the server calls for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "emulator/http/message.h"
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

// One request on its way through the server.
struct Exchange {
  Request request;
  std::unique_ptr<BodyReader> body;  // null when the body is ignored

  // The received JSON text, empty when there is none.
  std::string json_text() const {
    const auto* json = dynamic_cast<const TextBody*>(body.get());
    return json != nullptr ? json->text() : std::string();
  }
};

class Handler {
 public:
  using Answer = std::function<Reply(Exchange& exchange)>;

  virtual ~Handler() = default;
  // Looks at the head of a request: fills in exchange.request.parameters and exchange.body, and
  // returns what answers once the body is there. Throws ApiError; `allowed` then lists the methods
  // when the reason is 405.
  virtual Answer open(Exchange& exchange, std::int64_t announced_length, std::string& allowed) = 0;
};

}  // namespace genpro::emulator
