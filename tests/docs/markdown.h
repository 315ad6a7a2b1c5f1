// SPDX-License-Identifier: LGPL-2.1-or-later
//
// As much of Markdown as the README files use.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace genpro::test {

using Row = std::vector<std::string>;  // cells, without the backticks of those that are all code
using Table = std::vector<Row>;

// The rows of all tables whose first column has this title, one table after the other.
std::vector<Table> tables_of(const std::string& text, const std::string& first_column);
// Headings, without their #, each with the text up to the next one.
std::vector<std::pair<std::string, std::string>> sections_of(const std::string& text);
// What a heading is called in a link, as forges do.
std::string anchor_of(const std::string& heading);
// The targets of links and pictures.
std::vector<std::string> links_of(const std::string& text);
// Code within a line that names a file or folder of the repository.
std::vector<std::string> paths_of(const std::string& text);
// The lines of each block of shell commands.
std::vector<std::string> commands_of(const std::string& text);

}  // namespace genpro::test
