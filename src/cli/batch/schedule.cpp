// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/batch/schedule.h"

#include <algorithm>

namespace genpro::cli {

Schedule::Schedule(const std::vector<Task>& tasks, std::optional<double> max_cost)
    : tasks_(tasks), max_cost_(max_cost), results_(tasks.size()) {
  for (std::size_t index = 0; index < tasks.size(); ++index) {
    const Task& task = tasks[index];
    TaskResult& result = results_[index];
    if (task.receipt) {
      result.state = TaskState::there;
      result.generation_id = task.receipt->generation_id;
      result.cost = task.receipt->cost;
      result.is_charged = true;
    } else if (!task.problem.empty()) {
      result.state = TaskState::failed;
      result.note = task.problem;
      result.exit_code = task.exit_code;
    }
  }
}

std::optional<std::size_t> Schedule::next() {
  if (is_stopped_) return std::nullopt;
  const Money money = count_money();
  bool is_any_free = false;
  for (std::size_t index = 0; index < tasks_.size(); ++index) {
    if (!is_free(index)) continue;
    is_any_free = true;
    if (!is_affordable(money, index)) continue;
    results_[index] = {};
    results_[index].state = TaskState::running;
    busy_cells_.insert(cell_of(tasks_[index]));
    return index;
  }
  if (is_any_free && count(TaskState::running) == 0 && held_.empty()) {
    stop(TaskState::skipped, "not begun: --max-cost", exit_limit);
  }
  return std::nullopt;
}

bool Schedule::is_free(std::size_t index) const {
  return results_[index].state == TaskState::waiting && !held_.contains(index) &&
         !busy_cells_.contains(cell_of(tasks_[index]));
}

bool Schedule::can_begin() const {
  const Money money = count_money();
  for (std::size_t index = 0; index < tasks_.size(); ++index) {
    if (is_free(index) && is_affordable(money, index)) return true;
  }
  return false;
}

Schedule::Money Schedule::count_money() const {
  Money money;
  money.unknown = held_.size();
  for (std::size_t index = 0; index < results_.size(); ++index) {
    const TaskResult& result = results_[index];
    if (result.state == TaskState::waiting && !begun_.contains(index)) continue;
    money.known += result.cost.value_or(0);
    money.dearest = std::max(money.dearest, result.cost.value_or(0));
    const bool may_cost = result.state == TaskState::running ||
                          result.state == TaskState::waiting || result.is_charged;
    if (may_cost && !result.cost) ++money.unknown;
  }
  return money;
}

bool Schedule::is_affordable(const Money& money, std::size_t index) const {
  if (!max_cost_) return true;
  // One that was begun before is counted already.
  const bool is_begun = begun_.contains(index);
  const bool is_told = is_begun && results_[index].cost;
  const std::size_t unknown = money.unknown + (is_begun ? 0 : 1);
  if (money.dearest == 0 && unknown > (is_told ? 0U : 1U)) return false;
  return money.known + money.dearest * static_cast<double>(unknown) <= *max_cost_ &&
         (is_begun || money.known < *max_cost_);
}

void Schedule::note_generation(std::size_t index, const std::string& id) {
  if (id.empty()) return;
  if (results_[index].generation_id.empty()) busy_cells_.erase(cell_of(tasks_[index]));
  results_[index].generation_id = id;
}

void Schedule::put_back(std::size_t index, bool is_held) {
  if (results_[index].generation_id.empty()) busy_cells_.erase(cell_of(tasks_[index]));
  results_[index] = {};
  if (is_stopped_) {
    results_[index] = stopped_;
  } else if (is_held) {
    held_.insert(index);
  }
}

void Schedule::note_others(std::vector<Other> others) {
  held_.clear();
  begun_.clear();
  for (Other& other : others) {
    TaskResult& known = results_[other.index];
    // What failed here for want of something that another machine has may be made there.
    const bool is_made_after_all = known.state == TaskState::failed &&
                                   other.result.state == TaskState::elsewhere &&
                                   tasks_[other.index].is_absent;
    if (known.state != TaskState::waiting && !is_made_after_all) continue;
    if (other.result.state == TaskState::waiting) {
      if (other.is_held) {
        held_.insert(other.index);
      } else if (other.may_be_paid) {
        begun_.insert(other.index);
      }
    }
    known = std::move(other.result);
  }
}

void Schedule::finish(std::size_t index, TaskResult result) {
  if (results_[index].generation_id.empty()) busy_cells_.erase(cell_of(tasks_[index]));
  if (result.generation_id.empty()) result.generation_id = results_[index].generation_id;
  results_[index] = std::move(result);
}

void Schedule::stop(TaskState state, const std::string& note, int exit_code) {
  if (is_stopped_) return;
  is_stopped_ = true;
  stopped_.state = state;
  stopped_.note = note;
  stopped_.exit_code = exit_code;
  held_.clear();
  for (TaskResult& result : results_) {
    if (result.state == TaskState::waiting) result = stopped_;
  }
}

std::set<std::string> Schedule::passed_over(std::size_t index) const {
  std::set<std::string> ids;
  for (std::size_t other = 0; other < results_.size(); ++other) {
    if (other != index && !results_[other].generation_id.empty()) {
      ids.insert(results_[other].generation_id);
    }
  }
  return ids;
}

std::size_t Schedule::count(TaskState state) const {
  return static_cast<std::size_t>(std::ranges::count(results_, state, &TaskResult::state));
}

// What is refunded costs nothing, and is told so.
double Schedule::spent() const {
  double sum = 0;
  for (const TaskResult& result : results_) {
    const bool has_ended = result.state != TaskState::running && result.state != TaskState::waiting;
    if (has_ended) sum += result.cost.value_or(0);
  }
  return sum;
}

}  // namespace genpro::cli
