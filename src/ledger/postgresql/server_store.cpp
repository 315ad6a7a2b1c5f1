// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/postgresql/server_store.h"

#include <unistd.h>

#include "base/text.h"
#include "ledger/store/address.h"

namespace genpro::ledger {

namespace {

using namespace std::chrono_literals;

constexpr auto usual_time = 10s;
constexpr auto report_time = 300s;
constexpr auto exit_time = 200ms;
// A server that could not be reached is not asked again by each of many calls.
constexpr auto pause = 1s;

void check_address(const std::string& address) {
  if (!has_password(address)) return;
  throw ForeignLedger(
      "its address holds a password, which would be shown with it; have it in PGPASSWORD or in "
      "the file that PGPASSFILE names");
}

}  // namespace

ServerStore::ServerStore(const std::string& address)
    : address_(address),
      process_(getpid()),
      session_(std::make_shared<Session>(address)),
      locks_(std::make_shared<AdvisoryLocks>(session_)),
      places_(locks_) {
  check_address(address);
  connect();
}

bool has_ledger(const std::string& address) {
  check_address(address);
  Session session(address);
  session.connect();
  return has_ledger(session);
}

void ServerStore::connect() {
  if (failed_at_ && std::chrono::steady_clock::now() < *failed_at_ + pause) {
    throw ServerFailure("", failure_);
  }
  if (!may_wait_) throw ServerFailure("", "there is no time left to connect");
  try {
    session_->allow(usual_time);
    session_->connect();
    const std::string identity = prepare_schema(*session_);
    if (!identity_.empty() && identity != identity_) {
      throw LostLedger("another ledger answers at its address now");
    }
    identity_ = identity;
    locks_->take_again();
    failed_at_.reset();
  } catch (const ServerFailure& failure) {
    session_->close();  // what it holds is not known
    failed_at_ = std::chrono::steady_clock::now();
    failure_ = failure.what();
    throw;
  } catch (...) {
    session_->close();
    throw;
  }
}

void ServerStore::begin_call(bool is_report) {
  if (getpid() != process_) {
    throw LostLedger("it was opened by the process that this one was forked from");
  }
  if (!session_->is_open()) connect();
  session_->allow(!may_wait_  ? std::chrono::milliseconds(exit_time)
                  : is_report ? report_time
                              : usual_time);
  try {
    locks_->send_given_back();
  } catch (const ServerFailure&) {
    if (session_->is_open()) throw;
    connect();
  }
}

bool ServerStore::can_retry(const std::exception& exception) {
  const auto* failure = dynamic_cast<const ServerFailure*>(&exception);
  return failure != nullptr && may_wait_ && (failure->is_connection() || failure->is_conflict());
}

void ServerStore::lock_agent(const std::string& agent_id) {
  // Beside those of places, which have one number each.
  session_->run("SELECT pg_advisory_xact_lock(1735289198, hashtext(?))", plain_id(agent_id));
}

void ServerStore::keep_number(std::int64_t id) {
  // Never back: rows of others that are not committed yet have numbers as well.
  session_->run(
      "SELECT setval(pg_get_serial_sequence('genpro.generations', 'id'), number) FROM "
      "(SELECT greatest(?, (SELECT max(id) FROM generations)) AS number) AS its, "
      "genpro.generations_id_seq WHERE last_value < number OR NOT is_called",
      id);
}

// No question may come before the lock: what is read is as it was at the first one.
void ServerStore::hold_still() {
  session_->execute(
      "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; "
      "LOCK TABLE ledger, generations, history, assets, files, batch_rows IN EXCLUSIVE MODE; "
      "SET LOCAL idle_in_transaction_session_timeout TO '10min'");
}

std::int64_t ServerStore::last_number() {
  return session_
      ->integer(
          "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM genpro.generations_id_seq")
      .value();
}

void ServerStore::go_on_behind(std::int64_t last) {
  if (last > 0) keep_number(last);
  session_->run(
      "SELECT setval(pg_get_serial_sequence('genpro.files', 'rowid'), max(rowid)) FROM files "
      "HAVING max(rowid) > 0");
}

WallTime ServerStore::now() {
  return session_->integer("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").value();
}

void ServerStore::allow_loss(bool is_allowed) noexcept {
  if (!session_->is_open()) return;
  try {
    session_->execute(is_allowed ? "SET synchronous_commit TO off"
                                 : "SET synchronous_commit TO DEFAULT");
  } catch (const std::exception&) {
    // The next one would meet with it as well.
    session_->close();
  }
}

}  // namespace genpro::ledger
