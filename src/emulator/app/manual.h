// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace genpro::emulator {

// The manual page of the program, made of the options that it reads, for roff.
std::string manual_page();

}  // namespace genpro::emulator
