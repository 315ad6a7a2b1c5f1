// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the bodies of calls on a sheet say: the same for one thing and for many. All throw ApiError
// 422, which names the field.
#pragma once

#include <json-glib/json-glib.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "emulator/domain/order.h"
#include "emulator/http/exchange.h"
#include "emulator/store/records.h"

namespace genpro::emulator {

// A value as text; nothing for null. `shown`: the field.
std::optional<std::string> value_text(JsonNode* node, const std::string& shown);

// Members of `patch` take the place of those in `attributes`; null takes one away. Without a patch
// nothing changes.
std::string merged_attributes(const std::string& attributes, JsonNode* patch);
// The same where some of them are settings of the card, which are checked.
std::string merged_card_attributes(const std::string& attributes, JsonNode* patch);

// Takes over value and additional_attributes. False when the fields have neither.
bool patch_cell(Cell& cell, JsonObject* fields);

// An element of the list that a bulk call sends.
struct Entry {
  std::string id;
  std::int64_t number = -1;      // the id, if it is made of digits
  JsonObject* fields = nullptr;  // belongs to the body
};
// The objects under `name`, or under "spreadsheet_" and `name`; each has an id, and there are at
// most 1000. `shown`: the field in messages. Nothing when neither is there.
std::optional<std::vector<Entry>> optional_entries(JsonObject* object, const std::string& name,
                                                   const std::string& shown);
// Those of a body, which may also be the list itself.
std::vector<Entry> entries_of(JsonNode* body, const std::string& name);
// The same for columns, rows and layers, none of which may be there twice: which would count?
std::vector<Entry> distinct_entries_of(JsonNode* body, const std::string& name);

// The body of an update_positions, {"rows": [{"id", "position"}, …]}, also without the outer
// object: any number of them. `check` throws for what is not there.
std::vector<Place> wanted_places(const Exchange& exchange, const std::string& name,
                                 const std::function<void(const Entry&)>& check);

}  // namespace genpro::emulator
