// SPDX-License-Identifier: LGPL-2.1-or-later
#include "assets/content.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "api/resources/upload.h"
#include "assets/digests.h"
#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::assets {

namespace {

Error file_error(const std::string& path, const std::string& what) {
  return settings_error("The ingredient \"" + one_line(path, 200) + "\" " + what);
}

ledger::FileStamp stamp_of(const std::string& path, const struct stat& info) {
  const auto nanoseconds = [](const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  };
  return {path,
          static_cast<std::int64_t>(info.st_dev),
          static_cast<std::int64_t>(info.st_ino),
          static_cast<std::int64_t>(info.st_size),
          nanoseconds(info.st_mtim),
          nanoseconds(info.st_ctim)};
}

Error changed_error(const File& file) {
  return file_error(file.stamp.path,
                    "changed while it was read or uploaded. Start again when it is complete.");
}

struct Magic {
  std::size_t at;
  std::string_view bytes;
  const char* type;
};
// The first that fits; those of containers that hold several kinds come by themselves.
constexpr std::array magics = {
    Magic{0, "\x89PNG\r\n\x1a\n", "image/png"},
    Magic{0, "\xff\xd8\xff", "image/jpeg"},
    Magic{0, "GIF8", "image/gif"},
    Magic{8, "WEBP", "image/webp"},
    Magic{0, std::string_view("II*\0", 4), "image/tiff"},
    Magic{0, std::string_view("MM\0*", 4), "image/tiff"},
    Magic{4, "ftypavif", "image/avif"},
    Magic{4, "ftyphei", "image/heic"},
    Magic{4, "ftypmif1", "image/heif"},
    Magic{4, "ftypM4A", "audio/mp4"},
    Magic{4, "ftypqt  ", "video/quicktime"},
    Magic{4, "ftyp", "video/mp4"},
    Magic{4, "moov", "video/quicktime"},
    Magic{8, "AVI ", "video/x-msvideo"},
    Magic{0, "FLV\x01", "video/x-flv"},
    Magic{8, "WAVE", "audio/x-wav"},
    Magic{0, "fLaC", "audio/flac"},
    Magic{0, "ID3", "audio/mpeg"},
    Magic{8, "AIFF", "audio/x-aiff"},
    Magic{0, "#!AMR", "audio/AMR"},
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

std::string kind_of(std::string_view content_type) {
  return std::string(content_type.substr(0, content_type.find('/')));
}

bool is_ingredient_type(std::string_view content_type) {
  const std::string kind = kind_of(content_type);
  return kind == "image" || kind == "video" || kind == "audio";
}

std::string sniff(std::string_view begin) {
  for (const Magic& magic : magics) {
    if (begin.substr(std::min(magic.at, begin.size())).starts_with(magic.bytes)) return magic.type;
  }
  if (begin.starts_with("\x1a\x45\xdf\xa3")) {
    return has(begin, "webm") ? "video/webm" : "video/x-matroska";
  }
  if (begin.starts_with("OggS")) {
    return has(begin, "theora") ? "video/ogg" : "audio/ogg";
  }
  // MPEG audio without a tag, layers II and III, and AAC.
  if (begin.size() > 1 && begin[0] == '\xff' && (begin[1] & 0xe0) == 0xe0) {
    const int layer = (begin[1] >> 1) & 3;
    if (layer == 1 || layer == 2) return "audio/mpeg";
    if (layer == 0 && (begin[1] & 0xf0) == 0xf0) return "audio/aac";
  }
  gboolean is_uncertain = FALSE;
  const GCharPtr type(g_content_type_guess(nullptr, reinterpret_cast<const guchar*>(begin.data()),
                                           begin.size(), &is_uncertain));
  if (!type || is_uncertain != FALSE) return {};
  return take_string(g_content_type_get_mime_type(type.get()));
}

Result<File> look_at(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return file_error(path, std::string("cannot be read: ") + g_strerror(errno) +
                                ". Check its name, and who may read it.");
  }
  if (!S_ISREG(info.st_mode)) return file_error(path, "is no regular file. Name a file.");
  if (info.st_size == 0) return file_error(path, "is empty. Name a file with content.");
  if (static_cast<std::uint64_t>(info.st_size) > api::max_upload_size) {
    return file_error(path, "has " + std::to_string(info.st_size) +
                                " bytes, and the service takes 1 GB at most. Make it smaller.");
  }
  File file;
  file.stamp = stamp_of(path, info);
  file.name = take_string(g_path_get_basename(path.c_str()));
  return file;
}

Result<std::shared_ptr<const FileDescriptor>> open_file(const File& file) {
  // Non-blocking: should it be a pipe by now, opening would wait for its writer.
  auto descriptor = std::make_shared<const FileDescriptor>(
      open(file.stamp.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (descriptor->get() < 0) {
    return file_error(file.stamp.path, std::string("cannot be read: ") + g_strerror(errno) +
                                           ". Check its name, and who may read it.");
  }
  auto unchanged = check_unchanged(*descriptor, file);
  if (!unchanged) return std::move(unchanged.error());
  return descriptor;
}

Result<std::monostate> check_unchanged(const FileDescriptor& descriptor, const File& file) {
  struct stat info {};
  if (fstat(descriptor.get(), &info) != 0 || stamp_of(file.stamp.path, info) != file.stamp) {
    return changed_error(file);
  }
  return std::monostate();
}

Result<std::monostate> read_content(const FileDescriptor& descriptor, File& file,
                                    const std::stop_token& stopped) {
  const bool is_large = static_cast<std::uint64_t>(file.stamp.size) > api::max_multipart_size;
  Digests digests(is_large);
  (void)posix_fadvise(descriptor.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  off_t position = 0;
  while (position < file.stamp.size) {
    if (stopped.stop_requested()) return stopped_error();
    const auto block = digests.block();
    const ssize_t size = read_some_at(descriptor.get(), static_cast<std::uint64_t>(position),
                                      block.data(), block.size());
    if (size < 0) {
      return file_error(file.stamp.path, std::string("cannot be read: ") + g_strerror(errno) +
                                             ". Check the disk that it is on.");
    }
    if (size == 0) return changed_error(file);
    if (position == 0) {
      file.content_type = sniff({reinterpret_cast<const char*>(block.data()),
                                 std::min<std::size_t>(static_cast<std::size_t>(size), 4096)});
      if (!is_ingredient_type(file.content_type)) {
        return file_error(file.stamp.path,
                          "is no image, video or audio, going by its content" +
                              (file.content_type.empty() ? "" : " (" + file.content_type + ")") +
                              ". Name such a file.");
      }
    }
    digests.add(static_cast<std::size_t>(size));
    position += size;
  }
  auto unchanged = check_unchanged(descriptor, file);
  if (!unchanged) return unchanged;
  file.sha256 = digests.sha256();
  if (is_large) file.md5 = digests.md5();
  return std::monostate();
}

Error stopped_error() {
  return {.kind = ErrorKind::failed, .message = "It was stopped."};
}

}  // namespace genpro::assets
