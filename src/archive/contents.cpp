// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/contents.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <utility>

#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::archive {

namespace {

namespace fs = std::filesystem;

std::int64_t changed_at(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

Leftover leftover_of(const fs::path& path, const struct stat& status) {
  return {path.string(), static_cast<std::uint64_t>(status.st_size), changed_at(status)};
}

// Each file, and what the disk says of it. What goes away meanwhile is left out; a folder that is
// not there has nothing.
template <typename Each>
std::optional<Error> for_each_file(const fs::path& folder, Each each) {
  std::error_code problem;
  fs::recursive_directory_iterator at(folder, problem);
  for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
    struct stat status {};
    if (lstat(at->path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      each(at->path(), status);
    }
  }
  if (!problem || problem == std::errc::no_such_file_or_directory) return std::nullopt;
  Error error;
  error.kind = ErrorKind::open_read;
  error.message = "The archive's folder " + one_line(folder.string(), 300) +
                  " cannot be read: " + problem.message() + ".";
  return error;
}

}  // namespace

Result<Contents> read_contents(const Archive& archive) {
  const fs::path folder(archive.folder());
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) {
    const std::string reason = g_strerror(errno);
    Error error;
    error.kind = ErrorKind::open_read;
    error.message = "There is no archive " + one_line(folder.string(), 300) + " (" + reason +
                    "). Name the folder that clips were kept in.";
    return error;
  }
  Contents contents;
  std::map<std::string, Leftover> clips;
  auto problem =
      for_each_file(folder / "clips", [&](const fs::path& path, const struct stat& file) {
        const std::string sha256 = path.stem().string();
        if (path.extension() == ".mp4" && is_sha256(sha256)) {
          contents.clips[sha256] = {static_cast<std::uint64_t>(file.st_size), file.st_ino,
                                    changed_at(file)};
          clips.emplace(sha256, leftover_of(path, file));
        } else {
          contents.leftovers.push_back(leftover_of(path, file));
        }
      });
  if (problem) return *std::move(problem);
  // After the clips: a record that comes meanwhile is of a clip that may not be among them yet.
  std::set<std::string> named;
  problem =
      for_each_file(folder / "generations", [&](const fs::path& path, const struct stat& file) {
        // A record that is being written has another name until it is whole.
        if (path.extension() != ".json")
          return contents.leftovers.push_back(leftover_of(path, file));
        auto record = read_record(path.string());
        if (!record) return contents.unreadable.push_back(path.string());
        named.insert(record->sha256);
        contents.records.push_back(*std::move(record));
      });
  if (problem) return *std::move(problem);
  for (auto& [sha256, clip] : clips) {
    if (!named.contains(sha256)) contents.leftovers.push_back(std::move(clip));
  }
  problem = for_each_file(folder / "downloads", [&](const fs::path& path, const struct stat& file) {
    contents.leftovers.push_back(leftover_of(path, file));
  });
  if (problem) return *std::move(problem);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    struct stat file {};
    if (entry.path().filename().string().starts_with("partial-") &&
        lstat(entry.path().c_str(), &file) == 0 && S_ISREG(file.st_mode)) {
      contents.leftovers.push_back(leftover_of(entry.path(), file));
    }
  }
  std::ranges::sort(contents.records, [](const Record& a, const Record& b) {
    return std::tie(b.kept_at, a.generation_id) < std::tie(a.kept_at, b.generation_id);
  });
  return contents;
}

bool remove_record(const Archive& archive, const Record& record) {
  const std::string path = archive.record_path(record.service, record.generation_id);
  const auto now = read_record(path);
  if (now && (now->kept_at != record.kept_at || now->sha256 != record.sha256)) {
    errno = EBUSY;
    return false;
  }
  return unlink(path.c_str()) == 0 || errno == ENOENT;
}

bool remove_clip(const Archive& archive, const std::string& sha256, const Clip& clip) {
  const std::string path = archive.clip_path(sha256);
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return errno == ENOENT;
  if (status.st_ino != clip.file || changed_at(status) != clip.changed_at) {
    errno = EBUSY;
    return false;
  }
  return unlink(path.c_str()) == 0 || errno == ENOENT;
}

bool remove_leftover(const Leftover& leftover) {
  return unlink(leftover.path.c_str()) == 0 || errno == ENOENT;
}

}  // namespace genpro::archive
