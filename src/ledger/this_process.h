// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace genpro::ledger {

// This process, among those that share a ledger. Thread-safe.
//
// A word that no other process has. It begins with launcher_name().
const std::string& process_name();
// The same for all processes that were started by the same one: a shell, a supervisor.
const std::string& launcher_name();
// Since when it wants what it asks for now, in milliseconds since 1970. Processes that are started
// together come to their first question seconds apart when there are many of them, or the machine
// is slow: for a young one it is the time of its start.
//
// Never earlier than that: what a process delivered that ended before this one began is not later.
std::int64_t asking_since();
// A time by which the process had begun, some tens of milliseconds later at most.
std::int64_t latest_start(pid_t process);

}  // namespace genpro::ledger
