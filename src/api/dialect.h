// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The dialects that the service is spoken to in. What one of them is made of stands in one file
// below dialects/: the route, the body, how the answer is read. Polling and stopping are the same
// in all.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/answers/generation.h"
#include "api/json.h"
#include "api/reply.h"
#include "api/request.h"
#include "catalogue/catalogue.h"

namespace genpro::api {

struct Asset {
  std::string id;
  std::string address;  // empty: not known, or not needed
};

// What is asked for, checked, in no dialect's words. What is empty or 0 is not sent.
struct Draft {
  GenerationType type = GenerationType::video_from_ingredients;
  std::string sheet_id;
  std::string cell_id;
  std::string layer_id;
  std::string agent_id;
  std::string prompt;
  std::string negative_prompt;
  std::string model;
  std::string aspect_ratio;
  std::string resolution;
  unsigned duration = 0;
  std::optional<bool> native_audio;
  std::vector<Asset> assets;
  std::string prompt_var;
  std::vector<std::string> resource_vars;
  JsonObjectPtr extra;  // merged last into the settings of the request
};

// What a request of a type has fields for.
struct Form {
  GenerationType type;
  std::string_view settings;  // names, with a space in between
  std::string_view required;  // of those; ingredients and a prompt are required wherever they are
  // How many ingredients, by id or variable.
  unsigned least_assets = 0;
  unsigned most_assets = 0;
  // An ingredient stands in it with its address, not its id.
  bool uses_addresses = false;
  // What they are by their places, where each has one: image, video, audio.
  std::string_view kinds = {};

  bool has(std::string_view setting) const { return catalogue::has_word(settings, setting); }
  bool requires_setting(std::string_view setting) const {
    return catalogue::has_word(required, setting);
  }
};

struct Dialect {
  const char* word;
  const char* sheet_route;  // where none is set
  std::span<const Form> forms;
  bool agent_in_query;
  // A repeat is the same request by its key alone, so that a lost one is repeated at once.
  bool documents_keys;
  // What may stand in extra-data in place of a prompt, and of ingredients.
  std::string_view prompt_fields;
  std::string_view asset_fields;
  // Of the models that are known, those that have a field for audio; empty: all.
  std::string_view audio_models = {};
  // Images may be left out for models that are known to need none.
  bool leaves_out_images = false;
  std::string (*path)(const GenerationRequest& request);
  // The body, and what in it is left to the service.
  void (*write)(Draft draft, GenerationRequest& request);
  // The body's settings by the names that they have in a raw job, which estimates are about.
  JsonObjectPtr (*job_data)(JsonObject* body);
  Result<Generation, std::string> (*read)(std::string_view answer);

  // Null: there is no such request.
  const Form* form_of(GenerationType type) const;
};

std::span<const Dialect* const> dialects();
// Null when there is none.
const Dialect* find_dialect(std::string_view word);

// Adds what to set where a request was refused as if it were in the wrong dialect.
void tell_dialect(const Dialect& dialect, Failure& failure);

// "4, 6 or 8", of words with a space in between.
std::string list_of(std::string_view words);

// ---- For the files below dialects/ ----

// Where the settings stand in the body by those names already.
JsonObjectPtr data_of(JsonObject* body);

void set_text(JsonObject* object, const char* name, const std::string& value);
// Members of `extra` take the place of those of `object`.
void merge(JsonObject* object, JsonObject* extra);
// The model and the length that `object` has, and what of the cell's defaults it leaves to the
// service. `ratio_field`: what it calls the ratio.
void note_left(JsonObject* object, const char* ratio_field, GenerationRequest& request);
// The names in {{}}.
void note_variables(const std::string& prompt, GenerationRequest& request);

}  // namespace genpro::api
