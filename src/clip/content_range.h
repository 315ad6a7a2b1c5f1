// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace genpro::clip {

// `bytes 100-199/1000`: which bytes of how many. `last` is inclusive, as on the wire (RFC 9110,
// section 14.4).
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;  // unset for `*`
};

// Nothing for what is not a byte range, or contradicts itself.
std::optional<ContentRange> parse_content_range(std::string_view text);

// The length of the whole clip in `bytes */1000`, which comes with a 416.
std::optional<std::uint64_t> parse_unsatisfied_range(std::string_view text);

}  // namespace genpro::clip
