// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/app/manual.h"

#include <string_view>

#include "emulator/app/options.h"

namespace genpro::emulator {

namespace {

// A text within a line: backslashes and hyphens as they are.
std::string roff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '-') result += '\\';
    result += c == '\\' ? std::string("\\e") : std::string(1, c);
  }
  return result;
}

std::string option_list(Subcommand subcommand) {
  std::string text;
  for (const OptionText& option : option_texts(subcommand)) {
    text += ".TP\n\\fB";
    if (option.letter != 0) text += std::string("\\-") + option.letter + "\\fR, \\fB";
    text += "\\-\\-" + roff(option.name) + "\\fR";
    if (!option.placeholder.empty()) text += "=\\fI" + roff(option.placeholder) + "\\fR";
    text += "\n" + roff(option.help) + "\n";
  }
  return text;
}

}  // namespace

std::string manual_page() {
  return std::string(".TH GENPRO\\-EMULATOR 1 \"\" \"genpro-emulator ") + GENPRO_VERSION +
         "\" \"User Commands\"\n"
         ".SH NAME\n"
         "genpro\\-emulator \\- the GEN service on this machine\n"
         ".SH SYNOPSIS\n"
         ".B genpro\\-emulator serve\n"
         "\\fB\\-\\-port\\fR=\\fIPORT\\fR [\\fIOPTION\\fR\\&...]\n"
         ".br\n"
         ".B genpro\\-emulator exec\n"
         "[\\fIOPTION\\fR\\&...] \\-\\- \\fICOMMAND\\fR [\\fIARGUMENT\\fR\\&...]\n"
         ".SH DESCRIPTION\n"
         "Serves the HTTP interface of the GEN service on this machine, with clips that are\n"
         "composed here, without an account and without cost.\n"
         ".SS serve\n"
         "Serves until it is stopped. Its page, at /, shows what is asked for and is where\n"
         "faults are switched on.\n" +
         option_list(Subcommand::serve) +
         ".SS exec\n"
         "Runs \\fICOMMAND\\fR with GEN_API_BASE_URL and GEN_API_KEY set to an emulator of its\n"
         "own, and ends with it.\n" +
         option_list(Subcommand::exec) +
         ".SH EXIT STATUS\n"
         "That of \\fICOMMAND\\fR for exec; otherwise\n"
         ".TP\n0\nDone.\n"
         ".TP\n1\nIt cannot do what it was asked for.\n"
         ".TP\n2\nThe command line says nothing that could be done.\n"
         ".SH SEE ALSO\n"
         ".BR genpro (1)\n";
}

}  // namespace genpro::emulator
