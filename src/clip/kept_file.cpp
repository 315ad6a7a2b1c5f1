// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/kept_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/file_descriptor.h"
#include "base/guarded.h"

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
    if (!read_all_at(descriptor_.get(), offset, bytes->data, length)) {
      piece.problem = errno;
      return piece;
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
  // Of the thread.
  void read_all(File file, const std::stop_token& stopped) {
    while (true) {
      std::uint64_t offset = 0;
      {
        auto shared = progress.lock();
        shared.wait(stopped, [](const Progress& p) { return p.asked && !p.piece; });
        if (stopped.stop_requested()) return;
        offset = *shared->asked;
        shared->current = std::exchange(shared->asked, std::nullopt);
      }
      Piece piece = file.read(offset);
      auto shared = progress.lock();
      shared->current.reset();
      shared->piece = std::move(piece);
      shared.notify();
    }
  }

  struct Progress {
    std::optional<std::uint64_t> asked;    // offset of what is to be read next
    std::optional<std::uint64_t> current;  // of what is being read
    std::optional<Piece> piece;
  };
  Guarded<Progress> progress;
};

KeptFile::KeptFile(std::string path, std::size_t block_size)
    : path_(std::move(path)), state_(std::make_shared<State>()) {
  ThreadOwner::collect();
  // Who makes room meanwhile takes nothing away that is open.
  state_->progress.lock()->asked = 0;
  thread_ = std::make_unique<WorkThread>(
      "genpro-file",
      [state = state_, file = File(path_, block_size)](const std::stop_token& stopped) mutable {
        state->read_all(std::move(file), stopped);
      });
  thread_->limit_wait(longest_exit);
}

KeptFile::~KeptFile() {
  thread_->stop();
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
