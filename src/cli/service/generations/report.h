// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A generation as the service tells of it, in words.
#pragma once

#include <string>
#include <vector>

#include "api/answers/generation.h"
#include "cli/members.h"

namespace genpro::cli {

std::string generation_table(const std::vector<api::Generation>& generations);
api::JsonNodePtr generation_document(const api::Generation& generation);
// "Generation 9040 is stopped."
std::string generation_sentence(const api::Generation& generation);

}  // namespace genpro::cli
