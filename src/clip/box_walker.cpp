// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/box_walker.h"

#include <algorithm>

namespace genpro::clip {

namespace {

std::uint64_t big_endian(std::span<const unsigned char> bytes) {
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

std::optional<BoxHeader> parse_box_header(std::span<const unsigned char> bytes) {
  if (bytes.size() < 8) return std::nullopt;
  BoxHeader header;
  header.type = {reinterpret_cast<const char*>(bytes.data()) + 4, 4};
  header.length = 8;
  // 1 means that 64 bits of size follow the type, 0 that the box ends with the file.
  std::uint64_t size = big_endian(bytes.first(4));
  if (size == 1) {
    if (bytes.size() < 16) return std::nullopt;
    header.length = 16;
    size = big_endian(bytes.subspan(8, 8));
  }
  if (size >= header.length) header.size = size;
  return header;
}

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
  const auto header = parse_box_header(std::span(header_).first(header_size_));
  if (!header) return;
  header_size_ = 0;
  until_end_ = !header->size;
  remaining_ = until_end_ ? 0 : *header->size - header->length;
  has_index_ = has_index_ || header->type == "moov" || header->type == "moof";
  has_media_ = has_media_ || header->type == "mdat";
}

}  // namespace genpro::clip
