// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A connection to a file of the data folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/sqlite.h"

namespace genpro::emulator {

using sqlite::Query;
// The store could not be read or written.
using StoreError = sqlite::Failure;

// "501,502"
std::string ids_text(const std::vector<std::int64_t>& ids);

class Database : public sqlite::Database {
 public:
  // Opens or creates the file, for this user only. What was written is there after the end of the
  // process, however it ends. A power cut may take the last changes away, never a part of one: a
  // stand-in need not wait for the disk. Throws StoreError.
  explicit Database(const std::string& path);

  // Each row that the statement gives with `values` bound, as `read` makes it of a const Query&.
  template <typename Read, typename... Values>
  auto rows(const Read& read, std::string_view sql, const Values&... values) {
    Query query(*this, sql);
    (query.bind(values), ...);
    std::vector<std::invoke_result_t<Read, const Query&>> found;
    while (query.step()) found.push_back(read(query));
    return found;
  }
  // The first of them.
  template <typename Read, typename... Values>
  auto row(const Read& read, std::string_view sql, const Values&... values) {
    Query query(*this, sql);
    (query.bind(values), ...);
    std::optional<std::invoke_result_t<Read, const Query&>> found;
    if (query.step()) found = read(query);
    return found;
  }
};

}  // namespace genpro::emulator
