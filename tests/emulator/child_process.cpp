// SPDX-License-Identifier: LGPL-2.1-or-later
#include "child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>

namespace genpro::emulator::test {

namespace {

using Clock = std::chrono::steady_clock;

std::pair<FileDescriptor, FileDescriptor> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) abort();
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

[[noreturn]] void become(const std::vector<std::string>& argv,
                         const ChildProcess::Environment& environment) {
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const Environment& environment,
                           bool terminal) {
  if (terminal) {
    int master = -1;
    pid_ = forkpty(&master, nullptr, nullptr, nullptr);
    if (pid_ == 0) become(argv, environment);
    fcntl(master, F_SETFD, FD_CLOEXEC);
    input_ = FileDescriptor(dup(master));
    output_fd_ = FileDescriptor(master);
    return;
  }
  auto [in_read, in_write] = make_pipe();
  auto [out_read, out_write] = make_pipe();
  auto [err_read, err_write] = make_pipe();
  pid_ = fork();
  if (pid_ == 0) {
    setsid();
    dup2(in_read.get(), 0);
    dup2(out_write.get(), 1);
    dup2(err_write.get(), 2);
    become(argv, environment);
  }
  input_ = std::move(in_write);
  output_fd_ = std::move(out_read);
  errors_fd_ = std::move(err_read);
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void ChildProcess::write(const std::string& text) {
  if (::write(input_.get(), text.data(), text.size()) < 0) input_ = FileDescriptor();
}

bool ChildProcess::read_some(int timeout_ms) {
  std::array<pollfd, 2> polled{{{output_fd_.get(), POLLIN, 0}, {errors_fd_.get(), POLLIN, 0}}};
  if (!output_fd_ && !errors_fd_) return false;
  if (poll(polled.data(), polled.size(), timeout_ms) <= 0) return true;
  std::array<char, 4096> buffer;
  const auto take = [&](FileDescriptor& fd, short events, std::string& text) {
    if (events == 0) return;
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      fd = FileDescriptor();
    }
  };
  take(output_fd_, polled[0].revents, output_);
  take(errors_fd_, polled[1].revents, errors_);
  return true;
}

bool ChildProcess::wait_for_output(const std::string& text, std::chrono::seconds longest) {
  const auto end = Clock::now() + longest;
  while (output_.find(text) == std::string::npos) {
    if (Clock::now() > end || !read_some(100)) return false;
  }
  return true;
}

int ChildProcess::wait() {
  const auto end = Clock::now() + std::chrono::minutes(5);
  while (Clock::now() < end && read_some(100)) {
  }
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (Clock::now() > end) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, &status, 0);
      break;
    }
    poll(nullptr, 0, 5);
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void ChildProcess::kill(int signal_number) {
  ::kill(pid_, signal_number);
}

}  // namespace genpro::emulator::test
