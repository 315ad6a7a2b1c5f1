// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The items of a genprobin's queue, in the order in which they go on air.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "bin/media/clip_decoder.h"
#include "common/generation.h"

namespace genpro::bin {

enum class ItemState { waiting, begun, on_air, ended, failed };

struct Item {
  unsigned number = 0;
  Settings settings;
  ItemState state = ItemState::waiting;
  bool is_given = false;    // to the timeline
  bool is_planned = false;  // there, to be on air next
  std::string generation_id;
  std::string error;
  double cost = -1;
  // While it is begun or on air; what holds them is the run's control.
  std::weak_ptr<Generation> generation;
  std::weak_ptr<ClipDecoder> decoder;

  bool is_over() const { return state == ItemState::ended || state == ItemState::failed; }
  // Not on air yet, nor about to be.
  bool is_ahead() const {
    return !is_planned && (state == ItemState::waiting || state == ItemState::begun);
  }
};

// Not for several threads at once.
class ItemQueue {
 public:
  // Its number, from 1 on, which no other item of the element has.
  unsigned add(Settings settings);
  // Null when there is none.
  Item* find(unsigned number);
  // False when there is none, or it is on air or about to be.
  bool remove(unsigned number);
  // To be the one at `position` of those that are not on air yet; 1: the next one, and beyond them
  // the last one. False as for remove().
  bool move(unsigned number, unsigned position);

  // What is next to be on air; null for none.
  Item* next();
  // The first one that has not begun, of the first `most` that are not on air yet; null for none.
  Item* to_begin(std::size_t most);
  // Whether one is on air, or will be.
  bool is_active() const;
  std::set<std::string> generation_ids() const;

  // For another run, in this one's place: without items, and their numbers go on.
  ItemQueue successor() const;
  // All but those that have been over for long.
  std::vector<Item> items() const { return {items_.begin(), items_.end()}; }
  // Those that are begun or on air.
  std::vector<Item> under_way() const;
  std::list<Item>& all() { return items_; }
  // Forgets what has been over for long.
  void prune();

 private:
  unsigned numbers_ = 0;
  std::list<Item> items_;
};

// That of a run, and of the time before it. Its lock is taken before those of the timeline.
using SharedItems = std::shared_ptr<Guarded<ItemQueue>>;

// How far each one is, and whether its length is known: what changes without the queue.
std::string progress_text(const std::vector<Item>& items);

// As the property `queue` has it.
std::string queue_text(const std::vector<Item>& items);

}  // namespace genpro::bin
