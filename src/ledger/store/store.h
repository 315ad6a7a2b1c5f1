// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a ledger is kept: a SQLite file of this machine, or a PostgreSQL server that many share.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "ledger/store/clock.h"
#include "ledger/store/places.h"
#include "ledger/store/sql.h"

namespace genpro::ledger {

// It is of a program that knows more than this one, of another program altogether, or on a network
// file system.
class ForeignLedger : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// It is not the one that was opened, this is not the process that opened it, or what this process
// held there is not its own any more.
class LostLedger : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Nothing may be paid for with it: see store/transfer.h.
class MovedLedger : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The connection that held a place has ended before what needs it was done.
class LostPlace : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Threads: one at a time.
class Store {
 public:
  virtual ~Store() = default;

  // For people; holds no password.
  virtual const std::string& name() const = 0;
  // The same for all who have it open, and for no other one at the same time.
  virtual std::string identity() const = 0;
  virtual sql::Database& database() = 0;
  virtual const std::shared_ptr<Places>& places() const = 0;

  // Before each call: whether this process may use it, and what the call may take at most.
  // `is_report`: it reads all of it. Throws LostLedger.
  virtual void begin_call(bool is_report) = 0;
  // Whether it is still the one that was opened, for what is about to be paid. Throws LostLedger.
  virtual void check_is_same() = 0;
  // Whether the same call may succeed if it is made again at once.
  virtual bool can_retry(const std::exception& /*failure*/) { return false; }
  // By machines. Then a fail-over of its server may take away what was committed.
  virtual bool is_shared() const { return false; }

  // In the transaction that notes what is about to be paid. Throws MovedLedger.
  virtual void check_is_open() = 0;

  // For who copies all of it. In a transaction that has just begun: until its end nobody else
  // writes, and what is read is of one moment.
  virtual void hold_still() = 0;
  // The highest number that a row ever had; 0: there was none.
  virtual std::int64_t last_number() = 0;
  // All rows were written with their numbers: new ones go on behind those, and behind `last`.
  virtual void go_on_behind(std::int64_t last) = 0;

  // A row got this number, which is none for another one.
  virtual void keep_number(std::int64_t /*id*/) {}
  // By the clock that sql::Words::asked_at goes by.
  virtual WallTime now() { return wall_clock_now(); }
  // In a transaction: until its end nobody else counts or spends for the agent.
  virtual void lock_agent(const std::string& agent_id) = 0;
  // Rows that a process of an older version has written get what it did not know of.
  virtual void complete_older_rows() = 0;
  // What is wrong with the storage itself, a line each.
  virtual std::vector<std::string> damages() = 0;
  // Until it is called with false, a power cut may take away what is written.
  virtual void allow_loss(bool is_allowed) noexcept = 0;
  // What comes now is the last that is written, and is to take as little time as can be.
  virtual void prepare_to_exit() = 0;
};

// Creates what is missing, and brings an older one up to date.
std::unique_ptr<Store> open_store(const std::string& ledger, int busy_timeout_ms);

}  // namespace genpro::ledger
