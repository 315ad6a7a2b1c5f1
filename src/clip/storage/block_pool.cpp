// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/storage/block_pool.h"

#include <map>
#include <utility>

#include "base/no_destructor.h"

namespace genpro::clip {

namespace {

struct Lent {
  std::shared_ptr<BlockPool> pool;
  BlockPool::Memory memory;
};

}  // namespace

std::shared_ptr<BlockPool> BlockPool::of_size(std::size_t block_size) {
  using Pools = Guarded<std::map<std::size_t, std::weak_ptr<BlockPool>>>;
  static NoDestructor<Pools> all;
  struct Access : BlockPool {
    explicit Access(std::size_t size) : BlockPool(size) {}
  };
  auto pools = (*all).lock();
  std::erase_if(*pools, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<BlockPool>& known = (*pools)[block_size];
  std::shared_ptr<BlockPool> pool = known.lock();
  if (!pool) {
    pool = std::make_shared<Access>(block_size);
    known = pool;
  }
  return pool;
}

BlockPool::BlockPool(std::size_t block_size) : block_size_(block_size) {
  // What is given back must not need memory.
  idle_.lock()->reserve(most_idle / block_size_);
}

BlockPool::Memory BlockPool::take() {
  {
    auto idle = idle_.lock();
    if (!idle->empty()) {
      Memory memory = std::move(idle->back());
      idle->pop_back();
      return memory;
    }
  }
  return Memory(static_cast<unsigned char*>(g_malloc(block_size_)));
}

BytesPtr BlockPool::lend(Memory memory, std::size_t length) {
  auto lent = std::make_unique<Lent>(Lent{shared_from_this(), std::move(memory)});
  const unsigned char* data = lent->memory.get();
  return BytesPtr(g_bytes_new_with_free_func(
      data, length,
      [](gpointer user_data) noexcept {
        const std::unique_ptr<Lent> owned(static_cast<Lent*>(user_data));
        owned->pool->give_back(std::move(owned->memory));
      },
      lent.release()));
}

void BlockPool::give_back(Memory memory) {
  auto idle = idle_.lock();
  if (idle->size() < most_idle / block_size_) idle->push_back(std::move(memory));
}

}  // namespace genpro::clip
