// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/clip/progress_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "cli/main_loop.h"
#include "cli/output.h"

namespace genpro::cli {

namespace {

using job::Status;

constexpr std::size_t bar_width = 20;

std::string bar(double share) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * bar_width);
  return "[" + std::string(full, '#') + std::string(bar_width - full, '-') + "] ";
}

std::string line_of(const Progress& progress, std::chrono::seconds elapsed) {
  if (progress.status == Status::streaming && progress.size && *progress.size > 0) {
    const double share = static_cast<double>(progress.bytes) / static_cast<double>(*progress.size);
    return bar(share) + size_text(progress.bytes) + " of " + size_text(*progress.size);
  }
  std::string line = clock_text(elapsed) + "  " + progress.text;
  if (const auto& expectation = progress.expectation) {
    const std::chrono::duration<double> age =
        std::chrono::steady_clock::now() - expectation->posted;
    const polling::Progress now = expectation->forecast.at(age.count());
    if (now.percent >= 0) line = bar(now.percent / 100.0) + line;
    if (now.is_overdue) {
      line += ", which takes unusually long";
    } else if (now.expected > now.elapsed) {
      line += ", about " +
              clock_text(std::chrono::seconds(std::lround(now.expected - now.elapsed))) + " left";
    }
  }
  if (progress.cost) line += ", cost " + number_text(*progress.cost);
  return line;
}

bool is_terminal(int descriptor) {
  const char* kind = g_getenv("TERM");
  return isatty(descriptor) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

// Columns of the terminal that standard error is.
std::size_t terminal_width() {
  struct winsize size {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

StatusLine::StatusLine() : is_terminal_(is_terminal(STDERR_FILENO)) {}

void StatusLine::draw(const std::string& text) {
  if (!is_terminal_ || text.empty()) return;
  const std::size_t width = std::max<std::size_t>(terminal_width(), 20) - 1;
  std::fprintf(stderr, "\r%s\033[K", one_line(text, width).c_str());
  std::fflush(stderr);
  is_drawn_ = true;
}

void StatusLine::clear() {
  if (!std::exchange(is_drawn_, false)) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

Watch ProgressLine::watch() {
  return {
      .on_progress =
          [this](const Progress& progress) {
            auto state = state_.lock();
            if (progress.text != state->progress.text) {
              if (!line_.is_shown()) {
                state->lines.push_back(progress.text + (progress.text.ends_with('.') ? "" : "."));
              }
              MainLoop::wake();
            }
            state->progress = progress;
          },
      .on_warning =
          [this](const std::string& text) {
            state_.lock()->lines.push_back("Warning: " + text);
            MainLoop::wake();
          },
      .before_commit = {},
  };
}

void ProgressLine::draw() {
  std::vector<std::string> lines;
  Progress progress;
  {
    auto state = state_.lock();
    lines.swap(state->lines);
    progress = state->progress;
  }
  if (!lines.empty()) clear();
  for (const std::string& line : lines) tell(line);
  if (progress.text.empty()) return;
  line_.draw(line_of(progress, std::chrono::duration_cast<std::chrono::seconds>(
                                   std::chrono::steady_clock::now() - started_)));
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  const char* const units[] = {"kB", "MB", "GB"};
  double size = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; size >= 999.95 && unit + 1 < std::size(units); ++unit) size /= 1000;
  char text[32];
  g_snprintf(text, sizeof text, "%.1f", size);
  return std::string(text) + " " + units[unit];
}

std::string clock_text(std::chrono::seconds time) {
  const long long seconds = time.count();
  const std::string rest = std::to_string(100 + seconds % 60).substr(1);
  if (seconds < 3600) return std::to_string(seconds / 60) + ":" + rest;
  return std::to_string(seconds / 3600) + ":" + std::to_string(100 + seconds / 60 % 60).substr(1) +
         ":" + rest;
}

}  // namespace genpro::cli
