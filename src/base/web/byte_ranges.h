// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>

namespace genpro {

// Which bytes of a file there are, in whatever order they came.
class ByteRanges {
 public:
  // Adds the bytes from `begin` up to, not including, `end`.
  void add(std::uint64_t begin, std::uint64_t end);
  // Whether every byte below `size` is there, but for gaps of at most `longest_gap` bytes.
  bool covers(std::uint64_t size, std::uint64_t longest_gap = 0) const;
  // How many different bytes there are.
  std::uint64_t size() const;
  void clear() { ranges_.clear(); }

 private:
  // Begin to end; disjoint and not touching.
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

}  // namespace genpro
