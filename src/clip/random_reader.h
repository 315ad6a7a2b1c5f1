// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A finished clip as bytes in any order, as a demuxer in pull mode reads it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <variant>

#include "base/web/byte_ranges.h"
#include "clip/reader.h"
#include "clip/storage/store.h"

namespace genpro::clip {

// Reads through a Reader, which has one connection and goes one way.
//
// With a server that honours ranges the reader is led to where bytes are missing, and what it has
// brought is kept in a PageCache: what a demuxer leaves out now it may read next. A short gap is
// read through, since a new connection takes longer. With another server the reader goes one way
// only, and all that it brings is kept in a Spool.
//
// Threads: one. Only read() waits, and ends at once when interrupted.
//
// Memory: what the reader holds, and at most 8 MiB in the cache or the spool.
class RandomReader {
 public:
  using Outcome = Reader::Outcome;

  // The reader is at byte 0, and is read by nobody else.
  explicit RandomReader(std::shared_ptr<Reader> reader) : reader_(std::move(reader)) {}

  // A block of the bytes from `offset` on: `length`, or fewer at the clip's end.
  Outcome read(std::uint64_t offset, std::size_t length, const std::stop_token& interrupted = {});
  // Of the whole clip; also where the server does not tell, once the end has been read.
  std::optional<std::uint64_t> size() const { return size_; }
  // Whether all of the clip's media has been given, but for short pieces, such as of tracks that
  // no demuxer knows. What is beside the media is read in part or not at all.
  bool is_read() const;

 private:
  // Gets nearer to having the byte at `at`. Nothing when it may be there now.
  std::optional<Outcome> fetch(std::uint64_t at, const std::stop_token& interrupted);
  bool is_far(std::uint64_t at);
  void lead_to(std::uint64_t position);
  // Stores what is read ahead before the reader is led away from it.
  std::optional<Outcome> store_ahead(const std::stop_token& interrupted);
  std::optional<Outcome> store_block(const std::stop_token& interrupted);
  // Looks at the headers of boxes that are there.
  void follow_boxes();

  const std::shared_ptr<Reader> reader_;
  std::unique_ptr<Store> store_;       // once the first block is there
  class PageCache* cache_ = nullptr;   // that, with ranges
  std::optional<std::uint64_t> size_;  // of the clip
  std::uint64_t position_ = 0;         // of the reader's next block
  std::uint64_t fetched_ = 0;          // bytes since the reader was led to another place
  bool is_return_ = false;             // it goes on where it has been before
  // Where it was led away from to a box behind the media: to an index, which is read by who then
  // reads the media. So it goes back by itself, while decoders are made.
  std::optional<std::uint64_t> left_at_;
  ByteRanges covered_;  // what was read, and what is no media
  std::uint64_t next_box_ = 0;
};

}  // namespace genpro::clip
