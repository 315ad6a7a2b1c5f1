// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Input: a byte that says how many bytes follow with the sizes of chunks, those, then a clip.
#include <algorithm>
#include <bitset>
#include <optional>
#include <span>
#include <vector>

#include "base/web/byte_ranges.h"
#include "clip/box_walker.h"
#include "clip/container.h"
#include "fuzz.h"

namespace genpro::fuzz {

namespace {

using Bytes = std::span<const unsigned char>;

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

// Whether the clip ends where a box ends, by stepping from header to header.
bool naive_boundary(Bytes clip) {
  while (!clip.empty()) {
    if (clip.size() < 8) return false;
    std::uint64_t size = big_endian(clip.first(4));
    std::uint64_t header = 8;
    if (size == 1) {
      if (clip.size() < 16) return false;
      size = big_endian(clip.subspan(8, 8));
      header = 16;
    }
    // To the end of the file, or no box at all.
    if (size < header) return true;
    if (size > clip.size()) return false;
    clip = clip.subspan(size);
  }
  return true;
}

void check_walker(Bytes sizes, Bytes clip) {
  clip::BoxWalker at_once;
  at_once.add(clip);
  FUZZ_CHECK(at_once.at_boundary() == naive_boundary(clip));

  clip::BoxWalker in_chunks;
  std::size_t chunk = 0;
  std::size_t at = 0;
  while (at < clip.size()) {
    const std::size_t wanted = sizes.empty() ? 1 : 1 + std::size_t{sizes[chunk++ % sizes.size()]};
    const std::size_t size = std::min(wanted, clip.size() - at);
    in_chunks.add({});
    in_chunks.add(clip.subspan(at, size));
    at += size;
    FUZZ_CHECK(in_chunks.at_boundary() == naive_boundary(clip.first(at)));
  }
}

void check_container(Bytes clip) {
  const auto kind = clip::identify_container(clip);
  // The verdict is the same from the first bytes as from all of them.
  const std::size_t head = std::min(clip.size(), clip::container_head_size);
  FUZZ_CHECK(clip::identify_container(clip.first(head)) == kind);
  if (!kind) return;
  FUZZ_CHECK(clip.size() >= clip::container_head_size);
  const std::uint64_t size = big_endian(clip.first(4));
  FUZZ_CHECK(size < 2 || size >= 8);
  const std::string type(reinterpret_cast<const char*>(clip.data()) + 4, 4);
  constexpr std::string_view known = "ftyp styp moov mdat free skip wide pnot uuid";
  FUZZ_CHECK(known.find(type) % 5 == 0);
}

// What is taken for an index is changed in its tables alone, and never beyond them.
void check_index(Bytes clip) {
  std::vector<unsigned char> moov(clip.begin(), clip.end());
  if (clip::shift_chunks(moov, 16, UINT32_MAX)) FUZZ_CHECK(moov.size() == clip.size());
}

// Pairs of bytes are ranges, of a small clip and of one at the end of what an offset can be.
void check_coverage(Bytes pairs) {
  constexpr std::size_t space = 512;
  for (const std::uint64_t base : {std::uint64_t{0}, UINT64_MAX - space}) {
    ByteRanges coverage;
    std::bitset<space> naive;
    for (std::size_t at = 0; at + 1 < pairs.size() && at < 128; at += 2) {
      const std::size_t begin = pairs[at] * 2U;
      const std::size_t end = std::min<std::size_t>(begin + pairs[at + 1] % 64, space);
      coverage.add(base + begin, base + end);
      for (std::size_t byte = begin; byte < end; ++byte) naive.set(byte);
      FUZZ_CHECK(coverage.size() == naive.count());
    }
    std::size_t covered = 0;
    while (covered < space && naive.test(covered)) ++covered;
    for (std::size_t size = 0; size <= space; ++size) {
      const bool expected = size == 0 || (base == 0 && size <= covered);
      FUZZ_CHECK(coverage.covers(size) == expected);
    }
    coverage.clear();
    FUZZ_CHECK(coverage.size() == 0 && !coverage.covers(1));
  }
}

}  // namespace

void test_one(std::string_view input) {
  const Bytes bytes(reinterpret_cast<const unsigned char*>(input.data()), input.size());
  if (bytes.empty()) return;
  const std::size_t count = std::min<std::size_t>(bytes.front(), bytes.size() - 1);
  const Bytes sizes = bytes.subspan(1, count);
  const Bytes clip = bytes.subspan(1 + count);
  check_walker(sizes, clip);
  check_container(clip);
  check_index(clip);
  check_coverage(clip);
}

}  // namespace genpro::fuzz
