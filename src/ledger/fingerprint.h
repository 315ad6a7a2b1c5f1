// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace genpro::job {

// A JSON text that is equal for equal values: members sorted by name at every depth, no white
// space. A text that is no JSON comes back as it is.
std::string canonical_json(std::string_view text);

// SHA-256, hexadecimal, over all parts and where each of them ends.
std::string fingerprint(const std::vector<std::string>& parts);

}  // namespace genpro::job
