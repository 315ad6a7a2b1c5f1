// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One download for many processes: who fetches a clip says so in the archive, and others wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "archive/archive.h"
#include "base/file_descriptor.h"

namespace genpro::archive {

// A file that one process at a time makes, and in which it notes how far it is. Which process has
// died is told by a lock on the same machine, and elsewhere by notes that do not come any more: a
// network's file system may have no locks. It spares downloads, and nothing rests on it: where two
// believe to have it, both fetch the clip, and both keep the same bytes.
//
// Threads: one at a time. All functions wait for the disk.
class Lease {
 public:
  // Of a file that was just made; use take().
  Lease(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  // Null when somebody has it, with EEXIST in errno, or when it cannot be made.
  static std::unique_ptr<Lease> take(const Archive& archive, const std::string& service,
                                     const std::string& generation_id);
  // Gives it back.
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // So many bytes of the clip are there. Writes at most once a second.
  void note(std::uint64_t bytes);

 private:
  const std::string path_;
  const FileDescriptor file_;
  std::chrono::steady_clock::time_point noted_at_;
};

// A clip that is there, or the lease to fetch it. Neither: fetch it without.
struct Turn {
  Found found;
  std::unique_ptr<Lease> lease;
};

// So long without a new byte, and so long in all, another one's download is waited for.
inline constexpr std::chrono::seconds longest_without_progress{30};
inline constexpr std::chrono::minutes longest_turn{10};

// Looks for the clip as Archive::find() does, and waits while another process fetches it; `on_wait`
// is called once if it has to. `tick` is called as it gets on.
Turn await_turn(const Archive& archive, const std::string& service,
                const std::string& generation_id, const std::string& fingerprint,
                const std::stop_token& stopped, const Tick& tick,
                const std::function<void()>& on_wait);

}  // namespace genpro::archive
