// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace genpro::ledger {

// Which file it is, whatever its name.
struct FileId {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const FileId&) const = default;
};

// The descriptor of a file that is locked. Its locks belong to what it describes, which a forked
// child shares: they would outlive their process in a child that only sleeps. So a child gives up
// its copies while it is made, before fork() returns.
//
// Threads: any.
class LockDescriptor {
 public:
  // Creates the file, mode 0600. Throws std::system_error.
  explicit LockDescriptor(const std::string& path);
  ~LockDescriptor();
  LockDescriptor(const LockDescriptor&) = delete;
  LockDescriptor& operator=(const LockDescriptor&) = delete;

  int get() const;            // -1 in a forked child
  bool is_inherited() const;  // this is a forked child
  const FileId& file() const { return file_; }

  // Whether a process that this one was forked from had the file open then. SQLite takes locks for
  // its own that were its parent's, so that the child must not open the database beside it.
  static bool is_inherited(const FileId& file);

 private:
  std::size_t slot_ = 0;
  FileId file_;
};

}  // namespace genpro::ledger
