// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/process.h"

#include <filesystem>
#include <memory>
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

Finished run_command(const std::vector<std::string>& command, const Environment& environment,
                     const std::string& input, std::chrono::milliseconds deadline) {
  auto launcher = ObjectPtr<GSubprocessLauncher>::adopt(g_subprocess_launcher_new(
      static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                    G_SUBPROCESS_FLAGS_STDERR_MERGE)));
  for (const auto& [name, value] : environment)
    g_subprocess_launcher_setenv(launcher.get(), name.c_str(), value.c_str(), TRUE);
  std::vector<const char*> arguments;
  for (const std::string& word : command) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);

  Finished result;
  ErrorPtr error;
  auto process = ObjectPtr<GSubprocess>::adopt(
      g_subprocess_launcher_spawnv(launcher.get(), arguments.data(), error.out()));
  if (!process) {
    result.out = error.message();
    return result;
  }
  auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  std::atomic<bool> over = false;
  std::thread watchdog([&] {
    if (!eventually([&] { return over.load(); }, deadline)) {
      g_subprocess_force_exit(process.get());
      g_cancellable_cancel(cancellable.get());
    }
  });
  BytesPtr in(g_bytes_new(input.data(), input.size()));
  GBytes* out = nullptr;
  const bool talked = g_subprocess_communicate(process.get(), in.get(), cancellable.get(), &out,
                                               nullptr, error.out()) != FALSE;
  over = true;
  watchdog.join();
  BytesPtr owned(out);
  if (owned) {
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(owned.get(), &size));
    if (data != nullptr) result.out.assign(data, size);
  }
  result.in_time = talked && !g_cancellable_is_cancelled(cancellable.get());
  if (result.in_time && g_subprocess_get_if_exited(process.get()))
    result.exit_code = g_subprocess_get_exit_status(process.get());
  return result;
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
