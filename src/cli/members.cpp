// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/members.h"

#include "base/text.h"
#include "cli/when.h"

namespace genpro::cli {

void Members::set(const char* name, api::JsonNodePtr value) {
  json_object_set_member(object_.get(), name, value.release());
}

void Members::set(const char* name, const std::string& text) {
  json_object_set_string_member(object_.get(), name, valid_utf8(text).c_str());
}

// What adding binary fractions leaves behind is not told.
void Members::set(const char* name, double number) {
  json_object_set_double_member(object_.get(), name,
                                g_ascii_strtod(number_text(number).c_str(), nullptr));
}

void Members::set(const char* name, bool value) {
  json_object_set_boolean_member(object_.get(), name, value);
}

void Members::set(const char* name, std::int64_t number) {
  json_object_set_int_member(object_.get(), name, number);
}

void Members::set_or_null(const char* name, const std::string& text) {
  set(name, text.empty() ? std::nullopt : std::optional(text));
}

void Members::set_time(const char* name, ledger::WallTime time) {
  set_or_null(name, time == 0 ? "" : utc_time(time));
}

}  // namespace genpro::cli
