// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/glib_ptr.h"
#include "base/guarded.h"

namespace genpro::clip {

// Memory of one size that is used again and again. A clip is read into as much of it in a second as
// a machine has; what malloc() gets from the kernel for that and gives back again takes longer than
// the reading. The block that was given back last is lent first, since the processor still has it
// at hand.
//
// Threads: any, also for the bytes that were lent; they may outlive everything else of the pool.
class BlockPool : public std::enable_shared_from_this<BlockPool> {
 public:
  using Memory = std::unique_ptr<unsigned char[], Releaser<g_free>>;

  // Sizes in bytes. Of what is given back, `most_idle` is kept.
  static std::shared_ptr<BlockPool> make(std::size_t block_size, std::size_t most_idle);

  std::size_t block_size() const { return block_size_; }
  Memory take();
  // The first bytes of such a memory, which comes back here with their last reference.
  BytesPtr lend(Memory memory, std::size_t length);

 private:
  BlockPool(std::size_t block_size, std::size_t most_idle);
  void give_back(Memory memory);

  const std::size_t block_size_;
  const std::size_t most_idle_;  // blocks
  Guarded<std::vector<Memory>> idle_;
};

}  // namespace genpro::clip
