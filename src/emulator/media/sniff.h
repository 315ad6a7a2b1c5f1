// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a file is, told by its first bytes. Names and declared types are not believed.
#pragma once

#include <string>
#include <string_view>

namespace genpro::emulator {

struct MediaType {
  const char* content_type;  // "image/png"
  const char* kind;          // the contract's words: image, video, audio, zip, safe_tensors
  const char* extension;     // "png", unique among the known types
};

// How many bytes of the start are looked at.
inline constexpr std::size_t sniff_length = 4096;

// The type of a file that starts with `head`; null when it is no image, video, audio, zip or
// safetensors file.
const MediaType* sniff(std::string_view head);

// The same for a file on disk. Throws std::runtime_error when it cannot be read.
const MediaType* sniff_file(const std::string& path);

// The content type of a stored file by the extension that `sniff` gave it.
const char* content_type_of_extension(std::string_view extension);

// For messages: the formats that are accepted.
inline constexpr const char* accepted_formats =
    "an image (PNG, JPEG, GIF, WebP, BMP, TIFF, HEIF, AVIF), a video (MP4, MOV, WebM, Matroska, "
    "AVI, FLV, MPEG), an audio file (MP3, WAV, FLAC, Ogg, AAC, M4A, AIFF), a zip or a safetensors "
    "file";

}  // namespace genpro::emulator
