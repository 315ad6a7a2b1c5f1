// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/glib_ptr.h"
#include "base/guarded.h"

namespace genpro::clip {

// Memory of one size that is used again and again, by all clips. What malloc() gets from the kernel
// for a clip that streams fast, and gives back again, takes longer than the reading. The block that
// was given back last is lent first, since the processor still has it at hand.
//
// Threads: any, also for the bytes that were lent; they may outlive everything else of the pool.
class BlockPool : public std::enable_shared_from_this<BlockPool> {
 public:
  using Memory = std::unique_ptr<unsigned char[], Releaser<g_free>>;

  // The pool of blocks of that size, which exists as long as somebody holds it or a block of it.
  static std::shared_ptr<BlockPool> of_size(std::size_t block_size);

  std::size_t block_size() const { return block_size_; }
  Memory take();
  // The first bytes of such a memory, which comes back here with their last reference.
  BytesPtr lend(Memory memory, std::size_t length);

 private:
  // Of what is given back so much is kept, in bytes.
  static constexpr std::size_t most_idle = 2 * 1024 * 1024;

  explicit BlockPool(std::size_t block_size);
  void give_back(Memory memory);

  const std::size_t block_size_;
  Guarded<std::vector<Memory>> idle_;
};

}  // namespace genpro::clip
