// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/util/child_process.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace genpro::emulator {

namespace {

struct Preparation {
  pid_t parent;
  rlim_t max_memory;
};

// Runs in the new process before the program does: only async-signal-safe calls.
void prepare(gpointer data) {
  const auto* preparation = static_cast<const Preparation*>(data);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The emulator may have died before the line above.
  if (getppid() != preparation->parent) _exit(1);
  // A group of its own: a Ctrl-C meant for the emulator's terminal is not a crash of the program,
  // and a kill reaches what the program started.
  setpgid(0, 0);
  if (preparation->max_memory != 0) {
    const rlimit memory{preparation->max_memory, preparation->max_memory};
    // Not RLIMIT_AS, which also counts what threads and allocators reserve and never touch: that
    // grows with the machine's cores.
    setrlimit(RLIMIT_DATA, &memory);
  }
}

}  // namespace

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  kill();
  watch_.reset();
  TEMP_FAILURE_RETRY(waitpid(pid_, nullptr, 0));
  g_spawn_close_pid(pid_);
}

void ChildProcess::start(const ChildSettings& settings, Output output, Ended ended) {
  output_ = std::move(output);
  ended_ = std::move(ended);
  std::vector<char*> argv;
  for (const auto& word : settings.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  int flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH;
  if (!settings.verbose) flags |= G_SPAWN_STDERR_TO_DEV_NULL;
  Preparation preparation{getpid(), settings.max_memory};
  int out = -1;
  ErrorPtr error;
  if (!g_spawn_async_with_pipes(nullptr, argv.data(), nullptr, static_cast<GSpawnFlags>(flags),
                                prepare, &preparation, &pid_, nullptr, &out, nullptr,
                                error.out())) {
    pid_ = 0;
    throw std::runtime_error(error.message());
  }
  out_ = FileDescriptor(out);
  g_unix_set_fd_nonblocking(out, TRUE, nullptr);
  reading_ = watch_descriptor(out, [this] { return read_output(); });
  watch_.reset(g_child_watch_source_new(pid_));
  g_source_set_callback(watch_.get(), G_SOURCE_FUNC(&ChildProcess::on_exit), this, nullptr);
  g_source_attach(watch_.get(), g_main_context_get_thread_default());
  watchdog_.start(settings.timeout, [this] {
    timed_out_ = true;
    kill();
  });
}

void ChildProcess::kill() {
  if (pid_ <= 0) return;
  // The group exists only once the child has made it; the child itself always does.
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

void ChildProcess::on_exit(GPid pid, gint status, gpointer data) {
  auto* self = static_cast<ChildProcess*>(data);
  // What the child wrote last may not have been read. Its end cannot be waited for: a process
  // that it left behind may hold the pipe open.
  self->read_output();
  self->reading_.reset();
  g_spawn_close_pid(pid);
  // The group may still hold such processes.
  ::kill(-pid, SIGKILL);
  self->pid_ = 0;
  self->watchdog_.cancel();
  // A copy: what is called may destroy the object, and with it the function that is running.
  const Ended ended = self->ended_;
  ended(status, self->timed_out_);
}

// False at the end of the pipe.
bool ChildProcess::read_output() {
  char buffer[16384];
  for (;;) {
    const ssize_t got = read_some(out_.get(), buffer, sizeof buffer);
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    output_({buffer, static_cast<std::size_t>(got)});
  }
}

}  // namespace genpro::emulator
