// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/key.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "base/file_descriptor.h"
#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::api {

namespace {

Error file_error(const std::string& path, const std::string& reason) {
  return settings_error("api-key-file \"" + one_line(path, 200) + "\" cannot be used: " + reason +
                        ". Set it to a file whose first line is the key.");
}

}  // namespace

std::string base_url_from_environment() {
  const char* url = g_getenv("GEN_API_BASE_URL");
  return url != nullptr && *url != '\0' ? url : default_base_url;
}

Result<std::string> find_key(const std::string& key, const std::string& key_file) {
  if (!key.empty()) return key;
  if (key_file.empty()) {
    const char* from_environment = g_getenv("GEN_API_KEY");
    return std::string(from_environment != nullptr ? from_environment : "");
  }

  // Non-blocking, since opening a pipe would wait for its writer.
  const FileDescriptor file(open(key_file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) return file_error(key_file, g_strerror(errno));
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return file_error(key_file, "it is not a regular file");
  }
  std::array<char, 4096> head{};
  const ssize_t length = read(file.get(), head.data(), head.size());
  if (length < 0) return file_error(key_file, g_strerror(errno));
  const std::string_view text(head.data(), static_cast<std::size_t>(length));
  // White space at a line's end is invisible in an editor, and never part of a key.
  std::string first_line(trim(text.substr(0, text.find('\n'))));
  if (first_line.empty()) return file_error(key_file, "its first line is empty");
  return first_line;
}

}  // namespace genpro::api
