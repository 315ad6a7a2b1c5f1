// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/partial_file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <utility>

namespace genpro::archive {

namespace {

constexpr std::string_view partial_prefix = "partial-";
// Who writes a clip for longer than that without a new byte has died.
constexpr std::time_t oldest_partial = 24 * 3600;

// So that a name is there after a loss of power as well. A file system that cannot do it loses no
// more than that.
void sync_folder(const std::string& path) {
  const std::string folder = take_string(g_path_get_dirname(path.c_str()));
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file) (void)fsync(file.get());
}

bool make_folder_of(const std::string& path) {
  const std::string folder = take_string(g_path_get_dirname(path.c_str()));
  return g_mkdir_with_parents(folder.c_str(), 0700) == 0;
}

void remove_old(const std::string& folder) {
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

}  // namespace

PartialFile::PartialFile(const std::string& folder)
    : file_(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
  if (file_) return;
  remove_old(folder);
  name_ = folder + "/" + std::string(partial_prefix) + "XXXXXX";
  file_ = FileDescriptor(g_mkstemp_full(name_.data(), O_RDWR | O_CLOEXEC, 0600));
  if (!file_) name_.clear();
}

PartialFile::~PartialFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
}

bool PartialFile::write(std::uint64_t offset, std::span<const unsigned char> bytes) {
  const std::uint64_t end = offset + bytes.size();
  if (offset <= checked_to_ && end > checked_to_) {
    const auto fresh = bytes.subspan(checked_to_ - offset);
    g_checksum_update(checksum_.get(), fresh.data(), static_cast<gssize>(fresh.size()));
    checked_to_ = end;
  }
  return write_all_at(file_.get(), offset, bytes.data(), bytes.size());
}

bool PartialFile::sync() {
  return fdatasync(file_.get()) == 0;
}

std::string PartialFile::sha256(std::uint64_t size) const {
  const ChecksumPtr checksum(g_checksum_copy(checksum_.get()));
  std::array<unsigned char, 65536> bytes{};
  std::uint64_t at = checked_to_;
  while (at < size) {
    const auto wanted = std::min<std::uint64_t>(bytes.size(), size - at);
    const ssize_t count = read_some_at(file_.get(), at, bytes.data(), wanted);
    if (count <= 0) return {};
    g_checksum_update(checksum.get(), bytes.data(), count);
    at += static_cast<std::uint64_t>(count);
  }
  return g_checksum_get_string(checksum.get());
}

bool PartialFile::publish(const std::string& path) {
  if (!make_folder_of(path) || fsync(file_.get()) != 0) return false;
  if (name_.empty()) {
    const std::string from = "/proc/self/fd/" + std::to_string(file_.get());
    const GCharPtr unique(g_uuid_string_random());
    std::string name = path + "." + unique.get();
    if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return false;
    }
    name_ = std::move(name);
  }
  if (g_rename(name_.c_str(), path.c_str()) != 0) return false;
  name_.clear();
  sync_folder(path);
  return true;
}

bool write_record(const std::string& path, const Record& record) {
  const std::string text = to_json(record);
  constexpr auto flags = static_cast<GFileSetContentsFlags>(G_FILE_SET_CONTENTS_CONSISTENT |
                                                            G_FILE_SET_CONTENTS_DURABLE);
  if (!make_folder_of(path) ||
      !g_file_set_contents_full(path.c_str(), text.data(), static_cast<gssize>(text.size()), flags,
                                0600, nullptr)) {
    return false;
  }
  sync_folder(path);
  return true;
}

}  // namespace genpro::archive
