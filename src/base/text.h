// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ids, lists and texts from outside.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genpro {

// Longest id that is accepted, in characters. The service's own are under 20.
inline constexpr std::size_t max_id_length = 128;

// Letters, digits, `_` and `-`, at least one and at most max_id_length of them. Such an id can
// stand in a URL path without escaping and cannot change which path that is.
bool is_id(std::string_view text);

// Splits at commas and trims white space around each part. Empty parts are kept, so that a caller
// can tell `1,,2` from `1,2`. A text of nothing but white space has no parts.
std::vector<std::string> split_list(std::string_view text);

// The parts between the separators, also empty ones.
std::vector<std::string_view> split(std::string_view text, char separator);

// With `last` before the last one: "a, b and c".
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ",
                 std::string_view last = {});

std::string_view trim(std::string_view text);

// Without the leading zeros of a number: one id may be written in several ways.
std::string_view plain_id(std::string_view id);

bool is_utf8(std::string_view text);
// What is not valid is replaced.
std::string valid_utf8(std::string_view text);

// `text` made fit for one line of an error message: valid UTF-8, no control characters, white space
// folded, at most `max_length` characters, with an ellipsis where it was cut.
std::string one_line(std::string_view text, std::size_t max_length = 300);

// Every occurrence of `secret` replaced by `***`. An empty secret changes nothing.
std::string redact(std::string_view text, std::string_view secret);

// A whole, unsigned decimal number; nothing else around it.
std::optional<unsigned long long> parse_unsigned(std::string_view text);

// As short as it can be: 3.5, not 3.500000. With a dot in any locale.
std::string number_text(double number);

// The first `max_length` characters, with an ellipsis where something was cut off.
std::string shorten(std::string_view text, std::size_t max_length);

}  // namespace genpro
