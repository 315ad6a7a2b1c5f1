// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The service of a simulated history behind a real HTTP server on loopback. What is answered to
// which request at which time is decided by service.h; its time is the boot clock, which goes
// faster here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "ledger/store/clock.h"
#include "simulation/choices.h"
#include "simulation/laws.h"
#include "simulation/service.h"
#include "support/http_origin.h"

namespace genpro::simulation {

inline Millis clock_time() {
  return ledger::clock_now().up;
}

// One request, and what came back for it as it was on the wire. Times are the boot clock's.
struct Exchange {
  enum class What { cell, post, poll, stop } what = What::cell;
  int run = 0;
  std::string key;  // of a POST
  std::string id;   // of a question about a generation
  Millis came_at = 0;
  Millis answered_at = never;  // never: nothing was sent
  Reply reply;
};
std::string describe(const Exchange& exchange);
// What the client has to make of it.
payment::Answer understand(const Exchange& exchange);

// Something that happens to a run while its request is under way.
struct Trap {
  enum class Kind {
    none,
    kill,         // its process dies: what is on its way goes on
    kill_unsent,  // it dies before the request has left
    drop,         // the run is given up, without a shutdown
    leave,        // its user shuts down
  } kind = Kind::none;
  int request = 0;  // which one; a later one when several are under way then
};

class WireService {
 public:
  WireService(const Laws& laws, std::uint64_t seed);
  WireService(const WireService&) = delete;
  WireService& operator=(const WireService&) = delete;

  std::string api_base() const { return origin_->url() + "/v1"; }
  // Who asks with the key "run" and the number. `trapped` is called in the server's thread, before
  // anything is answered.
  void begin_run(int run, int wish, const Trap& trap, std::function<void()> trapped);
  // The request that is in the trap is answered now.
  void let_go(int run);
  void add_stranger(Millis after);
  void note_delivery(int wish);

  std::vector<Exchange> exchanges(int run) const;
  // When the run's request came that is in the trap.
  Millis trapped_at(int run) const;
  // When what is on its way has arrived.
  void finish();
  // What must not be: a second charge, a stranger's job stopped.
  std::vector<std::string> violations() const;
  // Whether what was asked for with the key may be charged, or cannot be, at the time.
  bool may_be_charged(const std::string& key, Millis at) const;
  bool was_charged(const std::string& key) const;
  unsigned charges() const;
  unsigned excused() const { return excused_; }

 private:
  struct Run {
    int wish = 0;
    Millis began_at = 0;
    Trap trap;
    std::function<void()> trapped;
    bool is_trapped = false;
    Millis trapped_at = never;
    bool is_dead = false;
    bool may_go = false;
    std::function<void()> held;  // the answer that waits for let_go()
    std::vector<std::size_t> exchanges;
    std::set<std::string> stopped;  // ids
  };
  // Who pays: one key, one payment.
  struct Payer {
    int wish = 0;
    Millis began_at = 0;
    bool had_empty_look = true;  // the cell's, before the latest POST
    bool was_blind = false;      // it was empty again: nothing shows that this may be false
  };

  test::Answer answer(const test::Seen& seen);
  test::Answer answer_post(Run& run, std::size_t number, Millis now);
  test::Answer answer_question(Run& run, std::size_t number, Millis now);
  static test::Answer on_wire(const Exchange& exchange, const std::shared_ptr<test::Gate>& gate);
  bool is_sprung(const Run& run) const;
  void release(Run& run, std::size_t number, Millis due, std::function<void()> go);
  void take(int sent);
  void check_charge(const Service::Generation& charged);
  bool is_excused(const Service::Generation& generation) const;
  Origin origin_of(const std::string& key, const Run& run);
  Millis now() const;
  // In the server's thread only.
  static void later(Millis delay, std::function<void()> action);

  mutable std::mutex mutex_;
  const Laws laws_;
  Choices choices_;
  Service service_;
  const Millis begun_;
  std::map<int, Run> runs_;
  std::vector<Exchange> exchanges_;
  std::vector<Millis> strangers_;  // still to come
  std::map<std::string, Origin> origins_;
  std::vector<Payer> payers_;
  std::map<int, Millis> delivered_;  // wishes
  std::vector<bool> taken_;
  std::vector<std::string> violations_;
  unsigned excused_ = 0;
  std::unique_ptr<test::HttpOrigin> origin_;
};

}  // namespace genpro::simulation
