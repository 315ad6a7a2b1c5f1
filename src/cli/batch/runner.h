// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Makes the rows of a batch that no other process makes, and tells what became of all of them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "cli/batch/plan.h"
#include "cli/batch/schedule.h"
#include "cli/batch/sharing.h"
#include "cli/clip/progress_line.h"
#include "cli/main_loop.h"

namespace genpro::cli {

// Threads: each row is made by one of its own threads; run() is the caller's.
class Runner {
 public:
  struct Wishes {
    std::optional<double> max_cost;
    bool fetches_all = false;  // also clips that were made elsewhere
  };
  Runner(const Plan& plan, Sharing& sharing, Wishes wishes);

  // Returns when all rows have ended, here or elsewhere. Throws std::runtime_error when the ledger
  // cannot be used from the start.
  void run(unsigned jobs, MainLoop& loop);
  const std::vector<TaskResult>& results() { return shared_.lock()->schedule.results(); }
  double spent() { return shared_.lock()->schedule.spent(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Shared {
    Schedule schedule;
    std::vector<std::string> lines;  // still to be written
    std::size_t ended_threads = 0;
    Clock::time_point next_look;               // at what others do
    std::optional<Clock::time_point> away_at;  // since when the ledger cannot be asked
  };
  // A row that was begun.
  struct Turn {
    std::size_t index = 0;
    Sharing::Place row;
    Sharing::Place cell;
    std::set<std::string> passed_over;
    std::string generation_id;  // to be fetched; empty: to be asked for
    bool is_copy = false;       // of a clip that was made elsewhere
    std::string seen;           // the latest generation that was seen
    std::string noted;          // the one that the ledger has for the row
    bool is_anothers = false;   // another row has the one that was seen
    std::string receipt_id;     // empty: none is written yet
  };

  void note_clips();
  void work(const std::stop_token& interrupted);
  std::unique_ptr<Turn> take_next();
  bool is_ready(Shared& shared);
  std::unique_ptr<Turn> begin(std::size_t index);
  bool is_over_elsewhere(Turn& turn, const std::vector<Sharing::Known>& all);
  bool wait_for_cell(Turn& turn);
  std::vector<Sharing::Known> look_at_others();
  void look_now_and_then();
  TaskResult seen_elsewhere(const Task& task, const ledger::BatchRow& row) const;

  // making.cpp
  void make(Turn& turn, const std::stop_token& interrupted);
  TaskResult fetch_clip(Turn& turn, const std::stop_token& interrupted, bool& is_final);
  Watch watch(Turn& turn, const std::string& request);
  void note_generation(Turn& turn, const std::string& id);
  void note_end(const Turn& turn, const TaskResult& result, bool is_final);

  static ledger::BatchRow begun_row(const Task& task, const std::string& generation_id);
  void finish(std::size_t index, TaskResult result);
  void warn(const Task& task, const std::string& text);
  void tick(const MainLoop& loop);

  const std::vector<Task>& tasks_;
  Sharing& sharing_;
  Wishes wishes_;
  Guarded<Shared> shared_;
  StatusLine line_;
  const Clock::time_point started_ = Clock::now();
};

}  // namespace genpro::cli
