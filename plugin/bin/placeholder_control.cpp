// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a run's control that sees to the placeholder: its image, and the words of the slate.
#include "base/text.h"
#include "bin/playout_control.h"
#include "common/logging.h"

namespace genpro::bin {

namespace {

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

}  // namespace

void PlayoutControl::load_image(const std::string& location) {
  image_.reset();
  image_name_ = location;
  playout_->placeholder->set_image({});
  if (location.empty()) {
    if (playout_->placeholder->kind() != PlaceholderKind::image) return;
    return warn_of_image("placeholder-location names no file.");
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
  text.headline = headline(is_coming ? job::Status::streaming : face.status);
  if (clip && is_under_way(face.status)) {
    if (text.detail.empty()) text.detail = clip->settings.model_word();
    text.time =
        in_minutes(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - clip->begun));
  }
  playout_->placeholder->set_text(text);
}

}  // namespace genpro::bin
