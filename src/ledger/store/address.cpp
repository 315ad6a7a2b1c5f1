// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/store/address.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace genpro::ledger {

namespace {

using Part = std::pair<std::size_t, std::size_t>;  // begin, end

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), g_ascii_tolower);
  return result;
}

// Whatever is called a password anywhere, as in libpq's other way to write an address.
void add_named(std::string_view address, std::vector<Part>* parts) {
  const std::string text = lower(address);
  for (std::size_t at = text.find("password"); at != std::string::npos;
       at = text.find("password", at + 1)) {
    std::size_t begin = text.find_first_not_of(' ', at + std::string_view("password").size());
    if (begin == std::string::npos || text[begin] != '=') continue;
    begin = text.find_first_not_of(' ', begin + 1);
    if (begin == std::string::npos) return;
    const std::size_t end = std::min(text.find_first_of("&; \t\n", begin), text.size());
    if (begin < end) parts->emplace_back(begin, end);
  }
}

// Where it has passwords: in the user's part, and among the parameters.
std::vector<Part> passwords(std::string_view address) {
  std::vector<Part> parts;
  if (!is_server_address(address) && !is_mistaken_address(address)) return parts;
  add_named(address, &parts);
  const std::size_t scheme = address.find("://");
  if (scheme == std::string_view::npos) return parts;
  const std::size_t begin = scheme + 3;
  // As libpq has it, a question mark does not end the user's part.
  const std::size_t end = std::min(address.find('/', begin), address.size());
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
      const std::string name = lower(address.substr(next, equals - next));
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

bool is_mistaken_address(std::string_view ledger) {
  if (is_server_address(ledger)) return false;
  const std::string text = lower(ledger);
  const std::size_t word = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.");
  if (word != 0 && word != std::string::npos && text.compare(word, 3, "://") == 0) return true;
  if (text.starts_with("postgresql:") || text.starts_with("postgres:")) return true;
  return std::ranges::any_of(std::array{"host=", "hostaddr=", "dbname=", "password=", "service="},
                             [&](const char* name) {
                               const std::size_t at = text.find(name);
                               return at == 0 || (at != std::string::npos && text[at - 1] == ' ');
                             });
}

bool has_password(std::string_view address) {
  return !passwords(address).empty();
}

std::string without_password(const std::string& ledger) {
  std::string text = ledger;
  auto parts = passwords(ledger);
  std::ranges::sort(parts, std::ranges::greater());
  std::size_t shown = text.size();  // from here on
  for (const auto& [begin, end] : parts) {
    const std::size_t last = std::min(end, shown);
    if (begin >= last) continue;
    text.replace(begin, last - begin, "***");
    shown = begin;
  }
  return text;
}

}  // namespace genpro::ledger
