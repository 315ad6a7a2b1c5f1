// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What part of a file a request asks for, as its headers say (RFC 9110, sections 13 and 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace genpro {

// From `first` up to and without `end`.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;

  bool is_empty() const { return first >= end; }
};

// The range of a Range header, of a file of `size` bytes; empty: there are no such bytes. Nothing:
// the whole file, since what cannot be understood is ignored; several ranges are, too.
std::optional<ByteRange> parse_range(std::string_view header, std::uint64_t size);
// A Content-Range header; of an empty range that of an answer 416.
std::string content_range(const ByteRange& range, std::uint64_t size);

// Whether an If-None-Match header names the entity tag. A tag that a proxy weakened still does.
bool lists_tag(std::string_view header, std::string_view tag);

}  // namespace genpro
