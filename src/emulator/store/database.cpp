// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/store/database.h"

namespace genpro::emulator {

namespace {

constexpr int busy_milliseconds = 2000;

}  // namespace

Database::Database(const std::string& path)
    : sqlite::Database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
  sqlite3_busy_timeout(handle(), busy_milliseconds);
}

}  // namespace genpro::emulator
