// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a run's control that sees to the placeholder: its image, and the words of the slate.
#include "base/text.h"
#include "bin/playout_control.h"
#include "common/logging.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

namespace {

std::string in_minutes(std::chrono::seconds elapsed) {
  const auto minutes = elapsed.count() / 60;
  const auto seconds = elapsed.count() % 60;
  return std::to_string(minutes) + (seconds < 10 ? ":0" : ":") + std::to_string(seconds);
}

// What is wrong, for those who see the output; the whole of it is on the bus.
std::string headline(const Error& error) {
  for (const auto& [name, value] : error.details) {
    if (name != "missing") continue;
    const bool is_one = value.find(',') == std::string::npos;
    return (is_one ? "A setting is missing: " : "Settings are missing: ") +
           join(split_list(value), ", ");
  }
  switch (error.kind) {
    case ErrorKind::not_authorized:
      if (error.http_status == 401) return "Key refused";
      return error.http_status == 403 ? "Not allowed" : "No credits";
    case ErrorKind::settings:
      return error.http_status == 0 ? "A setting is wrong" : "Request refused";
    case ErrorKind::not_found:
      return "Not found";
    case ErrorKind::open_read:
      return "Service not reached";
    case ErrorKind::read:
      return "Loading failed";
    case ErrorKind::failed:
      return "Generation failed";
    case ErrorKind::wrong_type:
      return "Clip cannot be played";
    case ErrorKind::too_large:
      return "Clip is too large";
    case ErrorKind::limit:
      return error.error_code.starts_with("daily_") ? "Daily limit reached" : "Cost limit reached";
    case ErrorKind::ledger:
      return "Ledger cannot be used";
    case ErrorKind::ledger_busy:
      return "Ledger is locked";
    case ErrorKind::ledger_full:
      return "Disk is full";
  }
  return "Failed";
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

}  // namespace

void PlayoutControl::load_image(const std::string& location) {
  image_.reset();
  image_name_ = location;
  playout_->placeholder->set_image({});
  if (location.empty()) {
    if (playout_->placeholder->kind() != PlaceholderKind::image) return;
    return warn_of_image("placeholder-location names no file.");
  }
  // Opening a pipe would wait for whoever writes to it.
  if (!g_file_test(location.c_str(), G_FILE_TEST_IS_REGULAR)) {
    return warn_of_image("There is no such regular file.");
  }
  ElementPtr source = make_file_source(location);
  if (!source) return warn_of_image("GStreamer's element filesrc is missing");
  image_ = std::make_shared<ClipDecoder>(
      std::move(source), Raster{}, nullptr, [this](MessagePtr message) {
        if (pass_on_context(message.get()) || GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ERROR)
          return;
        GError* raw = nullptr;
        gst_message_parse_error(message.get(), &raw, nullptr);
        const ErrorPtr error(raw);
        post([this, reason = error.message()] {
          if (!image_) return;
          image_.reset();
          warn_of_image(reason);
        });
      });
  if (prepare_decoder(image_)) image_->start();
}

// A still image is the first frame of whatever is there.
void PlayoutControl::look_at_image() {
  if (!image_) return;
  Frame frame = image_->decoded().frame_at(0);
  if (!frame) return;
  playout_->placeholder->set_image(std::move(frame));
  image_.reset();
}

void PlayoutControl::warn_of_image(const std::string& reason) {
  const std::string name = image_name_.empty() ? "image" : one_line(image_name_, 200);
  const std::string text = "The placeholder " + name +
                           " cannot be shown, and it is black instead: " + one_line(reason, 200) +
                           " Set placeholder-location to an image that GStreamer can read.";
  call([&](GstElement* element) {
    genpro::post(element, bin_debug, WarningReport{GST_RESOURCE_ERROR_SETTINGS, text});
  });
}

void PlayoutControl::update_slate() {
  // While a clip is shown the slate stays as it was: it may still be fading.
  if (playout_->placeholder->kind() != PlaceholderKind::slate || is_clip_shown_) return;
  const GenerationReport face = *face_.lock();
  SlateText text;
  text.detail = face.model;
  const auto clip = find(newest_);
  // Its bytes may all be there before its first frame is shown.
  const bool is_coming = face.status == job::Status::done && clip && !clip->has_started;
  text.headline = face.status == job::Status::failed && problem_
                      ? headline(*problem_)
                      : headline(is_coming ? job::Status::streaming : face.status);
  if (clip && is_under_way(face.status)) {
    if (text.detail.empty()) text.detail = clip->settings.model_word();
    text.time =
        in_minutes(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - clip->begun));
    const auto left = clip->generation ? clip->generation->time_left() : std::nullopt;
    if (left) text.left = left->count() > 0 ? "about " + in_minutes(*left) + " left" : "any moment";
  }
  if (text == slate_) return;
  slate_ = text;
  GST_DEBUG_ID(name_.c_str(), "the slate says: %s | %s | %s | %s", text.headline.c_str(),
               text.time.c_str(), text.left.c_str(), text.detail.c_str());
  playout_->placeholder->set_text(text);
}

}  // namespace genpro::bin
