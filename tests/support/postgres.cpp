// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/glib_ptr.h"

namespace genpro::test {

namespace fs = std::filesystem;

namespace {

constexpr unsigned ordinary_user = 65534;

// The newest of those that are installed.
fs::path programs() {
  fs::path newest;
  std::error_code none;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const fs::path folder = version.path() / "bin";
    if (fs::exists(folder / "initdb") && fs::exists(folder / "postgres")) {
      newest = std::max(newest, folder);
    }
  }
  return newest;
}

int free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool is_found =
      ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(descriptor);
  if (!is_found) throw std::runtime_error("no port is free");
  return ntohs(address.sin_port);
}

pid_t run_as_ordinary_user(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  // What it starts ends with it.
  setpgid(0, 0);
  if (getuid() == 0 && (setgid(ordinary_user) != 0 || setuid(ordinary_user) != 0)) _exit(126);
  // Nor does it outlive a test that is killed.
  prctl(PR_SET_PDEATHSIG, SIGINT);
  const auto file =
      std::unique_ptr<std::FILE, int (*)(std::FILE*)>(std::fopen(log.c_str(), "a"), std::fclose);
  if (file) {
    dup2(fileno(file.get()), STDOUT_FILENO);
    dup2(fileno(file.get()), STDERR_FILENO);
  }
  setenv("LC_ALL", "C", 1);
  execv(words[0], words.data());
  _exit(127);
}

void must_end_well(pid_t process, const std::string& what) {
  int status = 0;
  waitpid(process, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error(what + " failed");
}

}  // namespace

bool PostgresServer::is_installed() {
  return !programs().empty();
}

PostgresServer::PostgresServer(bool is_durable) : is_durable_(is_durable) {
  folder_ = take_string(g_dir_make_tmp("genpro-postgres-XXXXXX", nullptr));
  if (getuid() == 0 && chown(folder_.c_str(), ordinary_user, ordinary_user) != 0) {
    throw std::runtime_error("the server's folder cannot be given away");
  }
  must_end_well(run_as_ordinary_user(
                    {programs() / "initdb", "--pgdata", folder_ / "data", "--username", "genpro",
                     "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"},
                    folder_ / "log"),
                "initdb");
  start();
}

PostgresServer::~PostgresServer() {
  try {
    stop();
  } catch (const std::exception&) {
    // Its folder goes with it.
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void PostgresServer::start() {
  if (port_ == 0) port_ = free_port();
  const std::string durable = is_durable_ ? "on" : "off";
  const auto begin = [&] {
    process_ = run_as_ordinary_user(
        {programs() / "postgres", "-D", folder_ / "data", "-p", std::to_string(port_), "-c",
         "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + folder_.string(), "-c",
         "fsync=" + durable, "-c", "synchronous_commit=" + durable, "-c",
         "full_page_writes=" + durable, "-c", "max_connections=100"},
        folder_ / "log");
  };
  begin();
  for (int tries = 0; tries < 600; ++tries) {
    try {
      (void)sql("postgres", "SELECT 1");
      return;
    } catch (const std::runtime_error&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    // What was killed a moment ago may not have left the folder yet.
    if (waitpid(process_, nullptr, WNOHANG) != 0) begin();
  }
  throw std::runtime_error("the server did not start");
}

void PostgresServer::kill() {
  if (process_ == 0) return;
  // Each that serves a connection is a group of its own, and goes on for a moment without the
  // first.
  ::kill(process_, SIGSTOP);
  waitpid(process_, nullptr, WUNTRACED);
  std::vector<pollfd> ended;
  const std::string number = std::to_string(process_);
  std::ifstream children("/proc/" + number + "/task/" + number + "/children");
  for (pid_t child = 0; children >> child;) {
    const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    if (descriptor >= 0) ended.push_back({descriptor, POLLIN, 0});
    ::kill(child, SIGKILL);
  }
  ::kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = 0;
  for (pollfd& child : ended) {
    poll(&child, 1, -1);
    ::close(child.fd);
  }
}

void PostgresServer::stop() {
  if (process_ == 0) return;
  ::kill(process_, SIGINT);
  waitpid(process_, nullptr, 0);
  process_ = 0;
}

std::string PostgresServer::new_ledger() {
  const std::string name = "test" + std::to_string(++databases_);
  (void)sql("postgres", "CREATE DATABASE " + name);
  return ledger(name);
}

std::string PostgresServer::ledger(const std::string& database, const std::string& role) const {
  return "postgresql://" + role + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PostgresServer::sql(const std::string& database, const std::string& statement) const {
  const GCharPtr quoted(g_shell_quote(statement.c_str()));
  const std::string command = "psql -X -q -A -t -v ON_ERROR_STOP=1 -d '" + ledger(database) +
                              "' -c " + quoted.get() + " 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "re"),
                                                             [](std::FILE*) { return 0; });
  if (!pipe) throw std::runtime_error("psql cannot be run");
  std::string text;
  std::array<char, 4096> bytes{};
  std::size_t size = 0;
  while ((size = std::fread(bytes.data(), 1, bytes.size(), pipe.get())) > 0) {
    text.append(bytes.data(), size);
  }
  if (pclose(pipe.get()) != 0) throw std::runtime_error(text);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

PostgresServer& shared_postgres() {
  static PostgresServer server;
  return server;
}

}  // namespace genpro::test
