// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/key_command.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "base/file_descriptor.h"
#include "base/text.h"

namespace genpro::api {

namespace {

using Clock = std::chrono::steady_clock;

// Far longer than a line with a key.
constexpr std::size_t max_output = 64 * 1024;

class Child {
 public:
  // Its own standard error is this process's, so that a person sees what it has to say.
  static Result<Child, std::string> start(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    GPid pid = 0;
    int out = -1;
    ErrorPtr error;
    const auto flags = static_cast<GSpawnFlags>(G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD);
    // A group of its own, so that what it has started ends with it.
    const GSpawnChildSetupFunc setup = [](gpointer) noexcept { setpgid(0, 0); };
    if (!g_spawn_async_with_pipes(nullptr, arguments.data(), nullptr, flags, setup, nullptr, &pid,
                                  nullptr, &out, nullptr, error.out())) {
      return one_line(error.message(), 120);
    }
    return Child(pid, FileDescriptor(out));
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), out_(std::move(other.out_)) {}
  ~Child() {
    if (pid_ == 0) return;
    kill(-pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  int out() const { return out_.get(); }
  // Its exit code, once it has ended; -1 when a signal ended it, 0 when another part of the process
  // has taken the code.
  std::optional<int> exit_code() {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
    pid_ = 0;
    if (ended < 0) return 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  Child(GPid pid, FileDescriptor out) : pid_(pid), out_(std::move(out)) {}
  GPid pid_;  // 0: it has been waited for
  FileDescriptor out_;
};

Error command_error(const std::vector<std::string>& command, const std::string& reason) {
  // Its arguments may tell more than a log should.
  return settings_error("The program \"" + one_line(command.front(), 80) +
                        "\" of api-key-command gives no API key: " + reason +
                        ". Run the command in a terminal to see what is wrong with it.");
}

}  // namespace

Result<std::string> run_key_command(const std::vector<std::string>& command,
                                    std::chrono::milliseconds limit, const std::stop_token& stop) {
  const auto deadline = Clock::now() + limit;
  const FileDescriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&wake] { eventfd_write(wake.get(), 1); });
  auto child = Child::start(command);
  if (!child) return command_error(command, child.error());

  std::string output;
  bool is_open = true;
  while (true) {
    if (!is_open) {
      if (const auto code = child->exit_code()) {
        if (*code != 0) {
          return command_error(command, *code > 0 ? "its exit code is " + std::to_string(*code)
                                                  : "a signal ended it");
        }
        break;
      }
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (stop.stop_requested()) return command_error(command, "it was interrupted");
    if (left.count() <= 0) {
      return command_error(
          command, "it has not ended after " +
                       std::to_string(std::chrono::ceil<std::chrono::seconds>(limit).count()) +
                       " s");
    }
    std::array<pollfd, 2> waits{{{wake.get(), POLLIN, 0}, {child->out(), POLLIN, 0}}};
    // Its end, after that of its output, is looked for now and then.
    const auto wait = is_open ? left : std::min(left, std::chrono::milliseconds(10));
    if (poll(waits.data(), is_open ? 2 : 1, static_cast<int>(wait.count())) <= 0) continue;
    if (waits[1].revents == 0) continue;
    std::array<char, 4096> bytes{};
    const ssize_t size = read_some(child->out(), bytes.data(), bytes.size());
    if (size <= 0) is_open = false;
    if (size > 0) output.append(bytes.data(), static_cast<std::size_t>(size));
    if (output.size() > max_output) return command_error(command, "it writes no end of output");
  }
  std::string key(trim(std::string_view(output).substr(0, output.find('\n'))));
  if (key.empty()) return command_error(command, "the first line of its output is empty");
  return key;
}

KeyRequest::KeyRequest(Runtime& runtime, std::vector<std::string> command, Done done)
    : done_(std::make_shared<Done>(std::move(done))),
      thread_([&runtime, weak = std::weak_ptr(done_),
               command = std::move(command)](const std::stop_token& stop) {
        Result<std::string> key = run_key_command(command, key_command_limit, stop);
        runtime.post([weak, key = std::move(key)] {
          if (const auto call = weak.lock()) (*call)(key);
        });
      }) {}

}  // namespace genpro::api
