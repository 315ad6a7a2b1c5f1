// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/playout_control.h"

#include <algorithm>
#include <cstring>

#include "base/callback.h"
#include "base/text.h"
#include "common/enums.h"
#include "source/genprosrc.h"

namespace genpro::live {

namespace {

// Changes that come closer together than this are one.
constexpr std::chrono::milliseconds debounce{500};
// How often the slate may change.
constexpr std::chrono::milliseconds slate_period{250};

const char* text_field(const GstStructure* fields, const char* name) {
  const char* text = gst_structure_get_string(fields, name);
  return text == nullptr ? "" : text;
}

std::string in_minutes(std::chrono::seconds elapsed) {
  const auto minutes = elapsed.count() / 60;
  const auto seconds = elapsed.count() % 60;
  return std::to_string(minutes) + (seconds < 10 ? ":0" : ":") + std::to_string(seconds);
}

std::string headline(job::Status status) {
  switch (status) {
    case job::Status::submitting:
      return "Asking for a video";
    case job::Status::pending:
      return "Waiting in line";
    case job::Status::processing:
      return "Generating";
    case job::Status::streaming:
      return "Loading";
    case job::Status::failed:
      return "Failed";
    case job::Status::stopped:
      return "Stopped";
    case job::Status::done:
      return "Finished";
    case job::Status::idle:
      break;
  }
  return "No video";
}

bool is_under_way(job::Status status) {
  return status == job::Status::submitting || status == job::Status::pending ||
         status == job::Status::processing || status == job::Status::streaming;
}

std::optional<job::Status> status_of(const char* nick) {
  for (int value = 0; value <= static_cast<int>(job::Status::stopped); ++value) {
    const auto status = static_cast<job::Status>(value);
    if (std::strcmp(status_nick(status), nick) == 0) return status;
  }
  return std::nullopt;
}

ElementPtr make_file_source(const std::string& path) {
  GstElement* source = gst_element_factory_make("filesrc", nullptr);
  if (source == nullptr) return {};
  g_object_set(source, "location", path.c_str(), nullptr);
  return ElementPtr::adopt(GST_ELEMENT(gst_object_ref_sink(source)));
}

}  // namespace

Director::Director(GstElement* element, Audience& audience)
    : element_(element), audience_(audience) {
  const auto later = [this](void (Director::*handle)(const std::shared_ptr<Take>&)) {
    return [this, handle](std::shared_ptr<Take> take) {
      post([this, handle, take = std::move(take)] { (this->*handle)(take); });
    };
  };
  stage_ = std::make_shared<Stage>(Programme::Events{
      later(&Director::on_started), later(&Director::on_ended), later(&Director::remove)});
}

Director::~Director() {
  stop();
}

void Director::post(Task task) {
  auto queue = queue_.lock();
  // What comes when it has stopped concerns nobody.
  if (!queue->runs) return;
  queue->tasks.push_back(std::move(task));
  queue.notify();
}

void Director::start(const Settings& settings) {
  {
    auto queue = queue_.lock();
    queue->runs = true;
    queue->soon.reset();
  }
  *face_.lock() = GenerationFace{.id = settings.generation_id};
  thread_ = std::thread([this] { run(); });
  post([this] { load_image(*image_location_.lock()); });
  generate(settings);
}

void Director::stop() {
  {
    auto queue = queue_.lock();
    queue->runs = false;
    queue.notify();
  }
  if (thread_.joinable()) {
    // A state change from within one of the signals: the thread ends with that.
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }
  // A task may be the last owner of a clip, whose pipeline has something to say when it ends: that
  // comes to post(), so this must not happen with the lock held.
  std::deque<Task> left;
  std::swap(left, queue_.lock()->tasks);
}

void Director::generate(const Settings& settings) {
  queue_.lock()->soon.reset();
  post([this, settings] { begin(settings); });
}

void Director::generate_soon(const Settings& settings) {
  auto queue = queue_.lock();
  queue->soon = settings;
  queue->soon_due = Clock::now() + debounce;
  queue.notify();
}

void Director::set_at_end(AtEnd at_end) {
  at_end_ = at_end;
  stage_->programme.set_at_end(at_end);
}

void Director::set_image(const std::string& location) {
  *image_location_.lock() = location;
  post([this, location] { load_image(location); });
}

void Director::set_raster(const Raster& raster) {
  post([this, raster] {
    for (const auto& clip : clips_) clip->take->set_raster(raster);
  });
}

void Director::run() {
  while (true) {
    Task task;
    std::optional<Settings> due;
    {
      auto queue = queue_.lock();
      auto deadline = Clock::now() + slate_period;
      if (queue->soon) deadline = std::min(deadline, queue->soon_due);
      queue.wait_until(deadline, [](const Queue& q) { return !q.runs || !q.tasks.empty(); });
      if (!queue->runs) break;
      if (!queue->tasks.empty()) {
        task = std::move(queue->tasks.front());
        queue->tasks.pop_front();
      } else if (queue->soon && queue->soon_due <= Clock::now()) {
        due = std::exchange(queue->soon, std::nullopt);
      }
    }
    guard_c_callback("a task of a genprobin", [&] {
      if (task) task();
      if (due) begin(*due);
      prepare_round();
      look_at_image();
      update_slate();
    });
  }
  // The streaming threads are gone, and nothing is on.
  guard_c_callback("the end of a genprobin", [&] {
    image_.reset();
    on_.reset();
    is_on_air_ = false;
    shown_.clear();
    stage_->programme.reset();
    const auto clips = clips_;
    for (const auto& clip : clips) remove(clip->take);
  });
  auto face = face_.lock();
  if (is_under_way(face->status)) face->status = job::Status::idle;
}

void Director::begin(const Settings& settings) {
  // What has not been on gives way.
  std::vector<std::shared_ptr<Take>> given_up;
  for (const auto& clip : clips_) {
    if (!clip->has_started && !clip->is_round) given_up.push_back(clip->take);
  }
  for (const auto& take : given_up) {
    stage_->programme.withdraw(take);
    remove(take);
  }
  // Only what loops needs to be kept.
  const std::shared_ptr<ClipFile> file =
      at_end_ == AtEnd::loop ? ClipFile::create() : std::shared_ptr<ClipFile>();
  Settings own = settings;
  own.waits_to_part = false;
  // With `completed`, one that was on may well serve once more.
  if (own.reuse != static_cast<int>(job::Reuse::completed)) own.passed_over = shown_;
  const std::shared_ptr<Clip> clip = add(own, ElementPtr::adopt(genpro_src_new(own)), file, false);
  newest_ = clip->number;
  if (!clip->take->start()) return;
  stage_->programme.offer(clip->take);
}

std::shared_ptr<Director::Clip> Director::add(Settings settings, ElementPtr source,
                                              std::shared_ptr<ClipFile> file, bool is_round) {
  auto clip = std::make_shared<Clip>();
  clip->number = ++numbers_;
  clip->settings = std::move(settings);
  clip->is_round = is_round;
  clip->file = file;
  clip->take =
      std::make_shared<Take>(std::move(source), raster(), is_round ? nullptr : std::move(file),
                             [this, number = clip->number](MessagePtr message) {
                               const std::shared_ptr<GstMessage> shared = std::move(message);
                               post([this, number, shared] {
                                 on_message(number, MessagePtr(gst_message_ref(shared.get())));
                               });
                             });
  clips_.push_back(clip);
  return clip;
}

// What follows a clip that loops is decoded ahead, so that there is no gap: from what was kept of
// it, so that it goes on without the network.
void Director::prepare_round() {
  Clip* clip = at_end_ == AtEnd::loop && on_ ? find(on_) : nullptr;
  if (clip == nullptr || clip->has_round || clip->has_failed) return;
  ElementPtr source;
  if (clip->file && clip->file->is_whole()) {
    source = make_file_source(clip->file->path());
  } else if (clip->take->decoded().length() && !clip->id.empty()) {
    Settings again = clip->settings;
    again.generation_id = clip->id;
    source = ElementPtr::adopt(genpro_src_new(again));
  }
  if (!source) return;
  clip->has_round = true;
  const std::shared_ptr<Take> before = clip->take;
  const std::string id = clip->id;
  const auto next = add(clip->settings, std::move(source), clip->file, true);
  next->id = id;
  next->status = job::Status::done;
  if (!next->take->start()) return;
  stage_->programme.set_next_round(before, next->take);
}

Director::Clip* Director::find(const std::shared_ptr<Take>& take) {
  for (const auto& clip : clips_) {
    if (clip->take == take) return clip.get();
  }
  return nullptr;
}

Director::Clip* Director::find(std::uint64_t number) {
  for (const auto& clip : clips_) {
    if (clip->number == number) return clip.get();
  }
  return nullptr;
}

void Director::on_started(const std::shared_ptr<Take>& take) {
  Clip* clip = find(take);
  if (clip == nullptr) return;
  clip->has_started = true;
  if (!clip->id.empty()) shown_.insert(clip->id);
  on_ = take;
  is_on_air_ = true;
  audience_.clip_started(clip->id);
}

void Director::on_ended(const std::shared_ptr<Take>& take) {
  is_on_air_ = false;
  const Clip* clip = find(take);
  if (clip != nullptr) audience_.clip_ended(clip->id);
}

void Director::remove(const std::shared_ptr<Take>& take) {
  const auto found = std::find_if(clips_.begin(), clips_.end(),
                                  [&](const auto& clip) { return clip->take == take; });
  if (found == clips_.end()) return;
  const std::shared_ptr<Clip> gone = *found;
  clips_.erase(found);
  if (on_ == take) on_.reset();
  if (!gone->in_progress) return;
  audience_.post(
      MessagePtr(gst_message_new_progress(GST_OBJECT(element_), GST_PROGRESS_TYPE_CANCELED,
                                          "generate", "Stopped waiting for the generation")));
}

void Director::on_message(std::uint64_t number, const MessagePtr& message) {
  Clip* clip = find(number);
  if (clip == nullptr) return;
  switch (GST_MESSAGE_TYPE(message.get())) {
    case GST_MESSAGE_ERROR:
      return on_error(*clip, message.get());
    case GST_MESSAGE_WARNING:
    case GST_MESSAGE_PROGRESS:
      // A clip that is played once more is nothing new.
      if (!clip->is_round) forward(*clip, message.get());
      return;
    case GST_MESSAGE_ELEMENT:
      if (clip->is_round) return;
      if (gst_message_has_name(message.get(), "genpro-generation")) {
        on_generation(*clip, message.get());
      } else if (gst_message_has_name(message.get(), "genpro-doubt") ||
                 gst_message_has_name(message.get(), "genpro-doubt-settled")) {
        forward(*clip, message.get());
      }
      return;
    default:
      return;
  }
}

void Director::on_generation(Clip& clip, GstMessage* message) {
  const GstStructure* fields = gst_message_get_structure(message);
  const auto status = status_of(text_field(fields, "status"));
  if (!status) return;
  const std::string id = text_field(fields, "generation-id");
  const bool is_new = clip.id.empty() && !id.empty();
  clip.id = id;
  const bool is_completed =
      *status == job::Status::streaming && clip.status != job::Status::streaming;
  clip.status = *status;
  if (clip.number == newest_) {
    {
      auto face = face_.lock();
      face->status = *status;
      face->id = id;
      face->model = text_field(fields, "model");
      if (face->model.empty()) face->model = clip.settings.model_word();
      gst_structure_get_double(fields, "cost", &face->cost);
    }
    audience_.changed();
  }
  forward(clip, message);
  if (is_new) audience_.generation_started(id);
  if (is_completed) audience_.generation_completed(id);
}

void Director::on_error(Clip& clip, GstMessage* message) {
  if (std::exchange(clip.has_failed, true)) return;
  GError* raw = nullptr;
  gst_message_parse_error(message, &raw, nullptr);
  const ErrorPtr error(raw);
  const std::shared_ptr<Take> take = clip.take;
  const bool is_failed_generation = !clip.has_started && !clip.is_round;
  const std::string id = clip.id;
  if (is_failed_generation && clip.number == newest_) {
    {
      auto face = face_.lock();
      if (face->status != job::Status::stopped) face->status = job::Status::failed;
    }
    audience_.changed();
  }
  stage_->programme.withdraw(take);
  report_failure(message);
  if (is_failed_generation) audience_.generation_failed(id, error.message());
}

// Posts it as the element's own: as an error, or as a warning with the same content.
void Director::report_failure(GstMessage* message) {
  GError* raw = nullptr;
  char* text = nullptr;
  const GstStructure* fields = nullptr;
  gst_message_parse_error(message, &raw, &text);
  const ErrorPtr error(raw);
  const GCharPtr debug(text);
  gst_message_parse_error_details(message, &fields);
  GstStructure* details = fields == nullptr ? nullptr : gst_structure_copy(fields);
  GstObject* self = GST_OBJECT(element_);
  audience_.post(MessagePtr(
      errors_end_ ? gst_message_new_error_with_details(self, error.get(), debug.get(), details)
                  : gst_message_new_warning_with_details(self, error.get(), debug.get(), details)));
}

void Director::forward(Clip& clip, GstMessage* message) {
  GstObject* self = GST_OBJECT(element_);
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_WARNING: {
      GError* raw = nullptr;
      char* text = nullptr;
      const GstStructure* fields = nullptr;
      gst_message_parse_warning(message, &raw, &text);
      const ErrorPtr error(raw);
      const GCharPtr debug(text);
      gst_message_parse_warning_details(message, &fields);
      return audience_.post(MessagePtr(gst_message_new_warning_with_details(
          self, error.get(), debug.get(),
          fields == nullptr ? nullptr : gst_structure_copy(fields))));
    }
    case GST_MESSAGE_PROGRESS: {
      GstProgressType type = GST_PROGRESS_TYPE_START;
      char* code = nullptr;
      char* text = nullptr;
      gst_message_parse_progress(message, &type, &code, &text);
      const GCharPtr owned_code(code);
      const GCharPtr owned_text(text);
      clip.in_progress = type == GST_PROGRESS_TYPE_START || type == GST_PROGRESS_TYPE_CONTINUE;
      return audience_.post(MessagePtr(gst_message_new_progress(self, type, code, text)));
    }
    default:
      return audience_.post(MessagePtr(
          gst_message_new_element(self, gst_structure_copy(gst_message_get_structure(message)))));
  }
}

void Director::load_image(const std::string& location) {
  image_.reset();
  image_name_ = location;
  stage_->placeholder->set_image({});
  if (location.empty()) {
    if (stage_->placeholder->kind() != PlaceholderKind::image) return;
    return warn_of_image("placeholder-location names no file.");
  }
  ElementPtr source = make_file_source(location);
  if (!source) return warn_of_image("GStreamer's element filesrc is missing");
  image_ = std::make_shared<Take>(std::move(source), Raster{}, nullptr, [this](MessagePtr message) {
    if (GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ERROR) return;
    GError* raw = nullptr;
    gst_message_parse_error(message.get(), &raw, nullptr);
    const ErrorPtr error(raw);
    post([this, reason = error.message()] {
      if (!image_) return;
      image_.reset();
      warn_of_image(reason);
    });
  });
  image_->start();
}

// A still image is the first picture of whatever is there.
void Director::look_at_image() {
  if (!image_) return;
  Picture picture = image_->decoded().picture_at(0);
  if (!picture) return;
  stage_->placeholder->set_image(std::move(picture));
  image_.reset();
}

void Director::warn_of_image(const std::string& reason) {
  const std::string name = image_name_.empty() ? "image" : one_line(image_name_, 200);
  const std::string text = "The placeholder " + name +
                           " cannot be shown, and it is black instead: " + one_line(reason, 200) +
                           " Set placeholder-location to an image that GStreamer can read.";
  const ErrorPtr error(
      g_error_new_literal(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, text.c_str()));
  audience_.post(MessagePtr(gst_message_new_warning(GST_OBJECT(element_), error.get(), nullptr)));
}

void Director::update_slate() {
  // While a clip is on it stays as it was when that took over: it may still be fading.
  if (stage_->placeholder->kind() != PlaceholderKind::slate || is_on_air_) return;
  const GenerationFace face = *face_.lock();
  SlateText text;
  text.detail = face.model;
  const Clip* clip = find(newest_);
  // Its bytes may all be there before its first picture is on.
  const bool is_coming = face.status == job::Status::done && clip != nullptr && !clip->has_started;
  text.headline = headline(is_coming ? job::Status::streaming : face.status);
  if (clip != nullptr && is_under_way(face.status)) {
    if (text.detail.empty()) text.detail = clip->settings.model_word();
    text.time =
        in_minutes(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - clip->begun));
  }
  stage_->placeholder->set_text(text);
}

}  // namespace genpro::live
