// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/box_walker.h"

#include <algorithm>
#include <string_view>

namespace genpro::clip {

namespace {

std::uint64_t big_endian(std::span<const unsigned char> bytes) {
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

void BoxWalker::add(std::span<const unsigned char> bytes) {
  while (!bytes.empty() && !until_end_) {
    if (remaining_ > 0) {
      const auto skipped = std::min<std::uint64_t>(remaining_, bytes.size());
      remaining_ -= skipped;
      bytes = bytes.subspan(skipped);
    } else {
      header_[header_size_++] = bytes.front();
      bytes = bytes.subspan(1);
      on_header();
    }
  }
}

void BoxWalker::on_header() {
  if (header_size_ < 8) return;
  const std::span<const unsigned char> header(header_);
  const std::uint64_t size = big_endian(header.first(4));
  // 1 means that 64 bits of size follow the type, 0 that the box ends with the file.
  if (size == 1 && header_size_ < 16) return;
  const std::uint64_t whole = size == 1 ? big_endian(header.subspan(8, 8)) : size;
  if (whole < header_size_) {
    until_end_ = true;
  } else {
    remaining_ = whole - header_size_;
  }
  header_size_ = 0;
  const std::string_view type(reinterpret_cast<const char*>(header_.data()) + 4, 4);
  has_index_ = has_index_ || type == "moov" || type == "moof";
  has_media_ = has_media_ || type == "mdat";
}

}  // namespace genpro::clip
