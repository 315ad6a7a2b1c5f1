// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Finds out from the ledger what is to be done about a request, and waits for its turn.
#pragma once

#include <functional>
#include <memory>

#include "base/random.h"
#include "base/threads/runtime.h"
#include "job/ledger_thread.h"
#include "ledger/ledger.h"

namespace genpro::job {

struct ClaimSettings {
  ledger::Identity identity;
  payment::Reuse reuse = payment::Reuse::in_flight;
  ledger::PassedOver passed_over;
  ledger::Limits limits;
  bool pays_once = false;  // see JobSettings
  ledger::Waiting waiting;
};

// Belongs to the runtime thread. Destroying it ends it.
class Claiming {
 public:
  // Claim::Kind::take or create, or the error of a ledger that cannot be used or whose limit is
  // reached: nothing was sent.
  using Done = std::function<void(Result<ledger::Claim>)>;
  // Another run has had a request under way for a while, on the same cell or for the same video.
  using Waits = std::function<void()>;

  Claiming(Runtime& runtime, const std::string& ledger, ClaimSettings settings, Waits waits,
           Done done);
  Claiming(const Claiming&) = delete;
  Claiming& operator=(const Claiming&) = delete;

 private:
  void claim();
  void on_claim(ledger::Claim claim);
  void look_again(std::chrono::milliseconds least, std::chrono::milliseconds most);
  void wake();
  void finish(Result<ledger::Claim> claim);

  const std::weak_ptr<Runtime> runtime_;
  LedgerClient ledger_;
  ClaimSettings settings_;
  Done done_;
  // While another process asks for the same, its row is followed, so that nobody stops it.
  ledger::LifeLock presence_;
  Timer timer_;
  Timer waiting_timer_;
  int looks_ = 0;
  bool is_waiting_ = false;  // for the next look
  bool is_woken_ = false;    // while it looked
  const std::shared_ptr<char> here_ = std::make_shared<char>();
  Random random_;
};

}  // namespace genpro::job
