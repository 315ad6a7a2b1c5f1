// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The bytes of a clip in a file without a name, so that it can be played again without the network.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <string>

#include "base/temporary_file.h"

namespace genpro::bin {

// Threads: any.
class ClipFile {
 public:
  // In the folder for temporary files; null when none can be made there.
  static std::shared_ptr<ClipFile> create();
  explicit ClipFile(std::unique_ptr<TemporaryFile> file) : file_(std::move(file)) {}

  // A buffer that has its place in the clip as its offset. A disk that is full ends the keeping.
  void keep(GstBuffer* buffer);
  // The clip was decoded to its end: a decoder that reads it again reads nothing else.
  void end() { ended_ = true; }
  // Whether all that a decoder reads is there.
  bool is_whole() { return ended_ && !failed_; }
  // To be opened as long as this lives.
  std::string path() const { return file_->path(); }

 private:
  const std::unique_ptr<TemporaryFile> file_;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> failed_ = false;
};

}  // namespace genpro::bin
