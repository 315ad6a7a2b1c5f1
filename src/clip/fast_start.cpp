// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/fast_start.h"

#include <algorithm>
#include <utility>

#include "clip/box_walker.h"

namespace genpro::clip {

namespace {

// That of a clip of many hours has some megabytes.
constexpr std::uint64_t largest_index = std::uint64_t{64} << 20;

std::span<const unsigned char> view(const BytesPtr& bytes) {
  gsize size = 0;
  const auto* data = static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), &size));
  return {data, size};
}

}  // namespace

std::optional<FastStart::Outcome> FastStart::find_index(const std::stop_token& interrupted) {
  while (!is_ready_) {
    Outcome outcome = reader_->read(next_box_, 16, interrupted);
    const auto* block = std::get_if<Reader::Block>(&outcome);
    if (block == nullptr && !std::holds_alternative<Reader::End>(outcome)) return outcome;
    const auto header = block == nullptr ? std::nullopt : parse_box_header(view(block->bytes));
    const bool is_index = header && header->type == "moov";
    // Without media before it there is nothing to be gained, and without its size nothing to find.
    if (!header || !header->size || header->type == "moof" || (is_index && !media_) ||
        next_box_ + *header->size < next_box_) {
      is_ready_ = true;
    } else if (!is_index) {
      if (header->type == "mdat" && !media_) media_ = next_box_;
      next_box_ += *header->size;
    } else if (*header->size > largest_index) {
      is_ready_ = true;
    } else {
      Outcome index = reader_->read(next_box_, *header->size, interrupted);
      const auto* whole = std::get_if<Reader::Block>(&index);
      if (whole == nullptr) return index;
      const auto bytes = view(whole->bytes);
      index_at_ = next_box_;
      index_.assign(bytes.begin(), bytes.end());
      if (index_.size() < *header->size || !shift_chunks(index_, *media_, index_at_)) index_ = {};
      is_ready_ = true;
    }
  }
  return std::nullopt;
}

FastStart::Outcome FastStart::read_part(std::uint64_t offset, std::size_t length,
                                        const std::stop_token& interrupted) {
  const auto up_to = [&](std::uint64_t end) {
    return std::min<std::uint64_t>(length, end - offset);
  };
  const std::uint64_t size = index_.size();
  if (size == 0 || offset >= index_at_ + size) return reader_->read(offset, length, interrupted);
  if (offset < *media_) return reader_->read(offset, up_to(*media_), interrupted);
  if (offset < *media_ + size) {
    const std::uint64_t place = offset - *media_;
    return Reader::Block{BytesPtr(g_bytes_new(index_.data() + place, up_to(*media_ + size))),
                         offset};
  }
  Outcome outcome = reader_->read(offset - size, up_to(index_at_ + size), interrupted);
  if (auto* block = std::get_if<Reader::Block>(&outcome)) block->offset = offset;
  return outcome;
}

FastStart::Outcome FastStart::read(std::uint64_t offset, std::size_t length,
                                   const std::stop_token& interrupted) {
  if (auto stopped = find_index(interrupted)) return *std::move(stopped);
  Outcome outcome = read_part(offset, length, interrupted);
  auto* block = std::get_if<Reader::Block>(&outcome);
  if (block == nullptr || g_bytes_get_size(block->bytes.get()) == length) return outcome;
  Owned<GByteArray, g_byte_array_unref> bytes(g_bytes_unref_to_array(block->bytes.release()));
  while (bytes->len < length) {
    Outcome more = read_part(offset + bytes->len, length - bytes->len, interrupted);
    if (std::holds_alternative<Reader::End>(more)) break;
    const auto* next = std::get_if<Reader::Block>(&more);
    if (next == nullptr) return more;
    const auto added = view(next->bytes);
    if (added.empty()) break;
    g_byte_array_append(bytes.get(), added.data(), static_cast<guint>(added.size()));
  }
  return Reader::Block{BytesPtr(g_byte_array_free_to_bytes(bytes.release())), offset};
}

}  // namespace genpro::clip
