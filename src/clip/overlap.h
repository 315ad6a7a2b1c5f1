// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::clip {

// The latest bytes of a clip that were delivered, to be compared with what a server sends for them
// once more.
//
// 64 KiB are enough to tell two clips apart: most of a clip is entropy-coded, where another
// encoding differs within some bytes, and the tables and paddings in between, which may well agree,
// are shorter than that in clips of some seconds. They are little enough to cost nothing beside the
// new connection: 3 ms at 20 MB/s.
class Overlap {
 public:
  static constexpr std::size_t size_limit = 64 * 1024;

  // Bytes that begin elsewhere than where those before ended take their place. Blocks are shared
  // and not copied, unless they are so large or so many that more memory would be held by them than
  // three times the limit.
  void add(std::uint64_t offset, const BytesPtr& bytes);
  void clear();
  bool empty() const { return pieces_.empty(); }
  // The bytes that are known, as offsets in the clip: at most the limit.
  std::uint64_t begin() const { return end_ - std::min(size_, size_limit); }
  std::uint64_t end() const { return end_; }
  // Whether `bytes`, from `offset` of the clip on, are the same where the two overlap.
  bool agrees(std::uint64_t offset, std::span<const unsigned char> bytes) const;

 private:
  void merge();

  std::deque<BytesPtr> pieces_;
  std::size_t size_ = 0;
  std::uint64_t end_ = 0;
};

// Short pieces from all over what was delivered, for the same.
class Samples {
 public:
  static constexpr std::size_t size = 4 * 1024;
  static constexpr std::size_t most = 8;

  void add(std::uint64_t offset, std::span<const unsigned char> bytes);
  void clear() { *this = {}; }
  bool agrees(std::uint64_t offset, std::span<const unsigned char> bytes) const;
  // Where they begin.
  std::vector<std::uint64_t> offsets() const;

 private:
  std::map<std::uint64_t, std::vector<unsigned char>> pieces_;
  std::uint64_t distance_ = 64 * 1024;  // of two of them, at least
};

}  // namespace genpro::clip
