// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/app/emulator.h"

#include <cmath>
#include <stdexcept>

#include "emulator/domain/pricing.h"
#include "emulator/domain/seed.h"
#include "emulator/domain/sheets.h"
#include "emulator/http/listener.h"
#include "emulator/http/server.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

MilliCredits milli(double credits) {
  return static_cast<MilliCredits>(std::llround(credits * 1000));
}

const EmulatorSettings& checked(const EmulatorSettings& settings) {
  check_address(settings);
  // Before there is a data folder: a slip leaves nothing behind.
  if (!settings.seed.empty()) check_seed(settings.seed);
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
      store_(folders_.store()),
      faults_(all_model_names(), settings.fault_seed),
      resources_(store_, folders_),
      generations_(store_, resources_, folders_, settings.renderer, settings.latency, faults_),
      webhooks_(store_, settings.webhook_test_seconds),
      xlsx_(settings.xlsx),
      page_(store_, generations_, faults_, folders_.journal(), settings.api_key),
      api_({store_,
            resources_,
            generations_,
            folders_,
            webhooks_,
            xlsx_,
            faults_,
            {},
            settings.dialect},
           settings.api_key, settings.host, page_routes(page_),
           [this](const Request& request, const std::string& body, const Reply& reply) {
             page_.note(request, body, reply);
           }),
      server_(std::make_unique<Server>(api_, settings.host, settings.port, settings.verbose,
                                       settings.connections)) {
  for (const auto& [name, value] : settings.faults) faults_.set(name, value);
  fill(settings);
  resources_.remove_strays();
  generations_.recover();
  webhooks_.wake();
}

void Emulator::fill(const EmulatorSettings& settings) {
  const bool is_new = store_.is_empty();
  const bool seeded = !settings.seed.empty();
  std::optional<MilliCredits> credit;
  if (settings.credit) credit = milli(*settings.credit);
  if (is_new && seeded) fill_from_seed(store_, resources_, settings.seed, credit);
  left_seed_out_ = seeded && !is_new;

  Store::Change change(store_);
  const bool has_defaults = is_new && !seeded;
  if (has_defaults) store_.mark_filled(credit.value_or(default_credit));
  // What a store has of itself is not put into one that was filled in another way.
  const KnownIds defaults;
  const auto wanted = [&](const std::set<std::string>& own, const std::string& id) {
    return has_defaults || !own.contains(id);
  };
  for (const auto& id : settings.known.agents) {
    if (wanted(defaults.agents, id)) provide_agent(store_, id, "Agent " + id);
  }
  for (const auto& id : settings.known.sheets) {
    if (wanted(defaults.sheets, id) && !store_.sheet(id)) {
      create_sheet(store_, id, "Sheet " + id, false);
    }
  }
  for (const auto& sheet : settings.known.sheets) {
    if (!store_.sheet(sheet)) continue;
    for (const auto& cell : settings.known.cells) {
      if (wanted(defaults.cells, cell) || store_.cell(defaults.sheets.begin()->c_str(), cell)) {
        provide_cell(store_, sheet, cell);
      }
    }
  }
  // Numbers that were given as ids are not given out again.
  for (const auto& id : settings.known.sheets) {
    if (const auto number = parse_digits(id)) store_.reserve(Sequence::sheet, *number);
  }
  change.commit();
}

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
