// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/writer.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/callback.h"
#include "base/glib_ptr.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread_owner.h"

namespace genpro::archive {

namespace {

constexpr std::string_view partial_prefix = "partial-";
// Who writes a clip for longer than that without a new byte has died.
constexpr std::time_t oldest_partial = 24 * 3600;

// So that a name is there after a loss of power as well. A file system that cannot do it loses no
// more than that.
void settle_folder(const std::string& path) {
  const std::string folder = take_string(g_path_get_dirname(path.c_str()));
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)fsync(descriptor);
  ::close(descriptor);
}

bool make_folder_of(const std::string& path) {
  const std::string folder = take_string(g_path_get_dirname(path.c_str()));
  return g_mkdir_with_parents(folder.c_str(), 0700) == 0;
}

}  // namespace

// The file that the bytes go into, which has no name where the file system can do that.
class Writer::Partial {
 public:
  explicit Partial(const std::string& folder) {
    descriptor_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor_ >= 0) return;
    remove_old(folder);
    name_ = folder + "/" + std::string(partial_prefix) + "XXXXXX";
    descriptor_ = g_mkstemp_full(name_.data(), O_RDWR | O_CLOEXEC, 0600);
    if (descriptor_ < 0) name_.clear();
  }
  ~Partial() {
    if (!name_.empty()) ::unlink(name_.c_str());
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  bool write(std::uint64_t offset, std::span<const unsigned char> bytes) {
    while (!bytes.empty()) {
      const ssize_t done =
          pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(done));
      offset += static_cast<std::uint64_t>(done);
    }
    return true;
  }

  // Empty when it cannot be read whole.
  std::string sha256(std::uint64_t size) const {
    const Owned<GChecksum, g_checksum_free> checksum(g_checksum_new(G_CHECKSUM_SHA256));
    std::array<unsigned char, 65536> bytes{};
    std::uint64_t at = 0;
    while (at < size) {
      const auto wanted = std::min<std::uint64_t>(bytes.size(), size - at);
      const ssize_t count = pread(descriptor_, bytes.data(), wanted, static_cast<off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return {};
      g_checksum_update(checksum.get(), bytes.data(), count);
      at += static_cast<std::uint64_t>(count);
    }
    return g_checksum_get_string(checksum.get());
  }

  // Gives the file that name. One that has it already had the same bytes once, which may be damaged
  // or not to be read any more, and makes room.
  bool publish(const std::string& path) {
    if (fsync(descriptor_) != 0) return false;
    if (name_.empty()) {
      const std::string from = "/proc/self/fd/" + std::to_string(descriptor_);
      const GCharPtr unique(g_uuid_string_random());
      std::string name = path + "." + unique.get();
      if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        return false;
      }
      name_ = std::move(name);
    }
    if (g_rename(name_.c_str(), path.c_str()) != 0) return false;
    name_.clear();
    settle_folder(path);
    return true;
  }

 private:
  static void remove_old(const std::string& folder) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      const std::string path = entry.path().string();
      struct stat status {};
      const bool is_old = entry.path().filename().string().starts_with(partial_prefix) &&
                          lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                          std::time(nullptr) - status.st_mtime > oldest_partial;
      if (is_old) ::unlink(path.c_str());
    }
  }

  int descriptor_ = -1;
  std::string name_;  // empty: none
};

class Writer::Finish : public ThreadOwner {
 public:
  Finish(std::unique_ptr<Partial> partial, Archive archive, Record record, std::uint64_t size)
      : partial_(std::move(partial)),
        archive_(std::move(archive)),
        record_(std::move(record)),
        size_(size),
        thread_([this] {
          pthread_setname_np(pthread_self(), "genpro-archive");
          guard_c_callback("keeping a clip", [this] { run(); });
          set_ended();
        }) {}
  ~Finish() override { thread_.join(); }

 private:
  void run() {
    const auto give_up = [this](const std::string& path) {
      const std::string reason = g_strerror(errno);
      log::Logger(log::Category::clip, {}).warning([&] {
        return "the clip of generation " + record_.generation_id + " is not kept: " + path + ": " +
               reason;
      });
    };
    const std::string sha256 = partial_->sha256(size_);
    if (sha256.empty()) return give_up(archive_.folder());
    const std::string clip = archive_.clip_path(sha256);
    if (!make_folder_of(clip) || !partial_->publish(clip)) return give_up(clip);
    const std::string path = archive_.record_path(record_.service, record_.generation_id);
    Record record = record_;
    record.sha256 = sha256;
    record.size = size_;
    record.kept_at = g_get_real_time() / 1000;
    const std::string text = to_json(record);
    constexpr auto flags = static_cast<GFileSetContentsFlags>(G_FILE_SET_CONTENTS_CONSISTENT |
                                                              G_FILE_SET_CONTENTS_DURABLE);
    if (!make_folder_of(path) ||
        !g_file_set_contents_full(path.c_str(), text.data(), static_cast<gssize>(text.size()),
                                  flags, 0600, nullptr)) {
      return give_up(path);
    }
    settle_folder(path);
  }

  std::unique_ptr<Partial> partial_;
  const Archive archive_;
  const Record record_;
  const std::uint64_t size_;
  std::thread thread_;  // last, so that it finds the others made
};

Writer::Writer(Archive archive, Record record)
    : archive_(std::move(archive)), record_(std::move(record)) {}

Writer::~Writer() = default;

std::string Writer::add(std::uint64_t offset, std::span<const unsigned char> bytes,
                        std::optional<std::uint64_t> size) {
  if (is_over_ || bytes.empty()) return {};
  if (!partial_) partial_ = std::make_unique<Partial>(archive_.folder());
  if (!partial_->is_open() || !partial_->write(offset, bytes)) {
    const std::string reason = g_strerror(errno);
    is_over_ = true;
    partial_.reset();
    return "The clip of generation " + record_.generation_id + " is not kept: the archive " +
           archive_.folder() + " cannot be written to: " + reason +
           ". The clip plays on; make room or the folder writable for the next one.";
  }
  std::uint64_t begin = offset;
  std::uint64_t end = offset + bytes.size();
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin() && std::prev(next)->second >= begin) --next;
  while (next != ranges_.end() && next->first <= end) {
    begin = std::min(begin, next->first);
    end = std::max(end, next->second);
    next = ranges_.erase(next);
  }
  ranges_[begin] = end;
  if (size) finish_at(*size);
  return {};
}

void Writer::finish_at(std::uint64_t size) {
  if (is_over_ || ranges_.size() != 1 || ranges_.begin()->first != 0 ||
      ranges_.begin()->second != size) {
    return;
  }
  is_over_ = true;
  ThreadOwner::collect();
  ThreadOwner::retire(std::make_unique<Finish>(std::move(partial_), archive_, record_, size));
}

}  // namespace genpro::archive
