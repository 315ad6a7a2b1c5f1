// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is promised, checked against what is true. Each throws Broken.
#pragma once

#include <string>
#include <vector>

#include "simulation/driver.h"

namespace genpro::simulation {

class Invariants {
 public:
  explicit Invariants(const Driver& driver) : driver_(driver) {}

  // ---- At a moment ----
  // A POST is about to leave.
  void may_post(const Run& run) const;
  // A generation was charged for a row's POST. A second one is excused, or Broken is thrown.
  enum class Charge { first, excused, forgotten };
  Charge may_charge(int generation) const;
  // A stop is about to leave, or has stopped a generation.
  void may_stop(const Run& run) const;
  void has_stopped(const Run& run, int generation) const;
  // A row is about to be written.
  void may_write(const Run& run, const payment::Persist& note) const;
  void is_written_anew(const Run& run) const;
  // A run takes up an earlier payment.
  void may_take(const Run& run, const Row& row) const;
  // A user has shut a run down that nobody else follows.
  void is_to_be_stopped(const Run& run) const;
  // All actions of a step were carried out.
  void is_written(const Run& run) const;
  // A generation is about to be followed as likely its own, by a listing.
  void is_likely(const Run& run) const;
  void has_delivered(const Run& run) const;
  // A run ends its payment, or ends.
  void may_end(const Run& run, payment::End::Kind kind) const;
  void has_ended(const Run& run) const;
  // A run waits for a lock.
  void may_be_busy(int holder) const;

  // ---- When nothing is under way any more ----
  void is_nothing_lost() const;
  void do_rows_explain_their_money() const;

 private:
  void holds_limit(const Ledger& ledger) const;
  bool is_gone(const Run& run, const Service::Generation& generation) const;
  bool is_unknowable(const Service::Generation& generation) const;
  bool is_excused(const Service::Generation& generation) const;
  bool was_forgotten(const Row& row, const Row& other, const Service::Generation& its) const;
  bool are_one_wish(const Row& one, const Row& other, const Ledger& ledger) const;
  const Row* row_of(Origin origin, const Ledger** ledger = nullptr) const;
  const Driver& driver_;
};

}  // namespace genpro::simulation
