// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Standard output and standard error.
#pragma once

#include <string>
#include <string_view>

#include "api/json.h"

namespace genpro::cli {

// Keeps the descriptors of the standard streams from being given to files that are opened later,
// and has a closed pipe be an error like others. Called once, before anything else.
void prepare_output();

// Writes all of it to standard output, now. Throws std::runtime_error when that fails.
void print(std::string_view text);
// As above: the document as JSON that also a terminal takes for text only.
void print_json(const api::JsonNodePtr& document);
// One line to standard error.
void tell(std::string_view sentence);

}  // namespace genpro::cli
