// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/app/cleanup_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace genpro::emulator {

namespace {

constexpr std::array<int, 9> ignored_signals{SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGTSTP,
                                             SIGTTIN, SIGTTOU, SIGPIPE, SIGUSR1};
constexpr std::size_t max_message = 16 * 1024;

// Messages on the socket: to the child 'R' and NAME=VALUE texts, each ended by NUL; 'S' and a
// signal number; 'Q' when the end is an orderly one. From it 'E' and the exit code, 'X' and errno.
struct NumberMessage {
  char kind;
  int value;
};

void send_number(int socket, char kind, int value) {
  const NumberMessage message{kind, value};
  TEMP_FAILURE_RETRY(send(socket, &message, sizeof message, MSG_NOSIGNAL));
}

// The parent of a process, from /proc; 0 when it is gone.
pid_t parent_of(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  // The name in parentheses may hold anything, parentheses too.
  const auto end = text.rfind(')');
  if (end == std::string::npos || end + 4 >= text.size()) return 0;
  return static_cast<pid_t>(std::strtol(text.c_str() + end + 4, nullptr, 10));
}

class ChildSide {
 public:
  ChildSide(FileDescriptor socket, std::string folder, std::vector<std::string> command,
            pid_t group)
      : socket_(std::move(socket)),
        folder_(std::move(folder)),
        command_(std::move(command)),
        group_(group) {
    // Before anything is changed: the command gets what the program was started with.
    for (std::size_t i = 0; i < ignored_signals.size(); ++i) {
      sigaction(ignored_signals[i], nullptr, &original_actions_[i]);
      struct sigaction ignore = {};
      ignore.sa_handler = SIG_IGN;
      sigaction(ignored_signals[i], &ignore, nullptr);
    }
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &original_mask_);
    children_ = FileDescriptor(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    prctl(PR_SET_NAME, "genpro-cleanup");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    // A Ctrl-C or a kill of the program's group must not reach the one who cleans up after it.
    setpgid(0, 0);
    if (command_.empty()) release_files();
  }

  void run() {
    bool orderly = false;
    for (;;) {
      std::array<pollfd, 2> polled{{{socket_.get(), POLLIN, 0}, {children_.get(), POLLIN, 0}}};
      if (poll(polled.data(), polled.size(), -1) < 0) continue;
      if (polled[1].revents != 0) {
        signalfd_siginfo info;
        while (read(children_.get(), &info, sizeof info) > 0) {
        }
        reap();
      }
      if (polled[0].revents != 0 && !take_message(orderly)) break;
    }
    if (!orderly) kill_everything();
    remove_folder();
  }

 private:
  // The program's files must close when the program ends, not when this process does: somebody may
  // wait for the end of a pipe.
  void release_files() {
    const FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd <= 2; ++fd) dup2(null.get(), fd);
    unsigned next = 3;
    std::array<unsigned, 2> kept{static_cast<unsigned>(socket_.get()),
                                 static_cast<unsigned>(children_.get())};
    std::sort(kept.begin(), kept.end());
    for (const unsigned fd : kept) {
      if (fd > next) close_range(next, fd - 1, 0);
      next = std::max(next, fd + 1);
    }
    close_range(next, ~0U, 0);
  }

  // False at the end of the socket.
  bool take_message(bool& orderly) {
    std::string message(max_message, '\0');
    const ssize_t size = recv(socket_.get(), message.data(), message.size(), 0);
    if (size < 0) return errno == EINTR || errno == EAGAIN;
    if (size == 0) return false;
    message.resize(static_cast<std::size_t>(size));
    if (message[0] == 'Q') orderly = true;
    if (message[0] == 'R') start_command(message.substr(1));
    if (message[0] == 'S' && message.size() == sizeof(NumberMessage)) {
      NumberMessage number{};
      std::memcpy(&number, message.data(), sizeof number);
      if (running_ > 0) kill(running_, number.value);
    }
    return true;
  }

  void start_command(const std::string& environment) {
    std::array<int, 2> pipe_ends{-1, -1};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
      send_number(socket_.get(), 'X', errno);
      return;
    }
    FileDescriptor reader(pipe_ends[0]);
    FileDescriptor writer(pipe_ends[1]);
    const pid_t self = getpid();
    running_ = fork();
    if (running_ < 0) {
      send_number(socket_.get(), 'X', errno);
      return;
    }
    if (running_ == 0) become_command(environment, writer.get(), self);
    writer = FileDescriptor();
    int error = 0;
    const ssize_t got = TEMP_FAILURE_RETRY(read(reader.get(), &error, sizeof error));
    if (got == static_cast<ssize_t>(sizeof error)) {
      waitpid(running_, nullptr, 0);
      running_ = 0;
      send_number(socket_.get(), 'X', error);
    }
    release_files();
  }

  [[noreturn]] void become_command(const std::string& environment, int report, pid_t parent) {
    // The program's own group, so that the terminal's keys reach the command and it may read.
    setpgid(0, group_);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    for (std::size_t i = 0; i < ignored_signals.size(); ++i) {
      sigaction(ignored_signals[i], &original_actions_[i], nullptr);
    }
    sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
    for (std::size_t at = 0; at < environment.size();) {
      const std::string pair(environment.c_str() + at);
      const auto equals = pair.find('=');
      setenv(pair.substr(0, equals).c_str(), pair.c_str() + equals + 1, 1);
      at += pair.size() + 1;
    }
    std::vector<char*> argv;
    for (auto& word : command_) argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    const int error = errno;
    if (write(report, &error, sizeof error) < 0) _exit(126);
    _exit(126);
  }

  void reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != running_) continue;
      running_ = 0;
      send_number(socket_.get(), 'E',
                  WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
  }

  // Children of killed processes become this process's own, so that the rounds reach them all.
  void kill_everything() {
    const pid_t self = getpid();
    for (int round = 0; round < 500; ++round) {
      if (DIR* proc = opendir("/proc")) {
        while (const dirent* entry = readdir(proc)) {
          const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
          if (pid > 0 && parent_of(pid) == self) kill(pid, SIGKILL);
        }
        closedir(proc);
      }
      pid_t reaped = 0;
      while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0) {
      }
      if (reaped < 0 && errno == ECHILD) return;
      poll(nullptr, 0, 10);
    }
  }

  void remove_folder() {
    if (folder_.empty()) return;
    // A renderer that dies with the program may write its last file meanwhile.
    for (int round = 0; round < 100; ++round) {
      std::error_code error;
      std::filesystem::remove_all(folder_, error);
      if (!std::filesystem::exists(folder_, error)) return;
      poll(nullptr, 0, 20);
    }
  }

  FileDescriptor socket_;
  FileDescriptor children_;
  std::string folder_;
  std::vector<std::string> command_;
  pid_t group_;
  pid_t running_ = 0;
  std::array<struct sigaction, ignored_signals.size()> original_actions_ = {};
  sigset_t original_mask_ = {};
};

}  // namespace

CleanupProcess::CleanupProcess(std::string folder, std::vector<std::string> command)
    : folder_(std::move(folder)) {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "The clean-up process needs a socket");
  }
  socket_ = FileDescriptor(ends[0]);
  FileDescriptor other(ends[1]);
  const pid_t group = getpgrp();
  pid_ = fork();
  if (pid_ < 0) {
    throw std::system_error(errno, std::generic_category(),
                            "The clean-up process could not be started");
  }
  if (pid_ > 0) return;
  // Without this the socket would never end for the one who waits for its end.
  socket_ = FileDescriptor();
  try {
    ChildSide(std::move(other), folder_, std::move(command), group).run();
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

CleanupProcess::~CleanupProcess() {
  send_number(socket_.get(), 'Q', 0);
  socket_ = FileDescriptor();
  TEMP_FAILURE_RETRY(waitpid(pid_, nullptr, 0));
  // The cleanup process itself may have been killed.
  if (!folder_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
}

void CleanupProcess::run_command(const Environment& environment) {
  std::string message = "R";
  for (const auto& [name, value] : environment) {
    message += name;
    message += '=';
    message += value;
    message += '\0';
  }
  if (message.size() > max_message ||
      send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    throw std::system_error(errno, std::generic_category(), "The command could not be started");
  }
}

void CleanupProcess::signal_command(int signal_number) {
  send_number(socket_.get(), 'S', signal_number);
}

CommandEnd CleanupProcess::read_end() {
  NumberMessage message{};
  const ssize_t size =
      TEMP_FAILURE_RETRY(recv(socket_.get(), &message, sizeof message, MSG_DONTWAIT));
  if (size < 0 && errno == EAGAIN) return {};
  if (size != static_cast<ssize_t>(sizeof message)) return {CommandEnd::Kind::cleanup_lost, 0};
  return {message.kind == 'E' ? CommandEnd::Kind::exited : CommandEnd::Kind::not_started,
          message.value};
}

}  // namespace genpro::emulator
