// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/copy.h"

#include "base/text.h"
#include "cli/commands.h"
#include "cli/ledger/describe.h"
#include "cli/members.h"
#include "cli/options.h"
#include "cli/output.h"
#include "ledger/store/address.h"

namespace genpro::cli {

namespace {

using ledger::Copied;

std::string shown_ledger(const std::string& path) {
  return one_line(ledger::without_password(path), 200);
}

std::string count_of(std::int64_t number, const char* one, const char* several) {
  return std::to_string(number) + " " + (number == 1 ? one : several);
}

std::string text_of(const Copied& copied, const std::string& from, const std::string& to) {
  if (copied.was_done) {
    return "The rows of " + from + " were moved to " + to + " before.\n";
  }
  return "Copied " + count_of(copied.generations, "generation", "generations") + ", " +
         count_of(copied.history, "line of history", "lines of history") + ", " +
         count_of(copied.assets, "upload", "uploads") + ", " +
         count_of(copied.files, "digest of a file", "digests of files") + " and " +
         count_of(copied.batch_rows, "row of a batch", "rows of batches") + ": " +
         cost_text(copied.cost) + " credits of costs, and " + cost_text(copied.estimate) +
         " of estimates where no cost is known. Read again, all of it is the same.\n" + from +
         " is kept for reading; set ledger to " + to + " wherever it was used.\n";
}

void print_document(const Copied& copied, const std::string& from, const std::string& to) {
  Members document;
  document.set("from", from);
  document.set("to", to);
  document.set("copied_before", copied.was_done);
  const auto set = [&](const char* name, auto value) {
    document.set(name, copied.was_done ? std::nullopt : std::optional(value));
  };
  set("generations", copied.generations);
  set("history_lines", copied.history);
  set("assets", copied.assets);
  set("files", copied.files);
  set("batch_rows", copied.batch_rows);
  set("cost", copied.cost);
  set("estimate", copied.estimate);
  print_json(document.take());
}

void undo(const Options& options, const std::vector<std::string>& words) {
  if (words.size() != 1) {
    throw UsageError(options.program(), "--undo takes one ledger, the one whose rows were moved.");
  }
  need(ledger::undo_copy(words[0], options.is_given("lost")));
  const std::string name = shown_ledger(words[0]);
  if (options.is_given("json")) {
    Members document;
    document.set("from", name);
    document.set("undone", true);
    print_json(document.take());
  } else {
    print(name + " is the one to go on with again.\n");
  }
}

}  // namespace

int run_ledger_copy(int argc, char** argv, const Globals& /*globals*/) {
  Options options(
      argv[0], "FROM [TO]",
      "Moves all that a ledger knows into another one that is empty: rows with their numbers,\n"
      "history and doubts, what was uploaded, what files hold. Each is a file or the address of a\n"
      "PostgreSQL server. FROM stays as it is, for reading; nothing can be paid for with it any\n"
      "more, since two ledgers would each pay for the same request. Run it again when it was cut\n"
      "off.");
  options.add_flag("undo", "Go on with FROM, if its copy was not used since");
  options.add_flag("lost", "With --undo: the copy is lost for good, and is not looked at");
  options.add_flag("json", "Print a JSON object");
  options.add_description(
      "While a program uses FROM or TO, nothing is copied. Programs whose ledger is still FROM end "
      "in an\nerror that names TO, and send nothing. After --undo it is the other way around. "
      "With\n"
      "--undo --lost, what was paid for with the copy is not known any more, and is paid again.");
  const auto words = options.parse(argc, argv);
  if (!words) return exit_done;
  if (options.is_given("undo")) {
    undo(options, *words);
    return exit_done;
  }
  if (options.is_given("lost")) throw UsageError(options.program(), "--lost goes with --undo.");
  if (words->size() != 2) {
    throw UsageError(options.program(), "Name two ledgers: the one to copy, and the new one.");
  }
  const std::string from = shown_ledger((*words)[0]);
  const std::string to = shown_ledger((*words)[1]);
  const Copied copied = need(ledger::copy_ledger((*words)[0], (*words)[1]));
  if (options.is_given("json")) {
    print_document(copied, from, to);
  } else {
    print(text_of(copied, from, to));
  }
  return exit_done;
}

}  // namespace genpro::cli
