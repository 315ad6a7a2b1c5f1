// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The sums of the ledger over HTTP.
#pragma once

#include <chrono>
#include <string>

#include "base/guarded.h"
#include "cli/serve/message.h"

namespace genpro::cli {

// Reading a large ledger takes seconds, so that a page, or why there is none, is given again for a
// while. Threads: any; who asks while it is made waits for that.
class MetricsPage {
 public:
  // `ledger`: as Ledger::open() has it. Throws HttpError.
  Response response(const std::string& ledger);

 private:
  struct Kept {
    std::string text;
    std::string failure;  // of the latest try; empty: there was none
    std::chrono::steady_clock::time_point until;
  };
  Guarded<Kept> kept_;
};

}  // namespace genpro::cli
