// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Real MP4 files, made when a test wants them.
#pragma once

#include <cstdint>
#include <string>

#include "support/gst_ptr.h"

namespace genpro::test {

struct MediaSpec {
  int frames = 24;
  int width = 160;
  int height = 120;
  bool moov_at_end = true;
  std::uint32_t pattern = 18;  // of videotestsrc: ball
};

// H.264 in MP4 at 24 frames a second. Throws std::runtime_error when an element is missing.
std::string make_mp4(const MediaSpec& spec = {});
// The same file with a `free` box at its end that fills it up to `size` bytes with noise that
// depends on `seed`: large, and still an MP4.
std::string padded_mp4(std::string mp4, std::size_t size, std::uint32_t seed = 1);
// Where the box of that name begins at the top level of the file, npos when there is none.
std::size_t box_position(const std::string& mp4, const std::string& name);
// Frames that decodebin gets out of the bytes, or of what the source gives; -1 after an error,
// which is printed.
int decoded_frames(const std::string& mp4);
int decoded_frames(const ElementPtr& source);

std::string sha256(const std::string& bytes);
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

// A folder under the temporary folder that goes with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace genpro::test
