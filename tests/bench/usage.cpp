// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usage.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace genpro::bench {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// A line of /proc/self/status, in its own unit.
std::size_t status_value(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::size_t value = 0;
    if (word == name + ":" && status >> value) return value;
  }
  return 0;
}

}  // namespace

Usage usage_now() {
  rusage taken{};
  getrusage(RUSAGE_SELF, &taken);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(now).count(),
          seconds(taken.ru_utime) + seconds(taken.ru_stime)};
}

std::size_t resident_bytes() {
  return status_value("VmRSS") * 1024;
}

std::size_t peak_resident_bytes() {
  return status_value("VmHWM") * 1024;
}

std::size_t thread_count() {
  return status_value("Threads");
}

std::size_t connection_count() {
  std::size_t count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    // The pairs of sockets by which threads wake each other are of another domain.
    int domain = 0;
    socklen_t size = sizeof domain;
    const int descriptor = std::stoi(entry.path().filename().string());
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) continue;
    if (domain == AF_INET || domain == AF_INET6) ++count;
  }
  return count;
}

}  // namespace genpro::bench
