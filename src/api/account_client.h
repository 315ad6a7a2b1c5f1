// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Calls about what an account has: its credits, the generations of a cell, and those that go on.
// Belongs to the runtime thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/client.h"

namespace genpro::api {

struct Organization {
  std::string id;
  std::string name;              // may be empty
  std::optional<double> credit;  // that can be spent on generations
};

// One call at a time, as of a Client.
class AccountClient : public Client {
 public:
  using Client::Client;

  // `id`: of one organization; empty: all that the key may see.
  void get_organizations(const std::string& id,
                         std::function<void(Result<std::vector<Organization>, Failure>)> done);
  void get_cell_generations(const std::string& cell_path, const std::string& agent_id,
                            std::function<void(Result<std::vector<Generation>, Failure>)> done);
  // Lets a stopped generation go on, under its own id. It is charged again.
  void continue_generation(const std::string& id, const std::string& agent_id,
                           const std::string& idempotency_key, Done done);
};

}  // namespace genpro::api
