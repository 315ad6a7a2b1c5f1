// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When two requests are the same, and when they go to the same cell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "payment/payment.h"

namespace genpro::ledger {

// A request as the ledger knows it. Never holds the key.
struct Identity {
  std::string base_url;          // of the API, as it is called
  std::string cell_path;         // route/sheet/cells/cell[/layers/layer], as it is called
  std::string agent_id;          // as it is called
  std::string model;             // empty: the cell decides
  std::optional<double> length;  // seconds asked for; nothing: the cell decides
  std::string request;           // canonical JSON, as it is posted
  // The request with what its ingredients are made of in place of their ids, as far as that is
  // known: the same for the same files, whatever their ids. Empty: as `request`.
  std::string contents;
  // A digest of what the service's own data decides about it. Empty: it could not be read; "-": its
  // data decides nothing.
  std::string data;

  // Set by make_identity().
  //
  // The cell, or the layer, the same for each way to write it: the names of this machine are one,
  // the default port, the route word and leading zeros of numbers are left out.
  std::string place;
  // SHA-256 over place, agent and contents, else request; hexadecimal.
  std::string fingerprint;
};
Identity make_identity(std::string base_url, std::string cell_path, std::string agent_id,
                       std::string model, std::optional<double> length, std::string request,
                       std::string data, std::string contents = {});

// The parts of it. `service_of` is the beginning of each place there.
std::string service_of(const std::string& base_url);
std::string place_of(const std::string& base_url, const std::string& cell_path);
std::string fingerprint_of(const std::string& place, const std::string& agent_id,
                           const std::string& request);
bool is_at(const std::string& place, const std::string& service);
// Where the cell is locked, an upload, and a part of a batch.
std::int64_t lock_of_cell(const std::string& place);
std::int64_t lock_of_asset(const std::string& service, const std::string& agent_id,
                           const std::string& sha256);
std::int64_t lock_of_batch(const std::string& batch, const std::string& part);

payment::ServiceData compare_data(const std::string& one, const std::string& other);

}  // namespace genpro::ledger
