// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "cli/batch/plan.h"
#include "cli/batch/schedule.h"
#include "cli/clip/output_file.h"
#include "cli/clip/progress_line.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/ledger/file.h"
#include "cli/main_loop.h"
#include "cli/members.h"
#include "cli/output.h"
#include "cli/table.h"
#include "ledger/ledger.h"
#include "settings/job_settings.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr unsigned usual_jobs = 4;
constexpr unsigned most_jobs = 64;
constexpr std::size_t longest_input = 64 * 1024 * 1024;

std::string read_input(const std::string& path) {
  const int descriptor =
      path == "-" ? dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text;
  ssize_t count = descriptor < 0 ? -1 : 1;
  while (count > 0 && text.size() <= longest_input) {
    char bytes[64 * 1024];
    count = ::read(descriptor, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR)
      count = 1;
    else if (count > 0)
      text.append(bytes, static_cast<std::size_t>(count));
  }
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (count < 0) {
    throw std::runtime_error(one_line(path, 200) + " cannot be read: " + g_strerror(reason) + ".");
  }
  if (count > 0) throw std::runtime_error(one_line(path, 200) + " is larger than 64 MiB.");
  return text;
}

// The folder, which is this process's alone as long as the object lives.
class OutputFolder {
 public:
  explicit OutputFolder(const std::string& path) {
    std::error_code error;
    fs::create_directories(path, error);
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0) {
      throw std::runtime_error("The folder " + one_line(path, 200) +
                               " cannot be used: " + g_strerror(errno) + ".");
    }
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor_);
      throw std::runtime_error("Another batch is writing to " + one_line(path, 200) +
                               ". Wait for it, or name another folder.");
    }
  }
  ~OutputFolder() { ::close(descriptor_); }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  int descriptor_ = -1;
};

// A run that was killed between the two has left the clip and not noted that it was delivered: the
// next request of the same would be given it once more.
void note_deliveries(const std::vector<Task>& tasks, const Settings& common) {
  if (!std::ranges::any_of(tasks, [](const Task& task) { return task.receipt.has_value(); }))
    return;
  std::error_code ignored;
  const auto ledger = open_ledger(common.ledger);
  if (!ledger) return;
  const std::string service = ledger::service_of(effective_base_url(common));
  for (const Task& task : tasks) {
    if (!task.receipt) continue;
    for (const ledger::Entry& entry : need(ledger->find_generation(task.receipt->generation_id))) {
      // Another service may have given the same id.
      const bool is_here = ledger::service_of(entry.identity.base_url) == service;
      if (!is_here || !std::holds_alternative<payment::Completed>(entry.state)) continue;
      need(ledger->note_delivery(entry.id, fs::file_size(task.output, ignored)));
    }
  }
}

class Batch {
 public:
  Batch(const Plan& plan, std::optional<double> max_cost)
      : tasks_(plan.tasks), shared_({Schedule(tasks_, max_cost), {}, 0}) {}

  // Returns when all rows that can be begun have ended.
  void run(unsigned jobs, MainLoop& loop) {
    std::vector<std::jthread> threads;
    for (unsigned number = 0; number < jobs; ++number) {
      threads.emplace_back([this, &loop] { work(loop.interrupted()); });
    }
    loop.run(
        250ms, [&] { tick(loop); },
        [&] { return shared_.lock()->ended_threads == threads.size(); });
    threads.clear();
    tick(loop);
    line_.clear();
  }
  const std::vector<TaskResult>& results() { return shared_.lock()->schedule.results(); }
  double spent() { return shared_.lock()->schedule.spent(); }

 private:
  struct Shared {
    Schedule schedule;
    std::vector<std::string> lines;  // still to be written
    std::size_t ended_threads = 0;
  };

  void work(const std::stop_token& interrupted) {
    while (const auto index = take_next()) {
      TaskResult result = run_task(*index, interrupted);
      auto shared = shared_.lock();
      shared->lines.push_back(describe(tasks_[*index], result));
      shared->schedule.finish(*index, std::move(result));
      shared.notify();
      MainLoop::wake();
    }
    ++shared_.lock()->ended_threads;
    MainLoop::wake();
  }

  std::optional<std::size_t> take_next() {
    std::optional<std::size_t> index;
    auto shared = shared_.lock();
    shared.wait([&](Shared& state) {
      index = state.schedule.next();
      return index || state.schedule.count(TaskState::running) == 0 ||
             state.schedule.count(TaskState::waiting) == 0;
    });
    return index;
  }

  TaskResult run_task(std::size_t index, const std::stop_token& interrupted) {
    const Task& task = tasks_[index];
    TaskResult result;
    try {
      Settings settings = task.settings;
      settings.passed_over = shared_.lock()->schedule.passed_over(index);
      const std::string request = request_of(task);
      OutputFile file(task.output, false);
      bool has_receipt = false;
      const Fetched fetched =
          fetch(settings, file, watch(index, request, has_receipt), interrupted);
      // Whatever has taken the clip's name meanwhile is not what it tells of.
      if (has_receipt && !fetched.is_done) remove_receipt(task);
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
    } catch (const std::exception& error) {
      result.state = TaskState::failed;
      result.note = error.what();
      result.exit_code = exit_failed;
      result.is_charged = !shared_.lock()->schedule.results()[index].generation_id.empty();
    }
    return result;
  }

  // `request`: see Task, by the files as they are when the row begins. `has_receipt`: set once it
  // is written.
  Watch watch(std::size_t index, const std::string& request, bool& has_receipt) {
    const Task& task = tasks_[index];
    return {
        .on_progress =
            [this, index](const Progress& progress) {
              auto shared = shared_.lock();
              shared->schedule.note_generation(index, progress.generation_id);
              shared.notify();
            },
        .on_warning = [this, &task](const std::string& text) { warn(task, text); },
        .before_commit =
            [this, &task, request, &has_receipt](const Fetched& fetched) {
              const std::string now = request_of(task);
              // Which of the two it was made of is not known: it is taken for neither.
              const bool has_changed = !now.empty() && now != request;
              if (has_changed) {
                warn(task,
                     "an ingredient changed while the clip was made. Look at it, and remove it to "
                     "have it made anew.");
              }
              write_receipt(task, {has_changed ? "" : request,
                                   fetched.generation_id,
                                   fetched.cost,
                                   {},
                                   fetched.bytes});
              has_receipt = true;
            },
    };
  }

  void warn(const Task& task, const std::string& text) {
    shared_.lock()->lines.push_back("Row " + std::to_string(task.number) + ": Warning: " + text);
    MainLoop::wake();
  }

  static std::string describe(const Task& task, const TaskResult& result) {
    std::string text = "Row " + std::to_string(task.number) + ": ";
    if (result.state != TaskState::done) return text + result.note;
    text += fs::path(task.output).filename().string() + ", generation " + result.generation_id +
            ", " + size_text(result.bytes);
    if (result.cost) text += ", cost " + number_text(*result.cost);
    return text + (result.is_earlier ? ", asked for before." : ".");
  }

  void tick(const MainLoop& loop) {
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
      const std::size_t done = schedule.count(TaskState::done) + schedule.count(TaskState::there);
      status = clock_text(std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::steady_clock::now() - started_)) +
               "  " + std::to_string(done) + " of " + std::to_string(tasks_.size()) + " done, " +
               std::to_string(schedule.count(TaskState::running)) + " running, " +
               std::to_string(schedule.count(TaskState::failed)) + " failed, cost " +
               number_text(schedule.spent());
    }
    if (!lines.empty()) line_.clear();
    for (const std::string& line : lines) tell(line);
    line_.draw(status);
  }

  const std::vector<Task>& tasks_;
  Guarded<Shared> shared_;
  StatusLine line_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

const char* to_word(TaskState state) {
  switch (state) {
    case TaskState::done:
      return "done";
    case TaskState::there:
      return "there";
    case TaskState::failed:
      return "failed";
    case TaskState::interrupted:
      return "interrupted";
    case TaskState::skipped:
    case TaskState::waiting:
    case TaskState::running:
      break;
  }
  return "skipped";
}

void print_table(const std::vector<Task>& tasks, const std::vector<TaskResult>& results) {
  Table table({{"Row", Table::Align::right},
               {"Output"},
               {"Status"},
               {"Generation"},
               {"Cost", Table::Align::right},
               {"Note"}});
  for (std::size_t index = 0; index < tasks.size(); ++index) {
    const TaskResult& result = results[index];
    table.add({std::to_string(tasks[index].number),
               one_line(fs::path(tasks[index].output).filename().string(), 60),
               to_word(result.state), result.generation_id.empty() ? "-" : result.generation_id,
               result.cost ? number_text(*result.cost) : "-", one_line(result.note, 130)});
  }
  print(table.text());
}

void print_document(const std::vector<Task>& tasks, const std::vector<TaskResult>& results,
                    double spent) {
  api::JsonArrayPtr rows(json_array_new());
  for (std::size_t index = 0; index < tasks.size(); ++index) {
    const TaskResult& result = results[index];
    Members row;
    row.set("row", static_cast<std::int64_t>(tasks[index].number));
    row.set("output", tasks[index].output);
    row.set("status", to_word(result.state));
    row.set_or_null("generation_id", result.generation_id);
    row.set("cost", result.cost);
    row.set_or_null("note", result.note);
    json_array_add_element(rows.get(), row.take().release());
  }
  Members document;
  document.set("cost", spent);
  document.set("rows", api::to_node(std::move(rows)));
  print_json(document.take());
}

int worst_exit_code(const std::vector<TaskResult>& results) {
  int code = exit_done;
  for (const TaskResult& result : results) code = worse_exit_code(code, result.exit_code);
  return code;
}

}  // namespace

int run_batch(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], "FILE",
      "Makes a clip for each row of a table: CSV whose first line names the columns, or JSON\n"
      "lines; - is standard input. A column is a setting by the name of its option (prompt,\n"
      "model, …), an ingredient (ingredient, ingredient2, …), the name of the clip (output), or\n"
      "fills {{column}} in the prompt. Options hold for all rows that do not say otherwise.");
  options.add_file("out", "DIR", "Folder for the clips, which is made; required", 'o');
  options.add_text("jobs", "N", "So many rows at the same time (4)", 'j');
  options.add_text("max-cost", "C",
                   "Begin no row that may take the cost of the whole batch above C");
  options.add_flag("json", "Print a JSON object");
  add_settings(options, {"generation-id", "max-cost"});
  options.add_description(
      "Whatever ends the program, the same command goes on: a clip that is there is not asked\n"
      "for again, and what was paid is fetched without a new charge. A row that fails does not\n"
      "stop the others. The exit code is 0 when all clips are there.");
  const auto arguments = options.parse(argc, argv);
  if (!arguments) return exit_done;
  if (arguments->size() != 1) throw UsageError(options.program(), "Name one FILE of rows.");
  const auto folder = options.value("out");
  if (!folder) throw UsageError(options.program(), "Name the folder for the clips, with --out.");
  const unsigned jobs = options.number("jobs", 1, most_jobs).value_or(usual_jobs);
  const auto max_cost = options.amount("max-cost");
  const Settings common = read_settings(options, globals, true);

  const std::string& input = arguments->front();
  std::vector<Row> rows;
  const std::string text = read_input(input);
  try {
    rows = parse_rows(text);
  } catch (const std::runtime_error& error) {
    throw UsageError(options.program(), one_line(input, 200) + ": " + error.what());
  }
  if (rows.empty()) throw UsageError(options.program(), one_line(input, 200) + " has no rows.");
  const OutputFolder lock(*folder);
  const std::string base = input == "-" ? "" : fs::path(input).parent_path().string();
  Plan plan;
  try {
    plan = make_plan(rows, common, *folder, base);
  } catch (const std::runtime_error& error) {
    throw UsageError(options.program(), one_line(input, 200) + ": " + error.what());
  }
  for (const std::string& warning : plan.warnings) tell("Warning: " + warning);
  note_deliveries(plan.tasks, common);

  MainLoop loop;
  Batch batch(plan, max_cost);
  batch.run(std::min<unsigned>(jobs, static_cast<unsigned>(plan.tasks.size())), loop);
  const std::vector<TaskResult>& results = batch.results();
  if (options.is_given("json")) {
    print_document(plan.tasks, results, batch.spent());
  } else {
    print_table(plan.tasks, results);
  }
  return loop.exit_code() != 0 ? loop.exit_code() : worst_exit_code(results);
}

}  // namespace genpro::cli
