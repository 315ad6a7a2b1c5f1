// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a run's control that hears of its clips, from their generations, from what decodes
// them, and from the timeline; and that keeps them for another take.
#include <algorithm>

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
  const std::string damage =
      type == GST_MESSAGE_ERROR ? ClipDiagnosis::why_silent(message) : std::string();
  if (type == GST_MESSAGE_ERROR && damage.empty()) {
    const ErrorPtr error = clip.diagnosis.explain(message, clip.decoder->position());
    if (clip.number == newest_ && !problem_) problem_ = Error{.kind = ErrorKind::wrong_type};
    if (!clip.path.empty()) {
      const WarningReport warning = about_fallback(clip.path, error.message());
      return fail(clip, error.message(),
                  [&](GstElement* element) { genpro::post(element, bin_debug, warning); });
    }
    return fail(clip, error.message(), [&](GstElement* element) {
      post_like(element, message, error.get(), errors_end_);
    });
  }
  // A clip that is played once more is nothing new, but for the fallback's first time, nor is the
  // end of one that has failed.
  const bool is_told = clip.is_repeat && (clip.path.empty() || clip.is_round);
  if (is_told || clip.has_failed) return;
  if (!damage.empty()) {
    call([&](GstElement* element) {
      GST_ELEMENT_WARNING(element, STREAM, DECODE, ("%s", damage.c_str()), (nullptr));
    });
  } else if (type == GST_MESSAGE_WARNING) {
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
  if (!update.clip || !is_running()) return;
  const std::shared_ptr<ClipFile> kept =
      kept_file(key_of(clip.settings, clip.generation->report().generation_id));
  ElementPtr source = kept ? make_file_source(kept->path()) : ElementPtr();
  if (source) {
    GST_INFO_ID(name_.c_str(), "%s is read from what was kept of it", clip.name().c_str());
    clip.file = kept;
    clip.is_from_kept = true;
    clip.decoder->set_source(std::move(source));
    clip.generation->set_status(job::Status::streaming);
    clip.generation->set_status(job::Status::done);
  }
  clip.decoder->start();
}

// Before what decodes it ends, whose source tells only that all was read.
void PlayoutControl::note_delivery(Clip& clip) {
  if (clip.generation && !clip.has_started) return clip.generation->shut_down_later({0, false});
  const bool is_whole = clip.is_from_kept && !clip.has_failed && clip.decoder->decoded().is_read();
  if (is_whole) clip.generation->shut_down_later({clip.file->size(), true});
}

void PlayoutControl::on_report(Clip& clip, const Report& report) {
  if (const auto* error = std::get_if<Error>(&report)) {
    if (clip.number == newest_) {
      problem_ = *error;
      // Of the clip's server, to which the key does not go.
      const bool is_of_clip = clip.generation && clip.generation->clip();
      if (is_of_clip && error->kind == ErrorKind::not_authorized) problem_->kind = ErrorKind::read;
    }
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
    // Of several that are under way at once, the one that was told of last.
    auto number = clip.number;
    if (goes_on) {
      in_progress_ = number;
    } else {
      in_progress_.compare_exchange_strong(number, 0);
    }
    if (goes_on) look_at_deadline(clip, progress->progress);
  }
  call([&](GstElement* element) { genpro::post(element, bin_debug, report); });
}

void PlayoutControl::on_generation(Clip& clip, const GenerationReport& report) {
  const bool is_new = clip.id.empty() && !report.generation_id.empty();
  clip.id = report.generation_id;
  set_item(clip, [&](Item& item) {
    item.generation_id = report.generation_id;
    item.cost = report.cost;
  });
  if (clip.number == newest_) {
    {
      auto face = face_.lock();
      *face = report;
      if (face->model.empty()) face->model = clip.settings.model_word();
    }
    notify_status();
  }
  call([&](GstElement* element) { genpro::post(element, bin_debug, report); });
  if (is_new && clip.settings.generation_id.empty()) group_start(clip, report.generation_id);
  if (is_new) emit("generation-started", report.generation_id);
  if (report.status == job::Status::streaming) {
    emit("generation-completed", report.generation_id);
  }
}

// What is of no pipeline has running times of its own.
void PlayoutControl::group_start(const Clip& clip, const std::string& generation_id) {
  const ElementPtr element = element_.get();
  if (!element) return;
  auto top = ObjectPtr<GstObject>::ref(GST_OBJECT(element.get()));
  while (true) {
    auto parent = ObjectPtr<GstObject>::adopt(gst_object_get_parent(top.get()));
    if (!parent) break;
    top = std::move(parent);
  }
  if (!GST_IS_PIPELINE(top.get())) return;
  const std::string pipeline = std::to_string(reinterpret_cast<std::uintptr_t>(top.get()));
  playout_->timeline.group(
      clip.decoder,
      std::make_shared<GroupedStart>(pipeline + ' ' + key_of(clip.settings, generation_id)));
}

void PlayoutControl::fail(Clip& clip, const std::string& reason, const Call& post) {
  if (std::exchange(clip.has_failed, true)) return;
  const std::shared_ptr<ClipDecoder> decoder = clip.decoder;
  GST_INFO_ID(name_.c_str(), "%s has failed: %s", clip.name().c_str(), reason.c_str());
  // The timeline may have put it on without that being told yet.
  const bool is_on = playout_->timeline.withdraw(decoder);
  const bool is_failed_generation = !clip.has_started && !clip.is_repeat && !is_on;
  const std::string id = clip.id;
  note_item_failure(clip, reason, !is_on);
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

void PlayoutControl::on_changed(const std::shared_ptr<ClipDecoder>& ended,
                                const std::shared_ptr<ClipDecoder>& started, Time time) {
  const auto before = ended ? find(ended) : nullptr;
  const auto clip = started ? find(started) : nullptr;
  is_clip_shown_ = clip != nullptr;
  *on_air_.lock() = clip ? ClipName{clip->id, clip->item} : ClipName{};
  note_item_change(before.get(), clip.get());
  const std::string when = moment(time);
  if (before)
    GST_INFO_ID(name_.c_str(), "%s has ended at %s", before->name().c_str(), when.c_str());
  if (clip) {
    clip->has_started = true;
    last_ = source_of(*clip);
    was_shown_ = true;
    if (!clip->id.empty()) shown_.insert(clip->id);
    GST_INFO_ID(name_.c_str(), "%s is on at %s", clip->name().c_str(), when.c_str());
  } else {
    log_what_follows(before.get());
  }
  const auto tell = [this, time](const char* signal, const char* event, const char* reason,
                                 const Clip& told) {
    call([&](GstElement* element) {
      ClipReport report{.event = event,
                        .reason = reason,
                        .generation_id = told.id,
                        .running_time = time,
                        .late = reason == nullptr ? told.late : std::nullopt,
                        .item = told.item};
      if (const auto gain = reason ? std::nullopt : told.decoder->decoded().gain()) {
        report.levels = {
            {"loudness", gain->loudness}, {"true-peak", gain->true_peak}, {"gain", gain->gain}};
      }
      genpro::post(element, bin_debug, report);
    });
    emit(signal, told.id);
  };
  if (before) {
    const bool is_replaced = clip && !clip->is_round && !clip->is_sequel;
    const char* reason = is_replaced ? "replaced" : "end";
    if (before->was_cleared) reason = "cleared";
    if (before->decoder->is_truncated()) reason = "truncated";
    if (before->has_failed) reason = "failed";
    tell("clip-ended", "ended", reason, *before);
  }
  if (clip) tell("clip-started", "started", nullptr, *clip);
}

// Whoever follows the rules of buffering does not pause a live pipeline for it.
void PlayoutControl::on_starved(const std::shared_ptr<ClipDecoder>& decoder, bool is_starved) {
  const auto clip = find(decoder);
  GST_INFO_ID(name_.c_str(), "%s %s at %s", clip ? clip->name().c_str() : "a clip",
              is_starved ? "has run dry" : "goes on",
              moment(playout_->timeline.stats().time).c_str());
  call([&](GstElement* element) {
    MessagePtr message(gst_message_new_buffering(GST_OBJECT(element), is_starved ? 0 : 100));
    gst_message_set_buffering_stats(message.get(), GST_BUFFERING_LIVE, -1, -1, -1);
    gst_element_post_message(element, message.release());
  });
  if (!is_starved || !clip || clip->is_repeat || std::exchange(clip->has_starved, true)) return;
  call([&](GstElement* element) {
    genpro::post(element, bin_debug,
                 WarningReport{GST_RESOURCE_ERROR_READ,
                               "The clip" + (clip->id.empty() ? "" : " of generation " + clip->id) +
                                   " comes slower than it plays and stands still until there is "
                                   "more of it. Set preroll to have more of it there before it is "
                                   "on, and look at the connection to the clip's server."});
  });
}

void PlayoutControl::log_what_follows(const Clip* ended) {
  const AtEnd at_end = at_end_;
  const bool is_held = at_end == AtEnd::hold || at_end == AtEnd::loop;
  const char* what = at_end == AtEnd::eos ? "the stream ends" : "the placeholder is on";
  if (is_held && ended != nullptr && !ended->has_failed) what = "its last frame stays on";
  GST_INFO_ID(name_.c_str(), "%s", what);
}

// What follows a clip that loops is decoded ahead, so that there is no gap: from what was kept of
// it, so that it goes on without the network.
void PlayoutControl::prepare_repeat() {
  const auto clip = at_end_ == AtEnd::loop ? find(playout_->timeline.last()) : nullptr;
  if (!clip || clip->has_repeat || clip->has_failed) return;
  const bool is_kept = clip->file && clip->file->is_whole();
  const bool is_local = is_kept || !clip->path.empty();
  if (!is_local && (!clip->decoder->decoded().length() || clip->id.empty())) return;
  clip->has_repeat = true;
  const auto next = add_repeat(source_of(*clip));
  if (!next) return;
  next->is_round = true;
  next->item = clip->item;
  if (next->loudness_target == clip->loudness_target) {
    next->decoder->decoded().set_gain(clip->decoder->decoded().gain());
  }
  playout_->timeline.set_next_repeat(clip->decoder, next->decoder);
  start_clip(*next);
}

void PlayoutControl::keep(const Clip& clip) {
  if (clip.id.empty() || !clip.file || !clip.file->is_whole()) return;
  const std::string key = key_of(clip.settings, clip.id);
  std::erase_if(kept_, [&](const Kept& one) { return one.key == key; });
  // That may have been told after it was read.
  if (clip.has_failed || clip.decoder->is_truncated()) return;
  kept_.push_back({key, clip.file});
  std::uint64_t bytes = 0;
  std::size_t number = 0;
  for (auto each = kept_.rbegin(); each != kept_.rend(); ++each) {
    bytes += each->file->size();
    if (number == most_kept || bytes > most_kept_bytes) break;
    ++number;
  }
  kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(number));
}

std::shared_ptr<ClipFile> PlayoutControl::kept_file(const std::string& key) {
  for (const auto& other : clips_) keep(*other);
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) { return one.key == key; });
  return found == kept_.end() ? nullptr : found->file;
}

}  // namespace genpro::bin
