// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/writer.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "archive/partial_file.h"
#include "base/callback.h"
#include "base/guarded.h"
#include "base/log.h"

namespace genpro::archive {

namespace {

using std::chrono::steady_clock;

// Written out while the clip comes, so that its end has little left to wait for.
constexpr std::uint64_t most_unsynced = 64 * 1024 * 1024;
// A disk that has not taken a clip in that time, when the process exits, will not.
constexpr std::chrono::seconds longest_exit{60};
constexpr std::chrono::seconds longest_dropped_exit{1};

std::string reason_now() {
  return g_strerror(errno);
}

std::string problem_text(const Record& record, const std::string& reason) {
  return "The clip of generation " + record.generation_id +
         " is not kept in the archive: " + reason +
         ". Make room, or the folder writable, and play the generation again.";
}

void log_problem(const std::string& text) {
  if (text.empty()) return;
  log::Logger(log::Category::clip, {}).warning([&] { return text; });
}

std::string publish(PartialFile& file, const Archive& archive, Record record) {
  record.sha256 = file.sha256(record.size);
  if (record.sha256.empty()) return "what was written cannot be read: " + reason_now();
  const std::string clip = archive.clip_path(record.sha256);
  if (!file.publish(clip)) return clip + " cannot be made: " + reason_now();
  record.kept_at = g_get_real_time() / 1000;
  const std::string path = archive.record_path(record.service, record.generation_id);
  if (!write_record(path, record)) return path + " cannot be made: " + reason_now();
  return {};
}

}  // namespace

struct Writer::State {
  struct Piece {
    std::uint64_t offset = 0;
    BytesPtr bytes;
  };

  struct Progress {
    std::deque<Piece> pieces;
    std::size_t queued = 0;             // bytes in `pieces`, and of the one that is being written
    std::optional<std::uint64_t> size;  // all has come: of the clip
    bool has_no_lease = false;          // any more
    bool is_dropped = false;            // nothing is to be kept
    bool is_over = false;               // the clip is kept or given up
    bool is_watched = true;             // somebody takes the problem
    std::string problem;
  };

  // Of the thread.
  void keep(const Archive& archive, const Record& record, std::unique_ptr<Lease> lease) {
    std::string reason = "the folder cannot be written to";
    guard_c_callback("keeping a clip", [&] { reason = write(archive, record, std::move(lease)); });
    tell(record, reason);
  }

  Guarded<Progress> progress;

 private:
  std::string write(const Archive& archive, Record record, std::unique_ptr<Lease> lease);
  void tell(const Record& record, const std::string& reason);
};

// Why the clip is not kept; empty when it is, or is not to be.
std::string Writer::State::write(const Archive& archive, Record record,
                                 std::unique_ptr<Lease> lease) {
  PartialFile file(archive.folder());
  if (!file.is_open()) return "the folder cannot be written to: " + reason_now();
  std::uint64_t unsynced = 0;
  std::uint64_t written = 0;
  while (true) {
    Piece piece;
    bool has_lease = true;
    {
      auto shared = progress.lock();
      shared.wait([](const Progress& p) { return !p.pieces.empty() || p.size || p.is_dropped; });
      if (shared->is_dropped) return {};
      has_lease = !shared->has_no_lease;
      if (shared->pieces.empty()) {
        record.size = *shared->size;
        break;
      }
      piece = std::move(shared->pieces.front());
      shared->pieces.pop_front();
    }
    if (!has_lease) lease.reset();
    gsize size = 0;
    const auto* data =
        static_cast<const unsigned char*>(g_bytes_get_data(piece.bytes.get(), &size));
    if (!file.write(piece.offset, {data, size})) {
      return "the folder cannot be written to: " + reason_now();
    }
    written += size;
    if (lease) lease->note(written);
    unsynced += size;
    if (unsynced >= most_unsynced) {
      if (!file.sync()) return "the disk cannot take it: " + reason_now();
      unsynced = 0;
    }
    auto shared = progress.lock();
    shared->queued -= size;
    shared.notify();
  }
  return publish(file, archive, std::move(record));
}

// An empty reason: there is nothing to tell.
void Writer::State::tell(const Record& record, const std::string& reason) {
  std::string unwatched;
  {
    auto shared = progress.lock();
    shared->pieces.clear();
    shared->is_over = true;
    shared.notify();
    if (reason.empty() || shared->is_dropped) return;
    shared->is_dropped = true;
    shared->problem = problem_text(record, reason);
    if (!shared->is_watched) unwatched = std::exchange(shared->problem, {});
  }
  log_problem(unwatched);
}

Writer::Writer(Archive archive, Record record, std::unique_ptr<Lease> lease)
    : archive_(std::move(archive)), record_(std::move(record)), state_(std::make_shared<State>()) {
  // It belongs to the thread, for which a disk may be slow.
  if (lease) start(std::move(lease));
}

void Writer::start(std::unique_ptr<Lease> lease) {
  ThreadOwner::collect();
  thread_ = std::make_unique<WorkThread>(
      "genpro-archive",
      [state = state_, archive = archive_, record = record_, lease = std::move(lease)](
          const std::stop_token&) mutable { state->keep(archive, record, std::move(lease)); });
}

Writer::~Writer() {
  if (!thread_) return;
  std::string untold;
  {
    auto progress = state_->progress.lock();
    progress->is_watched = false;
    untold = std::exchange(progress->problem, {});
    if (!progress->size) {
      progress->is_dropped = true;
      progress->pieces.clear();
    }
    thread_->limit_wait(progress->is_dropped ? longest_dropped_exit : longest_exit);
    progress.notify();
  }
  log_problem(untold);
  ThreadOwner::retire(std::move(thread_));
}

void Writer::add(std::uint64_t offset, GBytes* bytes, std::optional<std::uint64_t> size,
                 const std::stop_token& interrupted) {
  const std::size_t length = g_bytes_get_size(bytes);
  if (is_closed_ || length == 0) return;
  if (!thread_) start({});
  {
    auto progress = state_->progress.lock();
    const auto has_room = [](const State::Progress& p) {
      return p.queued < longest_queue || p.is_dropped || p.is_over;
    };
    if (!has_room(*progress)) {
      const auto before = steady_clock::now();
      const bool is_kept_up = progress.wait_until(interrupted, before + patience_, has_room);
      patience_ -= std::min(patience_, std::chrono::duration_cast<std::chrono::milliseconds>(
                                           steady_clock::now() - before));
      if (!is_kept_up && !interrupted.stop_requested()) {
        progress->is_dropped = true;
        progress->pieces.clear();
        progress->problem =
            problem_text(record_, "the disk of " + archive_.folder() + " does not keep up");
      }
    }
    if (progress->is_dropped || progress->is_over) {
      is_closed_ = true;
      return;
    }
    progress->pieces.push_back({offset, BytesPtr(g_bytes_ref(bytes))});
    progress->queued += length;
    progress.notify();
  }
  added_.add(offset, offset + length);
  if (size) finish_at(*size);
}

void Writer::finish_at(std::uint64_t size) {
  if (is_closed_ || added_.size() != size || !added_.covers(size)) return;
  is_closed_ = true;
  auto progress = state_->progress.lock();
  progress->size = size;
  progress.notify();
}

void Writer::end_lease() {
  state_->progress.lock()->has_no_lease = true;
}

void Writer::wait(const std::stop_token& interrupted, std::chrono::milliseconds longest) {
  auto progress = state_->progress.lock();
  if (!progress->size) return;
  progress.wait_until(interrupted, steady_clock::now() + longest,
                      [](const State::Progress& p) { return p.is_over; });
}

std::string Writer::take_problem() {
  return std::exchange(state_->progress.lock()->problem, {});
}

}  // namespace genpro::archive
