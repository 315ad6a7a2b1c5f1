// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/bookkeeper.h"

#include <pthread.h>

#include <map>
#include <utility>

#include "base/callback.h"
#include "base/immortal.h"

namespace genpro::job {

namespace {

struct Desk {
  std::weak_ptr<Bookkeeper> bookkeeper;
  std::shared_ptr<std::mutex> turn = std::make_shared<std::mutex>();
};
using Known = std::map<std::string, Desk>;

Guarded<Known>& known_bookkeepers() {
  static Immortal<Guarded<Known>> known;
  return *known;
}

}  // namespace

// Lets a moment pass, which the exit of the process cuts short.
class Bookkeeper::Grace : public ThreadOwner {
 public:
  explicit Grace(std::shared_ptr<Bookkeeper> books) : books_(std::move(books)) {
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "genpro-grace");
      guard_c_callback("waiting with a note", [this] {
        books_->end_grace(is_over_.lock().wait_until(std::chrono::steady_clock::now() + grace,
                                                     [](bool is_over) { return is_over; }));
      });
      books_.reset();
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
  std::shared_ptr<Bookkeeper> books_;
  Guarded<bool> is_over_{false};
  std::thread thread_;
};

std::shared_ptr<Bookkeeper> Bookkeeper::acquire(const std::string& path) {
  collect();
  auto known = known_bookkeepers().lock();
  std::erase_if(*known, [](const auto& item) {
    return item.second.bookkeeper.expired() && item.second.turn.use_count() == 1;
  });
  Desk& desk = (*known)[path];
  std::shared_ptr<Bookkeeper> bookkeeper = desk.bookkeeper.lock();
  if (!bookkeeper) {
    bookkeeper = std::shared_ptr<Bookkeeper>(
        std::make_unique<Bookkeeper>(Access(), path, desk.turn).release(), [](Bookkeeper* unused) {
          std::unique_ptr<Bookkeeper> owned(unused);
          {
            auto queue = owned->queue_.lock();
            queue->ends = true;
            queue.notify();
          }
          retire(std::move(owned));
        });
    desk.bookkeeper = bookkeeper;
  }
  return bookkeeper;
}

Bookkeeper::Bookkeeper(Access, std::string path, std::shared_ptr<std::mutex> turn)
    : path_(std::move(path)), turn_(std::move(turn)) {
  thread_ = std::thread([this] { run(); });
}

Bookkeeper::~Bookkeeper() {
  thread_.join();
}

void Bookkeeper::post(Task task) {
  auto queue = queue_.lock();
  queue->tasks.push_back(std::move(task));
  queue.notify();
}

void Bookkeeper::post_late(Task task) {
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

void Bookkeeper::end_grace(bool exits) {
  auto queue = queue_.lock();
  queue->exits = queue->exits || exits;
  // What is late goes before it.
  queue->tasks.push_back([](const Result<Ledger*>&) {});
  queue.notify();
}

void Bookkeeper::run() {
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
        due.push_front([](const Result<Ledger*>& ledger) {
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

Result<Ledger*> Bookkeeper::ledger() {
  if (!ledger_) {
    auto opened = Ledger::open(path_);
    if (!opened) return std::move(opened.error());
    ledger_ = std::move(*opened);
  }
  return ledger_.get();
}

}  // namespace genpro::job
