// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a run's control that sees to the items of the queue: has each one generated in its
// turn, and gives the timeline the one that follows what is on.
#include <algorithm>

#include "bin/playout_control.h"
#include "common/logging.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

void PlayoutControl::add_queue_events(Timeline::Events& events) {
  const std::weak_ptr<PlayoutControl> weak = weak_from_this();
  events.followed = [weak](const std::shared_ptr<ClipDecoder>& decoder, bool is_at_end) {
    const auto self = weak.lock();
    if (self) self->post([=, self = self.get()] { self->on_followed(decoder, is_at_end); });
  };
}

// At once, since what is on may end before the control's thread has its turn.
void PlayoutControl::on_enqueued() {
  playout_->timeline.set_has_more(true);
  post([this] { is_queue_changed_ = true; });
}

bool PlayoutControl::remove_item(unsigned number) {
  // Goes after the lock: it may be the last one that has the decoder.
  std::shared_ptr<ClipDecoder> decoder;
  {
    auto items = items_->lock();
    const Item* const item = items->find(number);
    if (item == nullptr) return false;
    decoder = item->decoder.lock();
    if (item->is_given && !playout_->timeline.hold_back(decoder)) return false;
    if (!items->remove(number)) return false;
  }
  post([this] { is_queue_changed_ = true; });
  return true;
}

bool PlayoutControl::move_item(unsigned number, unsigned position) {
  if (!items_->lock()->move(number, position)) return false;
  post([this] { is_queue_changed_ = true; });
  return true;
}

void PlayoutControl::set_prefetch(unsigned prefetch) {
  prefetch_ = prefetch;
  post([] {});
}

void PlayoutControl::look_at_queue() {
  drop_removed_items();
  begin_items();
  if (!is_running()) return;
  hand_over_item();
  items_->lock()->prune();
  // What is told of a clip is not asked for with the lock held.
  const std::vector<Item> under_way = items_->lock()->under_way();
  const std::string progress = progress_text(under_way);
  if (std::exchange(progress_, progress) != progress) is_queue_changed_ = true;
  if (!std::exchange(is_queue_changed_, false)) return;
  call([](GstElement* element) { g_object_notify(G_OBJECT(element), "queue"); });
}

// The handler that has stopped the element knows, and what it worked with may be gone.
void PlayoutControl::note_end_of_queue() {
  if (items_->lock()->all().empty() || queue_.lock()->is_left_by_handler) return;
  call([](GstElement* element) { g_object_notify(G_OBJECT(element), "queue"); }, true);
}

void PlayoutControl::drop_removed_items() {
  for (const auto& clip : std::vector(clips_)) {
    if (clip->item == 0 || clip->has_started || clip->is_round || clip->has_failed) continue;
    if (items_->lock()->find(clip->item) != nullptr) continue;
    GST_INFO_ID(name_.c_str(), "%s is given up: item %u was removed", clip->name().c_str(),
                clip->item);
    remove(clip->decoder);
  }
}

bool PlayoutControl::is_first_waiting() {
  if (firsts_to_come_ > 0) return true;
  const auto first = find(first_);
  return first && !first->has_started && !first->has_failed;
}

void PlayoutControl::begin_items() {
  // What would not be on any more is not paid for.
  while (is_running() && !has_ended()) {
    // Of two that ask for the same each is to have its own generation, which are told apart by
    // their ids.
    const bool is_asking = std::ranges::any_of(clips_, [](const auto& clip) {
      return clip->generation && clip->id.empty() && !clip->has_failed;
    });
    if (is_asking || firsts_to_come_ > 0) return;
    const std::size_t ahead = is_first_waiting() ? 1 : 0;
    const std::size_t prefetch = prefetch_;
    if (prefetch <= ahead) return;
    unsigned number = 0;
    Settings settings;
    {
      auto items = items_->lock();
      Item* const item = items->to_begin(prefetch - ahead);
      if (item == nullptr) return;
      item->state = ItemState::begun;
      number = item->number;
      settings = item->settings;
      // What was begun before was paid for then.
      if (!item->generation_id.empty()) settings.generation_id = item->generation_id;
      settings.passed_over = items->generation_ids();
    }
    begin_item(number, std::move(settings));
  }
}

void PlayoutControl::begin_item(unsigned number, Settings settings) {
  settings.passed_over.insert(shown_.begin(), shown_.end());
  for (const auto& clip : clips_) {
    if (!clip->id.empty()) settings.passed_over.insert(clip->id);
  }
  // With `completed`, one that was shown may be used once more.
  if (settings.reuse == "completed") settings.passed_over.clear();
  const auto clip = add(std::move(settings), nullptr, false);
  clip->item = number;
  set_item(*clip, [&](Item& item) {
    item.generation = clip->generation;
    item.decoder = clip->decoder;
  });
  GST_INFO_ID(name_.c_str(), "%s is asked for: item %u of the queue", clip->name().c_str(), number);
  if (!prepare_decoder(clip->decoder) || !is_running()) return;
  // It may have been removed since: nothing is paid for then.
  if (items_->lock()->find(number) != nullptr) start_clip(*clip);
}

// To the timeline.
void PlayoutControl::hand_over_item() {
  std::shared_ptr<ClipDecoder> decoder;
  {
    auto items = items_->lock();
    Timeline& timeline = playout_->timeline;
    Item* next = items->next();
    timeline.set_has_more(next != nullptr);
    if (next != nullptr) decoder = next->decoder.lock();
    if (is_first_waiting() || !decoder) next = nullptr;
    for (Item& item : items->all()) {
      if (!item.is_given || item.is_planned || &item == next) continue;
      // It is about to be on, which is told soon.
      if (!timeline.hold_back(item.decoder.lock())) return;
      item.is_given = false;
    }
    if (next == nullptr || next->is_given) return;
    next->is_given = true;
    timeline.follow(decoder);
  }
  const auto clip = find(decoder);
  if (!clip) return;
  newest_ = clip->number;
  problem_.reset();
  if (clip->generation) {
    auto face = face_.lock();
    *face = clip->generation->report();
    if (face->model.empty()) face->model = clip->settings.model_word();
  }
  notify_status();
}

void PlayoutControl::set_item(const Clip& clip, const std::function<void(Item&)>& change) {
  if (clip.item == 0) return;
  auto items = items_->lock();
  if (Item* const item = items->find(clip.item)) {
    change(*item);
    is_queue_changed_ = true;
  }
}

void PlayoutControl::note_item_failure(const Clip& clip, const std::string& reason, bool is_over) {
  // One that cannot be played once more has been played.
  if (clip.is_round) return;
  set_item(clip, [&](Item& item) {
    item.error = reason;
    if (!is_over) return;
    item.state = ItemState::failed;
    item.is_planned = false;
    item.is_given = false;
  });
}

void PlayoutControl::note_item_change(const Clip* ended, const Clip* started) {
  if (ended != nullptr && (started == nullptr || started->item != ended->item)) {
    set_item(*ended, [](Item& item) {
      item.state = item.error.empty() ? ItemState::ended : ItemState::failed;
    });
  }
  if (started == nullptr) return;
  set_item(*started, [](Item& item) {
    item.state = ItemState::on_air;
    item.is_planned = false;
    item.is_given = false;
  });
}

// One that was about to be on and was not, since something else came before it, begins anew: from
// the same generation.
void PlayoutControl::give_item_back(const Clip& clip) {
  if (clip.has_started || clip.has_failed || clip.is_round) return;
  set_item(clip, [](Item& item) {
    item.state = ItemState::waiting;
    item.is_planned = false;
    item.is_given = false;
    item.decoder.reset();
  });
}

void PlayoutControl::on_followed(const std::shared_ptr<ClipDecoder>& decoder, bool is_at_end) {
  const auto clip = find(decoder);
  if (!clip) return;
  clip->is_sequel = is_at_end;
  set_item(*clip, [](Item& item) { item.is_planned = true; });
}

}  // namespace genpro::bin
