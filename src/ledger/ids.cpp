// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Lists of ids as a row has them.
#include "base/text.h"
#include "ledger/rows.h"

namespace genpro::ledger {

std::string ids_text(const std::vector<std::string>& ids) {
  std::string text = "[";
  for (const std::string& id : ids) text += (text.size() == 1 ? "\"" : ",\"") + id + "\"";
  return text + "]";
}

std::optional<std::vector<std::string>> parse_ids(std::string_view text) {
  const auto take = [&text](char c) {
    text = trim(text);
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  };
  std::vector<std::string> ids;
  if (!take('[')) return std::nullopt;
  while (!take(']')) {
    if (!ids.empty() && !take(',')) return std::nullopt;
    if (!take('"')) return std::nullopt;
    const std::size_t end = text.find('"');
    if (end == std::string_view::npos || !is_id(text.substr(0, end))) return std::nullopt;
    ids.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (!trim(text).empty()) return std::nullopt;
  return ids;
}

}  // namespace genpro::ledger
