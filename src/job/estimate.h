// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a request is expected to cost: the service's word, else what this ledger has paid.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/prices/price_client.h"
#include "api/resources/resource_client.h"
#include "base/backoff.h"
#include "job/ledger_thread.h"
#include "ledger/identity/identity.h"

namespace genpro::job {

struct Estimate {
  enum class Source { service, ledger, unknown } source = Source::unknown;
  std::optional<double> credits;  // never 0, which may stand for a price that is not known
  std::string reason;             // why the service has not said it; a sentence or two
  std::optional<Error> denied;    // the service does not accept the key
  bool is_retryable = false;      // it may say it later
};

// Belongs to the runtime thread. Destroying it ends it.
class EstimateRequest {
 public:
  // A run waits for it.
  static constexpr std::chrono::milliseconds longest_wait{10'000};
  static constexpr std::chrono::milliseconds longest_optional_wait{2'000};

  struct Settings {
    api::Access access;
    std::chrono::milliseconds silence;
    std::string ledger;  // path; empty: none is kept
    api::GenerationRequest request;
    bool is_bare = false;      // without the ingredients
    bool asks_service = true;  // else it is what the ledger has paid
    // Nothing depends on it: it is asked for once, and not waited for as long.
    bool is_optional = false;
    ledger::Identity identity;
  };
  using Done = std::function<void(Estimate)>;

  // `done` is called once, not from within the constructor, and may destroy the object.
  EstimateRequest(Runtime& runtime, Settings settings, Done done);
  EstimateRequest(const EstimateRequest&) = delete;
  EstimateRequest& operator=(const EstimateRequest&) = delete;

  // The same for a program that has nothing else to do: waits until it is done.
  static Estimate run(Settings settings);

 private:
  void find_frames();
  void ask_service();
  void on_failure(const api::Failure& failure);
  void ask_ledger(std::string reason);
  void finish(Estimate estimate);

  const ledger::Identity identity_;
  const api::GenerationRequest request_;
  api::KnownAssets assets_;
  const bool is_optional_;
  Done done_;
  LedgerClient ledger_;
  api::ResourceClient resources_;
  api::PriceClient client_;
  Timer deadline_;
  Timer pause_;
  Backoff backoff_;
  std::string failure_text_;  // of the latest try
  std::optional<Error> denied_;
  bool is_retryable_ = false;
};

}  // namespace genpro::job
