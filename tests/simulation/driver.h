// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A model of what drives payments: ledgers, locks, and runs that carry out what payment::step()
// decides, in a world of laws.h. Small enough to be compared with src/job by reading both.
//
//   claim      rows of the same request first, then a new one: under the cell's lock, and only when
//              no other row of the cell is unsettled that a listing could not be told from
//   step       an event goes in, its actions are carried out in order; a process can be killed
//   before
//              any of them
//   persist    what is written is what payment::same_on_disk() compares
//   end        the clip is delivered, or not; the user shuts down, or the process is killed
//   server     a ledger that hosts share: who is alive is told by the connection of each
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "payment/payment.h"
#include "simulation/choices.h"
#include "simulation/laws.h"
#include "simulation/mind.h"
#include "simulation/service.h"
#include "simulation/tally.h"

namespace genpro::simulation {

// A history in which a promise was broken.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The same request is made twice when all of it is the same.
struct Wish {
  int request = 0;
  int cell = 0;
  int data = 0;  // what the service's own data decides about it
  bool operator==(const Wish&) const = default;
};

struct Machine {
  int boots = 0;
  Millis booted_at = 0;
  Millis wall_error = 0;
};

struct Row {
  Origin origin = stranger;
  Wish wish;
  int number = 0;        // which a fail-over may let the ledger give out once more
  payment::State state;  // on disk
  int followers = 0;     // sessions that share its lock
  int owner = -1;        // the session that has its lock alone
  // What the cell held before its latest POST, and when that was seen.
  std::optional<payment::Listed::Look> look;
  std::optional<double> cost;
  Millis created_at = 0;
  Millis changed_at = 0;  // by the server's clock
  bool is_there = true;   // false: a fail-over has lost it

  // What is true, whatever the row says.
  int made_by = -1;              // a run
  bool is_wanted_anew = false;   // its run was told not to look for an earlier one
  bool is_data_known = true;     // its run could read what the service's data is
  Millis asked_at = 0;           // its run began
  Millis delivered_at = never;   // its clip was whole
  bool was_stop_wanted = false;  // a user has shut a run of it down
  bool was_completed = false;
  bool was_blind =
      false;            // the cell was empty, as before the POST: nothing shows that this is false
  Millis begun_at = 0;  // its first run found no other one
  Millis claimed_at = 0;     // by the run that wrote the latest POST
  Millis went_back_at = -1;  // by a fail-over
  // A fail-over has lost a POST of it, until somebody wrote again what he knew of it.
  Millis forgotten_at = never, known_at = never;
  bool is_forgotten() const { return forgotten_at != never && known_at == never; }
  std::string key;                                  // of its first POST
  Millis intended_at = 0;                           // the latest POST was written
  bool was_cell_held = false;                       // by who wrote it
  Millis posted_at = never;                         // and left
  Millis looked_at = 0;                             // the look before it
  std::optional<std::vector<std::string>> before;   // what the cell had before the first one
  std::optional<std::vector<std::string>> lacking;  // a listing that had none that can be its own

  // What the server has had of it, where one may fail over.
  struct Version {
    Millis at = 0;
    payment::State state;
    std::optional<payment::Listed::Look> look;
    std::optional<double> cost;
    Millis intended_at = 0, looked_at = 0;
  };
  std::vector<Version> versions;
};

struct Ledger {
  bool is_shared = false;  // by machines, on a server
  bool is_removed = false;
  std::vector<Row> rows;
  int last_number = 0;
  std::vector<int> cells;  // the session that has the cell's lock, or -1
};

// What holds the locks of a run: its process, or its connection to the ledger's server.
struct Session {
  int run = -1;
  int row = -1;
  bool is_alone = false;
  int cell = -1;
  // Its host cannot be reached by it any more, and may not know that yet.
  bool is_cut = false;
};

// Somebody who wants a clip, and runs a pipeline for it until there is one.
struct Asker {
  int ledger = 0;
  int machine = 0;
  Wish wish;
  payment::Policy policy;
  payment::Reuse reuse = payment::Reuse::in_flight;
  Millis generation_timeout = 30 * minute;
  bool stops_at_exit = true;
  int runs_left = 3;
};

struct Run {
  enum class Stage { waiting, claiming, paying, delivering, ended } stage = Stage::waiting;
  enum class Asked { nothing, post, cell, poll, stop } asked = Asked::nothing;

  int asker = 0;
  int ledger = 0;
  int machine = 0;
  payment::Policy policy;
  bool only_looks = false;  // `genpro ledger reconcile`
  Millis began_at = 0;

  int row = -1;
  payment::State state;    // in memory
  payment::State on_disk;  // what this run knows to be written
  std::vector<int> passed_over;
  int followed = -1;  // the row whose lock it shares
  bool is_alone = false;
  int cell = -1;  // whose lock it has
  int session = -1;
  Millis away_until = 0;      // the ledger's server, for it
  bool is_cell_lost = false;  // another run may have had it in between
  bool is_row_lost = false;
  bool is_unsaved =
      false;  // the ledger could not be written, and holds `on_disk` as far as it knows
  bool could_not_write = false;
  bool was_suspended = false;  // before the POST that is about to leave
  Millis suspended_until = 0;
  bool remembers = false;  // what a fail-over has lost of its row
  Millis claimed_at = 0;
  bool stops_next = false;  // the current step asks to stop
  std::vector<std::pair<payment::Moment, payment::Moment>> moments;  // of other machines, and here
  bool has_unreadable_data = false;
  bool looks_for_its_own = false;  // it has a payment already, which is in doubt

  // What is under way.
  int sent = -1;
  Reply reply;
  payment::Moment asked_at;
  Millis left_at = 0;
  int question = 0, wait = 0;  // counted, so that what is overtaken is told apart
  std::optional<int> heard_cost;
  unsigned failures = 0;
  bool is_overtaken = false;

  // What happens to it.
  int kill_in = -1;  // actions
  bool flow_fails = false;
  bool forks = false;
  Millis prepares_for = 0;  // before it looks into the ledger: it uploads what it needs

  // What is true of it.
  bool is_told_of_doubt = false;
  bool is_told_of_likely = false;
  bool is_leaving = false;
  bool has_timed_out = false;
  bool is_delivered = false;
  std::vector<Millis> denied_at;                  // by the API itself, in a row
  std::optional<std::vector<std::string>> heard;  // the latest whole listing
  Millis not_before = 0;                          // the service has asked it to wait
  bool cell_may_have_it = false;                  // the generation, by the latest reading
};

class Driver {
 public:
  // `log`: where the history is told; may be null.
  Driver(const Mind& mind, Choices& choices, std::string* log);

  // One history, from its beginning until nothing is under way. Throws Broken.
  void run();
  const Tally& tally() const { return tally_; }

 private:
  friend class Invariants;

  struct Due {
    enum class What {
      start,
      claim,
      wake,
      reply,
      take,
      time_out,
      leave,
      left,
      deliver,
      stranger,
      reboot,
      step_wall,
      remove_ledger,
      free_locks,
      catch_up,
      fail_over,
      resume,
    };
    Millis at = 0;
    What what = What::start;
    int whose = 0;
    int number = 0;
  };

  // ---- The plan of a history ----
  void plan();
  void plan_run(int asker, Millis at);
  void after_run(const Run& run);
  void look_over(int ledger, Millis at);

  // ---- Time ----
  void at(Millis when, Due::What what, int whose, int number = 0);
  void happen(const Due& due);
  payment::Now clock(int machine) const;
  payment::Now clock(const Run& run) const { return clock(run.machine); }

  // ---- Claims ----
  void claim(int number);
  bool claim_earlier(int number, bool* is_busy);
  bool claim_to_look(int number);
  Millis wait_for_cell(Run& run, int except);
  bool take_cell(int number, int cell);
  void follow(int number, int row);
  bool take_alone(int number);
  void share(Run& run);
  void release_cell(Run& run);
  void release(Run& run);

  // ---- Connections ----
  int open_session(int number);
  void cut(int number);
  void free_locks(int session);
  // Connects anew where it has to. False: the ledger's server is away.
  bool reach(int number);
  payment::Moment local(Run& run, const payment::Moment& moment, const Row& row);
  payment::Moment look_of(Run& run, const payment::Moment& moment, const Row& row);
  Millis expect_late_post(const Run& run, payment::State& state) const;
  // A row as the run's machine reads it.
  payment::State read(Run& run, const Row& row);
  Session& session_of(const Run& run) { return sessions_[index(run.session)]; }

  // ---- Steps ----
  void feed(int number, const payment::Event& event);
  void carry_out(int number, const payment::Action& action);
  void persist(int number, const payment::Persist& note);
  bool store(int number, const payment::Persist& note);
  void write(int number, const payment::Persist& note);
  bool withdraw_begun(int number);
  void fail_over();
  void keep_version(Row& row);
  void write_anew(int number);
  int row_numbered(const Ledger& ledger, int number) const;
  void end_with_error(int number, const char* why);
  void catch_up(int number);
  void note_what_is_left(int number);
  bool is_affordable(const Ledger& ledger) const;
  void insert_row(int number);
  void claim_again(int number);
  void ask(int number, Run::Asked what);
  void post(int number);
  void suspend(int number);
  void take(int sent);
  void hear(int number);
  void wait(int number, const payment::Wait& wait);
  void end_payment(int number, const payment::End& end);
  payment::Event listed(Run& run, const Reply& reply);
  void cancel(Run& run);
  void leave(int number);
  void deliver(int number);
  void finish(int number);
  void kill(int number);
  void reboot(int machine);

  static std::size_t index(int number) { return static_cast<std::size_t>(number); }
  Run& run_of(int number) { return runs_[index(number)]; }
  Ledger& ledger_of(const Run& run) { return ledgers_[index(run.ledger)]; }
  Row* row_of(Run& run) { return run.row < 0 ? nullptr : &ledger_of(run).rows[index(run.row)]; }
  int cell_of(const Run& run) const {
    return run.row < 0 ? askers_[index(run.asker)].wish.cell
                       : ledgers_[index(run.ledger)].rows[index(run.row)].wish.cell;
  }
  Asker& asker_of(const Run& run) { return askers_[index(run.asker)]; }
  void say(const std::string& text);
  void say(int run, const std::string& text);

  const Mind& mind_;
  Choices& choices_;
  std::string* log_;
  Laws laws_;
  Service service_;
  Millis now_ = 0;
  std::vector<Due> due_;
  std::vector<Machine> machines_;
  std::vector<Ledger> ledgers_;
  std::vector<Asker> askers_;
  std::vector<Run> runs_;
  std::vector<Session> sessions_;
  Millis server_away_until_ = 0;
  bool heard_now_ = false;    // the current step is about a listing
  std::vector<int> excused_;  // generations
  int origins_ = 0;
  int keys_ = 0;
  Tally tally_;
};

}  // namespace genpro::simulation
