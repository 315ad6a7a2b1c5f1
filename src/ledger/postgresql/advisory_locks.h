// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "ledger/postgresql/session.h"
#include "ledger/store/places.h"

namespace genpro::ledger {

// The places of a ledger on a server: advisory locks of its session. What the session commits was
// committed while it held them, and the server gives them back with the connection.
//
// With a new connection a place that was shared is taken again. One that was held alone is not:
// somebody else may have had it in between, so that it is lost for good (is_lost()).
//
// Threads: places are taken on the thread that uses the session, and given back on any.
class AdvisoryLocks : public Places {
 public:
  explicit AdvisoryLocks(std::shared_ptr<Session> session);

  // On the session's thread: what was given back meanwhile goes to the server.
  void send_given_back();
  // The session has a new connection.
  void take_again();

  std::vector<std::int64_t> held_by_others(std::size_t most) override;
  bool is_lost(std::int64_t place) override;
  void when_given_back(std::function<void()> wake) override;

 private:
  struct State {
    std::map<std::int64_t, Mode> held;  // as the server has it
    std::vector<std::pair<std::int64_t, Mode>> given_back;
    std::set<std::int64_t> lost;
    std::function<void()> wake;
  };

  bool set(std::int64_t place, Mode mode) override;
  void give(std::int64_t place, Mode mode) noexcept override;
  bool is_slow() const override { return true; }
  bool is_held_by_others(std::int64_t place) override;
  bool is_inherited() const override;
  bool ask(const char* function, std::int64_t place);

  const std::shared_ptr<Session> session_;
  const pid_t process_;
  Guarded<State> state_;
};

}  // namespace genpro::ledger
