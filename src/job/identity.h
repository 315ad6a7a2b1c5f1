// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which requests are the same: those of which the same would be made.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/client.h"
#include "ledger/ledger.h"

namespace genpro::job {

// Without what the service's own data says, see IdentityRequest. `request` may have digests of its
// ingredients in place of their ids.
ledger::Identity identify(const api::Access& access, const api::GenerationRequest& request,
                          std::string data);

// Reads what a request leaves to the service's own data, so that a request is not served with a
// clip that was made of other data. Belongs to the runtime thread. Destroying it ends what is under
// way.
class IdentityRequest {
 public:
  using Done = std::function<void(ledger::Identity)>;

  // `done` is called once, not from within the constructor, and may destroy the object. Data that
  // cannot be read leaves Identity::data empty.
  IdentityRequest(Runtime& runtime, const api::Access& access, std::chrono::milliseconds silence,
                  const api::GenerationRequest& request, Done done);
  IdentityRequest(const IdentityRequest&) = delete;
  IdentityRequest& operator=(const IdentityRequest&) = delete;

 private:
  void read_cell();
  void on_cell(const Result<api::Cell, api::Failure>& cell);
  void read_variables();
  void finish(std::string data);

  const api::Access access_;
  const api::GenerationRequest request_;
  const api::LeftToService left_;
  Done done_;
  api::Client client_;
  Timer timer_;
  std::vector<std::string> parts_;  // of the data, each with its name
};

}  // namespace genpro::job
