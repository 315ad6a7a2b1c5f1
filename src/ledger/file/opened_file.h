// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger's file as it was opened, and whether it is still that one: a file that was removed or
// replaced is another ledger to everybody else, and each would pay for itself.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/sqlite.h"
#include "ledger/file/life_lock.h"

namespace genpro::ledger {

// The file is of a program that knows more than this one, of another program altogether, or on a
// network.
class ForeignLedger : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// It is not the file that was opened, or this is not the process that opened it.
class LostLedger : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct OpenedFile {
  std::string path;   // absolute, without symbolic links
  std::string asked;  // absolute, as it was asked for
  pid_t process = 0;
  std::shared_ptr<LockFile> locks;
  std::unique_ptr<sqlite::Database> database;
  FileId file, log, index;  // the database, its write-ahead log and the index of that

  OpenedFile() = default;
  OpenedFile(OpenedFile&&) = default;
  OpenedFile& operator=(OpenedFile&&) = delete;
  // In a forked child the connection stays as it is.
  ~OpenedFile();

  bool is_inherited() const;
  // Throw LostLedger.
  void check_process() const;
  void check_file() const;
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
