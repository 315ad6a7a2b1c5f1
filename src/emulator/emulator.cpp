// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/emulator.h"

#include <cmath>
#include <stdexcept>

#include "emulator/listener.h"
#include "emulator/server.h"

namespace genpro::emulator {

namespace {

MilliCredits milli(double credits) {
  return static_cast<MilliCredits>(std::llround(credits * 1000));
}

const EmulatorSettings& checked(const EmulatorSettings& settings) {
  check_address(settings);
  return settings;
}

}  // namespace

void check_address(const EmulatorSettings& settings) {
  if (!settings.api_key.empty()) return;
  const auto address = resolve_host(settings.host);
  if (g_inet_address_get_is_loopback(address.get())) return;
  throw std::runtime_error("Without a key the emulator listens on this machine only, and " +
                           settings.host +
                           " is open to others. Set --api-key or --api-key-file, or leave --host "
                           "out.");
}

Emulator::Emulator(const EmulatorSettings& settings)
    : folders_(checked(settings).data_dir),
      store_(make_memory_store(milli(settings.credit))),
      resources_(*store_, folders_),
      generations_(*store_, resources_, folders_, settings.renderer, settings.latency),
      api_(*store_, resources_, generations_, folders_, settings.known, settings.api_key),
      server_(std::make_unique<Server>(api_, settings.host, settings.port, settings.verbose)) {}

Emulator::~Emulator() = default;

std::string Emulator::base_url() const {
  return server_->origin() + "/v1";
}
std::uint16_t Emulator::port() const {
  return server_->port();
}

Resource Emulator::add_ingredient(const std::string& path) {
  try {
    return resources_.add_local_file(path);
  } catch (const std::system_error& failure) {
    throw std::runtime_error("The ingredient " + path + " cannot be taken in: " + failure.what() +
                             ".");
  }
}

}  // namespace genpro::emulator
