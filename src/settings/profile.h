// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The file that says who asks: groups of settings, one of which stands in for what is not set.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "settings/settings.h"

namespace genpro {

inline constexpr const char* default_profile = "default";

// genpro/config in the XDG config folder.
std::string config_path();

// Whether the file has the profile.
Result<bool> has_profile(const std::string& profile);

// Whether a file with a key is there for its owner alone; what to do when it is not. That there is
// none is no error.
std::optional<Error> check_key_file(const std::string& path);

// Fills in what has not been set: from GEN_API_BASE_URL, GEN_AGENT_ID, GEN_SHEET_ID, GEN_CELL_ID,
// GEN_API_KEY and GEN_ARCHIVE, then from the profile that the settings name. Reads one local file,
// and runs no program. Fails with ErrorKind::settings when the file cannot be trusted, or holds
// what is no setting; nothing is changed then.
std::optional<Error> complete(Settings& settings);

// Where the key comes from, for a person to read: "GEN_API_KEY", the file's name or the command's
// first word; empty without one. For settings that are complete.
std::string key_origin(const Settings& settings);

// Makes or changes a profile; values that are empty take the line away. Leaves what else the file
// holds, replaces it as a whole, and lets nobody else read it.
std::optional<Error> save_profile(const std::string& profile,
                                  const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace genpro
