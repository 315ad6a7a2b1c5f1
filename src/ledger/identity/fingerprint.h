// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace genpro::ledger {

// SHA-256, hexadecimal, over all parts and where each of them ends.
std::string fingerprint(const std::vector<std::string>& parts);

}  // namespace genpro::ledger
