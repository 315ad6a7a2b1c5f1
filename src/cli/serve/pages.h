// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The recipes and generations that can be played, as a page for people and as a playlist.
#pragma once

#include <string>
#include <vector>

#include "cli/serve/message.h"
#include "ledger/ledger.h"

namespace genpro::cli {

Response list_page(const std::vector<std::string>& recipes,
                   const std::vector<ledger::Entry>& generations);
// `origin`: "http://127.0.0.1:8788".
Response playlist(const std::vector<std::string>& recipes,
                  const std::vector<ledger::Entry>& generations, const std::string& origin);

}  // namespace genpro::cli
