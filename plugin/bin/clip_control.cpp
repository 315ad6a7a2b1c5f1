// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a run's control that hears of its clips: from their generations, and from what decodes
// them.
#include "bin/playout_control.h"
#include "common/logging.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

namespace {

// An error or a warning of a clip's pipeline, with its debug text and details, as the element's
// own.
void post_like(GstElement* element, GstMessage* original, GError* error, bool is_error) {
  const bool was_error = GST_MESSAGE_TYPE(original) == GST_MESSAGE_ERROR;
  char* text = nullptr;
  const GstStructure* fields = nullptr;
  (was_error ? gst_message_parse_error : gst_message_parse_warning)(original, nullptr, &text);
  (was_error ? gst_message_parse_error_details : gst_message_parse_warning_details)(original,
                                                                                    &fields);
  const GCharPtr debug(text);
  const auto make =
      is_error ? gst_message_new_error_with_details : gst_message_new_warning_with_details;
  gst_element_post_message(element, make(GST_OBJECT(element), error, debug.get(),
                                         fields == nullptr ? nullptr : gst_structure_copy(fields)));
}

}  // namespace

// What the elements that decode say.
void PlayoutControl::on_message(Clip& clip, const SharedMessage& shared) {
  GstMessage* const message = shared.get();
  const GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_ERROR) {
    const ErrorPtr error = clip.diagnosis.explain(message, clip.decoder->position());
    return fail(clip, error.message(), [&](GstElement* element) {
      post_like(element, message, error.get(), errors_end_);
    });
  }
  // A clip that is played once more is nothing new.
  if (clip.is_repeat) return;
  if (type == GST_MESSAGE_WARNING) {
    ErrorPtr warning;
    gst_message_parse_warning(message, warning.out(), nullptr);
    call([&](GstElement* element) { post_like(element, message, warning.get(), false); });
  } else if (gst_message_has_name(message, "missing-plugin")) {
    clip.diagnosis.note_missing(message);
    // Applications may have it installed.
    call([&](GstElement* element) {
      gst_element_post_message(
          element, gst_message_new_element(GST_OBJECT(element),
                                           gst_structure_copy(gst_message_get_structure(message))));
    });
  } else if (type == GST_MESSAGE_STREAM_START) {
    const std::string why_silent = clip.diagnosis.why_silent();
    if (why_silent.empty()) return;
    call([&](GstElement* element) {
      GST_ELEMENT_WARNING(element, STREAM, CODEC_NOT_FOUND, ("%s", why_silent.c_str()), (nullptr));
    });
  }
}

void PlayoutControl::on_update(Clip& clip, const job::Update& update) {
  // Nothing that a job says after that is about this clip.
  if (clip.generation->clip()) return;
  clip.generation->handle(update);
  if (update.clip) clip.decoder->start();
}

void PlayoutControl::on_report(Clip& clip, const Report& report) {
  if (const auto* error = std::get_if<Error>(&report)) {
    return fail(clip, error->message, [&](GstElement* element) {
      errors_end_ ? genpro::post(element, bin_debug, *error)
                  : post_as_warning(element, bin_debug, *error);
    });
  }
  // A clip that is played once more is nothing new.
  if (clip.is_repeat || std::holds_alternative<PropertyChange>(report)) return;
  if (const auto* generation = std::get_if<GenerationReport>(&report)) {
    return on_generation(clip, *generation);
  }
  if (const auto* progress = std::get_if<ProgressReport>(&report)) {
    const bool goes_on =
        progress->type == GST_PROGRESS_TYPE_START || progress->type == GST_PROGRESS_TYPE_CONTINUE;
    in_progress_ = goes_on ? clip.number : 0;
  }
  call([&](GstElement* element) { genpro::post(element, bin_debug, report); });
}

void PlayoutControl::on_generation(Clip& clip, const GenerationReport& report) {
  const bool is_new = clip.id.empty() && !report.generation_id.empty();
  clip.id = report.generation_id;
  if (clip.number == newest_) {
    {
      auto face = face_.lock();
      *face = report;
      if (face->model.empty()) face->model = clip.settings.model_word();
    }
    notify_status();
  }
  call([&](GstElement* element) { genpro::post(element, bin_debug, report); });
  if (is_new) emit("generation-started", report.generation_id);
  if (report.status == job::Status::streaming) {
    emit("generation-completed", report.generation_id);
  }
}

void PlayoutControl::fail(Clip& clip, const std::string& reason, const Call& post) {
  if (std::exchange(clip.has_failed, true)) return;
  const std::shared_ptr<ClipDecoder> decoder = clip.decoder;
  GST_INFO_ID(name_.c_str(), "%s has failed: %s", clip.name().c_str(), reason.c_str());
  // The timeline may have put it on without that being told yet.
  const bool is_on = playout_->timeline.withdraw(decoder);
  const bool is_failed_generation = !clip.has_started && !clip.is_repeat && !is_on;
  const std::string id = clip.id;
  if (is_failed_generation && clip.number == newest_) {
    {
      auto face = face_.lock();
      if (face->status != job::Status::stopped) face->status = job::Status::failed;
    }
    notify_status();
  }
  call(post);
  if (!is_failed_generation) return;
  call([&](GstElement* element) {
    g_signal_emit_by_name(element, "generation-failed", id.c_str(), reason.c_str());
  });
}

}  // namespace genpro::bin
