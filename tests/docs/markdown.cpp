// SPDX-License-Identifier: LGPL-2.1-or-later
#include "docs/markdown.h"

#include <glib.h>

#include <regex>

#include "support/process.h"

namespace genpro::test {

namespace {

std::vector<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern);
       match != std::sregex_iterator(); ++match) {
    found.push_back((*match)[1]);
  }
  return found;
}

std::string cell_of(std::string text) {
  static const std::regex edges("^ +| +$");
  static const std::regex code("^`([^`]*)`$");
  return std::regex_replace(std::regex_replace(text, edges, ""), code, "$1");
}

// Empty for a line that is no row.
Row row_of(const std::string& line) {
  Row row;
  if (!line.starts_with("|")) return row;
  std::string cell;
  for (std::size_t at = 1; at < line.size(); ++at) {
    if (line[at] == '\\' && at + 1 < line.size() && line[at + 1] == '|') {
      cell += line[++at];
    } else if (line[at] == '|') {
      row.push_back(cell_of(std::exchange(cell, "")));
    } else {
      cell += line[at];
    }
  }
  return row;
}

}  // namespace

std::vector<Table> tables_of(const std::string& text, const std::string& first_column) {
  std::vector<Table> tables;
  Table table;
  const auto end = [&] {
    // The title and the line below it are no rows.
    if (table.size() > 2 && table.front().front() == first_column) {
      tables.emplace_back(table.begin() + 2, table.end());
    }
    table.clear();
  };
  for (const std::string& line : lines_of(text)) {
    Row row = row_of(line);
    if (row.empty()) {
      end();
    } else {
      table.push_back(std::move(row));
    }
  }
  end();
  return tables;
}

std::vector<std::pair<std::string, std::string>> sections_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> sections;
  bool is_code = false;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("```")) is_code = !is_code;
    if (!is_code && line.starts_with("#")) {
      sections.emplace_back(line.substr(line.find_first_not_of("# ")), "");
    } else if (!sections.empty()) {
      sections.back().second += line + "\n";
    }
  }
  return sections;
}

std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (c == ' ') {
      anchor += '-';
    } else if (g_ascii_isalnum(c) || c == '-' || c == '_') {
      anchor += g_ascii_tolower(c);
    }
  }
  return anchor;
}

std::vector<std::string> links_of(const std::string& text) {
  return matches(text, std::regex(R"(\]\(([^)\s]+)\))"));
}

std::vector<std::string> paths_of(const std::string& text) {
  return matches(text, std::regex(R"(`(?:\./)?((?:examples|plugin|src|tests)/[\w./-]*))"));
}

std::vector<std::string> commands_of(const std::string& text) {
  std::vector<std::string> blocks;
  bool is_inside = false;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("```")) {
      is_inside = line == "```sh";
      if (is_inside) blocks.emplace_back();
    } else if (is_inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

}  // namespace genpro::test
