// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an action's card may hold, as JSON Schemas.
#pragma once

#include <string>
#include <vector>

#include "emulator/store/records.h"
#include "emulator/util/json.h"

namespace genpro::emulator {

// Writes `draft_schema`, of a card that is still worked on, `generation_schema`, of one that is
// generated from, and `modes`, of its prompt. `models`: those that it is about; not empty.
void write_card_schemas(JsonWriter& json, Kind kind, const std::vector<std::string>& models);

}  // namespace genpro::emulator
