// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>

#include "clip/storage/block_pool.h"
#include "clip/storage/store.h"

namespace genpro::clip {

// The latest bytes of a clip, in pages. A demuxer reads each byte once: a page that was read to its
// end makes room before one that is still to be read, whichever is older.
class PageCache : public Store {
 public:
  static constexpr std::size_t page_size = 64 * 1024;
  static constexpr std::size_t size_limit = 8 * 1024 * 1024;

  std::optional<Error> put(std::uint64_t offset, std::span<const unsigned char> bytes) override;
  Result<std::size_t> get(std::uint64_t offset, std::span<unsigned char> bytes) override;
  bool has(std::uint64_t offset) const;
  // Up to where the bytes are known before `offset`, itself unknown; nothing when none are.
  std::optional<std::uint64_t> end_before(std::uint64_t offset) const;

 private:
  struct Page {
    BlockPool::Memory memory;
    std::size_t begin = 0;  // what is known of it, up to `end`
    std::size_t end = 0;
    std::uint64_t used = 0;  // when, in uses of the cache
    bool is_read = false;    // to its end
  };

  Page& page(std::uint64_t number);

  const std::shared_ptr<BlockPool> pool_ = BlockPool::of_size(page_size);
  std::map<std::uint64_t, Page> pages_;
  std::uint64_t uses_ = 0;
};

}  // namespace genpro::clip
