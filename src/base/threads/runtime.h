// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The thread that talks to the API for every element of a process, and those that read clips.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "base/glib_ptr.h"
#include "base/guarded.h"
#include "base/threads/thread_owner.h"

namespace genpro {

// Threads: post() may be called anywhere; everything else on the runtime thread only. Functions
// that run here must not block: each one delays the others' polls and reads.
class Runtime : public ThreadOwner, public std::enable_shared_from_this<Runtime> {
 public:
  using Task = std::function<void()>;
  using ResultFunction = std::function<void(GAsyncResult*)>;

  // The process's runtime, started if nothing holds it yet. With its last reference all that is
  // under way is cancelled and the thread ends; nobody waits for that, since the reference may go
  // in a state change, and a TLS handshake takes a while to give up.
  static std::shared_ptr<Runtime> acquire();

  // A runtime that a clip is to be read by, for as long as what this returns is held. It is never
  // the one above: a server of clips that keeps its thread busy must hold up no request that is
  // about money. There is one for each core, at most four, each started when it is needed; it ends
  // when it reads no clip any more.
  static std::shared_ptr<Runtime> acquire_for_clip();
  // How many hold it for that; by any thread.
  unsigned clip_count() const { return clips_; }

  // For start() alone.
  class Access {
    friend class Runtime;
    Access() = default;
  };
  Runtime(Access access, const char* thread_name);
  // Waits for the thread, which has to have been told to end.
  ~Runtime() override;

  // Runs `task` on the runtime thread, after everything posted before it. Never runs it in the
  // calling thread, and never blocks.
  void post(Task task);

  // Something that belongs to the thread: made when it is first asked for, and destroyed with the
  // thread, when all that was under way has ended.
  class Kept {
   public:
    Kept() = default;
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;
    virtual ~Kept() = default;
    // Cancels what it has under way, since the thread ends.
    virtual void abort() {}
  };
  // The thread's T, of which it keeps one.
  template <typename T>
  T& keep() {
    std::unique_ptr<Kept>& place = kept_[std::type_index(typeid(T))];
    if (!place) place = std::make_unique<T>();
    return static_cast<T&>(*place);
  }

  // The pair for an asynchronous GLib call: pass `Runtime::finish` as the callback and this as its
  // data. `function` runs exactly once, when the call ends or is cancelled.
  gpointer async(ResultFunction function);
  static void finish(GObject* source, GAsyncResult* result, gpointer data) noexcept;

 private:
  struct Pending;
  struct ClipUse;
  static std::shared_ptr<Runtime> start(const char* thread_name);
  void run(const char* thread_name);

  MainContextPtr context_;
  MainLoopPtr loop_;
  std::thread thread_;
  // Calls whose `finish` has not run yet; the thread ends only when there are none.
  int pending_ = 0;
  std::map<std::type_index, std::unique_ptr<Kept>> kept_;
  std::atomic<unsigned> clips_ = 0;
};

// For a program that has nothing else to do: has the process's runtime begin a request, and waits
// for its answer. `begin(runtime, done)` returns what owns the request; it is destroyed on the
// runtime thread, and not from within `done`.
template <typename T, typename Begin>
T run_to_end(Begin begin) {
  using Done = std::function<void(T)>;
  struct Shared {
    Guarded<std::optional<T>> answer;
    std::invoke_result_t<Begin&, Runtime&, Done> request;  // of the runtime thread
  };
  const auto shared = std::make_shared<Shared>();
  const std::shared_ptr<Runtime> runtime = Runtime::acquire();
  runtime->post([&runtime = *runtime, shared, begin = std::move(begin)]() mutable {
    shared->request = begin(runtime, [&runtime, shared](T answer) {
      runtime.post([shared, answer = std::move(answer)]() mutable {
        const auto ended = std::move(shared->request);
        auto place = shared->answer.lock();
        place->emplace(std::move(answer));
        place.notify();
      });
    });
  });
  auto place = shared->answer.lock();
  place.wait([](const auto& answer) { return answer.has_value(); });
  return std::move(**place);
}

class TimerQueue;

// A one-shot timer of the runtime thread. Destroying or stopping it cancels it, also from within
// its own function.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { stop(); }

  void start(std::chrono::milliseconds delay, Runtime::Task task);
  // Starts a timer that is running or has run over again, with the same task and a new delay. Cheap
  // enough to call for each buffer.
  void restart(std::chrono::milliseconds delay);
  void stop();

 private:
  friend class TimerQueue;

  std::shared_ptr<TimerQueue> queue_;  // set while it runs
  Runtime::Task task_;
  gint64 due_ = 0;  // monotonic, in microseconds
};

}  // namespace genpro
