// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/options.h"

#include <algorithm>
#include <cmath>
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

gpointer Options::Slot::target() {
  switch (kind) {
    case G_OPTION_ARG_NONE:
      return &flag;
    case G_OPTION_ARG_FILENAME_ARRAY:
      return &list;
    default:
      return &text;
  }
}

Options::Slot& Options::add(const char* name, char letter, GOptionArg kind, const char* placeholder,
                            std::string help) {
  Slot& slot = slots_.emplace_back();
  slot.kind = kind;
  slot.is_rare = has_rare_;
  slot.manual = {.name = name,
                 .letter = letter,
                 .placeholder = placeholder != nullptr ? placeholder : "",
                 .help = std::move(help),
                 .is_list = kind == G_OPTION_ARG_FILENAME_ARRAY};
  return slot;
}

void Options::add_flag(const char* name, std::string help, char letter) {
  add(name, letter, G_OPTION_ARG_NONE, nullptr, std::move(help));
}

void Options::add_text(const char* name, const char* placeholder, std::string help, char letter) {
  add(name, letter, G_OPTION_ARG_STRING, placeholder, std::move(help));
}

void Options::add_file(const char* name, const char* placeholder, std::string help, char letter) {
  add(name, letter, G_OPTION_ARG_FILENAME, placeholder, std::move(help));
}

void Options::add_choice(const char* name, std::vector<std::string> words, std::string help) {
  add(name, 0, G_OPTION_ARG_STRING, "WORD", std::move(help)).manual.words = std::move(words);
}

void Options::add_list(const char* name, const char* placeholder, std::string help) {
  add(name, 0, G_OPTION_ARG_FILENAME_ARRAY, placeholder, std::move(help));
}

void Options::add_ledger() {
  add_file("ledger", "FILE",
           "The ledger: a file, or postgresql://HOST/DATABASE (genpro/ledger.db in the XDG state "
           "folder)");
}

void Options::begin_rare() {
  add_flag("help-all", "Print this help with all options");
  has_rare_ = true;
}

namespace {

std::function<void(CommandManual)>& recorder() {
  static std::function<void(CommandManual)> record;
  return record;
}

}  // namespace

void Options::describe_to(std::function<void(CommandManual)> record) {
  recorder() = std::move(record);
}

bool Options::is_described() {
  return static_cast<bool>(recorder());
}

CommandManual Options::manual() const {
  CommandManual manual{program_,
                       parameters_ != nullptr ? parameters_ : "",
                       summary_,
                       description_,
                       {},
                       words_,
                       stops_at_first_argument_};
  for (const Slot& slot : slots_) manual.options.push_back(slot.manual);
  return manual;
}

Options::ContextPtr Options::make_context(bool shows_rare) {
  std::vector<GOptionEntry> entries;
  for (Slot& slot : slots_) {
    const OptionManual& option = slot.manual;
    const int flags = slot.is_rare && !shows_rare ? G_OPTION_FLAG_HIDDEN : G_OPTION_FLAG_NONE;
    entries.push_back({option.name.c_str(), option.letter, flags, slot.kind, slot.target(),
                       option.help.c_str(),
                       option.placeholder.empty() ? nullptr : option.placeholder.c_str()});
  }
  entries.push_back({});
  ContextPtr context(g_option_context_new(parameters_));
  g_option_context_set_help_enabled(context.get(), FALSE);
  g_option_context_set_summary(context.get(), summary_.c_str());
  if (!description_.empty()) {
    g_option_context_set_description(context.get(), description_.c_str());
  }
  g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
  g_option_context_set_strict_posix(context.get(), stops_at_first_argument_);
  return context;
}

// GOption takes `--force=no` for `--force`.
void Options::refuse_values_of_flags(int argc, char** argv) const {
  for (int at = 1; at < argc; ++at) {
    const std::string_view word = argv[at];
    if (word == "--" || (stops_at_first_argument_ && !word.starts_with('-'))) return;
    for (const Slot& slot : slots_) {
      const std::string name = "--" + slot.manual.name;
      const bool is_letter = word.size() == 2 && word[0] == '-' && word[1] == slot.manual.letter;
      const bool is_flag = slot.kind == G_OPTION_ARG_NONE;
      // Its value is the next word, whatever that looks like.
      if (!is_flag && (word == name || is_letter)) ++at;
      if (is_flag && word.starts_with(name + "=")) {
        throw UsageError(program_, name + " is given \"" +
                                       one_line(word.substr(name.size() + 1), 60) +
                                       "\", and takes no value. Give it alone, or leave it out.");
      }
    }
  }
}

std::optional<std::vector<std::string>> Options::parse(int argc, char** argv) {
  if (recorder()) {
    recorder()(manual());
    return std::nullopt;
  }
  refuse_values_of_flags(argc, argv);
  const ContextPtr context = make_context(false);
  // What the help calls the program.
  g_set_prgname(program_.c_str());

  // The parser moves the words about.
  std::vector<char*> words(argv, argv + argc);
  words.push_back(nullptr);
  int count = argc;
  char** parsed = words.data();
  ErrorPtr error;
  if (!g_option_context_parse(context.get(), &count, &parsed, error.out())) {
    // It is not repeated: it may hold the key.
    const std::string message = error.message();
    if (message.find("--api-key=") != std::string::npos || message.ends_with("--api-key")) {
      throw UsageError(program_,
                       "The API's key is not taken from the command line, which other users of "
                       "the machine can see. Put it into a file and name that with "
                       "--api-key-file, or into GEN_API_KEY.");
    }
    throw UsageError(program_, one_line(message) + ".");
  }
  const bool wants_all = has_rare_ && is_given("help-all");
  if (wants_all || is_given("help")) {
    const ContextPtr shown = make_context(wants_all);
    print(take_string(g_option_context_get_help(shown.get(), TRUE, nullptr)));
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
    if (slot.manual.name == name) return slot;
  }
  throw std::logic_error(std::string("there is no option ") + name);
}

bool Options::has(std::string_view name) const {
  return std::ranges::any_of(slots_, [&](const Slot& slot) { return slot.manual.name == name; });
}

bool Options::is_given(const char* name) const {
  const Slot& found = slot(name);
  return found.flag != FALSE || found.text != nullptr || found.list != nullptr;
}

std::optional<std::string> Options::value(const char* name) const {
  const Slot& found = slot(name);
  if (found.text == nullptr) return std::nullopt;
  if (*found.text == '\0') {
    throw UsageError(program_, std::string("--") + name + " must not be empty.");
  }
  return found.text;
}

std::vector<std::string> Options::values(const char* name) const {
  std::vector<std::string> values;
  char** list = slot(name).list;
  for (; list != nullptr && *list != nullptr; ++list) values.emplace_back(*list);
  return values;
}

std::optional<double> Options::amount(const char* name) const {
  const auto text = value(name);
  if (!text) return std::nullopt;
  char* end = nullptr;
  const double amount = g_ascii_strtod(text->c_str(), &end);
  if (*end != '\0' || !std::isfinite(amount) || amount <= 0) {
    throw UsageError(program_, std::string("--") + name + " must be a number above 0, not \"" +
                                   one_line(*text, 60) + "\".");
  }
  return amount;
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
