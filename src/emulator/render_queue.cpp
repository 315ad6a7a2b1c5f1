// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/render_queue.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "emulator/folders.h"
#include "emulator/json.h"
#include "emulator/timer.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_line = 64 * 1024;

// Runs in the new process before the renderer does: only async-signal-safe calls.
void prepare_child(gpointer data) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The server may have died before the line above.
  if (getppid() != static_cast<pid_t>(GPOINTER_TO_INT(data))) _exit(1);
  // A group of its own: a Ctrl-C meant for the server's terminal is not a crash of the renderer,
  // and a kill reaches what the renderer started.
  setpgid(0, 0);
}

}  // namespace

struct RenderQueue::Pump {
  Timer timer;
};

class RenderQueue::Child {
 public:
  Child(RenderQueue& queue, Waiting job) : queue_(queue), job_(std::move(job)) {}

  ~Child() {
    if (pid_ <= 0) return;
    kill_group();
    watch_.reset();
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    g_spawn_close_pid(pid_);
  }

  // Throws std::runtime_error.
  void start(const RendererSettings& settings) {
    std::vector<char*> argv;
    for (const auto& word : settings.command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(const_cast<char*>(job_.spec_path.c_str()));
    argv.push_back(nullptr);
    int flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH;
    if (!settings.verbose) flags |= G_SPAWN_STDERR_TO_DEV_NULL;
    int out = -1;
    ErrorPtr error;
    if (!g_spawn_async_with_pipes(nullptr, argv.data(), nullptr, static_cast<GSpawnFlags>(flags),
                                  prepare_child, GINT_TO_POINTER(getpid()), &pid_, nullptr, &out,
                                  nullptr, error.out())) {
      pid_ = 0;
      throw std::runtime_error("The renderer could not be started: " + error.message() + ".");
    }
    out_ = Fd(out);
    g_unix_set_fd_nonblocking(out, TRUE, nullptr);
    GSource* lines = g_unix_fd_source_new(out, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP));
    g_source_set_callback(lines, G_SOURCE_FUNC(&Child::on_output), this, nullptr);
    lines_ = AttachedSource(lines);
    GSource* watch = g_child_watch_source_new(pid_);
    g_source_set_callback(watch, G_SOURCE_FUNC(&Child::on_exit), this, nullptr);
    watch_ = AttachedSource(watch);
    timeout_ = settings.timeout;
    watchdog_.start(settings.timeout, [this] {
      timed_out_ = true;
      kill_group();
    });
  }

  void kill_group() {
    if (pid_ <= 0) return;
    // The group exists only once the child has made it; the child itself always does.
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
  }
  // The owner no longer wants to hear of it; it stays until it is reaped.
  void disown() {
    job_.finished = nullptr;
    kill_group();
  }

  Ticket ticket() const { return job_.ticket; }
  const Finished& finished() const { return job_.finished; }
  RenderEnd end() const { return {failure_, frames_}; }

 private:
  static gboolean on_output(gint, GIOCondition, gpointer data) {
    auto* self = static_cast<Child*>(data);
    if (self->read_output()) return G_SOURCE_CONTINUE;
    self->lines_.reset();
    return G_SOURCE_REMOVE;
  }

  static void on_exit(GPid pid, gint status, gpointer data) {
    auto* self = static_cast<Child*>(data);
    // What the child wrote last may not have been read. Its end cannot be waited for: a process
    // that it left behind may hold the pipe open.
    self->read_output();
    g_spawn_close_pid(pid);
    // The group may still hold such processes.
    kill(-pid, SIGKILL);
    self->pid_ = 0;
    self->conclude(status);
    self->queue_.ended(self);
  }

  // False at the end of the pipe.
  bool read_output() {
    char buffer[4096];
    for (;;) {
      const ssize_t got = read(out_.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno == EAGAIN;
      if (got == 0) return false;
      pending_.append(buffer, static_cast<std::size_t>(got));
      std::size_t end = 0;
      while ((end = pending_.find('\n')) != std::string::npos) {
        take_line(pending_.substr(0, end));
        pending_.erase(0, end + 1);
      }
      if (pending_.size() > max_line) pending_.clear();
    }
  }

  void take_line(const std::string& line) {
    if (json_problem(line)) return;
    const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
    if (!json_parser_load_from_data(parser.get(), line.c_str(), -1, nullptr)) return;
    JsonNode* root = json_parser_get_root(parser.get());
    if (root == nullptr || !JSON_NODE_HOLDS_OBJECT(root)) return;
    JsonObject* object = json_node_get_object(root);
    JsonNode* name = json_member(object, "file_name");
    JsonNode* stage = json_member(object, "stage");
    JsonNode* error = json_member(object, "error");
    if (stage != nullptr && json_is_string(stage)) {
      stage_ = json_text(stage);
      if (name != nullptr && json_is_string(name)) ingredient_ = json_text(name);
    }
    if (error != nullptr && json_is_string(error)) error_ = json_text(error);
    if (json_member(object, "done") != nullptr) done_ = true;
    JsonNode* frames = json_member(object, "frames");
    if (frames != nullptr && json_is_integer(frames)) frames_ = json_node_get_int(frames);
  }

  std::string where() const {
    if (stage_ == "ingredient") return "while it read the ingredient \"" + ingredient_ + "\"";
    if (stage_.empty()) return "before it had opened an ingredient";
    return "while it encoded the clip";
  }

  std::string advice() const {
    if (stage_ == "ingredient") {
      return "Convert \"" + ingredient_ +
             "\" to a common format (PNG, JPEG, H.264 in MP4), upload it again and generate with "
             "the new id.";
    }
    return "Continue the generation to try once more; --verbose shows what the renderer says.";
  }

  void conclude(int status) {
    watchdog_.cancel();
    if (timed_out_) {
      failure_ = "The renderer was stopped after " +
                 std::to_string(static_cast<int>(timeout_ + 0.5)) + " seconds, " + where() + ". " +
                 advice();
    } else if (WIFSIGNALED(status)) {
      failure_ = std::string("The renderer crashed (") + g_strsignal(WTERMSIG(status)) + ") " +
                 where() + ". " + advice();
    } else if (!error_.empty()) {
      failure_ = error_;
    } else if (WEXITSTATUS(status) != 0) {
      failure_ = "The renderer ended with exit code " + std::to_string(WEXITSTATUS(status)) + " " +
                 where() + ". " + advice();
    } else if (!done_) {
      failure_ = "The renderer ended without saying that it was done, " + where() + ". " + advice();
    }
  }

  RenderQueue& queue_;
  Waiting job_;
  GPid pid_ = 0;
  Fd out_;
  AttachedSource lines_;
  AttachedSource watch_;
  Timer watchdog_;
  double timeout_ = 0;
  std::string pending_;
  std::string stage_;
  std::string ingredient_;
  std::string error_;
  std::string failure_;
  std::int64_t frames_ = 0;
  bool done_ = false;
  bool timed_out_ = false;
};

RenderQueue::RenderQueue(RendererSettings settings)
    : settings_(std::move(settings)), pump_(std::make_unique<Pump>()) {}

RenderQueue::~RenderQueue() = default;

RenderQueue::Ticket RenderQueue::submit(std::string spec_path, Started started, Finished finished) {
  const Ticket ticket = next_ticket_++;
  waiting_.push_back({ticket, std::move(spec_path), std::move(started), std::move(finished)});
  schedule();
  return ticket;
}

void RenderQueue::cancel(Ticket ticket) {
  std::erase_if(waiting_, [ticket](const Waiting& job) { return job.ticket == ticket; });
  for (auto& child : children_) {
    if (child->ticket() == ticket) child->disown();
  }
}

void RenderQueue::schedule() {
  pump_->timer.start(0, [this] { pump(); });
}

void RenderQueue::pump() {
  while (!waiting_.empty() && children_.size() < settings_.slots) {
    Waiting job = std::move(waiting_.front());
    waiting_.pop_front();
    const Started started = job.started;
    const Finished finished = job.finished;
    children_.push_back(std::make_unique<Child>(*this, std::move(job)));
    try {
      children_.back()->start(settings_);
    } catch (const std::exception& failure) {
      const std::string reason = failure.what();
      children_.pop_back();
      finished({reason, 0});
      continue;
    }
    started();
  }
}

void RenderQueue::ended(Child* child) {
  const Finished finished = child->finished();
  const RenderEnd end = child->end();
  children_.remove_if([child](const auto& owned) { return owned.get() == child; });
  schedule();
  if (finished) finished(end);
}

}  // namespace genpro::emulator
