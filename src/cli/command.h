// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a subcommand of genpro is. A group of subcommands is a subcommand itself, so that
// `genpro ledger list` is found by two dispatches.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "base/error.h"

namespace genpro::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;   // what was asked for could not be done
inline constexpr int exit_usage = 2;    // the command line says nothing that could be done
inline constexpr int exit_refused = 3;  // the service refuses it, or credits are lacking
inline constexpr int exit_doubt = 4;    // it may have been charged, and nobody knows yet
inline constexpr int exit_limit = 5;    // a limit that the user set is reached
// A signal has ended it: 128 and the signal's number, so 130 after Ctrl-C.
inline constexpr int exit_signal = 128;

// What went wrong with a request that may be charged.
int exit_code_of(const Error& error);
// The one of both that a person has to look at first.
int worse_exit_code(int one, int other);

// What was given before the name of a subcommand, and holds for all of them.
struct Globals {
  std::optional<std::string> ledger;  // file name
};

// `run` takes the whole name of the subcommand, such as "genpro ledger list", as argv[0], and
// returns the exit code. It throws UsageError, and std::runtime_error for what could not be done;
// the text of both is for the person who typed the command.
struct Command {
  const char* name;
  const char* summary;  // one line
  int (*run)(int argc, char** argv, const Globals& globals);
};

// One sentence. What to type to learn more is added by main().
class UsageError : public std::runtime_error {
 public:
  UsageError(std::string program, const std::string& problem)
      : std::runtime_error(problem), program_(std::move(program)) {}
  // Whose --help says more.
  const std::string& program() const { return program_; }

 private:
  std::string program_;
};

// What the service, or a request to it, came to.
class CommandError : public std::runtime_error {
 public:
  explicit CommandError(const Error& error)
      : std::runtime_error(error.message), exit_code_(exit_code_of(error)) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

struct Group {
  const char* summary;
  std::span<const Command> commands;
  bool tells_version = false;
};
// Reads the options of the group and runs the subcommand that follows them.
int dispatch(const Group& group, int argc, char** argv, Globals globals);

class Options;
// The ledger's file: as the option says, else as was said before the subcommand, else the default.
std::string ledger_path(const Options& options, const Globals& globals);

// The value; what keeps it from being there is thrown.
template <typename T>
T need(Result<T> result) {
  if (!result) throw CommandError(result.error());
  return std::move(*result);
}

}  // namespace genpro::cli
