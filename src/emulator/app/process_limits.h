// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace genpro::emulator {

// Lets this process have as many open files as it is allowed to ask for. The usual limit of 1024
// is within the reach of a few slow clients, who would then keep all others out.
void raise_open_file_limit();

}  // namespace genpro::emulator
