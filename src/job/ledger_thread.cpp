// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/ledger_thread.h"

#include <pthread.h>

#include <map>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/no_destructor.h"

namespace genpro::job {

namespace {

struct Entry {
  std::weak_ptr<LedgerThread> thread;
  std::shared_ptr<std::mutex> turn = std::make_shared<std::mutex>();
};
using Known = std::map<std::string, Entry>;

Guarded<Known>& known_threads() {
  static NoDestructor<Guarded<Known>> known;
  return *known;
}

}  // namespace

// What is late is done before the process has gone, also where an element still holds the ledger.
struct LedgerThread::AtExit {
  ~AtExit() {
    std::vector<std::shared_ptr<LedgerThread>> threads;
    {
      auto known = known_threads().lock();
      for (const auto& [path, entry] : *known) {
        if (auto thread = entry.thread.lock()) threads.push_back(std::move(thread));
      }
    }
    for (const auto& thread : threads) {
      auto queue = thread->queue_.lock();
      queue->exits = true;
      queue.notify();
      queue.wait([](const Queue& q) { return q.late.empty(); });
    }
  }
};

std::shared_ptr<LedgerThread> LedgerThread::acquire(const std::string& path) {
  static const AtExit at_exit;
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
  {
    auto queue = queue_.lock();
    queue->exits = true;
    queue.notify();
  }
  thread_.join();
}

void LedgerThread::post(Task task) {
  auto queue = queue_.lock();
  queue->tasks.push_back(std::move(task));
  queue.notify();
}

void LedgerThread::post_late(Task task) {
  auto queue = queue_.lock();
  if (queue->late.empty()) queue->late_due = Clock::now() + longest_delay;
  queue->late.push_back(std::move(task));
  queue.notify();
}

void LedgerThread::run() {
  pthread_setname_np(pthread_self(), "genpro-ledger");
  const std::lock_guard turn(*turn_);
  while (true) {
    std::deque<Task> due;
    std::size_t late = 0;
    {
      auto queue = queue_.lock();
      while (!queue->is_due()) {
        if (queue->late.empty()) {
          queue.wait([](const Queue& q) { return q.is_due() || !q.late.empty(); });
        } else {
          queue.wait_until(queue->late_due, [](const Queue& q) { return q.is_due(); });
        }
      }
      due = queue->late;
      late = due.size();
      // What is late shall be the last that the process spends time on.
      if (queue->exits && late > 0) {
        due.push_front([](const Result<ledger::Ledger*>& ledger) {
          if (ledger) (void)(*ledger)->prepare_to_exit();
        });
      }
      if (!queue->tasks.empty()) {
        due.push_back(std::move(queue->tasks.front()));
        queue->tasks.pop_front();
      }
      if (due.empty()) break;
    }
    for (const Task& task : due) {
      guard_c_callback("a task of the ledger", [&] { task(ledger()); });
    }
    auto queue = queue_.lock();
    queue->late.erase(queue->late.begin(), queue->late.begin() + static_cast<std::ptrdiff_t>(late));
    queue->late_due = Clock::now() + longest_delay;
    queue.notify();
  }
  ledger_.reset();
  set_ended();
}

Result<ledger::Ledger*> LedgerThread::ledger() {
  if (!ledger_) {
    auto opened = ledger::Ledger::open(path_);
    if (!opened) return std::move(opened.error());
    ledger_ = std::move(*opened);
    ledger_->when_given_back([self = weak_from_this()] {
      if (const auto thread = self.lock()) {
        thread->post([](const Result<ledger::Ledger*>& ledger) {
          if (ledger) (void)(*ledger)->give_back();
        });
      }
    });
  }
  return ledger_.get();
}

}  // namespace genpro::job
