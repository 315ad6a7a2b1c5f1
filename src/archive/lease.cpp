// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/lease.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/glib_ptr.h"
#include "base/guarded.h"

namespace genpro::archive {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds note_interval{1};
constexpr std::chrono::milliseconds look_interval{200};

// Of this machine since it was started, as containers on it see it too.
const std::string& machine() {
  static const std::string id = [] {
    char* text = nullptr;
    g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, nullptr, nullptr);
    return take_string(g_strchomp(text != nullptr ? text : g_strdup("unknown")));
  }();
  return id;
}

std::string lease_path(const Archive& archive, const std::string& service,
                       const std::string& generation_id) {
  const std::string record = archive.record_path(service, generation_id);
  const std::string name = take_string(g_path_get_basename(record.c_str()));
  return archive.folder() + "/downloads/" + name.substr(0, name.find('.'));
}

// Nothing when it cannot be read, with the reason in errno.
std::optional<std::string> read_text(int file) {
  std::array<char, 256> text{};
  const ssize_t count = pread(file, text.data(), text.size(), 0);
  if (count < 0) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(count));
}

// What it says, and whether its holder is known to have died.
struct Seen {
  std::string text;
  bool is_dead = false;
};

// Nothing when it cannot be read, with the reason in errno.
std::optional<Seen> look(const std::string& path) {
  // For writing, without which some networks lock nothing.
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return std::nullopt;
  auto text = read_text(file.get());
  if (!text) return std::nullopt;
  Seen seen{*std::move(text), false};
  // One that is being made has no text yet.
  seen.is_dead =
      seen.text.starts_with(machine() + " ") && flock(file.get(), LOCK_EX | LOCK_NB) == 0;
  return seen;
}

// Of a holder of whom `text` is the last that was heard. By a rename, which only one can do; what
// it has got may be a fresh one, which goes back. False when it cannot be removed.
bool remove_stale(const std::string& path, const std::string& text) {
  const GCharPtr unique(g_uuid_string_random());
  const std::string aside = path + "." + unique.get();
  if (g_rename(path.c_str(), aside.c_str()) != 0) return errno == ENOENT;
  const FileDescriptor file(::open(aside.c_str(), O_RDONLY | O_CLOEXEC));
  if (file && read_text(file.get()) != text) (void)link(aside.c_str(), path.c_str());
  unlink(aside.c_str());
  return true;
}

}  // namespace

std::unique_ptr<Lease> Lease::take(const Archive& archive, const std::string& service,
                                   const std::string& generation_id) {
  std::string path = lease_path(archive, service, generation_id);
  if (g_mkdir_with_parents((archive.folder() + "/downloads").c_str(), 0700) != 0) return nullptr;
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return nullptr;
  // Where there are no locks, notes alone tell that it is alive.
  (void)flock(file.get(), LOCK_EX | LOCK_NB);
  auto lease = std::make_unique<Lease>(std::move(path), std::move(file));
  lease->note(0);
  return lease;
}

Lease::~Lease() {
  struct stat own {};
  struct stat there {};
  const bool is_own = fstat(file_.get(), &own) == 0 && lstat(path_.c_str(), &there) == 0 &&
                      own.st_ino == there.st_ino && own.st_dev == there.st_dev;
  if (is_own) unlink(path_.c_str());
}

void Lease::note(std::uint64_t bytes) {
  const auto now = steady_clock::now();
  if (noted_at_ != steady_clock::time_point() && now - noted_at_ < note_interval) return;
  noted_at_ = now;
  const std::string text =
      machine() + " " + std::to_string(getpid()) + " " + std::to_string(bytes) + "\n";
  // It only grows. Other machines see it once it is on the disk.
  const bool is_written =
      pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (is_written) (void)fdatasync(file_.get());
}

Turn await_turn(const Archive& archive, const std::string& service,
                const std::string& generation_id, const std::string& fingerprint,
                const std::stop_token& stopped, const Tick& tick,
                const std::function<void()>& on_wait) {
  const std::string path = lease_path(archive, service, generation_id);
  const auto began = steady_clock::now();
  auto changed_at = began;
  std::optional<std::string> last;
  bool has_told = false;
  Turn turn;
  const auto find = [&] {
    Found found = archive.find(service, generation_id, fingerprint, stopped, tick);
    // What was damaged is moved aside, and is told once.
    if (found.damage.empty()) found.damage = std::move(turn.found.damage);
    turn.found = std::move(found);
    return !turn.found.file.empty();
  };
  while (!stopped.stop_requested()) {
    if (tick) tick();
    if (find()) return turn;
    turn.lease = Lease::take(archive, service, generation_id);
    const int reason = turn.lease ? 0 : errno;
    // Who had it may have kept the clip since.
    if (turn.lease && find()) turn.lease.reset();
    if (turn.lease || reason != EEXIST) return turn;
    const auto seen = look(path);
    const auto now = steady_clock::now();
    if (now - began >= longest_turn) return turn;
    if (!seen) {
      // Absent: it has just been given back. Otherwise it is another user's.
      if (errno != ENOENT) return turn;
      continue;
    }
    if (last != seen->text) changed_at = now;
    if (seen->is_dead || now - changed_at >= longest_without_progress) {
      if (!remove_stale(path, seen->text)) return turn;
      last.reset();
      continue;
    }
    last = seen->text;
    if (!std::exchange(has_told, true)) on_wait();
    sleep_for(look_interval, stopped);
  }
  return turn;
}

}  // namespace genpro::archive
