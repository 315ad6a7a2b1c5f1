// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/options.h"

#include <stdexcept>
#include <string_view>

#include "base/glib_ptr.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

namespace genpro::cli {

Options::Options(std::string program, const char* parameters, std::string summary)
    : program_(std::move(program)), parameters_(parameters), summary_(std::move(summary)) {
  // GOption's own prints by itself and ends the program, whether it could be written or not.
  add("help", 'h', G_OPTION_ARG_NONE, nullptr, "Print this help");
}

Options::Slot& Options::add(const char* name, char letter, GOptionArg kind, const char* placeholder,
                            const char* help) {
  Slot& slot = slots_.emplace_back();
  gpointer target = kind == G_OPTION_ARG_NONE ? static_cast<gpointer>(&slot.flag)
                                              : static_cast<gpointer>(&slot.text);
  slot.entry = {name, letter, 0, kind, target, help, placeholder};
  return slot;
}

void Options::add_flag(const char* name, const char* help) {
  add(name, 0, G_OPTION_ARG_NONE, nullptr, help);
}

void Options::add_text(const char* name, const char* placeholder, const char* help) {
  add(name, 0, G_OPTION_ARG_STRING, placeholder, help);
}

void Options::add_ledger() {
  add("ledger", 0, G_OPTION_ARG_FILENAME, "FILE",
      "The ledger's file (genpro/ledger.db in the XDG state folder)");
}

std::optional<std::vector<std::string>> Options::parse(int argc, char** argv) {
  std::vector<GOptionEntry> entries;
  for (const Slot& slot : slots_) entries.push_back(slot.entry);
  entries.push_back({});
  const Owned<GOptionContext, g_option_context_free> context(g_option_context_new(parameters_));
  g_option_context_set_help_enabled(context.get(), FALSE);
  g_option_context_set_summary(context.get(), summary_.c_str());
  if (!description_.empty()) {
    g_option_context_set_description(context.get(), description_.c_str());
  }
  g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
  g_option_context_set_strict_posix(context.get(), stops_at_first_argument_);
  // What the help calls the program.
  g_set_prgname(program_.c_str());

  // The parser moves the words about.
  std::vector<char*> words(argv, argv + argc);
  words.push_back(nullptr);
  int count = argc;
  char** parsed = words.data();
  ErrorPtr error;
  if (!g_option_context_parse(context.get(), &count, &parsed, error.out())) {
    throw UsageError(program_, one_line(error.message()) + ".");
  }
  if (is_given("help")) {
    print(take_string(g_option_context_get_help(context.get(), TRUE, nullptr)));
    return std::nullopt;
  }
  std::vector<std::string> arguments(parsed + 1, parsed + count);
  if (!arguments.empty() && arguments.front() == "--") arguments.erase(arguments.begin());
  if (parameters_ == nullptr && !arguments.empty()) {
    throw UsageError(program_, "It takes no argument \"" + one_line(arguments.front(), 60) + "\".");
  }
  return arguments;
}

const Options::Slot& Options::slot(const char* name) const {
  for (const Slot& slot : slots_) {
    if (std::string_view(slot.entry.long_name) == name) return slot;
  }
  throw std::logic_error(std::string("there is no option ") + name);
}

bool Options::is_given(const char* name) const {
  const Slot& found = slot(name);
  return found.flag != FALSE || found.text != nullptr;
}

std::optional<std::string> Options::value(const char* name) const {
  const Slot& found = slot(name);
  if (found.text == nullptr) return std::nullopt;
  if (*found.text == '\0') {
    throw UsageError(program_, std::string("--") + name + " must not be empty.");
  }
  return found.text;
}

std::optional<unsigned> Options::number(const char* name, unsigned least, unsigned most) const {
  const auto text = value(name);
  if (!text) return std::nullopt;
  const auto number = parse_unsigned(*text);
  if (!number || *number < least || *number > most) {
    throw UsageError(program_, std::string("--") + name + " must be a whole number from " +
                                   std::to_string(least) + " to " + std::to_string(most) +
                                   ", not \"" + one_line(*text, 60) + "\".");
  }
  return static_cast<unsigned>(*number);
}

}  // namespace genpro::cli
