// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Names, tokens and digits, besides what base/text.h has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"

namespace genpro::emulator {

// `bytes` random bytes of the kernel, at most 256, as lower-case hexadecimal digits: not guessable.
std::string random_token(std::size_t bytes = 16);

// Whether two texts are equal, in a time that does not depend on where they differ.
bool equal_in_constant_time(std::string_view left, std::string_view right);

// The lower-case SHA-256 of `text`.
std::string sha256_hex(std::string_view text);

// A number made of decimal digits only, or nothing.
std::optional<std::int64_t> parse_digits(std::string_view text);

// The largest number that may be given as an id: there have to be larger ones to count on with, and
// up to here every JSON reader keeps whole numbers as they are.
inline constexpr std::int64_t max_given_id = std::int64_t{1} << 53;
// Whether `id` is a number above that.
bool is_too_large_id(std::string_view id);

// What a client calls its file, made fit to be shown: the part after the last slash or backslash,
// valid UTF-8 without control characters, at most 200 bytes. Never used as a path. "file" when
// nothing is left.
std::string clean_file_name(std::string_view name);

// A client's text made fit to be quoted in a message: one line without control characters, at most
// 80 bytes.
std::string clean_label(std::string_view text);

// Undoes percent encoding. Nothing when an escape is broken, or when the result holds a NUL or is
// no UTF-8. `plus_is_space` is for queries and forms.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

std::string to_lower(std::string_view text);

}  // namespace genpro::emulator
