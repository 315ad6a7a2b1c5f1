// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The clip of one generation in several elements of a pipeline, each of which has it on as soon as
// it is ready: it begins on the same frame in all of them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bin/media/decoded_frames.h"

namespace genpro::bin {

class StartGroup;

// One of these clips, of a group of all that have the same key at that time. Times are running
// times. Threads: any; its locks are the last ones that are taken.
class GroupedStart {
 public:
  explicit GroupedStart(const std::string& key);
  ~GroupedStart();
  GroupedStart(const GroupedStart&) = delete;
  GroupedStart& operator=(const GroupedStart&) = delete;

  // It is ready, and could begin at `time`, with a frame of that duration: when it is to begin.
  // Nothing while the others are waited for, for 0.25 s at most. What has passed is at once.
  std::optional<Time> begin(Time time, Time duration);

 private:
  const std::shared_ptr<StartGroup> group_;
  bool is_ready_ = false;  // under the group's lock
};

}  // namespace genpro::bin
