// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/runtime.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/callback.h"
#include "base/guarded.h"
#include "base/immortal.h"
#include "base/thread_order.h"

namespace genpro {

namespace {

// How long a runtime that ends waits for cancelled calls to report back. They do at once; the bound
// is there so that a library that does not cannot hang the end of the process.
constexpr gint64 drain_limit_us = 200 * G_TIME_SPAN_MILLISECOND;

constexpr unsigned idle_connection_seconds = 60;
constexpr int max_api_connections = 8;
constexpr int max_clip_connections = 1024;

ObjectPtr<SoupSession> make_session(int max_connections, bool is_direct) {
  auto session = ObjectPtr<SoupSession>::adopt(soup_session_new_with_options(
      "max-conns", max_connections, "max-conns-per-host", max_connections, "idle-timeout",
      idle_connection_seconds, "timeout", 0, "user-agent", "gst-genpro/" GENPRO_VERSION, nullptr));
  // Byte ranges and lengths only make sense for the bytes as they are stored.
  soup_session_remove_feature_by_type(session.get(), SOUP_TYPE_CONTENT_DECODER);
  // The API authenticates by a header; a challenge is an answer like any other.
  soup_session_remove_feature_by_type(session.get(), SOUP_TYPE_AUTH_MANAGER);
  if (is_direct) soup_session_set_proxy_resolver(session.get(), nullptr);
  return session;
}

Guarded<std::weak_ptr<Runtime>>& current_runtime() {
  static Immortal<Guarded<std::weak_ptr<Runtime>>> current;
  return *current;
}

// Threads that read clips beside the first one; entries whose runtime has gone are left over.
Guarded<std::vector<std::weak_ptr<Runtime>>>& further_runtimes() {
  static Immortal<Guarded<std::vector<std::weak_ptr<Runtime>>>> further;
  return *further;
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
  if (!runtime) *current = runtime = start();
  return runtime;
}

std::shared_ptr<Runtime> Runtime::start() {
  return {std::make_unique<Runtime>(Access()).release(), [](Runtime* unused) {
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
  std::shared_ptr<Runtime> least = acquire();
  auto further = further_runtimes().lock();
  std::erase_if(*further, [](const auto& known) { return known.expired(); });
  for (const auto& known : *further) {
    const auto other = known.lock();
    if (other && other->clips_ < least->clips_) least = other;
  }
  if (least->clips_ > 0 && further->size() + 1 < most_clip_threads()) {
    least = start();
    further->push_back(least);
  }
  const auto use = std::make_shared<ClipUse>(std::move(least));
  return {use, use->runtime.get()};
}

Runtime::Runtime(Access)
    : context_(g_main_context_new()), loop_(g_main_loop_new(context_.get(), FALSE)) {
  thread_ = std::thread([this] { run(); });
  thread_id_ = thread_.get_id();
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

void Runtime::run() {
  pthread_setname_np(pthread_self(), "genpro-runtime");
  g_main_context_push_thread_default(context_.get());
  g_main_loop_run(loop_.get());

  for (const auto& [kind, session] : sessions_) soup_session_abort(session.get());
  // Cancelled calls report back through the context; what they hold is released there.
  const gint64 deadline = g_get_monotonic_time() + drain_limit_us;
  while (g_main_context_iteration(context_.get(), FALSE) ||
         (pending_ > 0 && g_get_monotonic_time() < deadline)) {
    if (!g_main_context_pending(context_.get()) && pending_ > 0) g_usleep(200);
  }
  sessions_.clear();
  g_main_context_pop_thread_default(context_.get());
  set_ended();
}

SoupSession* Runtime::session(Purpose purpose, const Url& url) {
  const bool is_direct = url.is_loopback();
  ObjectPtr<SoupSession>& session = sessions_[{purpose, is_direct}];
  if (!session) {
    session = make_session(purpose == Purpose::api ? max_api_connections : max_clip_connections,
                           is_direct);
  }
  return session.get();
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
