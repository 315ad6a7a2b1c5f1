// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger on a PostgreSQL server, in the schema `genpro` of a database.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "ledger/postgresql/advisory_locks.h"
#include "ledger/postgresql/session.h"
#include "ledger/store/store.h"

namespace genpro::ledger {

class ServerStore : public Store {
 public:
  // Throws ServerFailure, ForeignLedger or LostLedger.
  explicit ServerStore(const std::string& address);

  const std::string& name() const override { return address_; }
  std::string identity() const override { return identity_; }
  sql::Database& database() override { return *session_; }
  const std::shared_ptr<Places>& places() const override { return places_; }
  void begin_call(bool is_report) override;
  // What a commit says was so while the session held its places.
  void check_is_same() override {}
  // Its rows have a trigger that does.
  void check_is_open() override {}
  void hold_still() override;
  std::int64_t last_number() override;
  void go_on_behind(std::int64_t last) override;
  bool can_retry(const std::exception& failure) override;
  WallTime now() override;
  void lock_agent(const std::string& agent_id) override;
  void keep_number(std::int64_t id) override;
  void complete_older_rows() override {}
  std::vector<std::string> damages() override { return {}; }
  void allow_loss(bool is_allowed) noexcept override;
  void prepare_to_exit() override { may_wait_ = false; }
  bool is_shared() const override { return true; }

 private:
  void connect();

  const std::string address_;
  const pid_t process_;
  const std::shared_ptr<Session> session_;
  const std::shared_ptr<AdvisoryLocks> locks_;
  const std::shared_ptr<Places> places_;
  std::string identity_;  // of the ledger, whichever server has it
  std::optional<std::chrono::steady_clock::time_point> failed_at_;
  std::string failure_;
  bool may_wait_ = true;
};

// Whether one was made there; nothing is changed. Throws ServerFailure or ForeignLedger.
bool has_ledger(const std::string& address);
bool has_ledger(Session& session);

// Creates what is missing, by one of all that begin at once. Returns which ledger it is.
std::string prepare_schema(Session& session);

}  // namespace genpro::ledger
