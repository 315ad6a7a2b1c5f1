// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/web/byte_ranges.h"

#include <algorithm>
#include <iterator>

namespace genpro {

void ByteRanges::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = next->first;
  }
  while (next != ranges_.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_.emplace_hint(next, begin, end);
}

bool ByteRanges::covers(std::uint64_t size, std::uint64_t longest_gap) const {
  std::uint64_t covered = 0;
  for (const auto& [begin, end] : ranges_) {
    if (covered >= size || begin > covered + longest_gap) break;
    covered = end;
  }
  return covered >= size || size - covered <= longest_gap;
}

std::uint64_t ByteRanges::size() const {
  std::uint64_t size = 0;
  for (const auto& [begin, end] : ranges_) size += end - begin;
  return size;
}

}  // namespace genpro
