// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the API answered, as the payment core takes it.
#pragma once

#include "api/client.h"
#include "payment/payment.h"

namespace genpro::job {

// `access`: the API's, whose key an answer may repeat and which must not get into the ledger.
payment::Answer facts_of(const api::Generation& generation, const api::Access& access);
payment::Answer facts_of(const api::Failure& failure);
// For an answer to a request for a generation: one that cannot be read may be no GEN API's at all,
// so that asking again does not help.
payment::Answer facts_of_post(const api::Failure& failure);

}  // namespace genpro::job
