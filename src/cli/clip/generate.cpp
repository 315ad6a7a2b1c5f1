// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <thread>

#include "api/request.h"
#include "base/text.h"
#include "cli/clip/fetch.h"
#include "cli/clip/output_file.h"
#include "cli/clip/progress_line.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/main_loop.h"
#include "cli/members.h"
#include "cli/output.h"
#include "settings/job_settings.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// The fetching thread's result; what it threw is thrown here.
struct Outcome {
  Fetched fetched;
  std::exception_ptr exception;
  bool is_there = false;
};

Fetched run(const Settings& settings, OutputFile& file, MainLoop& loop, ProgressLine& line) {
  Guarded<Outcome> outcome;
  const Watch watch = line.watch();
  std::jthread thread([&] {
    Outcome mine;
    try {
      mine.fetched = fetch(settings, file, watch, loop.interrupted());
    } catch (...) {
      mine.exception = std::current_exception();
    }
    mine.is_there = true;
    *outcome.lock() = std::move(mine);
    MainLoop::wake();
  });
  loop.run(
      250ms, [&] { line.draw(); }, [&] { return outcome.lock()->is_there; });
  thread.join();
  line.draw();
  line.clear();
  Outcome end = std::move(*outcome.lock());
  if (end.exception) std::rethrow_exception(end.exception);
  return std::move(end.fetched);
}

void print_document(const Fetched& fetched, const std::string& file) {
  Members document;
  const char* status = fetched.is_done ? "done" : fetched.error ? "failed" : "interrupted";
  document.set("status", status);
  document.set("file", fetched.is_done ? std::optional(file) : std::nullopt);
  document.set_or_null("generation_id", fetched.generation_id);
  document.set("cost", fetched.cost);
  document.set("bytes", static_cast<std::int64_t>(fetched.bytes));
  document.set("picked_up", fetched.is_earlier);
  if (fetched.error) {
    const Error& error = *fetched.error;
    Members one;
    one.set("kind", to_word(error.kind));
    one.set("message", error.message);
    one.set("http_status", error.http_status == 0
                               ? std::nullopt
                               : std::optional(static_cast<std::int64_t>(error.http_status)));
    one.set_or_null("error_code", error.error_code);
    one.set("charged",
            error.charged ? std::optional<std::string>(to_word(*error.charged)) : std::nullopt);
    one.set("retryable", error.retryable);
    document.set("error", one.take());
  }
  print_json(document.take());
}

void print_sentence(const Fetched& fetched, const std::string& file) {
  std::string text = one_line(file, 200) + ": generation " + fetched.generation_id + ", " +
                     size_text(fetched.bytes);
  if (fetched.cost) text += ", cost " + number_text(*fetched.cost);
  if (fetched.is_earlier) text += ", asked for before: nothing new was charged";
  print(text + "\n");
}

// With what else is missing, so that it is told at once.
[[noreturn]] void refuse_without_output(const Options& options, const Settings& settings) {
  std::vector<std::string> names = {"output"};
  if (const auto job = make_job_settings(settings); !job) {
    for (const auto& [name, value] : job.error().details) {
      if (name == "missing") std::ranges::move(split_list(value), std::back_inserter(names));
    }
  }
  if (names.size() == 1) {
    throw UsageError(options.program(), "Name the file to write, with --output.");
  }
  throw CommandError(named_as_options(api::missing_error(names)));
}

}  // namespace

int run_generate(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "Asks for a video, waits, and writes its clip. The file appears when all of it\n"
      "is there. Whatever ends the program before that, the same command goes on with\n"
      "the same generation, without a new charge; Ctrl-C has an unfinished one stopped, for\n"
      "a refund, unless --on-shutdown=detach.");
  options.add_file("output", "FILE", "File to write, such as clip.mp4; required", 'o');
  options.add_flag("force", "Replace the file when it is there", 'f');
  options.add_flag("json", "Print a JSON object");
  add_settings(options);
  if (!options.parse(argc, argv)) return exit_done;
  const auto output = options.value("output");
  if (!output) refuse_without_output(options, read_settings(options, globals));
  // Elsewhere that is standard output, which does not appear as a whole.
  if (*output == "-") {
    throw UsageError(options.program(),
                     "--output is a file's name, and - is none. Write to a file, or to standard "
                     "output with gst-launch-1.0 genprosrc … ! fdsink.");
  }
  std::error_code ignored;
  const fs::path folder = fs::path(*output).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    throw UsageError(options.program(), "There is no folder " + one_line(folder.string(), 200) +
                                            " for the clip. Make it, or name another --output.");
  }
  const Settings settings = read_settings(options, globals);

  // Before anything is paid.
  OutputFile file(*output, options.is_given("force"),
                  "Name another file, or add --force to replace it.");
  MainLoop loop;
  ProgressLine line;
  const Fetched fetched = run(settings, file, loop, line);
  if (options.is_given("json")) {
    print_document(fetched, *output);
  } else if (fetched.is_done) {
    print_sentence(fetched, *output);
  }
  if (fetched.is_done) return exit_done;
  if (fetched.error) {
    tell(fetched.error->message);
    return exit_code_of(*fetched.error);
  }
  tell("Interrupted. " + fetched.summary);
  return loop.exit_code();
}

}  // namespace genpro::cli
