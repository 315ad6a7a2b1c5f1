// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/glib_ptr.h"
#include "base/threads/work_thread.h"

namespace genpro::clip {

// A clip in a file of this machine, read by a thread of its own: where its disk does not answer,
// only that thread waits for it. Threads: one at a time.
class KeptFile {
 public:
  struct Piece {
    std::uint64_t offset = 0;
    BytesPtr bytes;  // none behind the end
    std::uint64_t file_size = 0;
    int problem = 0;  // errno, of what cannot be read
  };

  // Opens it, and reads its begin, on that thread.
  KeptFile(std::string path, std::size_t block_size);
  // Waits for nothing.
  ~KeptFile();
  KeptFile(const KeptFile&) = delete;
  KeptFile& operator=(const KeptFile&) = delete;

  const std::string& path() const { return path_; }
  // Nothing: interrupted, or the disk has not answered for half a minute.
  std::optional<Piece> read(std::uint64_t offset, const std::stop_token& interrupted);

 private:
  struct State;
  const std::string path_;
  std::shared_ptr<State> state_;
  std::unique_ptr<WorkThread> thread_;
};

}  // namespace genpro::clip
