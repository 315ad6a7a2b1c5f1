// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/main_loop.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

#include "cli/command.h"

namespace genpro::cli {

MainLoop::MainLoop() {
  constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP};
  watches_.reserve(std::size(signals));
  for (const int number : signals) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    Watch& watch = watches_.emplace_back(
        Watch{this, number, AttachedSourcePtr(g_unix_signal_source_new(number))});
    g_source_set_callback(watch.source.get(), on_signal, &watch, nullptr);
    g_source_attach(watch.source.get(), nullptr);
  }
}

gboolean MainLoop::on_signal(gpointer watch) {
  const auto* seen = static_cast<Watch*>(watch);
  const int code = exit_signal + seen->signal_number;
  if (seen->loop->exit_code_ != 0) _exit(code);
  seen->loop->exit_code_ = code;
  seen->loop->stop_.request_stop();
  return G_SOURCE_CONTINUE;
}

void MainLoop::run(std::chrono::milliseconds interval, const std::function<void()>& tick,
                   const std::function<bool()>& is_done) {
  const AttachedSourcePtr timer(g_timeout_source_new(static_cast<guint>(interval.count())));
  g_source_set_callback(
      timer.get(), [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
  g_source_attach(timer.get(), nullptr);
  while (!is_done()) {
    tick();
    g_main_context_iteration(nullptr, TRUE);
  }
}

}  // namespace genpro::cli
