// SPDX-License-Identifier: LGPL-2.1-or-later
//
// JSON documents for programs: snake_case names that stay, times as ISO 8601 in UTC, null for what
// is not known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/json.h"
#include "cli/ledger/describe.h"

namespace genpro::cli {

void set_text(JsonObject* object, const char* name, const std::string& text);
// Null for an empty text.
void set_text_or_null(JsonObject* object, const char* name, const std::string& text);
void set_time(JsonObject* object, const char* name, ledger::WallTime time);
void set_number(JsonObject* object, const char* name, std::optional<double> number);

api::JsonNodePtr to_node(api::JsonObjectPtr object);
api::JsonNodePtr to_node(api::JsonArrayPtr array);

// What a list tells of a row.
api::JsonObjectPtr brief_report(const Seen& seen);
// All of it.
api::JsonObjectPtr full_report(const Seen& seen,
                               const std::vector<ledger::Ledger::HistoryLine>& history);

}  // namespace genpro::cli
