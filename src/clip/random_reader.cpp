// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/random_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "clip/box_walker.h"
#include "clip/storage/page_cache.h"
#include "clip/storage/spool.h"

namespace genpro::clip {

namespace {

// A gap is read through if the connection has brought more than that already: at most as much again
// is read in vain. At the beginning, where an index at the end is looked for, it is little.
constexpr std::uint64_t least_gap = 256 * 1024;
constexpr std::uint64_t longest_gap = PageCache::size_limit / 2;

// Who comes back to a place hops between some of them: that much is read before it is left again,
// and a gap of that is read through, also before the first byte that is wanted.
constexpr std::uint64_t least_after_return = 1024 * 1024;

// No bytes are allocated before they are there, whatever size is asked for.
constexpr std::size_t step_size = 1024 * 1024;

// Pieces of that size, and of an eighth of the clip, need not be read.
constexpr std::uint64_t longest_unread = 64 * 1024;

}  // namespace

RandomReader::Outcome RandomReader::read(std::uint64_t offset, std::size_t length,
                                         const std::stop_token& interrupted) {
  Owned<GByteArray, g_byte_array_unref> bytes(
      g_byte_array_sized_new(static_cast<guint>(std::min(length, step_size))));
  while (bytes->len < length) {
    const std::size_t had = bytes->len;
    const std::uint64_t at = offset + had;
    if (size_ && at >= *size_) break;
    std::size_t added = 0;
    if (store_) {
      const std::size_t room = std::min(length - had, step_size);
      g_byte_array_set_size(bytes.get(), static_cast<guint>(had + room));
      const auto got = store_->get(at, {bytes->data + had, room});
      if (!got) return got.error();
      added = *got;
      g_byte_array_set_size(bytes.get(), static_cast<guint>(had + added));
    }
    if (added > 0) continue;
    if (auto stopped = fetch(at, interrupted)) return *std::move(stopped);
  }
  if (bytes->len == 0 && length > 0) return Reader::End{};
  covered_.add(offset, offset + bytes->len);
  if (left_at_ && position_ == size_) {
    is_return_ = true;
    lead_to(*std::exchange(left_at_, std::nullopt));
  }
  return Reader::Block{BytesPtr(g_byte_array_free_to_bytes(bytes.release())), offset};
}

std::optional<RandomReader::Outcome> RandomReader::fetch(std::uint64_t at,
                                                         const std::stop_token& interrupted) {
  if (cache_ != nullptr && is_far(at)) {
    if (auto stopped = store_ahead(interrupted)) return stopped;
    if (cache_->has(at)) return std::nullopt;
    if (is_far(at)) {
      const auto known = cache_->end_before(at);
      is_return_ = known && at - *known <= (at < position_ ? least_after_return : 0);
      left_at_ = at == next_box_ && at > position_ ? std::optional(position_) : std::nullopt;
      lead_to(is_return_ ? *known : at);
    }
  }
  return store_block(interrupted);
}

void RandomReader::lead_to(std::uint64_t position) {
  position_ = position;
  fetched_ = 0;
  reader_->seek(position);
}

bool RandomReader::is_far(std::uint64_t at) {
  const std::uint64_t gap = std::max<std::uint64_t>(
      reader_->queued(),
      std::clamp(fetched_, is_return_ ? least_after_return : least_gap, longest_gap));
  return at < position_ || at - position_ > gap;
}

std::optional<RandomReader::Outcome> RandomReader::store_ahead(const std::stop_token& interrupted) {
  std::uint64_t end = position_ + reader_->queued();
  if (is_return_ && fetched_ < least_after_return) {
    end = std::max(end, position_ + (least_after_return - fetched_));
  }
  end = std::min(end, *size_);
  while (position_ < end) {
    if (auto stopped = store_block(interrupted)) return stopped;
  }
  return std::nullopt;
}

std::optional<RandomReader::Outcome> RandomReader::store_block(const std::stop_token& interrupted) {
  Outcome outcome = reader_->read(interrupted);
  if (std::holds_alternative<Reader::End>(outcome)) {
    size_ = position_;
    return std::nullopt;
  }
  const auto* block = std::get_if<Reader::Block>(&outcome);
  if (block == nullptr) return outcome;
  if (!store_) {
    const auto info = reader_->info();
    if (info) size_ = info->size;
    if (info && info->seekable) {
      auto cache = std::make_unique<PageCache>();
      cache_ = cache.get();
      store_ = std::move(cache);
    } else {
      store_ = std::make_unique<Spool>();
    }
  }
  gsize count = 0;
  const auto* data =
      static_cast<const unsigned char*>(g_bytes_get_data(block->bytes.get(), &count));
  if (auto error = store_->put(block->offset, {data, count})) return *std::move(error);
  position_ = block->offset + count;
  fetched_ += count;
  follow_boxes();
  return std::nullopt;
}

void RandomReader::follow_boxes() {
  while (true) {
    std::array<unsigned char, 16> bytes;
    std::size_t count = 0;
    while (count < bytes.size()) {
      const auto got = store_->get(next_box_ + count, std::span(bytes).subspan(count));
      if (!got || *got == 0) break;
      count += *got;
    }
    const auto header = parse_box_header(std::span(bytes).first(count));
    if (!header || !header->size) return;
    const std::uint64_t end = next_box_ + *header->size;
    if (end < next_box_) return;
    if (header->type != "mdat") covered_.add(next_box_, end);
    next_box_ = end;
  }
}

bool RandomReader::is_read() const {
  return size_ && covered_.covers(*size_, std::min(longest_unread, *size_ / 8));
}

}  // namespace genpro::clip
