// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A request for a generation, checked without the network and ready to be posted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace genpro::api {

struct Dialect;
extern const Dialect seed_dialect;
extern const Dialect vidsheet_dialect;
extern const Dialect actions_dialect;

enum class GenerationType {
  video_from_ingredients,
  video_from_text,
  video_from_image,
  lipsync,
  render,
  remove_background,
};
// The service's word.
const char* type_word(GenerationType type);
// Nothing when there is no such word.
std::optional<GenerationType> find_type(std::string_view word);

// Longest clip that may be asked for, in seconds. No model comes near it; more is a slip of the
// hand, and would be paid for.
inline constexpr unsigned max_duration = 3600;

// The settings as a person writes them. Empty text and 0 mean: not set, so not sent, and the cell's
// own defaults apply.
struct RequestSettings {
  std::string dialect = "seed";
  std::string generation_type = "video_from_ingredients";
  std::optional<std::string> sheet_route;  // none: as the dialect has it
  std::string sheet_id;
  std::string cell_id;
  std::string layer_id;  // of the cell's; empty: the cell itself
  std::string agent_id;
  std::string prompt;
  std::string negative_prompt;
  std::string asset_ids;  // `501,502`
  std::string model;      // the service's word
  std::string aspect_ratio;
  std::string resolution;
  unsigned duration = 0;  // seconds
  std::optional<bool> native_audio;
  std::string prompt_var;
  std::string content_resource_vars;  // `a,b`
  std::string variables;              // JSON object
  std::string extra_data;             // JSON object
  // One for each of `asset_ids`, for a dialect that uses them; without, the ids stand in for them,
  // which is enough to check and to compare requests.
  std::vector<std::string> asset_addresses;
  // Likewise one for each: image, video or audio; empty: not known.
  std::vector<std::string> asset_kinds;
};

// What a request leaves to the service's own data.
struct LeftToService {
  std::vector<std::string> defaults;   // of the cell: attributes that the request does not set
  std::vector<std::string> variables;  // names that the service fills in
  bool is_unreadable = false;          // more than that
};

struct GenerationRequest {
  const Dialect* dialect = &seed_dialect;
  GenerationType type = GenerationType::video_from_ingredients;
  std::string cell_path;  // or a layer's; below the base URL, without a slash at either end
  std::string agent_id;
  std::string body;              // the JSON to post
  std::string prompt;            // with the variables that were filled in here
  std::string model;             // empty: the cell decides
  std::optional<double> length;  // seconds asked for; nothing: the cell decides
  // Ids of the first frame and the last one, as far as ids alone say what it is made of.
  std::vector<std::string> frames;
  LeftToService left;
  // What the service will probably refuse, for the user to know; never a reason not to ask.
  std::vector<std::string> warnings;

  // Its ingredients stand in it with their addresses.
  bool uses_addresses() const;
};

// The names of what a request cannot do without and does not have.
std::vector<std::string> missing_settings(const RequestSettings& settings);
// One error for all of them; `api-key` may be among them. Its detail `missing` has the names.
Error missing_error(const std::vector<std::string>& names);

// Of a body that was posted or is to be; empty when it has none.
std::string prompt_in(const std::string& body);

// Fails with ErrorKind::settings; the message names the setting and what to write there.
Result<GenerationRequest> make_request(const RequestSettings& settings);

}  // namespace genpro::api
