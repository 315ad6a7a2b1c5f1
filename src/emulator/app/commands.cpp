// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib-unix.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "emulator/app/cleanup_process.h"
#include "emulator/app/commands.h"
#include "emulator/app/options.h"
#include "emulator/app/process_limits.h"
#include "emulator/app/signals.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr int not_found_code = 127;
constexpr int not_executable_code = 126;

class Execution {
 public:
  explicit Execution(CleanupProcess& cleanup)
      : cleanup_(cleanup), loop_(g_main_loop_new(nullptr, FALSE)) {
    GSource* source =
        g_unix_fd_source_new(cleanup.socket(), static_cast<GIOCondition>(G_IO_IN | G_IO_HUP));
    g_source_set_callback(source, G_SOURCE_FUNC(&Execution::on_news), this, nullptr);
    news_ = AttachedSource(source);
  }

  int run() {
    g_main_loop_run(loop_.get());
    return code_;
  }

  void pass_on(int signal_number, bool from_terminal) {
    // The command is in the same group: the terminal has told it already.
    if (!from_terminal) cleanup_.signal_command(signal_number);
  }

  const CommandEnd& end() const { return end_; }

 private:
  static gboolean on_news(gint, GIOCondition, gpointer data) {
    auto* self = static_cast<Execution*>(data);
    self->end_ = self->cleanup_.read_end();
    switch (self->end_.kind) {
      case CommandEnd::Kind::none:
        return G_SOURCE_CONTINUE;
      case CommandEnd::Kind::exited:
        self->code_ = self->end_.value;
        break;
      case CommandEnd::Kind::not_started:
        self->code_ = self->end_.value == ENOENT || self->end_.value == ENOTDIR
                          ? not_found_code
                          : not_executable_code;
        break;
      case CommandEnd::Kind::cleanup_lost:
        self->code_ = 128 + SIGKILL;
        break;
    }
    g_main_loop_quit(self->loop_.get());
    return G_SOURCE_REMOVE;
  }

  CleanupProcess& cleanup_;
  MainLoopPtr loop_;
  AttachedSource news_;
  CommandEnd end_;
  int code_ = 1;
};

}  // namespace

int command_exec(int argc, char** argv) {
  Options options = read_options(Subcommand::exec, argc, argv);
  for (const auto& path : options.ingredients) check_local_ingredient(path);
  EmulatorSettings& settings = options.settings;
  if (settings.api_key.empty()) settings.api_key = "emulator_" + random_token();
  std::string temporary;
  if (settings.data_dir.empty()) temporary = settings.data_dir = make_temporary_folder();

  CleanupProcess cleanup(temporary, options.command);
  // After the clean-up process, whose command keeps the limits it was started with.
  raise_open_file_limit();
  Execution execution(cleanup);
  const SignalWatch signals(
      [&](int number, bool from_terminal) { execution.pass_on(number, from_terminal); });
  Emulator emulator(settings);
  for (const auto& path : options.ingredients) emulator.add_ingredient(path);
  cleanup.run_command(
      {{"GEN_API_BASE_URL", emulator.base_url()}, {"GEN_API_KEY", settings.api_key}});
  const int code = execution.run();
  if (execution.end().kind == CommandEnd::Kind::not_started) {
    std::fprintf(stderr, "genpro-emulator: %s cannot be run: %s\n", options.command[0].c_str(),
                 g_strerror(execution.end().value));
  } else if (execution.end().kind == CommandEnd::Kind::cleanup_lost) {
    std::fprintf(stderr,
                 "genpro-emulator: the process that runs the command was killed, and the command "
                 "with it\n");
  }
  return code;
}

}  // namespace genpro::emulator
