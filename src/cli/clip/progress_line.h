// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Progress on standard error: one line that changes on a terminal, else a line for each change.
#pragma once

#include <chrono>
#include <string>

#include "base/guarded.h"
#include "cli/clip/fetch.h"

namespace genpro::cli {

// The line of a terminal that standard error is; without one it does nothing.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool is_shown() const { return is_terminal_; }
  void draw(const std::string& text);
  // Takes it off, before something else is written.
  void clear();

 private:
  const bool is_terminal_;
  bool is_drawn_ = false;
};

// Of one clip. Threads: watch()'s functions by the one that fetches, the rest by another one.
class ProgressLine {
 public:
  ProgressLine() = default;
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  Watch watch();
  // Draws what is there now.
  void draw();
  void clear() { line_.clear(); }

 private:
  struct State {
    Progress progress;
    std::vector<std::string> lines;  // still to be written
  };

  StatusLine line_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  Guarded<State> state_;
};

// "1.2 MB".
std::string size_text(std::uint64_t bytes);
// "1:05".
std::string clock_text(std::chrono::seconds time);

}  // namespace genpro::cli
