// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The options of one subcommand, on GOption.
#pragma once

#include <glib.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace genpro::cli {

// Names and texts that are given as `const char*` have to live as long as the object.
class Options {
 public:
  // `program`: the whole name of the subcommand. `parameters`: what its arguments are called, or
  // null when it takes none.
  Options(std::string program, const char* parameters, std::string summary);
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  void add_flag(const char* name, const char* help);
  void add_text(const char* name, const char* placeholder, const char* help);
  // `--ledger FILE`, which may be given before the subcommand as well.
  void add_ledger();
  // A paragraph that stands below the options; they come in the order in which they are added.
  void add_description(const std::string& text) { description_ += text + "\n\n"; }
  // What follows the first word that is no option is all arguments.
  void stop_at_first_argument() { stops_at_first_argument_ = true; }

  // The arguments. Nothing when help was asked for, and has been printed. Throws UsageError.
  std::optional<std::vector<std::string>> parse(int argc, char** argv);
  bool is_given(const char* name) const;
  std::optional<std::string> value(const char* name) const;
  // A whole number from `least` to `most`, or nothing when the option was not given. Throws
  // UsageError.
  std::optional<unsigned> number(const char* name, unsigned least, unsigned most) const;
  const std::string& program() const { return program_; }

 private:
  // Where GOption leaves a value.
  struct Slot {
    GOptionEntry entry{};
    gboolean flag = FALSE;
    char* text = nullptr;
    Slot() = default;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() { g_free(text); }
  };
  Slot& add(const char* name, char letter, GOptionArg kind, const char* placeholder,
            const char* help);
  const Slot& slot(const char* name) const;

  const std::string program_;
  const char* const parameters_;
  const std::string summary_;
  std::string description_;
  bool stops_at_first_argument_ = false;
  std::deque<Slot> slots_;  // never moves what it holds
};

}  // namespace genpro::cli
