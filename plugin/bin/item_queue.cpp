// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/item_queue.h"

#include <algorithm>
#include <iterator>

#include "api/json.h"
#include "base/text.h"

namespace genpro::bin {

namespace {

constexpr std::ptrdiff_t most_over = 16;

const char* word_of(const Item& item, const Generation* generation, job::Status status,
                    ClipDecoder* decoder) {
  switch (item.state) {
    case ItemState::waiting:
      return "waiting";
    case ItemState::on_air:
      return "on-air";
    case ItemState::ended:
      return "ended";
    case ItemState::failed:
      return "failed";
    case ItemState::begun:
      break;
  }
  // One that is played from what was kept of it has no generation any more.
  const bool is_kept = generation == nullptr && decoder != nullptr;
  const bool has_clip = status == job::Status::streaming || status == job::Status::done;
  if (!is_kept && !has_clip) return "generating";
  return decoder != nullptr && decoder->decoded().level().frames > 0 ? "ready" : "loading";
}

double seconds_of(Time time) {
  return static_cast<double>(time) / GST_SECOND;
}

api::JsonObjectPtr object_of(const Item& item) {
  const auto generation = item.generation.lock();
  const auto decoder = item.decoder.lock();
  const GenerationReport report = generation ? generation->report() : GenerationReport();
  const double cost = generation && report.cost >= 0 ? report.cost : item.cost;
  api::JsonObjectPtr object(json_object_new());
  const auto add_text = [&](const char* name, const std::string& text) {
    if (!text.empty()) json_object_set_string_member(object.get(), name, text.c_str());
  };
  json_object_set_int_member(object.get(), "number", item.number);
  add_text("state", word_of(item, generation.get(), report.status, decoder.get()));
  add_text("generation-id", item.generation_id);
  add_text("prompt", item.settings.prompt);
  if (const auto left = generation ? generation->time_left() : std::nullopt) {
    json_object_set_int_member(object.get(), "expected", left->count());
  }
  if (const auto length = decoder ? decoder->length() : std::nullopt) {
    json_object_set_double_member(object.get(), "length", seconds_of(*length));
  }
  if (report.estimate >= 0) {
    json_object_set_double_member(object.get(), "estimate", report.estimate);
  }
  if (cost >= 0) json_object_set_double_member(object.get(), "cost", cost);
  add_text("error", item.error);
  return object;
}

}  // namespace

unsigned ItemQueue::add(Settings settings) {
  items_.push_back({.number = ++numbers_,
                    .settings = std::move(settings),
                    .generation_id = {},
                    .error = {},
                    .generation = {},
                    .decoder = {}});
  return numbers_;
}

Item* ItemQueue::find(unsigned number) {
  const auto found = std::ranges::find(items_, number, &Item::number);
  return found == items_.end() ? nullptr : &*found;
}

bool ItemQueue::remove(unsigned number) {
  const Item* const item = find(number);
  if (item == nullptr || !item->is_ahead()) return false;
  return std::erase_if(items_, [=](const Item& each) { return each.number == number; }) > 0;
}

bool ItemQueue::move(unsigned number, unsigned position) {
  const auto item = std::ranges::find(items_, number, &Item::number);
  if (item == items_.end() || !item->is_ahead() || position == 0) return false;
  std::list<Item> moved;
  moved.splice(moved.begin(), items_, item);
  auto before = items_.begin();
  for (; before != items_.end(); ++before) {
    if (before->is_ahead() && --position == 0) break;
  }
  items_.splice(before, moved);
  return true;
}

Item* ItemQueue::next() {
  const auto found = std::ranges::find_if(items_, &Item::is_ahead);
  return found == items_.end() ? nullptr : &*found;
}

Item* ItemQueue::to_begin(std::size_t most) {
  std::size_t ahead = 0;
  for (Item& item : items_) {
    if (!item.is_ahead()) continue;
    if (ahead++ == most) return nullptr;
    if (item.state == ItemState::waiting) return &item;
  }
  return nullptr;
}

bool ItemQueue::is_active() const {
  return !std::ranges::all_of(items_, &Item::is_over);
}

std::set<std::string> ItemQueue::generation_ids() const {
  std::set<std::string> ids;
  for (const Item& item : items_) {
    if (!item.generation_id.empty()) ids.insert(item.generation_id);
  }
  return ids;
}

ItemQueue ItemQueue::successor() const {
  ItemQueue other;
  other.numbers_ = numbers_;
  return other;
}

std::vector<Item> ItemQueue::under_way() const {
  std::vector<Item> items;
  std::ranges::copy_if(items_, std::back_inserter(items), [](const Item& item) {
    return item.state == ItemState::begun || item.state == ItemState::on_air;
  });
  return items;
}

void ItemQueue::prune() {
  auto most = std::ranges::count_if(items_, &Item::is_over) - most_over;
  std::erase_if(items_, [&](const Item& item) { return item.is_over() && most-- > 0; });
}

std::string progress_text(const std::vector<Item>& items) {
  std::string text;
  for (const Item& item : items) {
    const auto generation = item.generation.lock();
    const auto decoder = item.decoder.lock();
    const auto status = generation ? generation->report().status : job::Status::idle;
    const bool has_length = decoder && decoder->length();
    text += std::to_string(item.number) + ' ' +
            word_of(item, generation.get(), status, decoder.get()) +
            (has_length ? " of known length," : ",");
  }
  return text;
}

std::string queue_text(const std::vector<Item>& items) {
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (const Item& item : items) texts.push_back(api::to_text(object_of(item)));
  return "[" + join(texts, ",") + "]";
}

}  // namespace genpro::bin
