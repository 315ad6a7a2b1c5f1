// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <utility>

#include "ledger/errors.h"
#include "ledger/ledger.h"

namespace genpro::ledger {

// Runs a part of the ledger with what it may compute at most. `is_report`: it reads the whole file.
template <typename T, typename Work>
Result<T> Ledger::attempt(bool is_report, Work work) {
  return attempt_on<T>(store_->name(), [&]() -> T {
    constexpr int most_tries = 3;
    for (int tries = 1;; ++tries) {
      store_->begin_call(is_report);
      try {
        return work(store_->database());
      } catch (const std::exception& failure) {
        if (tries == most_tries || !store_->can_retry(failure)) throw;
      }
    }
  });
}

}  // namespace genpro::ledger
