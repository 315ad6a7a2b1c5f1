// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledger/file/lock_descriptor.h"
#include "ledger/store/places.h"

namespace genpro::ledger {

// A file whose bytes stand for the places; only locked, never written. Open file description locks
// are used: unlike POSIX record locks they survive another part of the program opening and closing
// the same file, and the kernel gives them back.
//
// Threads: any; nothing waits.
class LockFile : public Places {
 public:
  // Who sets the ledger up, or removes it, has this one.
  static constexpr std::int64_t setup_place = 0;
  // Creates the file, mode 0600. Throws std::system_error.
  static std::shared_ptr<LockFile> open(const std::string& path);
  explicit LockFile(const std::string& path) : descriptor_(path) {}
  const FileId& file() const { return descriptor_.file(); }
  std::vector<std::int64_t> held_by_others(std::size_t most) override;

 private:
  bool set(std::int64_t place, Mode mode) override;
  void give(std::int64_t place, Mode mode) noexcept override { set(place, mode); }
  bool is_held_by_others(std::int64_t place) override;
  bool is_inherited() const override { return descriptor_.is_inherited(); }

  const LockDescriptor descriptor_;
};

}  // namespace genpro::ledger
