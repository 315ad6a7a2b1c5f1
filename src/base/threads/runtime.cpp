// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/threads/runtime.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/callback.h"
#include "base/guarded.h"
#include "base/no_destructor.h"
#include "base/sanitizer.h"

namespace genpro {

namespace {

// How long a runtime that ends waits for cancelled calls to report back. They do at once; the bound
// is there so that a library that does not cannot hang the end of the process.
constexpr gint64 drain_limit_us = 200 * G_TIME_SPAN_MILLISECOND;

Guarded<std::weak_ptr<Runtime>>& current_runtime() {
  static NoDestructor<Guarded<std::weak_ptr<Runtime>>> current;
  return *current;
}

// Those that read clips; entries whose runtime has gone are left over.
Guarded<std::vector<std::weak_ptr<Runtime>>>& clip_runtimes() {
  static NoDestructor<Guarded<std::vector<std::weak_ptr<Runtime>>>> runtimes;
  return *runtimes;
}

// More than there are cores would only take turns.
unsigned most_clip_threads() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
}

gboolean run_task(gpointer data) noexcept {
  ordered_after(data);
  guard_c_callback("a task", [&] { (*static_cast<Runtime::Task*>(data))(); });
  return G_SOURCE_REMOVE;
}

void free_task(gpointer data) noexcept {
  ordered_after(data);
  const std::unique_ptr<Runtime::Task> task(static_cast<Runtime::Task*>(data));
}

}  // namespace

struct Runtime::Pending {
  Runtime* runtime;
  ResultFunction function;
};

std::shared_ptr<Runtime> Runtime::acquire() {
  collect();
  auto current = current_runtime().lock();
  std::shared_ptr<Runtime> runtime = current->lock();
  if (!runtime) *current = runtime = start("genpro-runtime");
  return runtime;
}

std::shared_ptr<Runtime> Runtime::start(const char* thread_name) {
  return {std::make_unique<Runtime>(Access(), thread_name).release(), [](Runtime* unused) {
            std::unique_ptr<Runtime> owned(unused);
            owned->post([loop = owned->loop_.get()] { g_main_loop_quit(loop); });
            retire(std::move(owned));
          }};
}

// Counts a clip for as long as its runtime is held.
struct Runtime::ClipUse {
  explicit ClipUse(std::shared_ptr<Runtime> used) : runtime(std::move(used)) { ++runtime->clips_; }
  ClipUse(const ClipUse&) = delete;
  ClipUse& operator=(const ClipUse&) = delete;
  ~ClipUse() { --runtime->clips_; }
  std::shared_ptr<Runtime> runtime;
};

std::shared_ptr<Runtime> Runtime::acquire_for_clip() {
  collect();
  auto runtimes = clip_runtimes().lock();
  std::erase_if(*runtimes, [](const auto& known) { return known.expired(); });
  std::shared_ptr<Runtime> least;
  for (const auto& known : *runtimes) {
    auto other = known.lock();
    if (other && (!least || other->clips_ < least->clips_)) least = std::move(other);
  }
  if (!least || (least->clips_ > 0 && runtimes->size() < most_clip_threads())) {
    least = start("genpro-clip");
    runtimes->push_back(least);
  }
  const auto use = std::make_shared<ClipUse>(std::move(least));
  return {use, use->runtime.get()};
}

Runtime::Runtime(Access, const char* thread_name)
    : context_(g_main_context_new()), loop_(g_main_loop_new(context_.get(), FALSE)) {
  thread_ = std::thread([this, thread_name] { run(thread_name); });
}

Runtime::~Runtime() {
  thread_.join();
}

void Runtime::post(Task task) {
  const Owned<GSource, g_source_unref> source(g_idle_source_new());
  g_source_set_priority(source.get(), G_PRIORITY_DEFAULT);
  auto boxed = std::make_unique<Task>(std::move(task));
  ordered_before(boxed.get());
  g_source_set_callback(source.get(), run_task, boxed.release(), free_task);
  g_source_attach(source.get(), context_.get());
}

void Runtime::run(const char* thread_name) {
  pthread_setname_np(pthread_self(), thread_name);
  g_main_context_push_thread_default(context_.get());
  g_main_loop_run(loop_.get());

  const gint64 deadline = g_get_monotonic_time() + drain_limit_us;
  // Calls whose outcome is on its way to their callbacks cannot be aborted any more.
  while (g_main_context_iteration(context_.get(), FALSE) && g_get_monotonic_time() < deadline) {
  }
  for (const auto& [type, kept] : kept_) kept->abort();
  // Cancelled calls report back through the context; what they hold is released there.
  while (g_main_context_iteration(context_.get(), FALSE) ||
         (pending_ > 0 && g_get_monotonic_time() < deadline)) {
    if (!g_main_context_pending(context_.get()) && pending_ > 0) g_usleep(200);
  }
  kept_.clear();
  g_main_context_pop_thread_default(context_.get());
  set_ended();
}

gpointer Runtime::async(ResultFunction function) {
  ++pending_;
  return std::make_unique<Pending>(Pending{this, std::move(function)}).release();
}

void Runtime::finish(GObject*, GAsyncResult* result, gpointer data) noexcept {
  const std::unique_ptr<Pending> pending(static_cast<Pending*>(data));
  --pending->runtime->pending_;
  guard_c_callback("an asynchronous call", [&] { pending->function(result); });
}

// All timers of a thread behind one source: GLib looks at every source in each turn of the loop,
// and hundreds of waiting elements have several timers each.
class TimerQueue {
 public:
  static std::shared_ptr<TimerQueue> of_this_thread() {
    static thread_local std::shared_ptr<TimerQueue> queue = std::make_shared<TimerQueue>();
    return queue;
  }

  TimerQueue() : source_(g_source_new(&functions_, sizeof(GSource))) {
    // GLib calls dispatch only for a source that has a callback or handles its absence; `data` is
    // all that is needed of it.
    g_source_set_callback(
        source_.get(), [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, this, nullptr);
    g_source_attach(source_.get(), g_main_context_get_thread_default());
  }
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue() { g_source_destroy(source_.get()); }

  void add(Timer& timer) {
    timers_.emplace(timer.due_, &timer);
    if (ready_ < 0 || timer.due_ < ready_) set_ready(timer.due_);
  }
  // The source keeps its time, and may find nothing to do then. To tell it another one costs three
  // system calls and a turn of the loop, and a stall timer is started over for each block.
  void remove(Timer& timer) { timers_.erase({timer.due_, &timer}); }

 private:
  void set_ready(gint64 time) {
    ready_ = time;
    g_source_set_ready_time(source_.get(), time);
  }

  static gboolean dispatch(GSource* source, GSourceFunc, gpointer data) noexcept {
    auto* queue = static_cast<TimerQueue*>(data);
    const gint64 now = g_source_get_time(source);
    while (!queue->timers_.empty() && queue->timers_.begin()->first <= now) {
      Timer& timer = *queue->timers_.begin()->second;
      timer.stop();
      // A copy, since the task may destroy or restart the timer that holds it.
      const Runtime::Task task = timer.task_;
      guard_c_callback("a timer", task);
    }
    queue->set_ready(queue->timers_.empty() ? -1 : queue->timers_.begin()->first);
    return G_SOURCE_CONTINUE;
  }

  // The source fires at its ready time alone: it has no prepare or check of its own.
  static inline GSourceFuncs functions_ = {nullptr, nullptr, dispatch, nullptr, nullptr, nullptr};

  Owned<GSource, g_source_unref> source_;
  std::set<std::pair<gint64, Timer*>> timers_;
  gint64 ready_ = -1;  // of the source: never later than the first timer
};

void Timer::start(std::chrono::milliseconds delay, Runtime::Task task) {
  task_ = std::move(task);
  restart(delay);
}

void Timer::restart(std::chrono::milliseconds delay) {
  stop();
  due_ = g_get_monotonic_time() + delay.count() * 1000;
  queue_ = TimerQueue::of_this_thread();
  queue_->add(*this);
}

void Timer::stop() {
  if (const auto queue = std::exchange(queue_, nullptr)) queue->remove(*this);
}

}  // namespace genpro
