// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/ledger_thread.h"

#include <pthread.h>

#include <map>
#include <utility>

#include "base/callback.h"
#include "base/immortal.h"

namespace genpro::job {

namespace {

struct Entry {
  std::weak_ptr<LedgerThread> thread;
  std::shared_ptr<std::mutex> turn = std::make_shared<std::mutex>();
};
using Known = std::map<std::string, Entry>;

Guarded<Known>& known_threads() {
  static Immortal<Guarded<Known>> known;
  return *known;
}

}  // namespace

// Lets a moment pass, which the exit of the process cuts short.
class LedgerThread::Grace : public ThreadOwner {
 public:
  explicit Grace(std::shared_ptr<LedgerThread> owner) : owner_(std::move(owner)) {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "genpro-grace");
      guard_c_callback("waiting with a note", [this] {
        owner_->end_grace(is_over_.lock().wait_until(std::chrono::steady_clock::now() + grace,
                                                     [](bool is_over) { return is_over; }));
      });
      owner_.reset();
      set_ended();
    });
  }
  ~Grace() override {
    {
      auto is_over = is_over_.lock();
      *is_over = true;
      is_over.notify();
    }
    thread_.join();
  }

 private:
  std::shared_ptr<LedgerThread> owner_;
  Guarded<bool> is_over_{false};
  std::thread thread_;
};

std::shared_ptr<LedgerThread> LedgerThread::acquire(const std::string& path) {
  collect();
  auto known = known_threads().lock();
  std::erase_if(*known, [](const auto& item) {
    return item.second.thread.expired() && item.second.turn.use_count() == 1;
  });
  Entry& entry = (*known)[path];
  std::shared_ptr<LedgerThread> thread = entry.thread.lock();
  if (!thread) {
    thread = std::shared_ptr<LedgerThread>(
        std::make_unique<LedgerThread>(Access(), path, entry.turn).release(),
        [](LedgerThread* unused) {
          std::unique_ptr<LedgerThread> owned(unused);
          {
            auto queue = owned->queue_.lock();
            queue->ends = true;
            queue.notify();
          }
          retire(std::move(owned));
        });
    entry.thread = thread;
  }
  return thread;
}

LedgerThread::LedgerThread(Access, std::string path, std::shared_ptr<std::mutex> turn)
    : path_(std::move(path)), turn_(std::move(turn)) {
  thread_ = std::thread([this] { run(); });
}

LedgerThread::~LedgerThread() {
  thread_.join();
}

void LedgerThread::post(Task task) {
  auto queue = queue_.lock();
  queue->tasks.push_back(std::move(task));
  queue.notify();
}

void LedgerThread::post_late(Task task) {
  bool is_first = false;
  {
    auto queue = queue_.lock();
    is_first = queue->late.empty();
    queue->late.push_back(std::move(task));
  }
  if (!is_first) return;
  collect();
  retire(std::make_unique<Grace>(shared_from_this()));
}

void LedgerThread::end_grace(bool exits) {
  auto queue = queue_.lock();
  queue->exits = queue->exits || exits;
  // What is late goes before it.
  queue->tasks.push_back([](const Result<ledger::Ledger*>&) {});
  queue.notify();
}

void LedgerThread::run() {
  pthread_setname_np(pthread_self(), "genpro-ledger");
  const std::lock_guard turn(*turn_);
  while (true) {
    std::deque<Task> due;
    {
      auto queue = queue_.lock();
      queue.wait([](const Queue& q) { return q.ends || !q.tasks.empty(); });
      if (queue->tasks.empty()) break;
      due.swap(queue->late);
      // What is late shall be the last that the process spends time on.
      if (queue->exits && !due.empty()) {
        due.push_front([](const Result<ledger::Ledger*>& ledger) {
          if (ledger) (void)(*ledger)->prepare_to_exit();
        });
      }
      due.push_back(std::move(queue->tasks.front()));
      queue->tasks.pop_front();
    }
    for (const Task& task : due) {
      guard_c_callback("a task of the ledger", [&] { task(ledger()); });
    }
  }
  ledger_.reset();
  set_ended();
}

Result<ledger::Ledger*> LedgerThread::ledger() {
  if (!ledger_) {
    auto opened = ledger::Ledger::open(path_);
    if (!opened) return std::move(opened.error());
    ledger_ = std::move(*opened);
  }
  return ledger_.get();
}

}  // namespace genpro::job
