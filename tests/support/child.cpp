// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>

#include "support/media.h"

namespace genpro::test {

Child::Child(const std::vector<std::string>& command, const Environment& environment,
             std::string out)
    : out_(std::move(out)) {
  const int file = open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) throw std::runtime_error(out_ + " cannot be written");
  const int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
  try {
    pid_ = spawn(command, environment, none, file);
  } catch (...) {
    close(none);
    close(file);
    throw;
  }
  close(none);
  close(file);
  waiter_ = std::thread([this] {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR) {
    }
    auto state = state_.lock();
    waitpid(pid_, &state->status, 0);
    state->is_reaped = true;
    state.notify();
  });
}

Child::~Child() {
  send(SIGKILL);
  waiter_.join();
}

bool Child::wait(std::chrono::milliseconds deadline) const {
  auto state = state_.lock();
  return state.wait_until(std::chrono::steady_clock::now() + deadline,
                          [](const State& s) { return s.is_reaped; });
}

void Child::send(int signal_number) {
  auto state = state_.lock();
  if (!state->is_reaped) ::kill(pid_, signal_number);
}

bool Child::kill() {
  send(SIGKILL);
  auto state = state_.lock();
  state.wait([](const State& s) { return s.is_reaped; });
  return WIFSIGNALED(state->status) && WTERMSIG(state->status) == SIGKILL;
}

int Child::exit_code() const {
  auto state = state_.lock();
  state.wait([](const State& s) { return s.is_reaped; });
  return WIFEXITED(state->status) ? WEXITSTATUS(state->status) : -1;
}

std::string Child::output() const {
  return read_file(out_);
}

}  // namespace genpro::test
