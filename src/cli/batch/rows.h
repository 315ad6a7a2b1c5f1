// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A table of texts from a file: CSV (RFC 4180) or JSON lines.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace genpro::cli {

struct Row {
  std::size_t line = 0;  // of the file, where it begins
  // By column, in the file's order; empty ones are left out. A column may come several times.
  std::vector<std::pair<std::string, std::string>> fields;
};

// What begins with `{` is JSON lines: an object a line, whose members are texts, numbers, booleans
// or lists of those, of which each is a field. Else CSV: the first line names the columns. Throws
// std::runtime_error, which names the line.
std::vector<Row> parse_rows(std::string_view text);

}  // namespace genpro::cli
