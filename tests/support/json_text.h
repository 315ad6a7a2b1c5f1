// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace genpro::test {

// The text in canonical form: members sorted by name at every depth, no white space. Integers and
// fractions stay apart (5 is not 5.0). A text that is no JSON gives "not JSON: …".
std::string canonical_json(const std::string& text);

}  // namespace genpro::test
