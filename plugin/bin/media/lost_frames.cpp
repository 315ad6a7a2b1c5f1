// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/lost_frames.h"

namespace genpro::bin {

namespace {

// An empty sample, or an MPEG-4 frame that has nothing but its header, stands for the frame before.
constexpr gsize least_coded = 9;

}  // namespace

// What is to be shown before the first sample needs frames before that, which a cut has taken. Of a
// frame at the edge of an edit there may be nothing left but what times are rounded by.
void LostFrames::add_read(std::int64_t start, gsize size, bool is_shown_whole) {
  if (!begin_) begin_ = start;
  read_.emplace(start, is_shown_whole && size >= least_coded && start >= *begin_);
}

void LostFrames::add_decoded(std::int64_t start) {
  lose(read_.lower_bound({start, false}));
  auto sample = read_.find({start, true});
  if (sample == read_.end()) sample = read_.find({start, false});
  if (sample != read_.end()) {
    read_.erase(sample);
  } else {
    ++unexpected_;
  }
}

void LostFrames::end() {
  lose(read_.end());
}

void LostFrames::lose(Samples::iterator end) {
  for (auto sample = read_.begin(); sample != end; ++sample) {
    const auto [start, is_due] = *sample;
    if (!is_due || start < excused_) continue;
    if (lost_++ == 0) first_lost_ = start;
  }
  read_.erase(read_.begin(), end);
}

}  // namespace genpro::bin
