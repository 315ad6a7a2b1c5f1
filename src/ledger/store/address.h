// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace genpro::ledger {

// Whether it names a PostgreSQL server, and no file.
bool is_server_address(std::string_view ledger);
// Whether it is neither an address nor what anybody would call a file: an address in another
// spelling, or of something else. As a file's it would be a ledger that no other machine has.
bool is_mistaken_address(std::string_view ledger);
bool has_password(std::string_view address);
// The address with stars in place of each password; anything else as it is.
std::string without_password(const std::string& ledger);

}  // namespace genpro::ledger
