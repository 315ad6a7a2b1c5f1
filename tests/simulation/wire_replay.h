// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What payment::step() would have asked for, given what a run of the real driver was answered. When
// the driver heard an answer is only known to lie between two requests, so that all that may be are
// followed, and those that contradict what came at the service are dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "payment/payment.h"
#include "simulation/wire_service.h"

namespace genpro::simulation {

struct WireRow {
  std::int64_t id = 0;
  int wish = 0;
  payment::State state;
  std::string key;  // of its POSTs
  // What the cell held before its latest request.
  std::optional<std::vector<std::string>> looked_jobs;
  payment::Moment looked;
  bool operator==(const WireRow&) const = default;
};

// The state without what is told to people, and without times.
payment::State bare(payment::State state);

struct WireWish {
  int wish = 0;
  payment::Policy policy;
  payment::Reuse reuse = payment::Reuse::in_flight;
  bool stops = true;
};

class WireReplay {
 public:
  using End = payment::End::Kind;

  // `rows`: what the ledger has when the run begins.
  WireReplay(std::vector<WireRow> rows, WireWish wish, Millis began_at);

  // ---- In the order in which it happened ----
  void ask(const Exchange& exchange);
  void time_out(Millis at);
  void leave(Millis at);
  // It is given up: with an answer that it may have heard, or not.
  void drop(Millis at);
  void kill(Millis at);
  // It has told its end. What ended otherwise is dropped.
  using Told = std::function<bool(End, const payment::State&)>;
  void end(Millis at, const Told& is_told);
  // What sends the stops of others may have come further by then.
  void rest(Millis at);
  void deliver();
  // The ledger has these rows now. Those that hold others are dropped.
  void compare(const std::vector<WireRow>& rows);

  // Whether nothing that may be is left: model and driver have drifted apart.
  bool is_refuted() const { return paths_.empty(); }
  const std::string& refuted_by() const { return refuted_by_; }
  // Of one that is possible: its rows, and its own. With the looks that a ledger does not show.
  std::vector<WireRow> rows() const { return paths_.front().rows; }
  std::string key() const;  // of the run's payment; empty: it has none
  payment::Evidence evidence() const;
  // What the model did, for people.
  std::string log() const;

 private:
  enum class Waits { nothing, cell, post, poll, stop, wake };

  // What carries a payment: the run itself, or what sends the stops that earlier ones owe.
  struct Payment {
    int row = -1;
    payment::State state;
    Waits waits = Waits::nothing;
    bool is_begun = false;
    bool has_cell = false;
    std::optional<Exchange> heard;  // answered, and not yet told to the machine
    std::optional<End> end;
  };
  struct Path {
    std::vector<WireRow> rows;
    Payment main;
    Payment stops;  // of earlier runs
    std::set<int> passed_over;
    int given_back = -1;  // row that the run had, and has to claim anew
    Millis heard_at = 0;  // the latest answer to the run was sent
    bool is_leaving = false;
    bool has_ended = false;  // told its user so
    std::string log;
  };

  bool begin(Path& path, Millis now) const;
  bool begin_stop(Path& path, int row, Millis now) const;
  void feed(Path& path, bool is_main, const payment::Event& event, Millis now) const;
  void persist(Path& path, bool is_main) const;
  std::vector<Path> heard(const Path& path, bool is_main, Millis until) const;
  void hear_all(Millis until, bool may_be_unheard);
  payment::Event event_of(const Path& path, bool is_main, Millis asked) const;
  static bool matches(const Payment& payment, const Exchange& exchange);
  void merge(std::vector<Path> paths, const std::string& why);
  payment::Now moment(Millis up) const;

  const WireWish wish_;
  std::string boot_;
  Millis latest_ = 0;
  std::vector<Path> paths_;
  std::string refuted_by_;
  std::string refuted_log_;
};

}  // namespace genpro::simulation
