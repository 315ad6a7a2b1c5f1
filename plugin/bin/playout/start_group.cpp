// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout/start_group.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/guarded.h"
#include "base/no_destructor.h"

namespace genpro::bin {

namespace {

constexpr Time longest_wait = GST_SECOND / 4;

}  // namespace

class StartGroup {
 public:
  static std::shared_ptr<StartGroup> of(const std::string& key) {
    static NoDestructor<Guarded<std::map<std::string, std::weak_ptr<StartGroup>>>> all;
    auto groups = (*all).lock();
    std::erase_if(*groups, [](const auto& group) { return group.second.expired(); });
    std::weak_ptr<StartGroup>& known = (*groups)[key];
    std::shared_ptr<StartGroup> group = known.lock();
    if (!group) known = group = std::make_shared<StartGroup>();
    return group;
  }

  struct State {
    int members = 0;
    int ready = 0;
    std::optional<Time> ready_since;  // the first one
    Time next = 0;                    // when the one that is furthest could begin
    std::optional<Time> start;
  };
  Guarded<State> state;
};

GroupedStart::GroupedStart(const std::string& key) : group_(StartGroup::of(key)) {
  ++group_->state.lock()->members;
}

GroupedStart::~GroupedStart() {
  auto state = group_->state.lock();
  --state->members;
  if (is_ready_) --state->ready;
}

std::optional<Time> GroupedStart::begin(Time time, Time duration) {
  auto state = group_->state.lock();
  if (state->start) return state->start;
  if (!std::exchange(is_ready_, true)) ++state->ready;
  state->ready_since = std::min(time, state->ready_since.value_or(time));
  state->next = std::max(state->next, time);
  if (state->ready < state->members && time < *state->ready_since + longest_wait) {
    return std::nullopt;
  }
  // The others may have made one frame more by now. The half is rounded up.
  state->start = state->members > 1 ? state->next + duration + duration / 2 : time;
  return state->start;
}

}  // namespace genpro::bin
