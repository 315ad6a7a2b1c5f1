// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A clip with its index (moov) in front of its media, for readers that cannot seek.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "clip/random_reader.h"

namespace genpro::clip {

// Reads like the RandomReader that it reads through, but a moov box that follows the media comes
// before them. All other bytes stay as they are, and so does the number of them. A clip that begins
// with its index, that is fragmented, or whose index cannot be moved is given as it is.
class FastStart {
 public:
  using Outcome = RandomReader::Outcome;

  explicit FastStart(RandomReader& reader) : reader_(&reader) {}

  // As RandomReader::read().
  Outcome read(std::uint64_t offset, std::size_t length, const std::stop_token& interrupted = {});

 private:
  // Nothing when it is known where each byte comes from.
  std::optional<Outcome> find_index(const std::stop_token& interrupted);
  Outcome read_part(std::uint64_t offset, std::size_t length, const std::stop_token& interrupted);

  RandomReader* reader_;
  bool is_ready_ = false;
  std::uint64_t next_box_ = 0;
  std::optional<std::uint64_t> media_;  // where the index goes
  std::uint64_t index_at_ = 0;          // where it comes from
  std::vector<unsigned char> index_;    // empty: it stays where it is
};

}  // namespace genpro::clip
