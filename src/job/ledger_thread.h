// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger for the runtime thread, which must not wait for a disk or for another process.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "base/threads/runtime.h"
#include "ledger/ledger.h"

namespace genpro::job {

// One thread a ledger and process, on which the file is opened and used. With the last reference
// what has been asked for is still done, and then the thread ends. Threads: any.
class LedgerThread : public ThreadOwner, public std::enable_shared_from_this<LedgerThread> {
 public:
  // How long a task of post_late() may wait.
  static constexpr std::chrono::milliseconds longest_delay{300};

  using Task = std::function<void(Result<ledger::Ledger*>)>;

  static std::shared_ptr<LedgerThread> acquire(const std::string& path);

  // For acquire() alone.
  class Access {
    friend class LedgerThread;
    Access() = default;
  };
  LedgerThread(Access access, std::string path, std::shared_ptr<std::mutex> turn);
  ~LedgerThread() override;

  // Runs the task on the ledger's thread, after everything posted before it, with the ledger or why
  // it cannot be used. A ledger that could not be opened is tried again the next time.
  void post(Task task);
  // For what shall count only if the process lives on for a moment or ends by itself: the task runs
  // before the next one that is posted, after `longest_delay`, or when the process exits, whatever
  // comes first, and not at all when the process is killed before.
  void post_late(Task task);

 private:
  using Clock = std::chrono::steady_clock;
  struct Queue {
    std::deque<Task> tasks;
    std::deque<Task> late;
    Clock::time_point late_due;  // of the first of them
    bool exits = false;          // the process is about to
    bool ends = false;

    bool is_due() const {
      if (!tasks.empty()) return true;
      return late.empty() ? ends : exits || late_due <= Clock::now();
    }
  };
  struct AtExit;
  void run();
  Result<ledger::Ledger*> ledger();

  const std::string path_;
  // Held by the thread: one that takes over begins when the one before it is done.
  const std::shared_ptr<std::mutex> turn_;
  Guarded<Queue> queue_;
  std::unique_ptr<ledger::Ledger> ledger_;  // of the thread
  std::thread thread_;
};

// A place of the runtime thread from which questions go to the ledger. Answers that come after it
// is gone are dropped; what was to be written is written.
class LedgerClient {
 public:
  // Without a path no ledger is kept.
  LedgerClient(Runtime& runtime, const std::string& path)
      : runtime_(runtime.weak_from_this()),
        thread_of_ledger_(path.empty() ? nullptr : LedgerThread::acquire(path)) {}
  LedgerClient(const LedgerClient&) = delete;
  LedgerClient& operator=(const LedgerClient&) = delete;

  bool is_kept() const { return thread_of_ledger_ != nullptr; }

  // For what is written whether or not anybody is there to hear of it.
  void tell(std::function<void(ledger::Ledger&)> change) {
    if (!thread_of_ledger_) return;
    thread_of_ledger_->post([change = std::move(change)](const Result<ledger::Ledger*>& ledger) {
      if (ledger) change(**ledger);
    });
  }
  // See LedgerThread::post_late().
  void tell_late(std::function<void(ledger::Ledger&)> change) {
    if (!thread_of_ledger_) return;
    thread_of_ledger_->post_late([change = std::move(change)](Result<ledger::Ledger*> ledger) {
      if (ledger) change(**ledger);
    });
  }

  // `then` is called on the runtime thread. Neither is called without a ledger.
  template <typename T>
  void ask(std::function<Result<T>(ledger::Ledger&)> question,
           std::function<void(Result<T>)> then) {
    if (!thread_of_ledger_) return;
    thread_of_ledger_->post([question = std::move(question), then = std::move(then),
                             runtime = runtime_,
                             here = std::weak_ptr<char>(here_)](Result<ledger::Ledger*> ledger) {
      auto answer = std::make_shared<Result<T>>(ledger ? question(**ledger)
                                                       : Result<T>(std::move(ledger.error())));
      const std::shared_ptr<Runtime> thread = runtime.lock();
      if (!thread) return;
      thread->post([answer = std::move(answer), then, here] {
        if (!here.expired()) then(std::move(*answer));
      });
    });
  }

 private:
  std::weak_ptr<Runtime> runtime_;
  std::shared_ptr<LedgerThread> thread_of_ledger_;
  std::shared_ptr<char> here_ = std::make_shared<char>();
};

}  // namespace genpro::job
