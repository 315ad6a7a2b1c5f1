// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/clips.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace genpro::cli {

namespace {

// Of a failure; twice that after each further one.
constexpr std::chrono::seconds least_memory{10};

}  // namespace

void Clips::Budget::check(const std::string& key) const {
  if (!max_cost) return;
  // One that is tried again is what it was charged as.
  const std::size_t others = unknown.size() - unknown.count(key);
  const std::string limit = "--max-cost=" + number_text(*max_cost);
  if (dearest == 0 && running > 0) {
    throw HttpError(503,
                    "What a clip costs is known when the first one is there, and " + limit +
                        " holds: ask again then.",
                    {{"Retry-After", "5"}});
  }
  if (dearest == 0 && others > 0) {
    throw HttpError(429, "The service does not tell what a clip costs, and " + limit + " holds.");
  }
  const auto counted = static_cast<double>(running + others + 1);
  if (spent >= *max_cost || spent + dearest * counted > *max_cost) {
    throw HttpError(429, "A further clip may take the cost above " + limit + ": " +
                             number_text(spent) + " is spent.");
  }
}

void Clips::Budget::note(const std::string& key, const Fetched& fetched) {
  --running;
  if (fetched.cost) dearest = std::max(dearest, *fetched.cost);
  if (fetched.error && fetched.error->charged == Charged::no) {
    if (!fetched.generation_id.empty()) unknown.erase(key);
    return;
  }
  if (fetched.is_earlier && !unknown.contains(key)) return;
  unknown.erase(key);
  if (fetched.cost) {
    spent += *fetched.cost;
  } else {
    unknown.insert(key);
  }
}

Clips::~Clips() {
  const Map clips = std::exchange(shelf_.lock()->clips, {});
  for (const auto& [key, kept] : clips) kept.clip->stop();
}

std::shared_ptr<Clip> Clips::look_up(Shelf& shelf, const std::string& key) {
  const auto found = shelf.clips.find(key);
  if (found == shelf.clips.end() || found->second.clip->is_to_be_tried_again()) return nullptr;
  found->second.used = ++shelf.uses;
  return found->second.clip;
}

std::string Clips::generation_of(const std::string& key) {
  auto shelf = shelf_.lock();
  if (const auto at = shelf->clips.find(key); at != shelf->clips.end()) {
    return at->second.clip->generation_id();
  }
  const auto at = shelf->generations.find(key);
  return at != shelf->generations.end() ? at->second : "";
}

void Clips::make_room(Shelf& shelf) {
  const auto running = std::ranges::count_if(
      shelf.clips, [](const auto& entry) { return !entry.second.clip->has_ended(); });
  if (static_cast<std::size_t>(running) >= most_running) {
    throw HttpError(503, "So many clips are being made that this one has to wait.",
                    {{"Retry-After", "10"}});
  }
  while (shelf.clips.size() >= most_kept + most_running) {
    auto oldest = shelf.clips.end();
    for (auto at = shelf.clips.begin(); at != shelf.clips.end(); ++at) {
      const bool is_older = oldest == shelf.clips.end() || at->second.used < oldest->second.used;
      if (is_older && at->second.clip->has_ended()) oldest = at;
    }
    shelf.generations[oldest->first] = oldest->second.clip->generation_id();
    shelf.clips.erase(oldest);
  }
}

std::shared_ptr<Clip> Clips::open(const std::string& key, const std::string& name,
                                  const Settings& settings) {
  auto shelf = shelf_.lock();
  if (auto clip = look_up(*shelf, key)) return clip;
  // Players ask again at once, and a generation that has failed would be asked for anew.
  const auto failed = shelf->clips.find(key);
  const unsigned failures = failed == shelf->clips.end() ? 0 : failed->second.failures + 1;
  const auto memory = least_memory * (1U << std::min(failures, 9U));
  make_room(*shelf);
  const bool may_cost = settings.generation_id.empty();
  if (may_cost) {
    auto budget = budget_.lock();
    budget->check(key);
    ++budget->running;
  }
  std::shared_ptr<Clip> clip;
  try {
    clip = std::make_shared<Clip>(name, settings, memory,
                                  [this, may_cost, key](const Fetched& fetched) {
                                    if (may_cost) budget_.lock()->note(key, fetched);
                                  });
  } catch (...) {
    if (may_cost) --budget_.lock()->running;
    throw;
  }
  shelf->clips.insert_or_assign(key, Kept{clip, ++shelf->uses, failures});
  return clip;
}

}  // namespace genpro::cli
