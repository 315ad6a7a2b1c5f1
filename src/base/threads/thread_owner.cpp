// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/threads/thread_owner.h"

#include <vector>

#include "base/guarded.h"

namespace genpro {

struct ThreadOwner::Retired {
  Guarded<std::vector<std::unique_ptr<ThreadOwner>>> owners;

  static Retired& instance() {
    static Retired retired;
    return retired;
  }
  // A thread that ends may retire another one.
  ~Retired() {
    while (auto owner = take_last()) owner.reset();
  }
  std::unique_ptr<ThreadOwner> take_last() {
    auto list = owners.lock();
    if (list->empty()) return nullptr;
    std::unique_ptr<ThreadOwner> last = std::move(list->back());
    list->pop_back();
    return last;
  }
};

void ThreadOwner::retire(std::unique_ptr<ThreadOwner> owner) {
  Retired::instance().owners.lock()->push_back(std::move(owner));
}

void ThreadOwner::collect() {
  std::vector<std::unique_ptr<ThreadOwner>> ended;
  auto list = Retired::instance().owners.lock();
  for (auto& owner : *list) {
    if (owner->ended_) ended.push_back(std::move(owner));
  }
  std::erase(*list, nullptr);
}

}  // namespace genpro
