// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/xlsx.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/glib_ptr.h"
#include "emulator/folders.h"
#include "emulator/timer.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_csv = 4 * 1024 * 1024;
constexpr std::size_t max_children = 4;
constexpr rlim_t max_memory = rlim_t{1024} * 1024 * 1024;

// Runs in the new process before the converter does: only async-signal-safe calls.
void prepare_child(gpointer data) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != static_cast<pid_t>(GPOINTER_TO_INT(data))) _exit(1);
  setpgid(0, 0);
  // A small file may say that it unpacks to gigabytes.
  const rlimit memory{max_memory, max_memory};
  setrlimit(RLIMIT_AS, &memory);
}

}  // namespace

class XlsxReader::Child {
 public:
  Child(XlsxReader& reader, Done done) : reader_(reader), done_(std::move(done)) {}

  ~Child() {
    if (pid_ <= 0) return;
    kill_group();
    watch_.reset();
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    g_spawn_close_pid(pid_);
  }

  void start(const XlsxSettings& settings, const std::string& path) {
    std::vector<char*> argv;
    for (const auto& word : settings.command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(const_cast<char*>(path.c_str()));
    argv.push_back(nullptr);
    const auto flags = static_cast<GSpawnFlags>(G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
                                                G_SPAWN_STDERR_TO_DEV_NULL);
    int out = -1;
    ErrorPtr error;
    if (!g_spawn_async_with_pipes(nullptr, argv.data(), nullptr, flags, prepare_child,
                                  GINT_TO_POINTER(getpid()), &pid_, nullptr, &out, nullptr,
                                  error.out())) {
      pid_ = 0;
      fail_soon({"XLSX files need the program xlsx2csv: " + error.message() +
                     ". Install the package xlsx2csv, or import CSV or JSON.",
                 true,
                 {}});
      return;
    }
    out_ = Fd(out);
    g_unix_set_fd_nonblocking(out, TRUE, nullptr);
    GSource* output = g_unix_fd_source_new(out, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP));
    g_source_set_callback(output, G_SOURCE_FUNC(&Child::on_output), this, nullptr);
    output_ = AttachedSource(output);
    GSource* watch = g_child_watch_source_new(pid_);
    g_source_set_callback(watch, G_SOURCE_FUNC(&Child::on_exit), this, nullptr);
    watch_ = AttachedSource(watch);
    timer_.start(settings.timeout, [this] {
      timed_out_ = true;
      kill_group();
    });
  }

  void fail_soon(Result result) {
    result_ = std::move(result);
    timer_.start(0, [this] { reader_.ended(this, result_, done_); });
  }

 private:
  static gboolean on_output(gint, GIOCondition, gpointer data) {
    auto* self = static_cast<Child*>(data);
    if (self->read_output()) return G_SOURCE_CONTINUE;
    self->output_.reset();
    return G_SOURCE_REMOVE;
  }

  static void on_exit(GPid pid, gint status, gpointer data) {
    auto* self = static_cast<Child*>(data);
    self->read_output();
    g_spawn_close_pid(pid);
    self->pid_ = 0;
    self->timer_.cancel();
    if (self->result_.csv.size() > max_csv) {
      self->result_.problem = "The XLSX file holds more than 4 MB of text. Import a smaller one.";
    } else if (self->timed_out_) {
      self->result_.problem = "The XLSX file could not be read in time. Import CSV or JSON.";
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      self->result_.problem =
          "The file is no XLSX file that can be read. Start from the template at "
          "/v1/autocontentengine/global_variables_template, or import CSV or JSON.";
    }
    self->reader_.ended(self, self->result_, self->done_);
  }

  void kill_group() {
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
  }

  // False at the end of the pipe.
  bool read_output() {
    char buffer[16384];
    for (;;) {
      const ssize_t got = read(out_.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno == EAGAIN;
      if (got == 0) return false;
      if (result_.csv.size() <= max_csv) {
        result_.csv.append(buffer, static_cast<std::size_t>(got));
        if (result_.csv.size() > max_csv) kill_group();
      }
    }
  }

  XlsxReader& reader_;
  Done done_;
  GPid pid_ = 0;
  Fd out_;
  AttachedSource output_;
  AttachedSource watch_;
  Timer timer_;
  bool timed_out_ = false;
  Result result_;
};

XlsxReader::XlsxReader(XlsxSettings settings) : settings_(std::move(settings)) {}

XlsxReader::~XlsxReader() = default;

void XlsxReader::convert(const std::string& path, Done done) {
  const bool too_many = children_.size() >= max_children;
  Child& child = *children_.emplace_back(std::make_unique<Child>(*this, std::move(done)));
  if (too_many) {
    child.fail_soon({"Too many XLSX files are read at the moment. Try again.", true, {}});
    return;
  }
  child.start(settings_, path);
}

// Copies: what they are taken from goes first.
void XlsxReader::ended(Child* child, Result result, Done done) {
  children_.remove_if([child](const auto& owned) { return owned.get() == child; });
  done(result);
}

}  // namespace genpro::emulator
