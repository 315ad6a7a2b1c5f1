// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/sniff.h"

#include <gst/tag/tag.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "gst/gst_ptr.h"

namespace genpro::emulator::render {
namespace {

using Bytes = std::span<const std::uint8_t>;
using MappedFilePtr = Owned<GMappedFile, g_mapped_file_unref>;

constexpr const char* kTruncated = "ends before its data is complete; upload the whole file again";
constexpr const char* kNoMedia =
    "is not an image, video or audio; upload for instance a PNG, JPEG, MP4 or WAV file";
// More than any camera's image has. A small file can announce any number, and a decoder takes
// the memory for all of them at once.
constexpr std::uint64_t kMaxPixels = 120'000'000;

std::uint64_t big_endian(Bytes bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

std::uint64_t little_endian(Bytes bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

bool has(Bytes bytes, std::size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

// True when the last `slack` bytes hold `text`; writers may pad.
bool ends_with(Bytes bytes, std::string_view text, std::size_t slack) {
  const Bytes tail = bytes.last(std::min(bytes.size(), slack));
  return std::search(tail.begin(), tail.end(), text.begin(), text.end(),
                     [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }) !=
         tail.end();
}

// Where the first JPEG segment begins of which `wanted` is true at its place; the file's end when
// there is none up to the first scan.
template <typename Wanted>
std::size_t find_jpeg_segment(Bytes bytes, const Wanted& wanted) {
  std::size_t at = 2;
  while (at + 4 <= bytes.size() && bytes[at] == 0xff) {
    if (wanted(at)) return at;
    if (bytes[at + 1] == 0xda) break;
    at += 2 + big_endian(bytes, at + 2, 2);
  }
  return bytes.size();
}

// Previews in a JPEG's EXIF data are whole images with an end mark of their own, so nothing
// before the first scan tells whether the file is complete.
bool jpeg_complete(Bytes bytes) {
  const std::size_t scan =
      find_jpeg_segment(bytes, [&](std::size_t at) { return bytes[at + 1] == 0xda; });
  return ends_with(bytes.subspan(scan), "\xff\xd9", bytes.size());
}

using Dimensions = std::pair<std::uint64_t, std::uint64_t>;  // width, height

std::optional<Dimensions> jpeg_dimensions(Bytes bytes) {
  const std::size_t at = find_jpeg_segment(bytes, [&](std::size_t segment) {
    const std::uint8_t marker = bytes[segment + 1];
    // Start of frame; the three others in the range are tables and reserved.
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
  });
  if (at + 9 > bytes.size()) return {};
  return Dimensions{big_endian(bytes, at + 7, 2), big_endian(bytes, at + 5, 2)};
}

std::optional<Dimensions> tiff_dimensions(Bytes bytes) {
  const auto number = bytes[0] == 'I' ? little_endian : big_endian;
  const std::size_t directory = number(bytes, 4, 4);
  if (directory + 2 > bytes.size()) return {};
  const std::size_t count =
      std::min<std::size_t>(number(bytes, directory, 2), (bytes.size() - directory - 2) / 12);
  Dimensions found;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + i * 12;
    const std::uint64_t tag = number(bytes, entry, 2);
    const std::uint64_t value = number(bytes, entry + 8, number(bytes, entry + 2, 2) == 3 ? 2 : 4);
    if (tag == 256) found.first = value;
    if (tag == 257) found.second = value;
  }
  return found;
}

std::optional<Dimensions> webp_dimensions(Bytes bytes) {
  if (has(bytes, 12, "VP8X")) {
    return Dimensions{little_endian(bytes, 24, 3) + 1, little_endian(bytes, 27, 3) + 1};
  }
  if (has(bytes, 12, "VP8L")) {
    const std::uint64_t packed = little_endian(bytes, 21, 4);
    return Dimensions{(packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1};
  }
  return Dimensions{little_endian(bytes, 26, 2) & 0x3fff, little_endian(bytes, 28, 2) & 0x3fff};
}

// What an image's header says. Of other formats the memory limit of the process is the bound.
std::optional<Dimensions> announced_dimensions(Bytes bytes) {
  if (bytes.size() < 30) return {};
  if (has(bytes, 0, "\x89PNG")) {
    return Dimensions{big_endian(bytes, 16, 4), big_endian(bytes, 20, 4)};
  }
  if (has(bytes, 0, "\xff\xd8\xff")) return jpeg_dimensions(bytes);
  if (has(bytes, 0, "GIF8")) {
    return Dimensions{little_endian(bytes, 6, 2), little_endian(bytes, 8, 2)};
  }
  if (has(bytes, 0, "BM")) {
    const auto height = static_cast<std::int32_t>(little_endian(bytes, 22, 4));  // < 0: top-down
    return Dimensions{little_endian(bytes, 18, 4), std::abs(std::int64_t{height})};
  }
  if (has(bytes, 0, std::string_view("II*\0", 4)) || has(bytes, 0, std::string_view("MM\0*", 4))) {
    return tiff_dimensions(bytes);
  }
  if (has(bytes, 0, "RIFF") && has(bytes, 8, "WEBP")) return webp_dimensions(bytes);
  return {};
}

// Walks the top-level boxes of an ISO media file: each must lie within the file, and one of them
// must be the index.
bool boxes_complete(Bytes bytes) {
  bool index = false;
  std::size_t at = 0;
  while (at + 8 <= bytes.size()) {
    std::uint64_t size = big_endian(bytes, at, 4);
    index = index || has(bytes, at + 4, "moov") || has(bytes, at + 4, "meta");
    if (size == 1 && at + 16 <= bytes.size()) size = big_endian(bytes, at + 8, 8);
    if (size == 0) return index;
    if (size < 8 || size > bytes.size() - at) return false;
    at += size;
  }
  return index;
}

// A Matroska or WebM file announces the length of its one segment, unless it was written live.
bool segment_complete(Bytes bytes) {
  // A number's own length is told by the leading zero bits of its first byte.
  const auto number = [&](std::size_t* at) -> std::uint64_t {
    const int length = *at < bytes.size() ? std::countl_zero(bytes[*at]) + 1 : 9;
    if (length > 8 || *at + static_cast<std::size_t>(length) > bytes.size()) return 0;
    const std::uint64_t mask = (std::uint64_t{1} << (7 * length)) - 1;
    const std::uint64_t value = big_endian(bytes, *at, length) & mask;
    *at += static_cast<std::size_t>(length);
    return value == mask ? 0 : value;
  };
  std::size_t at = 4;
  const std::uint64_t header = number(&at);
  at += header;
  if (!has(bytes, at, "\x18\x53\x80\x67")) return at < bytes.size();
  at += 4;
  const std::uint64_t size = number(&at);
  return size <= bytes.size() - at;
}

bool is_text(Bytes bytes) {
  const Bytes head = bytes.first(std::min<std::size_t>(bytes.size(), 1024));
  // A file cut inside a character is still text, so the last bytes do not count.
  return std::none_of(head.begin(), head.end(), [](std::uint8_t c) {
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b;
  });
}

bool is_vector_image(Bytes bytes) {
  const Bytes head = bytes.first(std::min<std::size_t>(bytes.size(), 4096));
  const std::string_view tag = "<svg";
  return std::search(head.begin(), head.end(), tag.begin(), tag.end()) != head.end();
}

bool is_plain_text(Bytes bytes) {
  return is_text(bytes) && !is_vector_image(bytes) && !has(bytes, 0, "P3") &&
         !has(bytes, 0, "P2") && !has(bytes, 0, "P1");
}

std::string fault_in(Bytes bytes, const std::string& content_type) {
  if (bytes.empty()) return "is empty; upload it again";
  if (has(bytes, 0, "PK\x03\x04") || has(bytes, 0, "PK\x05\x06") ||
      content_type == "application/zip") {
    return "is a ZIP archive, which cannot be shown; unpack it and upload its images or clips";
  }
  if (bytes.size() > 9 && little_endian(bytes, 0, 8) < bytes.size() && bytes[8] == '{') {
    return "is a safetensors model, which cannot be shown; give an image, clip or audio instead";
  }
  if (is_plain_text(bytes)) return kNoMedia;
  if (has(bytes, 0, "\x89PNG") && !ends_with(bytes, "IEND", 4096)) return kTruncated;
  if (has(bytes, 0, "\xff\xd8\xff") && !jpeg_complete(bytes)) return kTruncated;
  if (has(bytes, 0, "GIF8") && !ends_with(bytes, ";", 64)) return kTruncated;
  if ((has(bytes, 4, "ftyp") || has(bytes, 4, "moov") || has(bytes, 4, "mdat")) &&
      !boxes_complete(bytes)) {
    return kTruncated;
  }
  if (has(bytes, 0, "\x1a\x45\xdf\xa3") && !segment_complete(bytes)) return kTruncated;
  if (has(bytes, 0, "RIFF") && bytes.size() >= 12) {
    const std::uint64_t announced = little_endian(bytes, 4, 4);
    // A writer that could not seek back leaves zero or the largest number.
    if (announced != 0 && announced < 0xfffffff0 && announced + 8 > bytes.size() + 1)
      return kTruncated;
  }
  const auto dimensions = announced_dimensions(bytes);
  if (dimensions && dimensions->second > 0 && dimensions->first > kMaxPixels / dimensions->second) {
    return "has " + std::to_string(dimensions->first) + " by " +
           std::to_string(dimensions->second) + " pixels, and at most " +
           std::to_string(kMaxPixels / 1'000'000) +
           " million are rendered; reduce it and upload that";
  }
  return {};
}

Bytes bytes_of(GMappedFile* file) {
  return {reinterpret_cast<const std::uint8_t*>(g_mapped_file_get_contents(file)),
          g_mapped_file_get_length(file)};
}

}  // namespace

std::string find_fault(const std::string& path, const std::string& content_type) {
  ErrorPtr error;
  const MappedFilePtr file(g_mapped_file_new(path.c_str(), FALSE, error.out()));
  if (!file) return "cannot be read (" + error.message() + "); upload it again";
  return fault_in(bytes_of(file.get()), content_type);
}

int count_gif_frames(const std::string& path) {
  const MappedFilePtr file(g_mapped_file_new(path.c_str(), FALSE, nullptr));
  if (!file) return 0;
  const Bytes bytes = bytes_of(file.get());
  if (!has(bytes, 0, "GIF8") || bytes.size() < 13) return 0;
  const auto table = [](std::uint8_t flags) -> std::size_t {
    return (flags & 0x80) != 0 ? std::size_t{3} << ((flags & 7) + 1) : 0;
  };
  std::size_t at = 13 + table(bytes[10]);
  int count = 0;
  while (at < bytes.size() && bytes[at] != ';') {
    if (bytes[at] == ',' && at + 10 <= bytes.size()) {
      ++count;
      at += 11 + table(bytes[at + 9]);
    } else if (bytes[at] == '!') {
      at += 2;
    } else {
      break;
    }
    // Either is followed by blocks, each with its length, up to an empty one.
    while (at < bytes.size() && bytes[at] != 0) at += bytes[at] + std::size_t{1};
    ++at;
  }
  return count;
}

std::string exif_orientation(const std::string& path) {
  const MappedFilePtr file(g_mapped_file_new(path.c_str(), FALSE, nullptr));
  if (!file) return {};
  const Bytes bytes = bytes_of(file.get());
  if (!has(bytes, 0, "\xff\xd8")) return {};
  const std::size_t at = find_jpeg_segment(bytes, [&](std::size_t segment) {
    return bytes[segment + 1] == 0xe1 && has(bytes, segment + 4, std::string_view("Exif\0\0", 6));
  });
  if (at == bytes.size()) return {};
  const std::size_t size = big_endian(bytes, at + 2, 2);
  if (size <= 16 || at + 2 + size > bytes.size()) return {};
  const Bytes exif = bytes.subspan(at + 10, size - 8);
  const BufferPtr buffer(gst_buffer_new_memdup(exif.data(), exif.size()));
  const TagListPtr tags(gst_tag_list_from_exif_buffer_with_tiff_header(buffer.get()));
  char* value = nullptr;
  if (!tags || !gst_tag_list_get_string(tags.get(), GST_TAG_IMAGE_ORIENTATION, &value)) return {};
  return take_string(value);
}

}  // namespace genpro::emulator::render
