// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger's file as it was opened, and whether it is still that one: a file that was removed or
// replaced is another ledger to everybody else, and each would pay for itself.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "base/sqlite.h"
#include "ledger/file/lock_file.h"
#include "ledger/file/sqlite_sql.h"
#include "ledger/store/store.h"

namespace genpro::ledger {

class FileStore : public Store {
 public:
  // What open_ledger_file() has found.
  struct Opened {
    std::string path;   // absolute, without symbolic links
    std::string asked;  // absolute, as it was asked for
    pid_t process = 0;
    std::shared_ptr<LockFile> locks;
    std::unique_ptr<SqliteDatabase> database;
    FileId file, log, index;  // the database, its write-ahead log and the index of that
  };
  explicit FileStore(Opened opened, int busy_timeout_ms);
  // In a forked child the connection stays as it is.
  ~FileStore() override;

  const std::string& name() const override { return opened_.path; }
  // Machines may have files of the same name.
  std::string identity() const override { return clock_now().boot + ":" + opened_.path; }
  sql::Database& database() override { return *opened_.database; }
  const std::shared_ptr<Places>& places() const override { return places_; }
  void begin_call(bool is_report) override;
  void check_is_same() override;
  void check_is_open() override;
  void hold_still() override;
  std::int64_t last_number() override;
  void go_on_behind(std::int64_t last) override;
  // A transaction has the whole file.
  void lock_agent(const std::string& /*agent_id*/) override {}
  void complete_older_rows() override;
  std::vector<std::string> damages() override;
  void allow_loss(bool is_allowed) noexcept override;
  void prepare_to_exit() override;

 private:
  sqlite::Database& connection() { return opened_.database->connection(); }
  bool is_inherited() const;

  const Opened opened_;
  const std::shared_ptr<Places> places_;
  const int busy_timeout_ms_;
};

// Nothing when there is no such file.
std::optional<FileId> file_id(const std::string& path);

// What the type of a file system is called, if other machines may write to it at the same time, or
// that cannot be told. `type` is statfs()'s; `name` is the one in the list of mounts, which tells
// what is behind FUSE.
std::optional<std::string> network_name(long type, const std::string& name);
// Throws ForeignLedger when the file or folder is on a network.
void check_is_local(const std::string& path);

}  // namespace genpro::ledger
