// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Asking the service to stop generations.
#pragma once

#include <string>
#include <vector>

#include "api/client.h"
#include "job/bookkeeper.h"
#include "job/ledger.h"

namespace genpro::job {

// Asks for the generation's end, and where the service does not simply say yes, how it stands: it
// may have ended before. A generation that is still unfinished then cannot be stopped. Not called
// back once `client` is cancelled; belongs to the runtime thread.
void stop_generation(api::Client& client, const std::string& id, api::Client::Done done);

// Sends the stop requests that earlier runs could not send, one after the other. Belongs to the
// runtime thread; what it does ends with it.
class StopSweep {
 public:
  StopSweep(Runtime& runtime, LedgerDesk& desk, const api::Access& access,
            std::chrono::milliseconds silence);
  StopSweep(const StopSweep&) = delete;
  StopSweep& operator=(const StopSweep&) = delete;
  void start();

 private:
  void next();

  LedgerDesk& desk_;
  const std::string base_url_;
  api::Client client_;
  std::vector<Ledger::Held> rows_;
};

}  // namespace genpro::job
