// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live/live_fixture.h"

#include <sqlite3.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace genpro::test {

namespace {

std::string filled(std::string text, const std::string& first, const std::string& second) {
  text.replace(text.find("%s"), 2, first);
  return text.replace(text.find("%s"), 2, second);
}

}  // namespace

void add_pad_template(gpointer element_class, const char* name, GstPadDirection direction,
                      const char* caps) {
  const CapsPtr all(gst_caps_from_string(caps));
  gst_element_class_add_pad_template(
      GST_ELEMENT_CLASS(element_class),
      gst_pad_template_new(name, direction, GST_PAD_ALWAYS, all.get()));
}

LiveService::LiveService() {
  fake_.set_script([this](const Seen& seen) { return answer(seen); });
  fake_.files().set_script([this](const Seen&, int) {
    return is_lost_ ? std::optional<Answer>(closing_answer()) : std::nullopt;
  });
}

std::string LiveService::path_of(int number) {
  return "/outputs/" + id(number) + ".mp4";
}

void LiveService::set_clip(const std::string& bytes) {
  std::lock_guard lock(mutex_);
  clip_ = bytes;
}

void LiveService::set_clip(int number, Clip clip) {
  std::lock_guard lock(mutex_);
  has_own_clip_[number] = true;
  fake_.files().set_clip(path_of(number), std::move(clip));
}

void LiveService::hold_from(int number) {
  std::lock_guard lock(mutex_);
  held_from_ = number;
}

void LiveService::complete(int number) {
  std::lock_guard lock(mutex_);
  ends_[number] = "completed";
}

void LiveService::fail(int number, const std::string& reason) {
  std::lock_guard lock(mutex_);
  ends_[number] = reason;
}

void LiveService::set_post(std::optional<Answer> answer) {
  std::lock_guard lock(mutex_);
  post_ = std::move(answer);
}

void LiveService::set_poll(std::optional<Answer> answer) {
  std::lock_guard lock(mutex_);
  poll_ = std::move(answer);
}

void LiveService::lose_clips() {
  is_lost_ = true;
}

int LiveService::posts() const {
  return static_cast<int>(fake_.count(is_generate));
}

bool LiveService::wait_for_posts(int number, std::chrono::milliseconds deadline) const {
  return fake_.wait_for(is_generate, static_cast<std::size_t>(number), deadline);
}

bool LiveService::wait_for_stop(int number, std::chrono::milliseconds deadline) const {
  return fake_.wait_for(
      [number](const Seen& seen) {
        return is_stop(seen) && seen.path == "/v1/generations/" + id(number) + "/stop";
      },
      1, deadline);
}

bool LiveService::was_stopped(int number) const {
  return wait_for_stop(number, std::chrono::milliseconds(0));
}

std::vector<std::string> LiveService::bodies() const {
  std::vector<std::string> result;
  for (const Seen& seen : fake_.requests(is_generate)) result.push_back(seen.body);
  return result;
}

Answer LiveService::state_of(int number) {
  const auto json = [&](const std::string& status, const std::string& reason,
                        const std::string& resources) {
    return json_answer(200, R"({"id": )" + id(number) + R"(, "status": ")" + status +
                                R"(", "user_job_type": "video_generation", "result": null,
                                "failed_reason": )" +
                                reason + R"(, "output_resources": [)" + resources +
                                R"(], "execution_cost": 3.5})");
  };
  if (stopped_[number]) return json("stopped", "null", "");
  const auto end = ends_.find(number);
  if (end == ends_.end() && number >= held_from_) return json("processing", "null", "");
  if (end != ends_.end() && end->second != "completed") {
    return json("failed", "\"" + end->second + "\"", "");
  }
  if (!has_own_clip_[number]) {
    has_own_clip_[number] = true;
    fake_.files().set_clip(path_of(number), plain_clip(clip_));
  }
  return json("completed", "null",
              R"({"id": 1900, "url": ")" + fake_.cdn_url() + path_of(number) +
                  R"(", "object_type": "video", "type": "output"})");
}

std::optional<Answer> LiveService::answer(const Seen& seen) {
  std::lock_guard lock(mutex_);
  if (is_generate(seen)) {
    if (post_) return post_;
    return json_answer(201, R"({"generation_id": )" + id(++made_) + R"(, "status": "pending"})");
  }
  constexpr std::string_view generations = "/v1/generations/";
  if (!seen.path.starts_with(generations)) return std::nullopt;
  const int number = std::stoi(seen.path.substr(generations.size())) - 9040;
  if (is_stop(seen)) stopped_[number] = true;
  if (poll_ && is_poll(seen)) return poll_;
  return state_of(number);
}

const std::string& clip_of(const ClipSpec& spec) {
  static std::map<std::string, std::string> made;
  const std::string key = std::to_string(spec.tag) + " " + std::to_string(spec.frames) + " " +
                          std::to_string(spec.fps_n) + " " + std::to_string(spec.fps_d) + " " +
                          std::to_string(spec.width) + " " + std::to_string(spec.height) + " " +
                          std::to_string(spec.video) + std::to_string(spec.audio) +
                          std::to_string(spec.bursts) + std::to_string(spec.loud_from) + " " +
                          std::to_string(spec.rate) + " " + std::to_string(spec.channels) +
                          std::to_string(spec.index_first);
  std::string& clip = made[key];
  if (clip.empty()) clip = make_clip(spec);
  return clip;
}

Settings live_settings(const LiveService& service) {
  return {{"api-base-url", service.api_base()},
          {"api-key", test_key},
          {"sheet-id", "101"},
          {"cell-id", "3300"},
          {"agent-id", "42"},
          {"prompt", seed_prompt},
          {"asset-ids", "501,502"},
          {"poll-interval", "20"},
          {"retries", "1"},
          {"ledger", service.ledger()}};
}

void expect_no_more_than(const Held& before) {
  Held now;
  EXPECT_TRUE(eventually([&] {
    // GLib keeps the threads of its pool for a while.
    g_thread_pool_stop_unused_threads();
    now = {};
    return now.threads <= before.threads + 2 && now.files <= before.files + 2;
  })) << "threads: "
      << before.threads << " before, " << now.threads << " now; files: " << before.files
      << " before, " << now.files << " now";
}

void set_durations(const std::string& ledger, int seconds) {
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open(ledger.c_str(), &opened), SQLITE_OK);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, sqlite3_close);
  sqlite3_busy_timeout(opened, 30'000);
  const std::string time = std::to_string(seconds * 1000);
  const std::string change = "UPDATE generations SET unfinished_at = posted_at + " + time +
                             " - 100, ended_at = posted_at + " + time;
  ASSERT_EQ(sqlite3_exec(opened, change.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
}

ElementPtr live_bin(const LiveService& service, const Settings& changes) {
  ElementPtr bin = sink_ref(gst_element_factory_make("genprobin", nullptr));
  if (!bin) throw std::runtime_error("no element genprobin: is GST_PLUGIN_PATH set?");
  for (const auto& [name, value] : live_settings(service)) set_property(bin.get(), name, value);
  for (const auto& [name, value] : changes) set_property(bin.get(), name, value);
  return bin;
}

Signals::Signals(GstElement* bin) : bin_(ElementPtr::ref(bin)) {
  const auto connect = [this](const char* name, const char* word, GCallback callback) {
    handlers_.push_back(std::make_unique<Handler>(Handler{this, word}));
    connections_.push_back(g_signal_connect(bin_.get(), name, callback, handlers_.back().get()));
  };
  connect("generation-started", "started", G_CALLBACK(on_signal));
  connect("generation-completed", "completed", G_CALLBACK(on_signal));
  connect("generation-failed", "failed", G_CALLBACK(on_failed));
  connect("clip-started", "clip-started", G_CALLBACK(on_signal));
  connect("clip-ended", "clip-ended", G_CALLBACK(on_signal));
}

Signals::~Signals() {
  for (const gulong connection : connections_) g_signal_handler_disconnect(bin_.get(), connection);
}

void Signals::on_signal(GstElement*, const char* id, gpointer handler) {
  const auto& own = *static_cast<Handler*>(handler);
  own.self->add(own.word, id);
}

void Signals::on_failed(GstElement*, const char* id, const char* reason, gpointer handler) {
  EXPECT_NE(std::string(reason), "");
  on_signal(nullptr, id, handler);
}

void Signals::add(const char* word, const char* id) {
  std::lock_guard lock(mutex_);
  words_.push_back(std::string(word) + " " + id);
  changed_.notify_all();
}

std::vector<std::string> Signals::words() const {
  std::lock_guard lock(mutex_);
  return words_;
}

std::string Signals::text() const {
  std::string text;
  for (const std::string& word : words()) text += (text.empty() ? "" : ", ") + word;
  return text;
}

bool Signals::wait_for(const std::string& word, std::size_t times,
                       std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] {
    return static_cast<std::size_t>(std::count(words_.begin(), words_.end(), word)) >= times;
  });
}

LogListener::LogListener(const char* threshold) {
  gst_debug_set_threshold_from_string(threshold, FALSE);
  // In brackets it is the function, and not the macro, which is no standard C++.
  (gst_debug_add_log_function)(on_line, this, nullptr);
}

LogListener::~LogListener() {
  (gst_debug_remove_log_function)(on_line);
  gst_debug_set_threshold_from_string("", TRUE);
}

std::vector<std::string> LogListener::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

bool LogListener::wait_for(const std::string& part, std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] {
    return std::ranges::any_of(
        lines_, [&](const std::string& line) { return line.find(part) != std::string::npos; });
  });
}

void LogListener::on_line(GstDebugCategory* category, GstDebugLevel, const char*, const char*, int,
                          GObject*, GstDebugMessage* message, gpointer self) {
  if (!g_str_has_prefix(gst_debug_category_get_name(category), "genpro")) return;
  auto* const listener = static_cast<LogListener*>(self);
  const std::lock_guard lock(listener->mutex_);
  listener->lines_.emplace_back(gst_debug_message_get(message));
  listener->changed_.notify_all();
}

Studio::Studio(const ElementPtr& bin, const std::string& video_caps, const std::string& audio_caps,
               Rect part, const std::string& behind)
    : pipeline_(launch(filled(behind, "capsfilter name=video caps=" + video_caps,
                              "capsfilter name=audio caps=" + audio_caps))),
      bin_(bin) {
  bus_ = std::make_unique<BusListener>(pipeline_.get());
  signals_ = std::make_unique<Signals>(bin_.get());
  gst_bin_add(GST_BIN(pipeline_.get()), bin_.get());
  for (const char* pad : {"video", "audio"}) {
    if (!gst_element_link_pads(bin_.get(), pad, child(pipeline_.get(), pad).get(), "sink"))
      throw std::runtime_error(std::string("cannot link ") + pad);
  }
  video_ = std::make_unique<Recorder>(bin_.get(), "video", part);
  audio_ = std::make_unique<Recorder>(bin_.get(), "audio");
}

Studio::~Studio() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

void Studio::play() {
  ASSERT_NE(set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  ASSERT_TRUE(video_->wait_for_more(1));
  ASSERT_TRUE(audio_->wait_for_more(1));
}

void Studio::stop() {
  ASSERT_TRUE(stops_in_time(pipeline_.get()));
}

bool Studio::wait_for_sound() {
  const Pictures pictures = video_->pictures();
  if (pictures.empty()) return false;
  const GstClockTime until = pictures.back().end();
  return eventually([&] {
    const Sound sound = audio_->sound();
    return !sound.empty() && sound.back().end() >= until;
  });
}

Outcome Studio::outcome() {
  Outcome outcome = bus_->outcome();
  std::erase_if(outcome.warnings, [](const BusError& warning) {
    return warning.is(GST_CORE_ERROR, GST_CORE_ERROR_CLOCK);
  });
  return outcome;
}

void Studio::expect_quiet() {
  const Outcome told = outcome();
  EXPECT_TRUE(told.errors.empty() && told.warnings.empty()) << told.summary();
}

}  // namespace genpro::test
