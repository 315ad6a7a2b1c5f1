// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/store/address.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace genpro::ledger {

namespace {

using Part = std::pair<std::size_t, std::size_t>;  // begin, end

// Where it has passwords: in the user's part, and among the parameters.
std::vector<Part> passwords(std::string_view address) {
  std::vector<Part> parts;
  if (!is_server_address(address)) return parts;
  const std::size_t begin = address.find("://") + 3;
  const std::size_t end = std::min(address.find_first_of("/?", begin), address.size());
  const std::size_t at = address.substr(0, end).rfind('@');
  // A password with a slash in it, which libpq does not take, is one as well.
  const std::size_t late = address.substr(0, address.find('?', begin)).rfind('@');
  const std::size_t user_end = at != std::string_view::npos && at >= begin       ? at
                               : late != std::string_view::npos && late >= begin ? late
                                                                                 : begin;
  const std::size_t colon = address.substr(0, user_end).find(':', begin);
  if (colon != std::string_view::npos && colon + 1 < user_end)
    parts.emplace_back(colon + 1, user_end);
  std::size_t next = address.find('?', begin);
  while (next != std::string_view::npos) {
    ++next;
    const std::size_t stop = std::min(address.find('&', next), address.size());
    const std::size_t equals = address.substr(0, stop).find('=', next);
    if (equals != std::string_view::npos) {
      std::string name(address.substr(next, equals - next));
      // Escaped letters could spell it.
      if (name.find("password") != std::string::npos || name.find('%') != std::string::npos) {
        if (equals + 1 < stop) parts.emplace_back(equals + 1, stop);
      }
    }
    next = stop < address.size() ? stop : std::string_view::npos;
  }
  return parts;
}

}  // namespace

bool is_server_address(std::string_view ledger) {
  return ledger.starts_with("postgresql://") || ledger.starts_with("postgres://");
}

bool has_password(std::string_view address) {
  return !passwords(address).empty();
}

std::string without_password(const std::string& ledger) {
  std::string text = ledger;
  auto parts = passwords(ledger);
  std::ranges::sort(parts, std::ranges::greater());
  for (const auto& [begin, end] : parts) {
    if (end <= text.size()) text.replace(begin, end - begin, "***");
  }
  return text;
}

}  // namespace genpro::ledger
