// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/postgresql/failure.h"
#include "ledger/postgresql/library.h"
#include "ledger/store/sql.h"

namespace genpro::ledger {

// One connection to a PostgreSQL server, and what is prepared on it. It ends with the first failure
// of the way there; what was held by it is free then.
//
// Each question ends within the time that is allowed, whatever becomes of the network; connecting
// takes what libpq takes, 5 seconds a host unless the address says otherwise. Threads: one at a
// time.
class Session : public sql::Database {
 public:
  explicit Session(std::string address) : address_(std::move(address)), process_(getpid()) {}
  // In a forked child the connection stays as it is.
  ~Session() override;

  bool is_open() const { return connection_ != nullptr; }
  // Throws ServerFailure, ForeignLedger.
  void connect();
  void close() noexcept;
  void allow(std::chrono::milliseconds time) { time_ = time; }

  std::unique_ptr<sql::Cursor> prepare(std::string_view sql) override;
  const sql::Words& words() const override;
  payment::Moment local(const payment::Moment& moment, std::int64_t unchanged_ms) override;
  void begin() override;
  void commit() override;
  void roll_back() noexcept override;
  std::int64_t changes() const override { return changes_; }
  // Statements without values.
  void execute(const std::string& sql);

 private:
  friend class ServerCursor;
  struct Value {
    unsigned type;  // the server's number of it
    bool is_null;
    std::string text;
  };
  pq::Result ask(const std::string& sql, const std::vector<Value>& values);
  void send(bool is_queued, std::chrono::steady_clock::time_point deadline);
  pq::Result next_result(std::chrono::steady_clock::time_point deadline);
  pq::Result finish_sending(bool is_queued);
  pq::Result finish_pipeline(bool is_queued);
  void wait(bool for_writing, std::chrono::steady_clock::time_point deadline);
  [[noreturn]] void lose(const std::string& reason);
  void check(const pq::Result& result);

  const std::string address_;
  const pid_t process_;
  pq::Connection connection_;
  int watched_ = -1;  // its socket's place among those that a forked child closes
  std::map<std::string, std::string> prepared_;  // names, by text and types
  unsigned statements_ = 0;                      // that were given a name
  std::chrono::milliseconds time_{10'000};
  bool is_in_transaction_ = false;
  bool must_begin_ = false;  // BEGIN leaves together with the first statement
  // What has been read of other machines' times, by boot and time.
  std::map<std::pair<std::string, std::int64_t>, payment::Moment> times_;
  std::int64_t changes_ = 0;
};

}  // namespace genpro::ledger
