// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Rows of the ledger as C++ values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "job/ledger.h"
#include "job/sqlite.h"

namespace genpro::job {

// `condition` begins with WHERE, and its parameters are what `bind` binds.
std::vector<Entry> read_entries(Database& database, const std::string& condition,
                                const std::function<void(Statement&)>& bind);
std::optional<Entry> read_entry(Database& database, std::int64_t id);

// The length of the clip that a request's JSON asks for, in seconds; nothing when the cell decides.
std::optional<double> requested_length(const std::string& request);

// A JSON array of ids.
std::optional<std::string> jobs_text(const std::optional<std::vector<std::string>>& jobs);
std::vector<std::string> parse_jobs(const std::string& text);

}  // namespace genpro::job
