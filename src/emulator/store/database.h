// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The store's connection to its file.
#pragma once

#include <string>

#include "base/sqlite.h"

namespace genpro::emulator {

using sqlite::Query;
// The store could not be read or written.
using StoreError = sqlite::Failure;

class Database : public sqlite::Database {
 public:
  // Opens or creates the file. Throws StoreError.
  explicit Database(const std::string& path);
};

}  // namespace genpro::emulator
