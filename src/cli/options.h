// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The options of one subcommand, on GOption.
#pragma once

#include <glib.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/glib_ptr.h"
#include "cli/manual/manual.h"

namespace genpro::cli {

// Names and texts that are given as `const char*` have to live as long as the object.
class Options {
 public:
  // `program`: the whole name of the subcommand. `parameters`: what its arguments are called, or
  // null when it takes none.
  Options(std::string program, const char* parameters, std::string summary);
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  // `letter`: of the short form; 0: there is none.
  void add_flag(const char* name, std::string help, char letter = 0);
  void add_text(const char* name, const char* placeholder, std::string help, char letter = 0);
  // The name of a file or folder.
  void add_file(const char* name, const char* placeholder, std::string help, char letter = 0);
  // One of the words, which is not checked.
  void add_choice(const char* name, std::vector<std::string> words, std::string help);
  // It may be given several times.
  void add_list(const char* name, const char* placeholder, std::string help);
  // `--ledger FILE`, which may be given before the subcommand as well.
  void add_ledger();
  // Only --help-all, which comes with this, shows the options that are added from now on.
  void begin_rare();
  // A paragraph that stands below the options; they come in the order in which they are added.
  void add_description(const std::string& text) { description_ += text + "\n\n"; }
  // What the first argument can be, which is not checked.
  void set_words(std::vector<std::string> words) { words_ = std::move(words); }
  // What follows the first word that is no option is all arguments, as in a group of commands.
  void stop_at_first_argument() { stops_at_first_argument_ = true; }

  // The arguments. Nothing when help was asked for, and has been printed. Throws UsageError.
  std::optional<std::vector<std::string>> parse(int argc, char** argv);
  bool has(std::string_view name) const;
  bool is_given(const char* name) const;
  std::optional<std::string> value(const char* name) const;
  std::vector<std::string> values(const char* name) const;
  // A whole number from `least` to `most`, or nothing when the option was not given. Throws
  // UsageError.
  std::optional<unsigned> number(const char* name, unsigned least, unsigned most) const;
  // A number above 0, likewise.
  std::optional<double> amount(const char* name) const;
  const std::string& program() const { return program_; }

  // While `record` is set, parse() gives it the manual of the command, and returns nothing.
  static void describe_to(std::function<void(CommandManual)> record);
  static bool is_described();

 private:
  // Where GOption leaves a value.
  struct Slot {
    OptionManual manual;
    GOptionArg kind = G_OPTION_ARG_NONE;
    bool is_rare = false;
    gboolean flag = FALSE;
    char* text = nullptr;
    char** list = nullptr;
    Slot() = default;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
      g_free(text);
      g_strfreev(list);
    }
    gpointer target();
  };
  Slot& add(const char* name, char letter, GOptionArg kind, const char* placeholder,
            std::string help);
  const Slot& slot(const char* name) const;
  void refuse_values_of_flags(int argc, char** argv) const;
  using ContextPtr = Owned<GOptionContext, g_option_context_free>;
  ContextPtr make_context(bool shows_rare);
  CommandManual manual() const;

  const std::string program_;
  const char* const parameters_;
  const std::string summary_;
  std::string description_;
  bool stops_at_first_argument_ = false;
  std::vector<std::string> words_;
  bool has_rare_ = false;
  std::deque<Slot> slots_;  // never moves what it holds
};

}  // namespace genpro::cli
