// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What this process takes of the machine.
#pragma once

#include <cstddef>

namespace genpro::bench {

struct Usage {
  double wall = 0;  // seconds, by a clock that only goes forward
  double cpu = 0;   // seconds in user and system mode, of all threads
};
Usage usage_now();

std::size_t resident_bytes();
std::size_t peak_resident_bytes();
std::size_t thread_count();
// Sockets that lead to a network.
std::size_t connection_count();

}  // namespace genpro::bench
