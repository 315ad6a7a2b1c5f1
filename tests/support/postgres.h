// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A PostgreSQL server of the test's own, as an ordinary user, on a free port of loopback.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace genpro::test {

class PostgresServer {
 public:
  // Whether there is one to be started.
  static bool is_installed();
  // Makes a new cluster. `is_durable`: what it has committed outlives its being killed. Throws
  // std::runtime_error.
  explicit PostgresServer(bool is_durable = false);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void start();
  // As a power cut would.
  void kill();
  // In good order, with all connections cut.
  void stop();

  int port() const { return port_; }
  // Of a new and empty database, which is named in it.
  std::string new_ledger();
  std::string ledger(const std::string& database, const std::string& role = "genpro") const;
  // As its owner, with psql. Returns what it prints.
  std::string sql(const std::string& database, const std::string& statement) const;

 private:
  std::filesystem::path folder_;
  int port_ = 0;
  pid_t process_ = 0;
  int databases_ = 0;
  bool is_durable_;
};

// The one of this program, made when it is first asked for.
PostgresServer& shared_postgres();

}  // namespace genpro::test
