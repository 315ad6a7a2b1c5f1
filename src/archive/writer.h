// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Keeps a clip in the archive while it streams.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "archive/archive.h"

namespace genpro::archive {

// Takes the bytes in whatever order they come. Once all are there, a thread of its own writes them
// out and gives the clip its name: nobody waits for a disk to settle but the process's exit. A clip
// that is not read whole leaves nothing behind.
//
// Threads: one at a time. Memory: some words for each piece that was read out of order.
class Writer {
 public:
  Writer(Archive archive, Record record);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // `size`: of the whole clip, if known. Where the folder cannot be written to, one sentence that
  // says so, once; nothing more is kept then.
  std::string add(std::uint64_t offset, std::span<const unsigned char> bytes,
                  std::optional<std::uint64_t> size);
  // The clip's size has become known by its end.
  void end(std::uint64_t size) { finish_at(size); }

 private:
  class Partial;
  class Finish;

  void finish_at(std::uint64_t size);

  const Archive archive_;
  const Record record_;
  std::unique_ptr<Partial> partial_;
  std::map<std::uint64_t, std::uint64_t> ranges_;  // begin to end of what is there; apart
  bool is_over_ = false;                           // handed over, or failed
};

}  // namespace genpro::archive
