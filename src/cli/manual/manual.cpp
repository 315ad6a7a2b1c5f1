// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/manual/manual.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace genpro::cli {

namespace {

// ---- roff ----

// A text within a line: backslashes and hyphens as they are.
std::string roff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

// Lines of their own: none of them may begin as a request does. Those that are indented, such as
// lists of commands, keep their breaks.
std::string roff_paragraphs(const std::string& text) {
  std::string result;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) {
      result += ".PP\n";
    } else if (line.starts_with(' ')) {
      result += ".br\n" + roff(trim(line)) + "\n";
    } else {
      result += (line.starts_with('.') || line.starts_with('\'') ? "\\&" : "") + roff(line) + "\n";
    }
  }
  return result;
}

std::string roff_option(const OptionManual& option) {
  std::string text = ".TP\n\\fB";
  if (option.letter != 0) text += std::string("\\-") + option.letter + "\\fR, \\fB";
  text += "\\-\\-" + roff(option.name) + "\\fR";
  if (!option.placeholder.empty()) text += "=\\fI" + roff(option.placeholder) + "\\fR";
  text += "\n" + roff(option.help) + "\n";
  if (!option.words.empty()) text += "One of " + roff(join(option.words)) + ".\n";
  return text;
}

// ---- Shells ----

// Within single quotes of a shell.
std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// "genpro ledger list" is `_genpro_ledger_list`.
std::string function_of(const std::string& name) {
  std::string function = "_" + name;
  std::ranges::replace(function, ' ', '_');
  return function;
}

// What zsh's _arguments takes for a special character in a description.
std::string zsh_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

std::string manual_page(const std::vector<CommandManual>& commands) {
  const CommandManual& program = commands.front();
  std::string page = ".TH GENPRO 1 \"\" \"genpro " GENPRO_VERSION "\" \"User Commands\"\n";
  page += ".SH NAME\ngenpro \\- make videos with the GEN service, and keep account of them\n";
  page += ".SH SYNOPSIS\n.B genpro\n\\fICOMMAND\\fR [\\fIOPTION\\fR\\&...]\n";
  page += ".SH DESCRIPTION\n" + roff_paragraphs(program.summary);
  page += ".SH OPTIONS\n";
  for (const OptionManual& option : program.options) page += roff_option(option);
  page += ".SH COMMANDS\n";
  for (const CommandManual& command : commands) {
    // A group has nothing of its own.
    if (command.is_group) continue;
    page += ".SS " + roff(trim(command.name + " " + command.arguments)) + "\n";
    page += roff_paragraphs(command.summary);
    for (const OptionManual& option : command.options) page += roff_option(option);
    if (!command.description.empty()) {
      page += ".PP\n" + roff_paragraphs(std::string(trim(command.description)));
    }
  }
  page +=
      ".SH EXIT STATUS\n"
      ".TP\n0\nDone.\n"
      ".TP\n1\nWhat was asked for could not be done.\n"
      ".TP\n2\nThe command line or a setting says nothing that could be done.\n"
      ".TP\n3\nThe service refuses it, or credits are lacking; nothing was charged.\n"
      ".TP\n4\nIt may have been charged, and is in doubt.\n"
      ".TP\n5\nA limit is reached.\n"
      ".TP\n128+n\nA signal has ended it: 130 after Ctrl\\-C.\n"
      ".SH ENVIRONMENT\n"
      ".TP\nGEN_API_KEY\nThe API's key.\n"
      ".TP\nGEN_API_BASE_URL\nAddress of the API.\n"
      ".TP\nGEN_AGENT_ID, GEN_SHEET_ID, GEN_CELL_ID\nWho asks, and for which cell.\n"
      ".TP\nGEN_ARCHIVE\nFolder that keeps clips.\n";
  return page;
}

std::string bash_completion(const std::vector<CommandManual>& commands) {
  std::string text =
      "# Completion of genpro for bash; made by `genpro help --format bash`.\n"
      "_genpro() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=genpro\n"
      "  # bash gives --name=value as three words.\n"
      "  [ \"$word\" = = ] && word=\n"
      "  [ \"$before\" = = ] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
      "  local index\n"
      "  for ((index = 1; index < COMP_CWORD; ++index)); do\n"
      "    case \" $_genpro_commands \" in\n"
      "      *\" ${command// /_}_${COMP_WORDS[index]} \"*) command+=\" ${COMP_WORDS[index]}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  compopt -o default\n"
      "  case \"$command $before\" in\n";
  std::string names;
  std::string options;
  for (const CommandManual& command : commands) {
    std::string name = command.name;
    std::ranges::replace(name, ' ', '_');
    names += (names.empty() ? "" : " ") + name;
    std::string words;
    for (const OptionManual& option : command.options) {
      words += (words.empty() ? "--" : " --") + option.name;
      if (option.placeholder.empty()) continue;
      const std::string pattern = "    " + shell_quoted(command.name + " --" + option.name) + ")";
      if (!option.words.empty()) {
        text += pattern + " COMPREPLY=($(compgen -W " + shell_quoted(join(option.words, " ")) +
                " -- \"$word\")) ; return ;;\n";
      } else {
        // Files.
        text += pattern + " return ;;\n";
      }
    }
    options += "    " + shell_quoted(command.name) +
               ")\n      case $word in\n        -*) COMPREPLY=($(compgen -W " +
               shell_quoted(words) + " -- \"$word\")) ;;\n";
    if (!command.words.empty()) {
      options += "        *) COMPREPLY=($(compgen -W " + shell_quoted(join(command.words, " ")) +
                 " -- \"$word\")) ;;\n";
    }
    options += "      esac ;;\n";
  }
  return text + "  esac\n  case $command in\n" + options +
         "  esac\n}\n_genpro_commands=" + shell_quoted(names) + "\ncomplete -F _genpro genpro\n";
}

std::string zsh_completion(const std::vector<CommandManual>& commands) {
  std::string text =
      "#compdef genpro\n# Completion of genpro for zsh; made by `genpro help --format zsh`.\n";
  for (const CommandManual& command : commands) {
    text += function_of(command.name) + "() {\n  local context state line\n  _arguments -C";
    for (const OptionManual& option : command.options) {
      std::string spec = (option.is_list ? "*--" : "--") + option.name +
                         (option.placeholder.empty() ? "" : "=") + "[" + zsh_text(option.help) +
                         "]";
      if (!option.placeholder.empty()) {
        spec += ":" + zsh_text(option.placeholder) + ":";
        spec += option.words.empty() ? "_files" : "(" + zsh_text(join(option.words, " ")) + ")";
      }
      text += " \\\n    " + shell_quoted(spec);
    }
    text += " \\\n    ";
    text += command.words.empty() ? "'*:file:_files'"
                                  : shell_quoted("1:command:(" + join(command.words, " ") + ")");
    if (!command.is_group) {
      text += "\n}\n";
      continue;
    }
    text += " \\\n    '*::argument:->rest'\n  [[ $state == rest ]] || return\n  case $line[1] in\n";
    for (const std::string& word : command.words) {
      text += "    " + word + ") " + function_of(command.name + " " + word) + " ;;\n";
    }
    text += "  esac\n}\n";
  }
  return text + "_genpro \"$@\"\n";
}

}  // namespace genpro::cli
