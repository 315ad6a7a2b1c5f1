// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/exchange.h"

#include "emulator/util/api_error.h"

namespace genpro::emulator {

namespace {

ApiError text_too_large() {
  return validation_error("The body is larger than 1 MB. Send a smaller one.");
}

}  // namespace

void TextBody::check_length(std::int64_t announced) {
  if (announced > static_cast<std::int64_t>(max_size)) throw text_too_large();
}

void TextBody::feed(std::string_view chunk) {
  if (text_.size() + chunk.size() > max_size) throw text_too_large();
  text_.append(chunk);
}

FieldsBody::FieldsBody(const std::string& content_type)
    : parser_(content_type, {[this](const PartHeader& part) { current_ = &fields_[part.name]; },
                             [this](std::string_view chunk) { current_->append(chunk); }, [] {}}) {}

void FieldsBody::feed(std::string_view chunk) {
  size_ += chunk.size();
  if (size_ > TextBody::max_size) throw text_too_large();
  parser_.feed(chunk);
}

}  // namespace genpro::emulator
