// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Keeps a clip in the archive while it streams.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "archive/archive.h"
#include "archive/lease.h"
#include "base/glib_ptr.h"
#include "base/threads/work_thread.h"
#include "base/web/byte_ranges.h"

namespace genpro::archive {

// Takes the bytes in whatever order they come. A thread of its own writes them, and gives the clip
// its name once all are there; the process's exit waits for that. A clip that is not read whole
// leaves nothing behind. What goes wrong is told once, by take_problem(), else it is logged.
//
// Threads: one at a time. Memory: `longest_queue` bytes that the caller has as well, and some words
// for each piece that was read out of order.
class Writer {
 public:
  static constexpr std::size_t longest_queue = 16 * 1024 * 1024;
  // So long the caller waits for a disk that does not keep up, in all; then the clip is given up.
  static constexpr std::chrono::milliseconds patience{5'000};

  // `lease`: to fetch the clip, which ends when the clip is kept or given up; null: there is none.
  Writer(Archive archive, Record record, std::unique_ptr<Lease> lease = {});
  // Waits for nothing.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // `size`: of the whole clip, if known. Waits only while the queue is full, and not when
  // interrupted.
  void add(std::uint64_t offset, GBytes* bytes, std::optional<std::uint64_t> size,
           const std::stop_token& interrupted = {});
  // The clip's size has become known by its end.
  void end(std::uint64_t size) { finish_at(size); }
  // Other processes need not wait for this download any longer: the clip is read as it is played.
  void end_lease();
  // If all of the clip has come: until it is kept or given up, it is interrupted or the time is
  // over.
  void wait(const std::stop_token& interrupted, std::chrono::milliseconds longest);
  // A sentence on why the clip is not kept, once; else empty.
  std::string take_problem();

 private:
  struct State;

  void start(std::unique_ptr<Lease> lease);
  void finish_at(std::uint64_t size);

  const Archive archive_;
  const Record record_;
  const std::shared_ptr<State> state_;
  std::unique_ptr<WorkThread> thread_;  // null until there is something to write
  ByteRanges added_;
  std::chrono::milliseconds patience_ = patience;
  bool is_closed_ = false;  // all has come, or it was given up
};

}  // namespace genpro::archive
