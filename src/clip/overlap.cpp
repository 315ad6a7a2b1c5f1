// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clip/overlap.h"

#include <algorithm>
#include <cstring>

namespace genpro::clip {

namespace {

// More small pieces than that become one.
constexpr std::size_t most_pieces = 64;

std::span<const unsigned char> span_of(const BytesPtr& bytes) {
  gsize size = 0;
  const auto* data = static_cast<const unsigned char*>(g_bytes_get_data(bytes.get(), &size));
  return {data, size};
}

}  // namespace

void Overlap::add(std::uint64_t offset, const BytesPtr& bytes) {
  if (offset != end_) clear();
  const std::span<const unsigned char> data = span_of(bytes);
  end_ = offset + data.size();
  if (data.size() > 2 * size_limit) {
    pieces_.clear();
    const auto last = data.last(size_limit);
    pieces_.emplace_back(g_bytes_new(last.data(), last.size()));
    size_ = last.size();
    return;
  }
  pieces_.emplace_back(g_bytes_ref(bytes.get()));
  size_ += data.size();
  while (size_ - g_bytes_get_size(pieces_.front().get()) >= size_limit) {
    size_ -= g_bytes_get_size(pieces_.front().get());
    pieces_.pop_front();
  }
  if (pieces_.size() > most_pieces) merge();
}

void Overlap::clear() {
  pieces_.clear();
  size_ = 0;
  end_ = 0;
}

bool Overlap::agrees(std::uint64_t offset, std::span<const unsigned char> bytes) const {
  std::uint64_t piece_begin = end_ - size_;
  for (const BytesPtr& piece : pieces_) {
    const std::span<const unsigned char> known = span_of(piece);
    const std::uint64_t first = std::max(offset, piece_begin);
    const std::uint64_t last = std::min(offset + bytes.size(), piece_begin + known.size());
    if (first < last && std::memcmp(bytes.data() + (first - offset),
                                    known.data() + (first - piece_begin), last - first) != 0) {
      return false;
    }
    piece_begin += known.size();
  }
  return true;
}

void Samples::add(std::uint64_t offset, std::span<const unsigned char> bytes) {
  if (bytes.size() < size) return;
  const auto after = pieces_.lower_bound(offset);
  if (after != pieces_.end() && after->first - offset < distance_) return;
  if (after != pieces_.begin() && offset - std::prev(after)->first < distance_) return;
  const auto piece = bytes.first(size);
  pieces_.emplace(offset, std::vector(piece.begin(), piece.end()));
  while (pieces_.size() > most) {
    distance_ *= 2;
    std::uint64_t kept = pieces_.begin()->first;
    std::erase_if(pieces_, [&](const auto& each) {
      if (each.first != kept && each.first - kept < distance_) return true;
      kept = each.first;
      return false;
    });
  }
}

bool Samples::agrees(std::uint64_t offset, std::span<const unsigned char> bytes) const {
  return std::all_of(pieces_.begin(), pieces_.end(), [&](const auto& each) {
    const std::uint64_t first = std::max(offset, each.first);
    const std::uint64_t last = std::min(offset + bytes.size(), each.first + size);
    return first >= last ||
           std::memcmp(bytes.data() + (first - offset), each.second.data() + (first - each.first),
                       last - first) == 0;
  });
}

std::vector<std::uint64_t> Samples::offsets() const {
  std::vector<std::uint64_t> all;
  for (const auto& each : pieces_) all.push_back(each.first);
  return all;
}

void Overlap::merge() {
  const Owned<GByteArray, g_byte_array_unref> all(g_byte_array_sized_new(size_));
  for (const BytesPtr& piece : pieces_) {
    const std::span<const unsigned char> data = span_of(piece);
    g_byte_array_append(all.get(), data.data(), static_cast<guint>(data.size()));
  }
  pieces_.clear();
  const std::size_t kept = std::min(size_, size_limit);
  pieces_.emplace_back(g_bytes_new(all->data + (size_ - kept), kept));
  size_ = kept;
}

}  // namespace genpro::clip
