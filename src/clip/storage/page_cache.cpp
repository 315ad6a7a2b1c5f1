// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/storage/page_cache.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

namespace genpro::clip {

std::optional<Error> PageCache::put(std::uint64_t offset, std::span<const unsigned char> bytes) {
  while (!bytes.empty()) {
    const std::size_t begin = offset % page_size;
    const std::size_t end = std::min(begin + bytes.size(), page_size);
    Page& to = page(offset / page_size);
    std::memcpy(to.memory.get() + begin, bytes.data(), end - begin);
    // Of two parts with a gap between them the new one stays.
    const bool adjoins = begin <= to.end && to.begin <= end;
    to.begin = adjoins ? std::min(to.begin, begin) : begin;
    to.end = adjoins ? std::max(to.end, end) : end;
    to.is_read = false;
    offset += end - begin;
    bytes = bytes.subspan(end - begin);
  }
  return std::nullopt;
}

Result<std::size_t> PageCache::get(std::uint64_t offset, std::span<unsigned char> bytes) {
  if (!has(offset)) return std::size_t{0};
  Page& from = page(offset / page_size);
  const std::size_t begin = offset % page_size;
  const std::size_t count = std::min(bytes.size(), from.end - begin);
  std::memcpy(bytes.data(), from.memory.get() + begin, count);
  from.is_read = from.is_read || begin + count == page_size;
  return count;
}

bool PageCache::has(std::uint64_t offset) const {
  const auto found = pages_.find(offset / page_size);
  if (found == pages_.end()) return false;
  const std::size_t place = offset % page_size;
  return found->second.begin <= place && place < found->second.end;
}

std::optional<std::uint64_t> PageCache::end_before(std::uint64_t offset) const {
  auto page = pages_.upper_bound(offset / page_size);
  while (page != pages_.begin()) {
    --page;
    const std::uint64_t end = page->first * page_size + page->second.end;
    if (end <= offset) return end;
  }
  return std::nullopt;
}

PageCache::Page& PageCache::page(std::uint64_t number) {
  const auto found = pages_.find(number);
  if (found != pages_.end()) {
    found->second.used = ++uses_;
    return found->second;
  }
  BlockPool::Memory memory;
  if (pages_.size() < size_limit / page_size) {
    memory = pool_->take();
  } else {
    const auto spent =
        std::min_element(pages_.begin(), pages_.end(), [](const auto& one, const auto& other) {
          return std::tuple(!one.second.is_read, one.second.used) <
                 std::tuple(!other.second.is_read, other.second.used);
        });
    memory = std::move(spent->second.memory);
    pages_.erase(spent);
  }
  Page& added = pages_[number];
  added.memory = std::move(memory);
  added.used = ++uses_;
  return added;
}

}  // namespace genpro::clip
