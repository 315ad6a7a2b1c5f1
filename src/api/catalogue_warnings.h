// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Warns of what the table of models does not have. The table ages, so that the service decides.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/request.h"

namespace genpro::api {

// Each is a sentence or two that names the setting and lists what is known. `prompt`: with its
// variables filled in; `assets`: how many ingredients there are.
std::vector<std::string> catalogue_warnings(const RequestSettings& settings, GenerationType type,
                                            const std::string& prompt, std::size_t assets);

}  // namespace genpro::api
