// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the driver decides with. A deliberate mistake replaces a part of it.
#pragma once

#include "payment/payment.h"
#include "simulation/service.h"

namespace genpro::simulation {

// What a driver can get wrong by itself.
enum class Slip {
  none,
  posts_before_it_persists,
  posts_without_the_cell,
  forgets_to_wait_in_take_up,
  tells_no_later_looks,
  dates_looks_by_posts,
  tells_no_rivals,
  notes_a_delivery_that_failed,
  stops_after_an_error,
  leaves_locks_to_its_child,
  writes_to_a_removed_ledger,
  takes_old_data,
  measures_by_the_wall,
  forgets_boots,
  overwrites_who_is_further,
  pays_again_in_doubt,
  posts_with_a_lost_place,
  stops_with_a_lost_place,
  takes_unknown_for_done,
  inserts_again,
  forgets_lost_rows,
  trusts_numbers,
  posts_after_a_suspension,
  dates_posts_by_intentions,
  keeps_a_lost_cell,
  tells_no_likely_of_others,
  takes_clocks_for_its_own,
  takes_looks_for_later,
};

struct Mind {
  payment::Step (*step)(const payment::Policy&, const payment::State&, const payment::Event&,
                        const payment::Now&) = payment::step;
  bool (*can_serve)(const payment::State&, payment::Reuse, payment::ServiceData,
                    bool) = payment::can_serve;
  payment::Millis (*wait_for_others)(const payment::State&,
                                     const payment::Now&) = payment::wait_for_others;
  std::optional<double> (*expense)(const payment::State&, std::optional<double>,
                                   std::optional<double>) = payment::expense;
  payment::Answer (*understand)(const Reply&) = simulation::understand;
  Slip slip = Slip::none;
};

}  // namespace genpro::simulation
