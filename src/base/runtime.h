// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The thread that talks to the network for every element of a process, and its helpers when several
// clips are read at once.
#pragma once

#include <libsoup/soup.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "base/glib_ptr.h"
#include "base/thread_owner.h"
#include "base/url.h"

namespace genpro {

// Threads: post() and on_thread() may be called anywhere; everything else on the runtime thread
// only, since libsoup 3 ties a session and its messages to the thread and main context that made
// them. Functions that run here must not block: each one delays the others' polls and reads.
class Runtime : public ThreadOwner, public std::enable_shared_from_this<Runtime> {
 public:
  using Task = std::function<void()>;
  using ResultFunction = std::function<void(GAsyncResult*)>;

  // The process's runtime, started if nothing holds it yet. With its last reference all that is
  // under way is cancelled and the thread ends; nobody waits for that, since the reference may go
  // in a state change, and a TLS handshake takes a while to give up.
  static std::shared_ptr<Runtime> acquire();

  // The runtime that a clip is to be read by, for as long as what this returns is held: the
  // process's as long as that reads no clip; with several at once one thread could not keep up, and
  // there is one for each core, at most four.
  static std::shared_ptr<Runtime> acquire_for_clip();
  // How many hold it for that; by any thread.
  unsigned clip_count() const { return clips_; }

  // For start() alone.
  class Access {
    friend class Runtime;
    Access() = default;
  };
  explicit Runtime(Access access);
  // Waits for the thread, which has to have been told to end.
  ~Runtime() override;

  // Runs `task` on the runtime thread, after everything posted before it. Never runs it in the
  // calling thread, and never blocks.
  void post(Task task);
  bool on_thread() const { return std::this_thread::get_id() == thread_id_; }

  enum class Purpose { api, clip };
  // The session for a request to `url`; it lives as long as the runtime. Sessions never decode
  // bodies, and messages are to be sent without following redirects. The API's have few
  // connections, since its requests are short; a clip holds one for minutes. A request to this
  // machine takes no proxy: it is in the clear, and a proxy would see the key.
  SoupSession* session(Purpose purpose, const Url& url);

  // The pair for an asynchronous GLib call: pass `Runtime::finish` as the callback and this as its
  // data. `function` runs exactly once, when the call ends or is cancelled.
  gpointer async(ResultFunction function);
  static void finish(GObject* source, GAsyncResult* result, gpointer data) noexcept;

 private:
  struct Pending;
  struct ClipUse;
  static std::shared_ptr<Runtime> start();
  void run();

  MainContextPtr context_;
  MainLoopPtr loop_;
  std::thread::id thread_id_;
  std::thread thread_;
  // Calls whose `finish` has not run yet; the thread ends only when there are none.
  int pending_ = 0;
  std::map<std::pair<Purpose, bool>, ObjectPtr<SoupSession>> sessions_;
  std::atomic<unsigned> clips_ = 0;
};

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
