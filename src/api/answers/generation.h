// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A generation as the service describes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace genpro::api {

enum class Phase {
  pending,
  processing,
  completed,
  failed,
  stopped,
  unknown,  // a word that is not in the contract: not an end
};

struct Generation {
  std::string id;  // empty when the answer had none
  Phase phase = Phase::unknown;
  std::string status;          // the service's own word, empty when it gave none
  std::string failed_reason;   // empty when there is none; a Client's is one line without the key
  std::optional<double> cost;  // `execution_cost`; its unit is not documented
  // The URL of the first video among the output resources, as it stands there; unset when there is
  // no video. It may be empty or of any scheme.
  std::optional<std::string> video_url;
  std::string credit_outcome;  // the service's own word, empty when it gave none
  bool is_redirected = false;  // a redirect was followed before this answer
};

// Reads the answer of generate, of GET and of stop. Liberal: ids and costs as number or text, `id`
// or `generation_id`, members missing or null. The error is a fragment that says what is wrong.
Result<Generation, std::string> parse_generation(std::string_view body);

}  // namespace genpro::api
