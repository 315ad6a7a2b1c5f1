// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which archive a command is about, and which of its clips.
#pragma once

#include <string>
#include <vector>

#include "archive/contents.h"
#include "cli/command.h"
#include "cli/members.h"
#include "cli/options.h"

namespace genpro::cli {

// --archive, and --profile, which may name it.
void add_archive(Options& options);
// Throws UsageError where no setting names one.
archive::Archive find_archive(const Options& options, const Globals& globals);

// What ID stands for in each command's help.
inline constexpr const char* id_help =
    "ID is the id of a generation, or the SHA-256 of a clip or its first 8 digits and more.";

// Those of a generation of that id, else those of clips whose SHA-256 begins so; the newest first.
// Throws std::runtime_error when there is none.
std::vector<archive::Record> select(const archive::Contents& contents, const std::string& id);

// The members that all documents have.
Members brief_members(const archive::Record& record);

}  // namespace genpro::cli
