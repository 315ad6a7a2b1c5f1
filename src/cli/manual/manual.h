// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The command line as data: what `--help`, the manual page and the completions of shells are made
// from.
#pragma once

#include <string>
#include <vector>

namespace genpro::cli {

struct OptionManual {
  std::string name;
  char letter = 0;          // 0: there is no short form
  std::string placeholder;  // of the value; empty: it takes none
  std::string help;
  std::vector<std::string> words;  // that the value can be; empty: any
  bool is_list = false;            // may be given several times
};

struct CommandManual {
  std::string name;  // whole, such as "genpro ledger list"
  std::string arguments;
  std::string summary;
  std::string description;
  std::vector<OptionManual> options;
  std::vector<std::string> words;  // that the first argument can be
  bool is_group = false;           // of commands, which those words are
};

// For roff (a manual page), bash and zsh. The first command is the program itself.
std::string manual_page(const std::vector<CommandManual>& commands);
std::string bash_completion(const std::vector<CommandManual>& commands);
std::string zsh_completion(const std::vector<CommandManual>& commands);

}  // namespace genpro::cli
