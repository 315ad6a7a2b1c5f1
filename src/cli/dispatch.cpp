// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "ledger/ledger.h"

namespace genpro::cli {

namespace {

std::string with_commands(const Group& group) {
  std::size_t width = 0;
  for (const Command& command : group.commands) {
    width = std::max(width, std::string_view(command.name).size());
  }
  std::string text = std::string(group.summary) + "\n\nCommands:";
  for (const Command& command : group.commands) {
    std::string name = command.name;
    name.resize(width, ' ');
    text += "\n  " + name + "   " + command.summary;
  }
  return text;
}

int run(const Command& command, std::vector<std::string> words, const std::string& program,
        const Globals& globals) {
  words.front() = program + " " + command.name;
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return command.run(static_cast<int>(words.size()), pointers.data(), globals);
}

}  // namespace

int dispatch(const Group& group, int argc, char** argv, Globals globals) {
  const std::string program = argv[0];
  std::vector<std::string> names;
  for (const Command& command : group.commands) names.emplace_back(command.name);
  Options options(program, "COMMAND …", with_commands(group));
  options.stop_at_first_argument();
  options.set_words(names);
  options.add_ledger();
  if (group.tells_version) options.add_flag("version", "Print the version");
  const auto words = options.parse(argc, argv);
  if (Options::is_described()) {
    for (const Command& command : group.commands) run(command, {""}, program, globals);
  }
  if (!words) return exit_done;
  if (group.tells_version && options.is_given("version")) {
    print("genpro " GENPRO_VERSION "\n");
    return exit_done;
  }
  const std::string known = (names.size() == 1 ? "The only command is " : "The commands are ") +
                            join(names, ", ", " and ");
  if (words->empty()) throw UsageError(program, "A command is missing. " + known + ".");
  const auto found = std::ranges::find(group.commands, words->front(), &Command::name);
  if (found == group.commands.end()) {
    throw UsageError(
        program, "There is no command \"" + one_line(words->front(), 60) + "\". " + known + ".");
  }
  if (auto ledger = options.value("ledger")) globals.ledger = std::move(ledger);

  return run(*found, *words, program, globals);
}

std::string ledger_path(const Options& options, const Globals& globals) {
  if (auto path = options.value("ledger")) return std::move(*path);
  return globals.ledger ? *globals.ledger : ledger::default_ledger_path();
}

}  // namespace genpro::cli
