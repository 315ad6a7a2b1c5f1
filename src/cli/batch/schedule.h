// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which row of a batch is next.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/batch/plan.h"
#include "cli/clip/fetch.h"

namespace genpro::cli {

enum class TaskState {
  waiting,
  running,
  done,
  there,      // it was there before
  elsewhere,  // another process has made it, in another folder
  failed,
  interrupted,
  skipped,  // --max-cost
};

struct TaskResult {
  TaskState state = TaskState::waiting;
  std::string generation_id;
  std::optional<double> cost;
  bool is_charged = false;  // as far as is known, or it is not known
  std::uint64_t bytes = 0;
  bool is_earlier = false;
  std::string host;  // of the process that made it, when that is another one; for people
  std::string note;  // what went wrong
  int exit_code = 0;
};

// Two equal rows are two clips, while the ledger gives equal requests one: so a row passes over the
// generations of all other rows, and the next row of a cell begins when it is known which one the
// row before it has. The service takes one request a cell at a time anyway.
//
// What a clip costs is known when it is there. Until then, and where the service does not tell or
// it is not known whether it was charged, it counts as much as the dearest one so far; as long as
// there is none, a row with a limit runs alone, and none begins after one whose cost stays unknown.
//
// Other processes may be at rows as well: such a row is held, and looked at again until it is done
// or nobody is at it any more. One that was left, by a process that died or was stopped, may have
// been paid, and counts as one that is being made.
//
// Threads: one at a time.
class Schedule {
 public:
  Schedule(const std::vector<Task>& tasks, std::optional<double> max_cost);

  // The next row to be begun, which is running then. Nothing: none can be begun now; all that are
  // still waiting never will be when nothing is running.
  std::optional<std::size_t> next();
  // The row's generation is known.
  void note_generation(std::size_t index, const std::string& id);
  void finish(std::size_t index, TaskResult result);
  // The row was not begun after all, because another process holds it, or has to be begun anew.
  void put_back(std::size_t index, bool is_held);
  // What is known of rows that other processes have begun: they are elsewhere or failed, or still
  // waiting, with a generation if they have had one. This process's own are left as they are.
  struct Other {
    std::size_t index = 0;
    bool is_held = false;      // a process is at it
    bool may_be_paid = false;  // none is, and one has asked for its clip
    TaskResult result;
  };
  void note_others(std::vector<Other> others);
  // No row is begun any more; `state` is that of those that were waiting.
  void stop(TaskState state, const std::string& note, int exit_code);

  // Generations that other rows have.
  std::set<std::string> passed_over(std::size_t index) const;
  const std::vector<TaskResult>& results() const { return results_; }
  std::size_t count(TaskState state) const;
  std::size_t held() const { return held_.size(); }
  // No row will be begun any more.
  bool is_over() const { return count(TaskState::waiting) == 0; }
  bool is_stopped() const { return is_stopped_; }
  // Whether next() would return one.
  bool can_begin() const;
  double spent() const;

 private:
  // What the batch costs up to now.
  struct Money {
    double known = 0;
    double dearest = 0;       // of one row
    std::size_t unknown = 0;  // rows of which it is not told, or not yet
  };
  bool is_free(std::size_t index) const;
  Money count_money() const;
  bool is_affordable(const Money& money, std::size_t index) const;

  const std::vector<Task>& tasks_;
  const std::optional<double> max_cost_;
  std::vector<TaskResult> results_;
  std::set<std::string> busy_cells_;
  std::set<std::size_t> held_;   // waiting
  std::set<std::size_t> begun_;  // those of Other::may_be_paid
  bool is_stopped_ = false;
  TaskResult stopped_;  // what becomes of a row that is not begun then
};

}  // namespace genpro::cli
