// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the live service takes today, other than the seed: the envelope of /vidsheet, and actions.
// Both are translated into the seed's body, from which clips are made.
#pragma once

#include <json-glib/json-glib.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "emulator/domain/card.h"
#include "emulator/util/api_error.h"
#include "emulator/util/json.h"

namespace genpro::emulator {

// Which contracts the emulator speaks.
enum class Dialect { seed, today, both };

// The id of the resource at an address; nothing when there is none.
using FindResource = std::function<std::optional<std::int64_t>(const std::string& address)>;

// Whether the body of a generate call has what the seed does not.
bool is_of_today(JsonObject* body);
// The same of a job's type and data.
bool has_words_of_today(const std::string& type, JsonObject* data);
// The body as the seed would have it, of which there are more kinds. Throws ApiError 422, which
// names the field.
JsonNodePtr from_vidsheet(JsonObject* body, const FindResource& find);
// That of a render call, whose body says nothing.
JsonNodePtr render_request();

// The kind that a job's type stands for, also one of those that the service calls its jobs by
// itself; such a one may leave the model to its name. Nothing when there is no such type.
struct JobType {
  Kind kind;
  std::string model;  // empty: the default one
};
std::optional<JobType> job_type_named(const std::string& word, JsonObject* data);
// The data of a job, an object, which clients send as JSON text, too; empty where there is none.
// Throws ApiError 422.
JsonNodePtr data_of_job(JsonObject* job);

// Throw ApiError 422 for what does not go together in the table of the live service's models.
void check_vidsheet(const Card& card, const GenerationSettings& settings);
void check_action(const Card& card, const GenerationSettings& settings);
// A validation_error of a field of the seed, as an action is told of its own: invalid_action.
// Others are given back as they are.
ApiError of_action(const ApiError& error);

// One action of POST /vidsheet/actions.
struct Action {
  std::string sheet;
  std::string cell;                   // empty: that of the layer
  std::optional<std::int64_t> layer;  // -1: there is none of that id
  std::string card_type;
  JsonNodePtr request;  // as the seed would have it
};
// Throws ApiError 422 invalid_action, whose text begins with the path in the body.
Action read_action(JsonObject* body);

}  // namespace genpro::emulator
