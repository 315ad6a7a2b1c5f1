// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/reports/charge.h"

#include <algorithm>

namespace genpro::ledger {

const payment::Meaning* meaning_of(std::string_view status) {
  const auto all = payment::meanings();
  const auto found = std::ranges::find(all, status, &payment::Meaning::word);
  return found != all.end() ? &*found : nullptr;
}

std::optional<Charge> charge_of(const payment::Meaning& meaning, std::string_view credit) {
  const bool has_not_left = meaning.is_unfinished && meaning.charged == payment::Charged::no;
  if (!meaning.counts || has_not_left) return std::nullopt;
  // As payment::charged().
  const bool is_free = credit.empty() ? meaning.charged == payment::Charged::no
                                      : credit == "refunded" || credit == "not_charged";
  if (is_free) return Charge::refunded;
  if (meaning.is_unsettled) return Charge::in_doubt;
  const bool is_unproven =
      !meaning.is_unfinished && credit.empty() && meaning.charged == payment::Charged::unknown;
  return is_unproven ? Charge::refund_unproven : Charge::charged;
}

}  // namespace genpro::ledger
