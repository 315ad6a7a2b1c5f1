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
  for (std::size_t index = 0; index < tasks_.size(); ++index) {
    if (!is_free(index)) continue;
    if (!is_affordable()) {
      if (count(TaskState::running) == 0 && held_.empty()) {
        stop(TaskState::skipped, "not begun: --max-cost", exit_limit);
      }
      return std::nullopt;
    }
    results_[index] = {};
    results_[index].state = TaskState::running;
    busy_cells_.insert(cell_of(tasks_[index]));
    return index;
  }
  return std::nullopt;
}

bool Schedule::is_free(std::size_t index) const {
  return results_[index].state == TaskState::waiting && !held_.contains(index) &&
         !busy_cells_.contains(cell_of(tasks_[index]));
}

bool Schedule::can_begin() const {
  if (!is_affordable()) return false;
  for (std::size_t index = 0; index < tasks_.size(); ++index) {
    if (is_free(index)) return true;
  }
  return false;
}

bool Schedule::is_affordable() const {
  if (!max_cost_) return true;
  const auto unknown = std::ranges::count_if(results_,
                                             [](const TaskResult& result) {
                                               return result.state == TaskState::running ||
                                                      (result.state != TaskState::waiting &&
                                                       result.is_charged && !result.cost);
                                             }) +
                       static_cast<std::ptrdiff_t>(held_.size());
  double dearest = 0;
  for (const TaskResult& result : results_) dearest = std::max(dearest, result.cost.value_or(0));
  if (dearest == 0 && unknown > 0) return false;
  return spent() + dearest * static_cast<double>(unknown + 1) <= *max_cost_ && spent() < *max_cost_;
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
  for (Other& other : others) {
    TaskResult& known = results_[other.index];
    // What failed here for want of something that another machine has may be made there.
    const bool is_made_after_all = known.state == TaskState::failed &&
                                   other.result.state == TaskState::elsewhere &&
                                   tasks_[other.index].is_absent;
    if (known.state != TaskState::waiting && !is_made_after_all) continue;
    if (other.result.state == TaskState::waiting && other.is_held) held_.insert(other.index);
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

bool Schedule::is_over() const {
  return count(TaskState::waiting) == 0;
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
