// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/batch/schedule.h"

#include <algorithm>

#include "base/text.h"
#include "cli/command.h"

namespace genpro::cli {

namespace {

std::string cell_of(const Task& task) {
  return std::string(plain_id(task.settings.sheet_id)) + "/" +
         std::string(plain_id(task.settings.cell_id));
}

}  // namespace

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
    if (results_[index].state != TaskState::waiting) continue;
    if (busy_cells_.contains(cell_of(tasks_[index]))) continue;
    if (!is_affordable()) {
      if (count(TaskState::running) == 0) {
        stop(TaskState::skipped, "not begun: --max-cost", exit_limit);
      }
      return std::nullopt;
    }
    results_[index].state = TaskState::running;
    busy_cells_.insert(cell_of(tasks_[index]));
    return index;
  }
  return std::nullopt;
}

bool Schedule::is_affordable() const {
  if (!max_cost_) return true;
  const auto unknown = std::ranges::count_if(results_, [](const TaskResult& result) {
    return result.state == TaskState::running || (result.is_charged && !result.cost);
  });
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

void Schedule::finish(std::size_t index, TaskResult result) {
  if (results_[index].generation_id.empty()) busy_cells_.erase(cell_of(tasks_[index]));
  if (result.generation_id.empty()) result.generation_id = results_[index].generation_id;
  results_[index] = std::move(result);
}

void Schedule::stop(TaskState state, const std::string& note, int exit_code) {
  is_stopped_ = true;
  for (TaskResult& result : results_) {
    if (result.state != TaskState::waiting) continue;
    result.state = state;
    result.note = note;
    result.exit_code = exit_code;
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
    if (result.state != TaskState::running) sum += result.cost.value_or(0);
  }
  return sum;
}

}  // namespace genpro::cli
