// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/table.h"

#include <glib.h>

#include <algorithm>

namespace genpro::cli {

std::size_t width_of(const std::string& text) {
  std::size_t width = 0;
  for (const char* at = text.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (!g_unichar_iszerowidth(c)) width += g_unichar_iswide(c) ? 2 : 1;
  }
  return width;
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  rows_.push_back(std::move(titles));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& row : rows_) {
    for (std::size_t index = 0; index < columns_.size(); ++index) {
      widths[index] = std::max(widths[index], width_of(row[index]));
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t index = 0; index < columns_.size(); ++index) {
      if (index > 0) line += "  ";
      const std::string gap(widths[index] - width_of(row[index]), ' ');
      line += columns_[index].align == Align::right ? gap + row[index] : row[index] + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace genpro::cli
