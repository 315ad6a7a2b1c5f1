// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The bytes of a clip in a file without a name, so that it can be played again without the network.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "clip/byte_ranges.h"

namespace genpro::bin {

// Threads: any.
class ClipFile {
 public:
  // In the folder for temporary files; null when none can be made there.
  static std::shared_ptr<ClipFile> create();
  explicit ClipFile(int descriptor) : descriptor_(descriptor) {}
  ~ClipFile();
  ClipFile(const ClipFile&) = delete;
  ClipFile& operator=(const ClipFile&) = delete;

  // A buffer that has its place in the clip as its offset. A disk that is full ends the keeping.
  void keep(GstBuffer* buffer);
  // The stream has ended; `size` is the clip's, if it is known.
  void end(std::optional<std::uint64_t> size);
  bool is_whole();
  // To be opened as long as this lives.
  std::string path() const;

 private:
  struct State {
    clip::ByteRanges coverage;
    bool failed = false;
    bool whole = false;
  };
  const int descriptor_;
  Guarded<State> state_;
};

}  // namespace genpro::bin
