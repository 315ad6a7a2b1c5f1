// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/this_process.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "base/glib_ptr.h"
#include "base/no_destructor.h"
#include "ledger/store/clock.h"

namespace genpro::ledger {

namespace {

// Longer than a program takes from its start to its first question.
constexpr std::int64_t young_ms = 10'000;

std::int64_t now_ms() {
  return g_get_real_time() / 1000;
}

}  // namespace

// Machines and containers count their processes anew.
const std::string& launcher_name() {
  static NoDestructor<const std::string> name([] {
    const GCharPtr space(g_file_read_link("/proc/self/ns/pid", nullptr));
    return clock_now().boot + ":" + (space ? space.get() : "") + ":" + std::to_string(getppid()) +
           ":";
  }());
  return *name;
}

const std::string& process_name() {
  static NoDestructor<const std::string> name(launcher_name() +
                                              take_string(g_uuid_string_random()));
  return *name;
}

// The 22nd field of its stat, in ticks since the machine was started. The name in the second one
// may hold anything, so that fields are counted from its closing bracket.
std::int64_t latest_start(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return now_ms();
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  const std::int64_t ticks = g_ascii_strtoll(field.c_str(), nullptr, 10);
  double up = 0;
  if (ticks <= 0 || !(std::ifstream("/proc/uptime") >> up)) return now_ms();
  const auto up_ms = static_cast<std::int64_t>(up * 1000);
  // Ticks are whole ones, and the process began within the one that follows.
  return now_ms() - up_ms + (ticks + 1) * 1000 / sysconf(_SC_CLK_TCK) + 1;
}

std::int64_t asking_since() {
  static const std::int64_t start = latest_start(getpid());
  const std::int64_t now = now_ms();
  return now >= start && now - start < young_ms ? start : now;
}

}  // namespace genpro::ledger
