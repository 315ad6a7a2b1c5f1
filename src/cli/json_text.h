// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "api/json.h"

namespace genpro::cli {

// Indented, with a line break at the end: a number in as few digits as tell it from others, and
// nothing that a terminal obeys.
std::string json_text(const api::JsonNodePtr& document);

}  // namespace genpro::cli
