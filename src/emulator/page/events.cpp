// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/page/events.h"

#include <utility>

#include "emulator/util/api_error.h"

namespace genpro::emulator {

namespace {

// Each of them holds a connection of the browser and of the server.
constexpr std::size_t max_listeners = 64;
// Changes within this time are told at once.
constexpr double gather_seconds = 0.1;
// How often progress is told, and the connection of a page that has gone is found out.
constexpr double tick_seconds = 0.5;
constexpr unsigned quiet_ticks = 20;
constexpr std::size_t max_told = 100;

std::string event_text(const std::string& name, const std::string& json) {
  return "event: " + name + "\ndata: " + json + "\n\n";
}

}  // namespace

std::string page_entry(const Views& views, const Generations& generations,
                       const Generation& generation) {
  JsonWriter json;
  json.begin_object().key("generation").raw(views.generation(generation));
  Views::write_request(json, generation);
  Views::write_settings(json, generation.settings);
  const GenerationSettings& settings = generation.settings;
  if (!settings.resolution.empty()) json.key("resolution").string(settings.resolution);
  if (settings.audio) json.key("native_audio").boolean(*settings.audio);
  json.key("charged").number(credits(generation.charged));
  json.key("progress");
  const auto progress = generations.progress(generation.id);
  if (has_ended(generation.status) || !progress) {
    json.null();
  } else {
    json.number(generation.status == Status::pending ? 0 : *progress);
  }
  json.key("created_at_ts").integer(generation.created_at);
  json.key("updated_at_ts").integer(generation.updated_at);
  return json.end_object().text();
}

PageEvents::PageEvents(Store& store, const Generations& generations, Faults& faults)
    : store_(store), generations_(generations), faults_(faults) {
  store_.observe([this](const Generation& generation) { changed(generation.id); });
}

Reply PageEvents::open(const std::string& origin) {
  std::erase_if(listeners_, [](const auto& listener) { return listener.stream->is_closed(); });
  if (listeners_.size() >= max_listeners) {
    throw ApiError(503, "too_many_pages",
                   "64 pages are open on this emulator already. Close some of them.");
  }
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  reply.stream = [this, origin](std::shared_ptr<ReplyStream> stream) {
    listeners_.push_back({std::move(stream), origin, {}, {}, -1, 0});
    // Something at once, so that the page knows that it is heard.
    listeners_.back().events.insert("reload");
    soon();
    tick_timer_.start(tick_seconds, [this] { tick(); });
  };
  return reply;
}

void PageEvents::changed(const char* event) {
  for (auto& listener : listeners_) listener.events.insert(event);
  if (!listeners_.empty()) soon();
}

void PageEvents::changed(std::int64_t generation) {
  for (auto& listener : listeners_) {
    if (listener.generations.size() < max_told) {
      listener.generations.insert(generation);
    } else {
      listener.events.insert("reload");
    }
  }
  if (!listeners_.empty()) soon();
}

void PageEvents::soon() {
  if (std::exchange(sending_soon_, true)) return;
  send_timer_.start(gather_seconds, [this] { send_all(); });
}

void PageEvents::send_all() {
  sending_soon_ = false;
  std::erase_if(listeners_, [](const auto& listener) { return listener.stream->is_closed(); });
  for (auto& listener : listeners_) {
    try {
      send_to(listener);
    } catch (const std::exception& failure) {
      g_warning("A page could not be told what has changed: %s", failure.what());
    }
  }
}

void PageEvents::send_to(Listener& listener) {
  // What a slow page has not taken yet is told with what comes next, once.
  if (!listener.stream->is_idle()) return;
  const Views views(store_, listener.origin, faults_);
  std::string text;
  if (listener.events.contains("reload")) listener.generations.clear();
  for (const auto& event : std::exchange(listener.events, {})) text += event_text(event, "{}");
  for (const auto id : std::exchange(listener.generations, {})) {
    const auto generation = store_.generation(id);
    if (!generation) continue;
    text += event_text("generation", page_entry(views, generations_, *generation));
  }
  const MilliCredits credit = store_.credit();
  if (credit != listener.credit) {
    JsonWriter json;
    json.begin_object().key("credit").number(credits(credit)).end_object();
    text += event_text("credit", json.text());
    listener.credit = credit;
  }
  if (text.empty() && ++listener.quiet >= quiet_ticks) text = ": still here\n\n";
  if (text.empty()) return;
  listener.quiet = 0;
  listener.stream->write(text);
}

void PageEvents::tick() {
  if (listeners_.empty()) return;
  const auto running = generations_.running();
  // Of very many the progress of each is not worth its price.
  if (running.size() <= max_told) {
    for (const auto id : running) {
      for (auto& listener : listeners_) listener.generations.insert(id);
    }
  }
  send_all();
  if (!listeners_.empty()) tick_timer_.start(tick_seconds, [this] { tick(); });
}

}  // namespace genpro::emulator
