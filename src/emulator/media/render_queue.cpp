// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render_queue.h"

#include <sys/wait.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "emulator/util/child_process.h"
#include "emulator/util/json.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_line = 64 * 1024;

}  // namespace

class RenderQueue::Child {
 public:
  Child(RenderQueue& queue, Waiting job) : queue_(queue), job_(std::move(job)) {}

  // Throws std::runtime_error.
  void start(const RendererSettings& settings) {
    ChildSettings child{settings.command, settings.timeout, settings.max_memory};
    child.command.push_back(job_.spec_path);
    child.verbose = settings.verbose;
    timeout_ = settings.timeout;
    max_memory_ = settings.max_memory;
    try {
      process_.start(
          child, [this](std::string_view output) { take_output(output); },
          [this](int status, bool timed_out) {
            conclude(status, timed_out);
            queue_.ended(this);
          });
    } catch (const std::runtime_error& failure) {
      throw std::runtime_error(std::string("The renderer could not be started: ") + failure.what() +
                               ".");
    }
  }

  // The owner no longer wants to hear of it; it stays until it is reaped.
  void disown() {
    job_.progressed = nullptr;
    job_.finished = nullptr;
    process_.kill();
  }

  Ticket ticket() const { return job_.ticket; }
  const Finished& finished() const { return job_.finished; }
  RenderEnd end() const { return {failure_, frames_}; }

 private:
  void take_output(std::string_view output) {
    pending_.append(output);
    std::size_t end = 0;
    while ((end = pending_.find('\n')) != std::string::npos) {
      take_line(pending_.substr(0, end));
      pending_.erase(0, end + 1);
    }
    if (pending_.size() > max_line) pending_.clear();
  }

  void take_line(const std::string& line) {
    const JsonNodePtr root = find_json_object(line);
    if (!root) return;
    JsonObject* object = json_node_get_object(root.get());
    JsonNode* name = json_member(object, "file_name");
    JsonNode* stage = json_member(object, "stage");
    JsonNode* error = json_member(object, "error");
    if (json_is_string(stage)) {
      stage_ = json_text(stage);
      if (json_is_string(name)) ingredient_ = json_text(name);
    }
    JsonNode* progress = json_member(object, "progress");
    if (progress != nullptr && JSON_NODE_HOLDS_VALUE(progress) && job_.progressed) {
      job_.progressed(std::clamp(json_node_get_double(progress), 0.0, 1.0));
    }
    if (json_is_string(error)) error_ = json_text(error);
    if (json_member(object, "done") != nullptr) done_ = true;
    JsonNode* frames = json_member(object, "frames");
    if (json_is_integer(frames)) frames_ = json_node_get_int(frames);
  }

  std::string where() const {
    if (stage_ == "ingredient") return "while it read the ingredient \"" + ingredient_ + "\"";
    if (stage_.empty()) return "before it had opened an ingredient";
    return "while it encoded the clip";
  }

  std::string advice() const {
    if (stage_ == "ingredient") {
      return "Convert \"" + ingredient_ +
             "\" to a common format (PNG, JPEG, H.264 in MP4) of a common size, upload it again "
             "and generate with the new id.";
    }
    return "Continue the generation to try once more; --verbose shows what the renderer says.";
  }

  // What libraries do when they are refused memory looks like any other crash.
  std::string memory_limit() const {
    if (max_memory_ == 0) return {};
    return ", or reached its limit of " + std::to_string(max_memory_ >> 20) + " MB of memory,";
  }

  void conclude(int status, bool timed_out) {
    if (timed_out) {
      failure_ = "The renderer was stopped after " +
                 std::to_string(static_cast<int>(timeout_ + 0.5)) + " seconds, " + where() + ". " +
                 advice();
    } else if (WIFSIGNALED(status)) {
      failure_ = std::string("The renderer crashed (") + g_strsignal(WTERMSIG(status)) + ")" +
                 memory_limit() + " " + where() + ". " + advice();
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
  ChildProcess process_;
  double timeout_ = 0;
  std::uint64_t max_memory_ = 0;
  std::string pending_;
  std::string stage_;
  std::string ingredient_;
  std::string error_;
  std::string failure_;
  std::int64_t frames_ = 0;
  bool done_ = false;
};

RenderQueue::RenderQueue(RendererSettings settings) : settings_(std::move(settings)) {}

RenderQueue::~RenderQueue() = default;

RenderQueue::Ticket RenderQueue::submit(std::string spec_path, Started started,
                                        Progressed progressed, Finished finished) {
  const Ticket ticket = next_ticket_++;
  waiting_.push_back({ticket, std::move(spec_path), std::move(started), std::move(progressed),
                      std::move(finished)});
  schedule();
  return ticket;
}

void RenderQueue::cancel(Ticket ticket) {
  std::erase_if(waiting_, [ticket](const Waiting& job) { return job.ticket == ticket; });
  for (auto& child : children_) {
    if (child->ticket() == ticket) child->disown();
  }
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
