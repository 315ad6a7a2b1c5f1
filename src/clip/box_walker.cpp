// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/box_walker.h"

#include <algorithm>
#include <limits>

namespace genpro::clip {

namespace {

using ConstBytes = std::span<const unsigned char>;

std::uint64_t big_endian(ConstBytes bytes) {
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

using Bytes = std::span<unsigned char>;

void store(Bytes bytes, std::uint64_t value) {
  for (std::size_t at = bytes.size(); at > 0; value >>= 8) {
    bytes[--at] = static_cast<unsigned char>(value);
  }
}

struct Shift {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t by;
};

// The contents of an stco or co64 box: version and flags, the number of offsets, and these.
bool shift_offsets(Bytes table, std::size_t width, const Shift& shift) {
  if (table.size() < 8) return false;
  const std::uint64_t count = big_endian(table.subspan(4, 4));
  table = table.subspan(8);
  if (count > table.size() / width) return false;
  for (std::uint64_t number = 0; number < count; ++number) {
    const Bytes entry = table.subspan(number * width, width);
    const std::uint64_t offset = big_endian(entry);
    if (offset < shift.begin || offset >= shift.end) continue;
    if (width == 4 && offset + shift.by > std::numeric_limits<std::uint32_t>::max()) return false;
    store(entry, offset + shift.by);
  }
  return true;
}

// Which box is in which; the last one has the tables.
constexpr std::array<std::string_view, 5> path = {"moov", "trak", "mdia", "minf", "stbl"};

// `depth` boxes of the path are around these.
bool shift_boxes(Bytes boxes, const Shift& shift, std::size_t depth = 0) {
  while (!boxes.empty()) {
    const auto header = parse_box_header(boxes);
    // Four zeros may end a list of boxes in QuickTime files.
    if (!header) return boxes.size() < 8;
    const std::uint64_t size = header->size.value_or(boxes.size());
    if (size > boxes.size()) return false;
    const Bytes contents = boxes.first(size).subspan(header->length);
    bool is_right = header->type != "cmov";
    if (depth < path.size()) {
      if (header->type == path.at(depth)) is_right = shift_boxes(contents, shift, depth + 1);
    } else if (header->type == "stco") {
      is_right = shift_offsets(contents, 4, shift);
    } else if (header->type == "co64") {
      is_right = shift_offsets(contents, 8, shift);
    }
    if (!is_right) return false;
    boxes = boxes.subspan(size);
  }
  return true;
}

// Leaves in `boxes` what follows the first box of that type, whose contents it returns.
std::optional<ConstBytes> take_box(ConstBytes& boxes, std::string_view type) {
  while (const auto header = parse_box_header(boxes)) {
    const std::uint64_t size = header->size.value_or(boxes.size());
    if (size > boxes.size()) break;
    const ConstBytes contents = boxes.first(size).subspan(header->length);
    const bool is_wanted = header->type == type;
    boxes = boxes.subspan(size);
    if (is_wanted) return contents;
  }
  return std::nullopt;
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

bool shift_chunks(Bytes moov, std::uint64_t begin, std::uint64_t end) {
  return shift_boxes(moov, {begin, end, moov.size()});
}

std::optional<TrackMatrix> track_matrix(ConstBytes moov, std::uint64_t track) {
  auto tracks = take_box(moov, "moov");
  while (tracks) {
    auto boxes = take_box(*tracks, "trak");
    if (!boxes) break;
    const auto header = take_box(*boxes, "tkhd");
    // Version 1 has times of 64 bits.
    const bool is_long = header && !header->empty() && header->front() == 1;
    const std::size_t id = is_long ? 20 : 12;
    const std::size_t matrix = is_long ? 52 : 40;
    if (!header || header->size() < matrix + 36) continue;
    if (big_endian(header->subspan(id, 4)) != track) continue;
    const auto element = [&](std::size_t number) {
      return static_cast<std::int32_t>(big_endian(header->subspan(matrix + 4 * number, 4)));
    };
    return TrackMatrix{element(0), element(1), element(3), element(4)};
  }
  return std::nullopt;
}

VideoIndex video_index(ConstBytes moov) {
  auto index = VideoIndex::no_track;
  auto tracks = take_box(moov, "moov");
  ConstBytes all = tracks.value_or(ConstBytes());
  const bool has_fragments = take_box(all, "mvex").has_value();
  while (tracks) {
    auto boxes = take_box(*tracks, "trak");
    if (!boxes) break;
    auto media = take_box(*boxes, "mdia");
    const auto handler = media ? take_box(*media, "hdlr") : std::nullopt;
    constexpr std::string_view video = "vide";
    const bool is_video = handler && handler->size() >= 12 &&
                          std::equal(video.begin(), video.end(), handler->begin() + 8);
    if (!is_video) continue;
    auto information = take_box(*media, "minf");
    const auto tables = information ? take_box(*information, "stbl") : std::nullopt;
    const auto count = [&](std::string_view type) -> std::uint64_t {
      ConstBytes rest = tables.value_or(ConstBytes());
      const auto sizes = take_box(rest, type);
      return sizes && sizes->size() >= 12 ? big_endian(sizes->subspan(8, 4)) : 0;
    };
    if (has_fragments || count("stsz") > 0 || count("stz2") > 0) return VideoIndex::frames;
    index = VideoIndex::no_frames;
  }
  return index;
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
  const bool is_index = header->type == "moov" || header->type == "moof";
  const bool is_media = header->type == "mdat";
  has_index_ = has_index_ || is_index;
  has_media_ = has_media_ || is_media;
  is_needed_ = is_index || is_media;
}

}  // namespace genpro::clip
