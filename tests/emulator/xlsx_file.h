// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace genpro::emulator::test {

// The bytes of an XLSX file with one sheet whose first row holds `header`.
std::string xlsx_with_header(const std::vector<std::string>& header);

}  // namespace genpro::emulator::test
