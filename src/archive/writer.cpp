// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/writer.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <thread>
#include <utility>

#include "archive/partial_file.h"
#include "base/callback.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/thread_owner.h"

namespace genpro::archive {

namespace {

using std::chrono::steady_clock;

// Written out while the clip comes, so that its end has little left to wait for.
constexpr std::uint64_t unsettled_most = 64 * 1024 * 1024;
// A disk that has not taken a clip in that time, when the process exits, will not.
constexpr std::chrono::seconds longest_exit{60};

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
    bool is_over = false;               // the thread is done
    bool is_abandoned = false;          // nobody waits for the thread any more
    bool is_watched = true;             // somebody takes the problem
    std::string problem;
  };

  Guarded<Progress> progress;
};

// What it works with is its own, since a disk may hold it for longer than anybody waits.
class Writer::Thread : public ThreadOwner {
  using Progress = State::Progress;

 public:
  Thread(std::shared_ptr<State> state, Archive archive, Record record, std::unique_ptr<Lease> lease)
      : state_(std::move(state)),
        thread_([this, state = state_, archive = std::move(archive), record = std::move(record),
                 lease = std::move(lease)]() mutable {
          pthread_setname_np(pthread_self(), "genpro-archive");
          std::string reason = "the folder cannot be written to";
          guard_c_callback("keeping a clip",
                           [&] { reason = write(*state, archive, record, std::move(lease)); });
          tell(*state, record, reason);
          auto progress = state->progress.lock();
          progress->is_over = true;
          progress.notify();
          if (!progress->is_abandoned) set_ended();
        }) {}
  ~Thread() override {
    bool is_over = false;
    {
      auto progress = state_->progress.lock();
      const auto deadline =
          steady_clock::now() + (progress->is_dropped ? std::chrono::seconds(1) : longest_exit);
      is_over = progress.wait_until(deadline, [](const Progress& p) { return p.is_over; });
      progress->is_abandoned = !is_over;
    }
    is_over ? thread_.join() : thread_.detach();
  }

 private:
  // Why the clip is not kept; empty when it is, or is not to be.
  static std::string write(State& state, const Archive& archive, Record record,
                           std::unique_ptr<Lease> lease) {
    PartialFile file(archive.folder());
    if (!file.is_open()) return "the folder cannot be written to: " + reason_now();
    std::uint64_t unsettled = 0;
    std::uint64_t written = 0;
    while (true) {
      State::Piece piece;
      bool has_lease = true;
      {
        auto progress = state.progress.lock();
        progress.wait(
            [](const Progress& p) { return !p.pieces.empty() || p.size || p.is_dropped; });
        if (progress->is_dropped) return {};
        has_lease = !progress->has_no_lease;
        if (progress->pieces.empty()) {
          record.size = *progress->size;
          break;
        }
        piece = std::move(progress->pieces.front());
        progress->pieces.pop_front();
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
      unsettled += size;
      if (unsettled >= unsettled_most) {
        if (!file.settle()) return "the disk cannot take it: " + reason_now();
        unsettled = 0;
      }
      auto progress = state.progress.lock();
      progress->queued -= size;
      progress.notify();
    }
    return publish(file, archive, std::move(record));
  }

  static std::string publish(PartialFile& file, const Archive& archive, Record record) {
    record.sha256 = file.sha256(record.size);
    if (record.sha256.empty()) return "what was written cannot be read: " + reason_now();
    const std::string clip = archive.clip_path(record.sha256);
    if (!file.publish(clip)) return clip + " cannot be made: " + reason_now();
    record.kept_at = g_get_real_time() / 1000;
    const std::string path = archive.record_path(record.service, record.generation_id);
    if (!write_record(path, record)) return path + " cannot be made: " + reason_now();
    return {};
  }

  // An empty reason: there is nothing to tell.
  static void tell(State& state, const Record& record, const std::string& reason) {
    std::string unwatched;
    {
      auto progress = state.progress.lock();
      progress->pieces.clear();
      progress.notify();
      if (reason.empty() || progress->is_dropped) return;
      progress->is_dropped = true;
      progress->problem = problem_text(record, reason);
      if (!progress->is_watched) unwatched = std::exchange(progress->problem, {});
    }
    log_problem(unwatched);
  }

  const std::shared_ptr<State> state_;
  std::thread thread_;  // last, so that it finds the others made
};

Writer::Writer(Archive archive, Record record, std::unique_ptr<Lease> lease)
    : archive_(std::move(archive)), record_(std::move(record)), state_(std::make_shared<State>()) {
  // It belongs to the thread, for which a disk may be slow.
  if (lease) start(std::move(lease));
}

void Writer::start(std::unique_ptr<Lease> lease) {
  ThreadOwner::collect();
  thread_ = std::make_unique<Thread>(state_, archive_, record_, std::move(lease));
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
  std::uint64_t begin = offset;
  std::uint64_t end = offset + length;
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin() && std::prev(next)->second >= begin) --next;
  while (next != ranges_.end() && next->first <= end) {
    begin = std::min(begin, next->first);
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_[begin] = end;
  if (size) finish_at(*size);
}

void Writer::finish_at(std::uint64_t size) {
  if (is_closed_ || ranges_.size() != 1 || ranges_.begin()->first != 0 ||
      ranges_.begin()->second != size) {
    return;
  }
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
