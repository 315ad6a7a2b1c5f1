// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/kept_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/guarded.h"
#include "base/thread_owner.h"

namespace genpro::clip {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds longest_silence{30};
// When the process exits.
constexpr std::chrono::seconds longest_exit{1};

class File {
 public:
  File(std::string path, std::size_t block_size)
      : path_(std::move(path)), block_size_(block_size) {}

  KeptFile::Piece read(std::uint64_t offset) {
    KeptFile::Piece piece;
    piece.offset = offset;
    piece.problem = open();
    piece.file_size = size_;
    if (piece.problem != 0 || offset >= size_) return piece;
    const auto length = std::min<std::uint64_t>(block_size_, size_ - offset);
    Owned<GByteArray, g_byte_array_unref> bytes(g_byte_array_new());
    g_byte_array_set_size(bytes.get(), static_cast<guint>(length));
    std::uint64_t done = 0;
    while (done < length) {
      const ssize_t count = pread(descriptor_.get(), bytes->data + done, length - done,
                                  static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        piece.problem = count < 0 ? errno : EIO;
        return piece;
      }
      done += static_cast<std::uint64_t>(count);
    }
    piece.bytes.reset(g_byte_array_free_to_bytes(bytes.release()));
    return piece;
  }

 private:
  int open() {
    if (descriptor_) return 0;
    FileDescriptor descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!descriptor || fstat(descriptor.get(), &status) != 0) return errno;
    size_ = static_cast<std::uint64_t>(status.st_size);
    descriptor_ = std::move(descriptor);
    return 0;
  }

  const std::string path_;
  const std::size_t block_size_;
  FileDescriptor descriptor_;
  std::uint64_t size_ = 0;
};

}  // namespace

struct KeptFile::State {
  struct Progress {
    std::optional<std::uint64_t> asked;    // offset of what is to be read next
    std::optional<std::uint64_t> current;  // of what is being read
    std::optional<Piece> piece;
    bool is_to_end = false;
    bool is_over = false;       // the thread is done
    bool is_abandoned = false;  // nobody waits for the thread any more
  };
  Guarded<Progress> progress;
};

// What it works with is its own, since a disk may hold it for longer than anybody waits.
class KeptFile::Thread : public ThreadOwner {
  using Progress = State::Progress;

 public:
  Thread(std::shared_ptr<State> state, File file)
      : state_(std::move(state)), thread_([this, state = state_, file = std::move(file)]() mutable {
          pthread_setname_np(pthread_self(), "genpro-file");
          guard_c_callback("reading a clip", [&] { run(*state, file); });
          auto progress = state->progress.lock();
          progress->is_over = true;
          progress.notify();
          if (!progress->is_abandoned) set_ended();
        }) {}
  ~Thread() override {
    bool is_over = false;
    {
      auto progress = state_->progress.lock();
      is_over = progress.wait_until(steady_clock::now() + longest_exit,
                                    [](const Progress& p) { return p.is_over; });
      progress->is_abandoned = !is_over;
    }
    is_over ? thread_.join() : thread_.detach();
  }

 private:
  static void run(State& state, File& file) {
    while (true) {
      std::uint64_t offset = 0;
      {
        auto progress = state.progress.lock();
        progress.wait([](const Progress& p) { return p.is_to_end || (p.asked && !p.piece); });
        if (progress->is_to_end) return;
        offset = *progress->asked;
        progress->current = std::exchange(progress->asked, std::nullopt);
      }
      Piece piece = file.read(offset);
      auto progress = state.progress.lock();
      progress->current.reset();
      progress->piece = std::move(piece);
      progress.notify();
    }
  }

  std::shared_ptr<State> state_;
  std::thread thread_;
};

KeptFile::KeptFile(std::string path, std::size_t block_size)
    : path_(std::move(path)), state_(std::make_shared<State>()) {
  ThreadOwner::collect();
  // Who makes room meanwhile takes nothing away that is open.
  state_->progress.lock()->asked = 0;
  thread_ = std::make_unique<Thread>(state_, File(path_, block_size));
}

KeptFile::~KeptFile() {
  {
    auto progress = state_->progress.lock();
    progress->is_to_end = true;
    progress.notify();
  }
  ThreadOwner::retire(std::move(thread_));
}

std::optional<KeptFile::Piece> KeptFile::read(std::uint64_t offset,
                                              const std::stop_token& interrupted) {
  const auto deadline = steady_clock::now() + longest_silence;
  auto progress = state_->progress.lock();
  while (true) {
    if (progress->piece) {
      Piece piece = *std::exchange(progress->piece, std::nullopt);
      if (piece.offset == offset) {
        // The next one is read ahead.
        if (piece.bytes) {
          progress->asked = offset + g_bytes_get_size(piece.bytes.get());
          progress.notify();
        }
        return piece;
      }
    }
    if (progress->current != offset) {
      progress->asked = offset;
      progress.notify();
    }
    const bool is_there = progress.wait_until(interrupted, deadline,
                                              [](const auto& p) { return p.piece.has_value(); });
    if (!is_there) return std::nullopt;
  }
}

}  // namespace genpro::clip
