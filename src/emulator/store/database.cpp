// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/store/database.h"

#include <fcntl.h>

#include "base/file_descriptor.h"

namespace genpro::emulator {

namespace {

constexpr int busy_milliseconds = 2000;

// Prompts are nobody else's business. SQLite gives its other files the mode of this one.
const std::string& private_file(const std::string& path) {
  const FileDescriptor created(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  return path;
}

}  // namespace

std::string ids_text(const std::vector<std::int64_t>& ids) {
  std::string text;
  for (const auto id : ids) text += (text.empty() ? "" : ",") + std::to_string(id);
  return text;
}

Database::Database(const std::string& path)
    : sqlite::Database(private_file(path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
  sqlite3_busy_timeout(handle(), busy_milliseconds);
  execute("PRAGMA journal_mode = WAL");
  execute("PRAGMA synchronous = NORMAL");
}

}  // namespace genpro::emulator
