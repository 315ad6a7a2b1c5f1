// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a row that was begun becomes a clip, and what the others of its batch are told of it.
#include <filesystem>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "cli/batch/runner.h"
#include "cli/clip/fetch.h"
#include "cli/clip/output_file.h"
#include "cli/command.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;
using ledger::BatchRow;

std::string describe(const Task& task, const TaskResult& result) {
  std::string text = "Row " + std::to_string(task.number) + ": ";
  if (result.state != TaskState::done) return text + result.note;
  text += fs::path(task.output).filename().string() + ", generation " + result.generation_id +
          ", " + size_text(result.bytes);
  if (result.cost) text += ", cost " + number_text(*result.cost);
  return text + (result.is_earlier ? ", asked for before." : ".");
}

// Whether another process would fare no better: the service has decided, and not about who asks.
bool is_final_error(const Error& error, bool is_refunded) {
  if (error.kind == ErrorKind::failed && is_refunded) return true;
  const auto status = error.http_status;
  const bool is_about_the_asker =
      status == 401 || status == 402 || status == 403 || status == 408 || status == 429;
  return error.charged == Charged::no && status >= 400 && status < 500 && !is_about_the_asker;
}

}  // namespace

void Runner::make(Turn& turn, const std::stop_token& interrupted) {
  const Task& task = tasks_[turn.index];
  bool is_final = false;
  TaskResult result = fetch_clip(turn, interrupted, is_final);
  if (turn.is_anothers && result.state == TaskState::failed) {
    auto shared = shared_.lock();
    shared->schedule.put_back(turn.index, false);
    shared.notify();
    return;
  }
  if (!turn.is_copy) note_end(turn, result, is_final);
  if (result.state != TaskState::there) shared_.lock()->lines.push_back(describe(task, result));
  finish(turn.index, std::move(result));
}

TaskResult Runner::fetch_clip(Turn& turn, const std::stop_token& interrupted, bool& is_final) {
  const Task& task = tasks_[turn.index];
  TaskResult result;
  try {
    Settings settings = task.settings;
    settings.passed_over = turn.passed_over;
    if (!turn.generation_id.empty()) settings.generation_id = turn.generation_id;
    const std::string request = request_of(task);
    OutputFile file(task.output, false);
    const Fetched fetched = fetch(settings, file, watch(turn, request), interrupted);
    if (!turn.receipt_id.empty() && !fetched.is_done) {
      const auto known = sharing_.find(task);
      if (known && known->status == BatchRow::Status::done &&
          known->generation_id == fetched.generation_id && receipt_of_clip(task)) {
        return seen_elsewhere(task, *known);
      }
      // Whatever has taken the clip's name meanwhile is not what it tells of.
      remove_receipt(task);
    }
    result.generation_id = fetched.generation_id;
    result.cost = fetched.cost;
    result.bytes = fetched.bytes;
    result.is_earlier = fetched.is_earlier;
    result.state = fetched.is_done ? TaskState::done
                   : fetched.error ? TaskState::failed
                                   : TaskState::interrupted;
    result.note = fetched.error ? fetched.error->message : fetched.summary;
    result.exit_code = fetched.error ? exit_code_of(*fetched.error) : exit_done;
    // Who pays for one that a row names is not known.
    const bool is_refunded =
        fetched.error && (fetched.error->charged == Charged::no ||
                          (!fetched.error->charged && fetched.error->kind == ErrorKind::failed));
    if (is_refunded) result.cost.reset();
    result.is_charged = !is_refunded && (fetched.error || fetched.is_done);
    is_final = fetched.error && is_final_error(*fetched.error, is_refunded);
  } catch (const std::exception& error) {
    result.state = TaskState::failed;
    result.note = error.what();
    result.exit_code = exit_failed;
    result.is_charged = !turn.seen.empty();
  }
  return result;
}

// `request`: see Task, by the files as they are when the row begins.
Watch Runner::watch(Turn& turn, const std::string& request) {
  const Task& task = tasks_[turn.index];
  return {
      .on_progress =
          [this, &turn](const Progress& progress) {
            if (progress.generation_id.empty() || progress.generation_id == turn.seen) return;
            turn.seen = progress.generation_id;
            try {
              note_generation(turn, progress.generation_id);
            } catch (const std::runtime_error&) {
              // The clip is not put there before it is noted.
            }
            auto shared = shared_.lock();
            shared->schedule.note_generation(turn.index, progress.generation_id);
            shared.notify();
          },
      .on_warning = [this, &task](const std::string& text) { warn(task, text); },
      .before_commit =
          [this, &turn, &task, request](const Fetched& fetched) {
            if (turn.noted != fetched.generation_id) note_generation(turn, fetched.generation_id);
            if (turn.is_anothers) throw std::runtime_error("Another row has this generation.");
            const std::string now = request_of(task);
            // Which of the two it was made of is not known: it is taken for neither.
            const bool has_changed = !now.empty() && now != request;
            if (has_changed) {
              warn(task,
                   "an ingredient changed while the clip was made. Look at it, and remove it to "
                   "have it made anew.");
            }
            const std::string id = take_string(g_uuid_string_random());
            write_receipt(task, {has_changed ? "" : request,
                                 fetched.generation_id,
                                 fetched.cost,
                                 {},
                                 fetched.bytes,
                                 id});
            turn.receipt_id = id;
          },
  };
}

// From then on the cell is the next one's.
void Runner::note_generation(Turn& turn, const std::string& id) {
  const Task& task = tasks_[turn.index];
  turn.is_anothers = !turn.is_copy && !sharing_.note(task, begun_row(task, id));
  if (turn.is_anothers) return;
  turn.noted = id;
  turn.cell.release();
}

// What another process may do better is left as it was begun.
void Runner::note_end(const Turn& turn, const TaskResult& result, bool is_final) {
  if (result.state != TaskState::done && !is_final) return;
  const Task& task = tasks_[turn.index];
  BatchRow row = begun_row(task, result.generation_id);
  row.receipt = turn.receipt_id;
  row.status = result.state == TaskState::done ? BatchRow::Status::done : BatchRow::Status::failed;
  row.cost = result.cost;
  row.is_charged = result.is_charged;
  row.bytes = result.bytes;
  row.note = result.note;
  row.exit_code = result.exit_code;
  try {
    sharing_.note(task, row);
  } catch (const std::runtime_error& error) {
    warn(task, std::string("the other processes of the batch are not told of it. ") + error.what());
  }
}

}  // namespace genpro::cli
