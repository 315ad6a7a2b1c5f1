// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace genpro::ledger {

// What the server or the way to it answers. `sqlstate` is empty when the connection failed.
class ServerFailure : public std::runtime_error {
 public:
  ServerFailure(std::string sqlstate, const std::string& reason)
      : std::runtime_error(reason), sqlstate_(std::move(sqlstate)) {}
  const std::string& sqlstate() const { return sqlstate_; }
  bool is_connection() const;
  // Two transactions were in each other's way: the same again may succeed.
  bool is_conflict() const;
  bool is_denied() const { return sqlstate_ == "42501"; }
  bool is_read_only() const { return sqlstate_ == "25006"; }
  // By the trigger of the ledger's rows; the reason is Transfer::moved_to, or `filled_from`.
  bool is_moved() const { return sqlstate_ == "GPM01"; }
  bool is_being_filled() const { return sqlstate_ == "GPM02"; }
  bool is_full() const { return sqlstate_ == "53100"; }

 private:
  std::string sqlstate_;
};

}  // namespace genpro::ledger
