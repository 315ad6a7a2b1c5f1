// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file_descriptor.h"
#include "base/text.h"
#include "cli/batch/folder.h"
#include "cli/batch/plan.h"
#include "cli/batch/runner.h"
#include "cli/batch/sharing.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/main_loop.h"
#include "cli/members.h"
#include "cli/output.h"
#include "cli/table.h"
#include "settings/job_settings.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;

constexpr unsigned usual_jobs = 4;
constexpr unsigned most_jobs = 64;
constexpr std::size_t longest_input = 64 * 1024 * 1024;

std::string read_input(const std::string& path) {
  const FileDescriptor file(path == "-" ? dup(STDIN_FILENO)
                                        : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  ssize_t count = file ? 1 : -1;
  while (count > 0 && text.size() <= longest_input) {
    char bytes[64 * 1024];
    count = read_some(file.get(), bytes, sizeof bytes);
    if (count > 0) text.append(bytes, static_cast<std::size_t>(count));
  }
  if (count < 0) {
    const int reason = errno;
    throw std::runtime_error(one_line(path, 200) + " cannot be read: " + g_strerror(reason) +
                             ". Name a file of rows.");
  }
  if (count > 0) throw std::runtime_error(one_line(path, 200) + " is larger than 64 MiB.");
  return text;
}

const char* to_word(TaskState state) {
  switch (state) {
    case TaskState::done:
      return "done";
    case TaskState::there:
      return "there";
    case TaskState::elsewhere:
      return "elsewhere";
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

std::string note_of(const TaskResult& result) {
  if (result.host.empty()) return result.note;
  return "by " + result.host + (result.note.empty() ? "" : ": " + result.note);
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
               result.cost ? number_text(*result.cost) : "-", one_line(note_of(result), 400)});
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
    row.set_or_null("host", result.host);
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
  options.add_text("name", "TEXT",
                   "Name of the batch: another one makes the clips of the same rows anew");
  options.add_flag("fetch-all", "Fetch clips that were made elsewhere as well");
  options.add_flag("json", "Print a JSON object");
  add_settings(options, {"generation-id", "max-cost"});
  options.add_description(
      "Whatever ends the program, the same command goes on: a clip that is there is not asked\n"
      "for again, and what was paid is fetched without a new charge. A row that fails does not\n"
      "stop the others. Where the command runs several times at once, on one machine or on many\n"
      "with one ledger, they share the rows out, and each tells what became of all of them. The\n"
      "exit code is 0 when all clips are made.");
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
  const std::string base = input == "-" ? "" : fs::path(input).parent_path().string();
  Sharing sharing(common.ledger, batch_of(rows, common, options.value("name").value_or("")),
                  effective_base_url(common));
  const OutputFolder lock(*folder, sharing.name());
  Plan plan;
  try {
    plan = make_plan(rows, common, *folder, base);
  } catch (const std::runtime_error& error) {
    throw UsageError(options.program(), one_line(input, 200) + ": " + error.what());
  }
  for (const std::string& warning : plan.warnings) tell("Warning: " + warning);

  MainLoop loop;
  Runner runner(plan, sharing, {max_cost, options.is_given("fetch-all")});
  runner.run(std::min<unsigned>(jobs, static_cast<unsigned>(plan.tasks.size())), loop);
  const std::vector<TaskResult>& results = runner.results();
  if (options.is_given("json")) {
    print_document(plan.tasks, results, runner.spent());
  } else {
    print_table(plan.tasks, results);
  }
  if (const auto elsewhere =
          std::ranges::count(results, TaskState::elsewhere, &TaskResult::state)) {
    tell(std::to_string(elsewhere) +
         " of the clips were made elsewhere, and are not in this folder. --fetch-all fetches them, "
         "without a new charge; with another --name they are made, and paid, once more.");
  }
  return loop.exit_code() != 0 ? loop.exit_code() : worst_exit_code(results);
}

}  // namespace genpro::cli
