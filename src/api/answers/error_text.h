// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service says of an error, in any of the shapes that it has for that.
#pragma once

#include <initializer_list>
#include <string>

#include "api/json.h"

namespace genpro::api {

// The first member of these names that is a text of more than white space; empty when none is.
std::string first_text(JsonObject* object, std::initializer_list<const char*> names);

// From `error`, a text or an object, or `message`, and `errors`, a list of {path, code, message}:
// "no such layer; actions[0].card.inputs.model: no such model". Empty when there is none. As it
// stands in the answer: it may hold the key.
std::string error_text(JsonObject* object);

}  // namespace genpro::api
