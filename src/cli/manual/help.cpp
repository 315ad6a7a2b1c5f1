// SPDX-License-Identifier: LGPL-2.1-or-later
#include <vector>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/manual/manual.h"
#include "cli/options.h"
#include "cli/output.h"

namespace genpro::cli {

namespace {

int run_program(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return dispatch(program_group(), static_cast<int>(words.size()), pointers.data(), {});
}

std::vector<CommandManual> all_commands() {
  std::vector<CommandManual> commands;
  Options::describe_to([&](CommandManual manual) { commands.push_back(std::move(manual)); });
  run_program({"genpro"});
  Options::describe_to(nullptr);
  return commands;
}

}  // namespace

int run_help(int argc, char** argv, const Globals& /*globals*/) {
  Options options(argv[0], "[COMMAND…]",
                  "What a command does, and its options; or the whole command line as a manual\n"
                  "page or for the completion of a shell.");
  options.add_choice("format", {"man", "bash", "zsh"}, "Print all in this form: man, bash or zsh");
  std::vector<std::string> names;
  for (const Command& command : program_group().commands) names.emplace_back(command.name);
  options.set_words(std::move(names));
  const auto words = options.parse(argc, argv);
  if (!words) return exit_done;
  const auto format = options.value("format");
  if (!format) {
    std::vector<std::string> all = {"genpro"};
    all.insert(all.end(), words->begin(), words->end());
    all.emplace_back("--help");
    return run_program(std::move(all));
  }
  if (!words->empty()) throw UsageError(options.program(), "--format is of all commands together.");
  if (*format == "man") {
    print(manual_page(all_commands()));
  } else if (*format == "bash") {
    print(bash_completion(all_commands()));
  } else if (*format == "zsh") {
    print(zsh_completion(all_commands()));
  } else {
    throw UsageError(options.program(),
                     "--format must be man, bash or zsh, not \"" + one_line(*format, 60) + "\".");
  }
  return exit_done;
}

}  // namespace genpro::cli
