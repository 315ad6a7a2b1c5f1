// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames of a clip that were read and that its decoder made nothing of.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

namespace genpro::bin {

// Times are running times in nanoseconds. Threads: one at a time.
class LostFrames {
 public:
  // Samples in the order of the file, with the part of each that is shown, and frames in that of
  // their times.
  void add_read(std::int64_t start, gsize size, bool is_shown_whole = true);
  void add_decoded(std::int64_t start);
  // The decoder is late, and leaves frames out up to that time.
  void excuse(std::int64_t until) { excused_ = std::max(excused_, until); }
  // No more frames come.
  void end();

  std::uint64_t count() const { return lost_ > unexpected_ ? lost_ - unexpected_ : 0; }
  // Of the first one, if there is any.
  std::optional<std::int64_t> first() const { return first_lost_; }

 private:
  // When each starts, and whether a frame is due for it.
  using Samples = std::multiset<std::pair<std::int64_t, bool>>;
  void lose(Samples::iterator end);

  Samples read_;                       // and not decoded
  std::optional<std::int64_t> begin_;  // of the first sample
  std::int64_t excused_ = 0;
  std::uint64_t lost_ = 0;
  // Frames at other times than the samples', as where the times of a file are wrong.
  std::uint64_t unexpected_ = 0;
  std::optional<std::int64_t> first_lost_;
};

}  // namespace genpro::bin
