// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What rows say of credits, without reading their states: for sums over many of them.
#pragma once

#include <optional>
#include <string_view>

#include "payment/payment.h"

namespace genpro::ledger {

// What has become of the credits of a generation. `refunded`: or never charged.
enum class Charge { charged, in_doubt, refund_unproven, refunded };

// Null: there is no such status.
const payment::Meaning* meaning_of(std::string_view status);

// Nothing: no request has left, or it was refused. `credit`: as the column has it.
std::optional<Charge> charge_of(const payment::Meaning& meaning, std::string_view credit);

}  // namespace genpro::ledger
