// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/sniff.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <system_error>

namespace genpro::emulator {

namespace {

constexpr std::array<MediaType, 30> types{{
    {"image/png", "image", "png"},
    {"image/jpeg", "image", "jpg"},
    {"image/gif", "image", "gif"},
    {"image/webp", "image", "webp"},
    {"image/bmp", "image", "bmp"},
    {"image/tiff", "image", "tiff"},
    {"image/heic", "image", "heic"},
    {"image/avif", "image", "avif"},
    {"video/mp4", "video", "mp4"},
    {"video/quicktime", "video", "mov"},
    {"video/3gpp", "video", "3gp"},
    {"video/webm", "video", "webm"},
    {"video/x-matroska", "video", "mkv"},
    {"video/x-msvideo", "video", "avi"},
    {"video/x-flv", "video", "flv"},
    {"video/x-ms-wmv", "video", "wmv"},
    {"video/mpeg", "video", "mpg"},
    {"video/mp2t", "video", "ts"},
    {"video/ogg", "video", "ogv"},
    {"audio/mpeg", "audio", "mp3"},
    {"audio/wav", "audio", "wav"},
    {"audio/flac", "audio", "flac"},
    {"audio/ogg", "audio", "ogg"},
    {"audio/aac", "audio", "aac"},
    {"audio/mp4", "audio", "m4a"},
    {"audio/aiff", "audio", "aiff"},
    {"audio/amr", "audio", "amr"},
    {"audio/midi", "audio", "mid"},
    {"application/zip", "zip", "zip"},
    {"application/octet-stream", "safe_tensors", "safetensors"},
}};

const MediaType* type_of(std::string_view extension) {
  for (const auto& type : types) {
    if (extension == type.extension) return &type;
  }
  return nullptr;
}

bool has(std::string_view head, std::size_t at, std::string_view magic) {
  return head.size() >= at + magic.size() && head.substr(at, magic.size()) == magic;
}

unsigned char byte_at(std::string_view head, std::size_t at) {
  return at < head.size() ? static_cast<unsigned char>(head[at]) : 0;
}

const char* iso_media(std::string_view head) {
  if (has(head, 4, "ftyp")) {
    const auto brand = head.size() >= 12 ? head.substr(8, 4) : std::string_view();
    if (brand == "qt  ") return "mov";
    if (brand == "M4A " || brand == "M4B " || brand == "F4A ") return "m4a";
    if (brand == "avif" || brand == "avis") return "avif";
    if (brand == "heic" || brand == "heix" || brand == "mif1" || brand == "msf1") return "heic";
    if (brand.substr(0, 2) == "3g") return "3gp";
    return "mp4";
  }
  // QuickTime files from before the ftyp box start with the movie itself.
  for (const char* box : {"moov", "mdat", "wide", "pnot"}) {
    if (has(head, 4, box)) return "mov";
  }
  return nullptr;
}

const char* riff(std::string_view head) {
  if (has(head, 8, "WEBP")) return "webp";
  if (has(head, 8, "WAVE")) return "wav";
  if (has(head, 8, "AVI ")) return "avi";
  return nullptr;
}

bool is_mpeg_audio_frame(std::string_view head) {
  const unsigned char second = byte_at(head, 1);
  const unsigned char third = byte_at(head, 2);
  return byte_at(head, 0) == 0xff && (second & 0xe6) == 0xe2 && (third & 0xf0) != 0xf0 &&
         (third & 0x0c) != 0x0c;
}

bool is_transport_stream(std::string_view head) {
  if (head.size() < 377) return false;
  return head[0] == 'G' && head[188] == 'G' && head[376] == 'G';
}

// Eight bytes of length, little endian, then a JSON object of that length.
bool is_safetensors(std::string_view head) {
  if (head.size() < 10 || head[8] != '{') return false;
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | byte_at(head, i);
  // The format itself limits the header to 100 MB.
  return length >= 2 && length <= 100'000'000 && (head[9] == '"' || head[9] == '}');
}

struct Mark {
  const char* extension;
  std::string_view bytes;  // at the very start
};

constexpr std::array<Mark, 13> marks{{{"png", "\x89PNG\r\n\x1a\n"},
                                      {"jpg", "\xff\xd8\xff"},
                                      {"gif", "GIF87a"},
                                      {"gif", "GIF89a"},
                                      {"tiff", {"II*\0", 4}},
                                      {"tiff", {"MM\0*", 4}},
                                      {"flv", "FLV\x01"},
                                      {"wmv", "\x30\x26\xb2\x75\x8e\x66\xcf\x11"},
                                      {"flac", "fLaC"},
                                      {"amr", "#!AMR"},
                                      {"mid", "MThd"},
                                      {"zip", "PK\x03\x04"},
                                      {"zip", "PK\x05\x06"}}};

const char* extension_of(std::string_view head) {
  for (const auto& mark : marks) {
    if (head.starts_with(mark.bytes)) return mark.extension;
  }
  if (has(head, 0, "RIFF")) return riff(head);
  // "BM" alone is too short a mark: the two reserved words behind the size must be zero as well.
  if (has(head, 0, "BM") && head.size() > 26 && has(head, 6, std::string_view("\0\0\0\0", 4))) {
    return "bmp";
  }
  if (const char* found = iso_media(head)) return found;
  if (has(head, 0, std::string_view("\0\0\x01\xba", 4)) ||
      has(head, 0, std::string_view("\0\0\x01\xb3", 4))) {
    return "mpg";
  }
  if (has(head, 0, "\x1a\x45\xdf\xa3")) {
    return head.substr(0, 64).find("webm") != std::string_view::npos ? "webm" : "mkv";
  }
  if (has(head, 0, "OggS")) {
    return head.substr(0, 256).find("theora") != std::string_view::npos ? "ogv" : "ogg";
  }
  if (has(head, 0, "ID3") || is_mpeg_audio_frame(head)) return "mp3";
  if (has(head, 0, "FORM") && (has(head, 8, "AIFF") || has(head, 8, "AIFC"))) return "aiff";
  if (byte_at(head, 0) == 0xff && (byte_at(head, 1) & 0xf6) == 0xf0 && head.size() > 7) {
    return "aac";
  }
  if (is_transport_stream(head)) return "ts";
  return is_safetensors(head) ? "safetensors" : nullptr;
}

}  // namespace

const MediaType* sniff(std::string_view head) {
  const char* extension = extension_of(head);
  return extension != nullptr ? type_of(extension) : nullptr;
}

const MediaType* sniff_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(sniff_length, '\0');
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (file.bad()) throw std::system_error(errno, std::generic_category(), path);
  head.resize(static_cast<std::size_t>(file.gcount()));
  return sniff(head);
}

const char* content_type_of_extension(std::string_view extension) {
  const MediaType* type = type_of(extension);
  return type != nullptr ? type->content_type : "application/octet-stream";
}

}  // namespace genpro::emulator
