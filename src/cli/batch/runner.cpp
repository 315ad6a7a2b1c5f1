// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/batch/runner.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ledger::BatchRow;

constexpr auto look_interval = 500ms;
constexpr auto cell_interval = 100ms;
// A server that is started anew is back within this.
constexpr auto longest_away = 60s;

// The user has removed the clip from this folder, and what stood beside it tells so. One that was
// killed before its clip was there has left a receipt as well, but not that of the clip.
bool is_removed(const Task& task, const BatchRow& row) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(task.output, ignored))) return false;
  const auto receipt = read_receipt(task.output);
  return receipt && receipt->generation_id == row.generation_id && receipt->id == row.receipt;
}

BatchRow done_row(const Receipt& receipt, std::uint64_t bytes) {
  BatchRow row;
  row.status = BatchRow::Status::done;
  row.request = receipt.request;
  row.generation_id = receipt.generation_id;
  row.receipt = receipt.id;
  row.cost = receipt.cost;
  row.is_charged = true;
  row.bytes = bytes;
  return row;
}

}  // namespace

BatchRow Runner::begun_row(const Task& task, const std::string& generation_id) {
  BatchRow row;
  row.request = task.request;
  row.generation_id = generation_id;
  return row;
}

Runner::Runner(const Plan& plan, Sharing& sharing, Wishes wishes)
    : tasks_(plan.tasks),
      sharing_(sharing),
      wishes_(wishes),
      shared_({Schedule(tasks_, wishes.max_cost), {}, 0, {}, {}}) {}

void Runner::run(unsigned jobs, MainLoop& loop) {
  note_clips();
  look_at_others();
  std::vector<std::jthread> threads;
  for (unsigned number = 0; number < jobs; ++number) {
    threads.emplace_back([this, &loop] { work(loop.interrupted()); });
  }
  loop.run(
      250ms, [&] { tick(loop); }, [&] { return shared_.lock()->ended_threads == threads.size(); });
  threads.clear();
  try {
    // What failed here may have been made elsewhere since.
    look_at_others();
  } catch (const std::runtime_error&) {
    // What this process has done stands all the same.
  }
  tick(loop);
  line_.clear();
}

// ---- What is there, and what others do ----

// Clips that are in the folder are nobody's to make. A run that was killed between the two has left
// the clip and not noted that it was delivered: the next request of the same would be given it once
// more.
void Runner::note_clips() {
  std::error_code ignored;
  std::map<std::int64_t, Sharing::Known> known;
  for (Sharing::Known& row : sharing_.known_rows()) known[row.row.number] = std::move(row);
  // All had ended when this began: who asks for it in another folder wants its clips there.
  wishes_.fetches_all |=
      known.size() == tasks_.size() && std::ranges::all_of(known, [&](const auto& each) {
        const BatchRow& row = each.second.row;
        return row.status != BatchRow::Status::begun && row.changed_at < sharing_.began();
      });
  for (const Task& task : tasks_) {
    if (!task.receipt) continue;
    const std::uintmax_t bytes = fs::file_size(task.output, ignored);
    sharing_.note_delivery(task.receipt->generation_id, bytes);
    const auto found = known.find(static_cast<std::int64_t>(task.number));
    const bool is_known =
        found != known.end() &&
        (found->second.is_held || found->second.row.status == BatchRow::Status::done);
    if (!is_known) sharing_.note(task, done_row(*task.receipt, bytes));
  }
}

TaskResult Runner::seen_elsewhere(const Task& task, const BatchRow& row) const {
  TaskResult result;
  result.generation_id = row.generation_id;
  result.cost = row.cost;
  result.is_charged = row.is_charged;
  result.bytes = row.bytes;
  result.host = row.host;
  if (row.status == BatchRow::Status::failed && row.changed_at >= sharing_.began()) {
    result.state = TaskState::failed;
    result.note = row.note;
    result.exit_code = row.exit_code;
  }
  if (row.status != BatchRow::Status::done) return result;
  if (receipt_of_clip(task)) {
    result.state = TaskState::there;
  } else if (!row.request.empty() && !task.request.empty() && row.request != task.request) {
    if (is_removed(task, row)) return result;
    result.state = TaskState::failed;
    result.exit_code = exit_failed;
    result.note = "it was made, as " + row.output +
                  ", when its files held something else. Put those back, or give the batch another "
                  "name with --name to have all its rows made anew.";
  } else if ((!wishes_.fetches_all || !task.problem.empty()) && !is_removed(task, row)) {
    result.state = TaskState::elsewhere;
    result.note = row.output;
  }
  return result;
}

std::vector<Sharing::Known> Runner::look_at_others() {
  std::vector<Sharing::Known> known = sharing_.known_rows();
  std::vector<bool> is_open;
  {
    auto shared = shared_.lock();
    for (const TaskResult& result : shared->schedule.results()) {
      is_open.push_back(result.state == TaskState::waiting || result.state == TaskState::failed);
    }
  }
  std::vector<Schedule::Other> others;
  for (const auto& [row, is_held] : known) {
    const auto index = static_cast<std::size_t>(row.number - 1);
    if (index >= tasks_.size() || !is_open[index]) continue;
    const bool may_be_paid =
        row.status == BatchRow::Status::begun ||
        (row.status == BatchRow::Status::done && !is_removed(tasks_[index], row));
    others.push_back({index, is_held, may_be_paid, seen_elsewhere(tasks_[index], row)});
  }
  auto shared = shared_.lock();
  shared->away_at.reset();
  shared->schedule.note_others(std::move(others));
  shared.notify();
  return known;
}

// One thread at a time; one that is late is no harm.
void Runner::look_now_and_then() {
  {
    auto shared = shared_.lock();
    if (shared->schedule.held() == 0 || Clock::now() < shared->next_look) return;
    // Each row that is held is asked for, by each process.
    const std::size_t times = std::min<std::size_t>(1 + shared->schedule.held() / 4, 10);
    shared->next_look = Clock::now() + look_interval * times;
  }
  look_at_others();
}

// ---- Which row is next ----

void Runner::work(const std::stop_token& interrupted) {
  while (const auto turn = take_next()) {
    make(*turn, interrupted);
    MainLoop::wake();
  }
  ++shared_.lock()->ended_threads;
  MainLoop::wake();
}

bool Runner::is_ready(Shared& shared) {
  const Schedule& schedule = shared.schedule;
  return schedule.is_over() || schedule.can_begin() ||
         (schedule.count(TaskState::running) == 0 && schedule.held() == 0);
}

std::unique_ptr<Runner::Turn> Runner::take_next() {
  while (true) {
    {
      auto shared = shared_.lock();
      shared.wait_until(Clock::now() + look_interval,
                        [&](Shared& state) { return is_ready(state); });
      if (shared->schedule.is_over()) return nullptr;
    }
    try {
      look_now_and_then();
      // Costs count for one after the other.
      std::optional<Sharing::Place> turn;
      if (wishes_.max_cost) {
        turn = sharing_.take_turn();
        if (!turn) {
          std::this_thread::sleep_for(cell_interval);
          continue;
        }
        look_at_others();
      }
      const auto index = shared_.lock()->schedule.next();
      if (!index) {
        shared_.lock().notify();  // All may be over.
        continue;
      }
      if (auto begun = begin(*index)) return begun;
    } catch (const std::runtime_error& error) {
      auto shared = shared_.lock();
      if (!shared->away_at) shared->away_at = Clock::now();
      if (Clock::now() < *shared->away_at + longest_away) {
        shared.wait_until(Clock::now() + look_interval,
                          [](const Shared& state) { return state.schedule.is_over(); });
        continue;
      }
      shared->schedule.stop(TaskState::failed, error.what(), exit_failed);
      shared.notify();
    }
  }
}

// Nothing when another process has the row, or has had it. Throws std::runtime_error when the
// ledger cannot be asked whether one has.
std::unique_ptr<Runner::Turn> Runner::begin(std::size_t index) {
  const Task& task = tasks_[index];
  auto turn = std::make_unique<Turn>();
  turn->index = index;
  try {
    auto row = sharing_.take_row(task);
    if (row) turn->row = std::move(*row);
    if (!row || !wait_for_cell(*turn)) {
      auto shared = shared_.lock();
      shared->schedule.put_back(index, !row);
      shared.notify();
      return nullptr;
    }
    if (is_over_elsewhere(*turn, look_at_others())) return nullptr;
    if (!turn->is_copy) sharing_.note(task, begun_row(task, turn->noted));
    turn->passed_over = shared_.lock()->schedule.passed_over(index);
    return turn;
  } catch (const std::runtime_error& error) {
    // Another one of the rows would fare no better: it waits for the ledger.
    if (!turn->row) {
      shared_.lock()->schedule.put_back(index, false);
      throw;
    }
    TaskResult result;
    result.state = TaskState::failed;
    result.note = error.what();
    result.exit_code = exit_failed;
    finish(index, std::move(result));
    return nullptr;
  }
}

// False: it is not waited for any more.
bool Runner::wait_for_cell(Turn& turn) {
  const Task& task = tasks_[turn.index];
  if (!task.settings.generation_id.empty()) return true;
  while (true) {
    if (auto cell = sharing_.take_cell(task)) {
      turn.cell = std::move(*cell);
      return true;
    }
    auto shared = shared_.lock();
    const bool is_stopped =
        shared.wait_until(Clock::now() + cell_interval,
                          [](const Shared& state) { return state.schedule.is_stopped(); });
    if (is_stopped) return false;
  }
}

// Looks at what is known of the row, which nobody else changes now.
bool Runner::is_over_elsewhere(Turn& turn, const std::vector<Sharing::Known>& all) {
  const Task& task = tasks_[turn.index];
  const auto found = std::ranges::find_if(all, [&](const Sharing::Known& one) {
    return one.row.number == static_cast<std::int64_t>(task.number);
  });
  const BatchRow* known = found != all.end() ? &found->row : nullptr;
  if (const auto receipt = receipt_of_clip(task)) {
    // One that was killed before it could tell may have left it.
    if (known == nullptr || known->status != BatchRow::Status::done) {
      sharing_.note_delivery(receipt->generation_id, *receipt->bytes);
      sharing_.note(task, done_row(*receipt, *receipt->bytes));
    }
    TaskResult result;
    result.state = TaskState::there;
    result.generation_id = receipt->generation_id;
    result.cost = receipt->cost;
    result.is_charged = true;
    result.bytes = *receipt->bytes;
    if (known != nullptr) result.host = known->host;
    finish(turn.index, std::move(result));
    return true;
  }
  if (known == nullptr) return false;
  TaskResult result = seen_elsewhere(task, *known);
  if (result.state != TaskState::waiting) {
    finish(turn.index, std::move(result));
    return true;
  }
  if (known->status == BatchRow::Status::done) {
    turn.is_copy = !is_removed(task, *known);
    if (turn.is_copy) turn.generation_id = known->generation_id;
  } else if (!known->generation_id.empty()) {
    turn.noted = known->generation_id;
    // Whoever died had it in a file: asked for once more, it would be paid once more.
    if (sharing_.is_delivered(known->generation_id)) turn.generation_id = known->generation_id;
  }
  return false;
}

void Runner::finish(std::size_t index, TaskResult result) {
  auto shared = shared_.lock();
  shared->schedule.finish(index, std::move(result));
  shared.notify();
  MainLoop::wake();
}

void Runner::warn(const Task& task, const std::string& text) {
  shared_.lock()->lines.push_back("Row " + std::to_string(task.number) + ": Warning: " + text);
  MainLoop::wake();
}

void Runner::tick(const MainLoop& loop) {
  std::vector<std::string> lines;
  std::string status;
  {
    auto shared = shared_.lock();
    if (loop.exit_code() != 0) {
      shared->schedule.stop(TaskState::interrupted, "not begun: interrupted", exit_done);
      shared.notify();
    }
    lines.swap(shared->lines);
    const Schedule& schedule = shared->schedule;
    const std::size_t done = schedule.count(TaskState::done) + schedule.count(TaskState::there) +
                             schedule.count(TaskState::elsewhere);
    status = clock_text(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_)) +
             "  " + std::to_string(done) + " of " + std::to_string(tasks_.size()) + " done, " +
             std::to_string(schedule.count(TaskState::running)) + " running, " +
             (schedule.held() > 0 ? std::to_string(schedule.held()) + " elsewhere, " : "") +
             std::to_string(schedule.count(TaskState::failed)) + " failed, cost " +
             number_text(schedule.spent());
  }
  if (!lines.empty()) line_.clear();
  for (const std::string& line : lines) tell(line);
  line_.draw(status);
}

}  // namespace genpro::cli
