// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A card, such as "video from ingredients": what a request says, which variables it depends on, and
// what becomes of it in its cell.
#pragma once

#include <json-glib/json-glib.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "emulator/store/records.h"
#include "emulator/store/store.h"
#include "emulator/util/json.h"

namespace genpro::emulator {

inline constexpr std::size_t max_ingredients = 100;

// What a request says, before variables and the cell's defaults are put in.
struct Card {
  Kind kind = Kind::ingredients;
  bool is_of_today = false;
  std::string prompt;      // empty: none
  std::string prompt_var;  // empty: none
  std::vector<std::int64_t> asset_ids;
  std::vector<std::string> resource_vars;
  std::optional<std::string> model;
  std::optional<std::string> aspect_ratio;
  std::optional<int> duration;
  std::string resolution;  // empty: none
  std::optional<bool> audio;
};

// Reads the body of a generate call. `is_of_today`: with the kinds, models and ratios of the live
// service. Throws ApiError 422 for what is missing or wrong.
Card read_card(JsonObject* body, bool is_of_today = false);

// The body of a generate call that the attributes of a layer stand for: what it would hold in
// `data` stands under "data" or beside it, and generation_type may be left out. Not checked.
JsonNodePtr request_in(const std::string& attributes);

// Checks the attributes of a cell that mean something to this card: model, ratio, duration and
// autoGenerate. Throws ApiError 422.
void check_attributes(JsonObject* attributes);

// The variables of one cell: the columns of its row, then the sheet's global variables.
class Variables {
 public:
  Variables(Store& store, const Cell& cell);
  std::optional<std::string> find(const std::string& name);
  // Throws ApiError 422, which names the variable.
  std::string get(const std::string& name);
  // That of a global variable's id, by which the live service names them.
  std::string get_by_id(const std::string& id);

 private:
  Store& store_;
  std::string sheet_;
  std::map<std::string, std::string> of_row_;
};

// The variables it uses: in its prompt, as prompt_var and in the prompt that this one holds, and as
// content_resource_vars.
std::set<std::string> names_in(const Card& card, Variables& variables);

// Replaces each {{name}}, and none in what is put in. Throws what `variables` does.
std::string resolve(std::string_view text, Variables& variables);

// What to render. The request's own fields win over the cell's attributes (a JSON object), those
// over what the emulator takes by itself. Throws ApiError 422.
GenerationSettings resolve_settings(const Card& card, const std::string& attributes,
                                    Variables& variables);

}  // namespace genpro::emulator
