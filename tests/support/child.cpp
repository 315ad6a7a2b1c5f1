// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/child.h"

#include <csignal>
#include <stdexcept>

#include "support/media.h"

namespace genpro::test {

Child::Child(const std::vector<std::string>& command, const Environment& environment,
             std::string out)
    : out_(std::move(out)) {
  auto launcher = ObjectPtr<GSubprocessLauncher>::adopt(
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDERR_MERGE));
  g_subprocess_launcher_set_stdout_file_path(launcher.get(), out_.c_str());
  for (const auto& [name, value] : environment)
    g_subprocess_launcher_setenv(launcher.get(), name.c_str(), value.c_str(), TRUE);
  std::vector<const char*> arguments;
  for (const std::string& word : command) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  ErrorPtr error;
  process_ = ObjectPtr<GSubprocess>::adopt(
      g_subprocess_launcher_spawnv(launcher.get(), arguments.data(), error.out()));
  if (!process_) throw std::runtime_error(command[0] + ": " + error.message());

  std::promise<void> ended;
  ended_ = ended.get_future().share();
  waiter_ = std::thread([process = process_, ended = std::move(ended)]() mutable {
    g_subprocess_wait(process.get(), nullptr, nullptr);
    ended.set_value();
  });
}

Child::~Child() {
  g_subprocess_force_exit(process_.get());
  waiter_.join();
}

bool Child::wait(std::chrono::milliseconds deadline) const {
  return ended_.wait_for(deadline) == std::future_status::ready;
}

// GSubprocess sends nothing to a process that it has reaped.
void Child::send(int signal_number) {
  g_subprocess_send_signal(process_.get(), signal_number);
}

bool Child::kill() {
  send(SIGKILL);
  ended_.wait();
  return g_subprocess_get_if_signaled(process_.get()) &&
         g_subprocess_get_term_sig(process_.get()) == SIGKILL;
}

int Child::exit_code() const {
  ended_.wait();
  return g_subprocess_get_if_exited(process_.get()) ? g_subprocess_get_exit_status(process_.get())
                                                    : -1;
}

std::string Child::output() const {
  return read_file(out_);
}

}  // namespace genpro::test
