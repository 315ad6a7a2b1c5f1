// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tables of the store and their version.
#pragma once

#include "emulator/store/database.h"

namespace genpro::emulator {

// Makes the tables of a new file, and brings an older one up to date. Throws std::runtime_error
// with a sentence for its user when the file holds something else, or was written by a newer
// version.
void prepare_schema(Database& database);

}  // namespace genpro::emulator
