// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace genpro::test {
namespace fs = std::filesystem;
namespace {

int entries(const char* folder, bool sockets_only) {
  int number = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!sockets_only) {
      ++number;
      continue;
    }
    const fs::path target = fs::read_symlink(entry.path(), error);
    if (target.string().starts_with("socket:")) ++number;
  }
  return number;
}

}  // namespace

int thread_count() {
  return entries("/proc/self/task", false);
}
// One descriptor is the one that reads the folder.
int fd_count() {
  return entries("/proc/self/fd", false) - 1;
}
int socket_count() {
  return entries("/proc/self/fd", true);
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

GPid spawn(const std::vector<std::string>& command, const Environment& environment, int in,
           int out) {
  StrvPtr variables(g_get_environ());
  for (const auto& [name, value] : environment) {
    variables.reset(g_environ_setenv(variables.release(), name.c_str(), value.c_str(), TRUE));
  }
  std::vector<const char*> arguments;
  for (const std::string& word : command) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  GPid pid = 0;
  ErrorPtr error;
  if (!g_spawn_async_with_pipes_and_fds(
          nullptr, arguments.data(), variables.get(),
          static_cast<GSpawnFlags>(G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD), nullptr,
          nullptr, in, out, out, nullptr, nullptr, 0, &pid, nullptr, nullptr, nullptr,
          error.out())) {
    throw std::runtime_error(command[0] + ": " + error.message());
  }
  return pid;
}

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

}  // namespace

Finished run_command(const std::vector<std::string>& command, const Environment& environment,
                     const std::string& input, std::chrono::milliseconds deadline) {
  // A socket, since writing to it can be told not to raise SIGPIPE.
  int ins[2] = {-1, -1};
  int outs[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ins) != 0 || pipe2(outs, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipes");
  }
  Descriptor in(ins[0]);
  Descriptor its_in(ins[1]);
  const Descriptor out(outs[0]);
  Descriptor its_out(outs[1]);

  Finished result;
  GPid pid = 0;
  try {
    pid = spawn(command, environment, its_in.number(), its_out.number());
  } catch (const std::runtime_error& error) {
    result.out = error.what();
    return result;
  }
  its_in.close();
  its_out.close();

  const auto end = std::chrono::steady_clock::now() + deadline;
  const auto left = [end] {
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<long long>(rest.count(), 0));
  };
  std::size_t written = 0;
  bool is_open = true;
  while (is_open && left() > 0) {
    if (written == input.size()) in.close();
    pollfd watched[2] = {{out.number(), POLLIN, 0}, {in.number(), POLLOUT, 0}};
    if (poll(watched, 2, left()) <= 0) continue;
    if ((watched[1].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
      const ssize_t sent = ::send(in.number(), input.data() + written, input.size() - written,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
      written = sent < 0 && errno != EAGAIN ? input.size() : written + std::max<ssize_t>(sent, 0);
    }
    if (watched[0].revents == 0) continue;
    char buffer[4096];
    const ssize_t size = read(out.number(), buffer, sizeof buffer);
    is_open = size > 0;
    if (is_open) result.out.append(buffer, static_cast<std::size_t>(size));
  }
  int status = 0;
  const auto has_ended = [&] { return waitpid(pid, &status, WNOHANG) == pid; };
  result.in_time = eventually(has_ended, std::chrono::milliseconds(left()));
  if (!result.in_time) {
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  } else if (WIFEXITED(status)) {
    result.exit_code = WEXITSTATUS(status);
  }
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

ScopedEnv::ScopedEnv(std::string name, const std::string& value) : name_(std::move(name)) {
  const char* before = g_getenv(name_.c_str());
  was_set_ = before != nullptr;
  if (was_set_) before_ = before;
  if (value.empty())
    g_unsetenv(name_.c_str());
  else
    g_setenv(name_.c_str(), value.c_str(), TRUE);
}

ScopedEnv::~ScopedEnv() {
  if (was_set_)
    g_setenv(name_.c_str(), before_.c_str(), TRUE);
  else
    g_unsetenv(name_.c_str());
}

}  // namespace genpro::test
