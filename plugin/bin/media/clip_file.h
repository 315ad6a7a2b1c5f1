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
  // In the folder for temporary files; null when none can be made there. A clip of more than `most`
  // bytes is not kept.
  static std::shared_ptr<ClipFile> create(std::uint64_t most);
  ClipFile(std::unique_ptr<TemporaryFile> file, std::uint64_t most)
      : file_(std::move(file)), most_(most) {}

  // A buffer that has its place in the clip as its offset. A disk that is full ends the keeping,
  // and gets back what was kept.
  void keep(GstBuffer* buffer);
  // The clip was read to its end: a decoder that reads it again reads nothing else.
  void end() { ended_ = true; }
  // Whether all that a decoder reads is there.
  bool is_whole() { return ended_ && !failed_; }
  std::uint64_t size() { return size_; }
  // To be opened as long as this lives.
  std::string path() const { return file_->path(); }

 private:
  const std::unique_ptr<TemporaryFile> file_;
  const std::uint64_t most_;
  std::atomic<std::uint64_t> size_ = 0;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> failed_ = false;
};

}  // namespace genpro::bin
