// SPDX-License-Identifier: LGPL-2.1-or-later
//
// JSON from and for the API: careful with what is parsed, liberal with what a value looks like.
// Nodes are json-glib's; reading and writing are not, since they differ between its versions.
#pragma once

#include <json-glib/json-glib.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/glib_ptr.h"

namespace genpro::api {

using JsonNodePtr = Owned<JsonNode, json_node_unref>;
using JsonObjectPtr = Owned<JsonObject, json_object_unref>;
using JsonArrayPtr = Owned<JsonArray, json_array_unref>;

// The error says what is wrong, as a fragment: "it is not JSON: …".
Result<JsonNodePtr, std::string> parse_json(std::string_view text);
// Parses a text whose outermost value must be an object.
Result<JsonObjectPtr, std::string> parse_json_object(std::string_view text);
// As above, for what is sent on: a number that would not be the same one there is refused.
Result<JsonObjectPtr, std::string> parse_exact_json_object(std::string_view text);

// Take over what they are given.
JsonNodePtr to_node(JsonObjectPtr object);
JsonNodePtr to_node(JsonArrayPtr array);

// Compact, members in the order in which they were added.
std::string to_text(JsonObjectPtr object);

// Equal for equal values: members sorted by name at every depth, no white space.
std::string canonical_json(JsonNode* node);
// As above; a text that is no JSON comes back as it is.
std::string canonical_json(std::string_view text);

// Null when there is no such member, or it is null.
JsonNode* member(JsonObject* object, const char* name);
// Null when `node` is null or of another type.
JsonObject* as_object(JsonNode* node);
JsonArray* as_array(JsonNode* node);
// Its own; none when it is null.
std::vector<JsonNode*> elements(JsonArray* array);
// The same, in the order in which they were added.
std::vector<std::pair<const char*, JsonNode*>> members(JsonObject* object);

// A string as it is, a number or boolean as a person would write it; nothing for anything else.
std::optional<std::string> as_text(JsonNode* node);
// Nothing for anything but a string.
std::optional<std::string> as_string(JsonNode* node);
// A string, or an integer of at most 63 bits as it is written: the shapes that ids have.
std::optional<std::string> as_id(JsonNode* node);
// A number, or a string that is one; nothing for anything else and for what is not finite.
std::optional<double> as_number(JsonNode* node);

JsonArrayPtr text_array(const std::vector<std::string>& texts);

// The node for an id: digits-only ids are integers on the wire, all others strings. Digits that an
// integer would not give back (leading zeros, more than 63 bits) stay a string.
JsonNodePtr id_node(const std::string& id);

}  // namespace genpro::api
