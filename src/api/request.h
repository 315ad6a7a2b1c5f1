// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A request for a video from ingredients, checked without the network and ready to be posted.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace genpro::api {

// Longest clip that may be asked for, in seconds. No model comes near it; more is a slip of the
// hand, and would be paid for.
inline constexpr unsigned max_duration = 3600;

// The settings as a person writes them. Empty text and 0 mean: not set, so not sent, and the cell's
// own defaults apply.
struct RequestSettings {
  std::string sheet_route = "autocontentengine";
  std::string sheet_id;
  std::string cell_id;
  std::string agent_id;
  std::string prompt;
  std::string asset_ids;  // `501,502`
  std::string model;      // the service's word
  std::string aspect_ratio;
  unsigned duration = 0;  // seconds
  std::string prompt_var;
  std::string content_resource_vars;  // `a,b`
  std::string variables;              // JSON object
  std::string extra_data;             // JSON object
};

struct GenerationRequest {
  std::string cell_path;  // below the base URL, without a slash at either end
  std::string agent_id;
  std::string body;    // the JSON to post
  std::string prompt;  // with the variables that were filled in here
  std::string model;   // empty: the cell decides
  // What the service will probably refuse, for the user to know; never a reason not to ask.
  std::vector<std::string> warnings;
};

// Fails with ErrorKind::settings; the message names the setting and what to write there.
Result<GenerationRequest> make_request(const RequestSettings& settings);

}  // namespace genpro::api
