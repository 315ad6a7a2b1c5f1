// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/archive.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file_descriptor.h"
#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::archive {

namespace {

using ChecksumPtr = Owned<GChecksum, g_checksum_free>;

// Hexadecimal; empty when the file cannot be read, with the reason in errno.
std::string sha256_of_file(const std::string& path, const std::stop_token& stopped,
                           const Tick& tick) {
  // Who writes to a pipe in its place would be waited for.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return {};
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode)) {
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return {};
  }
  const ChecksumPtr checksum(g_checksum_new(G_CHECKSUM_SHA256));
  std::array<unsigned char, 65536> bytes{};
  while (true) {
    if (stopped.stop_requested()) {
      errno = ECANCELED;
      return {};
    }
    if (tick) tick();
    const ssize_t count = read_some(file.get(), bytes.data(), bytes.size());
    if (count == 0) return g_checksum_get_string(checksum.get());
    if (count < 0) return {};
    g_checksum_update(checksum.get(), bytes.data(), count);
  }
}

}  // namespace

std::optional<Error> Archive::make_folder() const {
  if (g_mkdir_with_parents(folder_.c_str(), 0700) == 0) return std::nullopt;
  return settings_error("The archive " + one_line(folder_, 300) + " cannot be made: " +
                        g_strerror(errno) + ". Set archive to a folder that can.");
}

std::string Archive::clip_path(const std::string& sha256) const {
  return folder_ + "/clips/" + sha256.substr(0, 2) + "/" + sha256 + ".mp4";
}

std::string Archive::record_path(const std::string& service,
                                 const std::string& generation_id) const {
  const std::string key = service + "\n" + generation_id;
  const std::string name = take_string(g_compute_checksum_for_string(
      G_CHECKSUM_SHA256, key.data(), static_cast<gssize>(key.size())));
  return folder_ + "/generations/" + name.substr(0, 2) + "/" + name + ".json";
}

Check Archive::check(const std::string& sha256, const std::stop_token& stopped,
                     const Tick& tick) const {
  const std::string now = sha256_of_file(clip_path(sha256), stopped, tick);
  const int error = errno;
  if (now == sha256) return {Check::State::whole, {}};
  if (!now.empty()) return {Check::State::damaged, {}};
  if (error == ENOENT || error == ENOTDIR) return {};
  return {Check::State::unreadable, g_strerror(error)};
}

Found Archive::find(const std::string& service, const std::string& generation_id,
                    const std::string& fingerprint, const std::stop_token& stopped,
                    const Tick& tick) const {
  const auto record = read_record(record_path(service, generation_id));
  if (!record || record->service != service || record->generation_id != generation_id) return {};
  const std::string& kept = record->fingerprint;
  if (!kept.empty() && !fingerprint.empty() && kept != fingerprint) return {};
  const std::string clip = clip_path(record->sha256);
  const Check check = this->check(record->sha256, stopped, tick);
  if (stopped.stop_requested()) return {};
  const std::string subject =
      "The archive's clip " + clip + " of generation " + generation_id + " ";
  switch (check.state) {
    case Check::State::whole:
      return {clip, {}};
    case Check::State::missing:
      // Whoever made room has removed it.
      return {};
    case Check::State::unreadable:
      return {{}, subject + "cannot be read: " + check.reason + ". The service is asked for it."};
    case Check::State::damaged:
      break;
  }
  const bool is_moved = g_rename(clip.c_str(), (clip + ".damaged").c_str()) == 0;
  return {{},
          subject + "is damaged: its bytes are others than were kept. It is " +
              (is_moved ? "moved aside, as " + clip + ".damaged" : std::string("not used")) +
              ", and the service is asked for it."};
}

}  // namespace genpro::archive
