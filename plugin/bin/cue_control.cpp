// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a run's control that cues and takes clips, and sees to deadlines and the fallback.
#include "base/text.h"
#include "bin/playout_control.h"
#include "common/logging.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

namespace {

std::string in_seconds(Time time) {
  const GCharPtr text(g_strdup_printf("%.3f s", static_cast<double>(time) / GST_SECOND));
  return text.get();
}

std::string clip_of(const std::string& id) {
  return "The clip" + (id.empty() ? "" : " of generation " + id);
}

}  // namespace

void PlayoutControl::add_cue_events(Timeline::Events& events) {
  using Decoder = std::shared_ptr<ClipDecoder>;
  const std::weak_ptr<PlayoutControl> weak = weak_from_this();
  const auto later = [weak](auto task) {
    if (const auto self = weak.lock()) self->post([self = self.get(), task] { task(*self); });
  };
  events.cued = [later](const Decoder& decoder, Time position) {
    later([=](PlayoutControl& self) { self.on_cued(decoder, position); });
  };
  events.cued_past_end = [later](const Decoder& decoder) {
    later([=](PlayoutControl& self) { self.on_cued_past_end(decoder); });
  };
  events.late = [later](const Decoder& decoder, Time late) {
    later([=](PlayoutControl& self) { self.on_late(decoder, late); });
  };
  events.cleared = [later](const Decoder& decoder) {
    later([=](PlayoutControl& self) {
      if (const auto clip = self.find(decoder)) clip->was_cleared = true;
    });
  };
  events.missed_action = [later](const char* action) {
    later([=](PlayoutControl& self) { self.on_missed_action(action); });
  };
  events.deadline = [later](const Timeline::Deadline& deadline) {
    later([=](PlayoutControl& self) { self.on_deadline(deadline); });
  };
}

void PlayoutControl::on_cued(const std::shared_ptr<ClipDecoder>& decoder, Time position) {
  const auto clip = find(decoder);
  if (!clip) return;
  const std::optional<Time> length = decoder->length();
  GST_INFO_ID(name_.c_str(), "%s is cued at %s of %s", clip->name().c_str(),
              in_seconds(position).c_str(), length ? in_seconds(*length).c_str() : "?");
  const std::string id = clip->id;
  const unsigned item = clip->item;
  *cued_.lock() = {id, item};
  call([&](GstElement* element) {
    genpro::post(element, bin_debug,
                 ClipReport{.event = "cued",
                            .reason = nullptr,
                            .generation_id = id,
                            .length = length,
                            .position = position,
                            .item = item});
  });
  call([&](GstElement* element) {
    g_signal_emit_by_name(element, "clip-cued", id.c_str(),
                          length ? static_cast<guint64>(*length) : GST_CLOCK_TIME_NONE);
  });
}

void PlayoutControl::on_cued_past_end(const std::shared_ptr<ClipDecoder>& decoder) {
  const auto clip = find(decoder);
  if (!clip || playout_->timeline.waiting() != decoder) return;
  const std::string text =
      clip_of(clip->id) + " lasts " + in_seconds(decoder->decoded().length().value_or(0)) +
      " and cannot be cued at or after its end. It is cued at its beginning instead.";
  call([&](GstElement* element) {
    genpro::post(element, bin_debug, WarningReport{GST_RESOURCE_ERROR_SETTINGS, text});
  });
  if (is_running()) cue_again(0);
}

void PlayoutControl::on_late(const std::shared_ptr<ClipDecoder>& decoder, Time late) {
  const auto clip = find(decoder);
  if (!clip) return;
  clip->late = late;
  // What the deadline's own warning says.
  if (!clip->path.empty()) return;
  const std::string text =
      clip_of(clip->id) + " is on " + in_seconds(late) +
      " later than it was taken for: that time had passed, or the clip was not ready. "
      "Take it earlier, and wait for clip-cued.";
  call([&](GstElement* element) {
    genpro::post(element, bin_debug, WarningReport{GST_RESOURCE_ERROR_FAILED, text});
  });
}

void PlayoutControl::on_missed_action(const char* action) {
  const std::string text = std::string("There was nothing to ") + action +
                           " at the time that was given for it: no clip was on that " + action +
                           " applies to.";
  call([&](GstElement* element) {
    genpro::post(element, bin_debug, WarningReport{GST_RESOURCE_ERROR_FAILED, text});
  });
}

void PlayoutControl::take_at(std::optional<Time> time) {
  take_timecode_.lock()->clear();
  set_timecode_watch(nullptr);
  playout_->timeline.arm(time);
}

std::optional<Time> PlayoutControl::taken_at() {
  const std::optional<Time> armed = playout_->timeline.armed();
  return armed == time_to_come ? std::nullopt : armed;
}

void PlayoutControl::take_at_timecode(const std::optional<Timecode>& timecode) {
  take_at(timecode ? std::optional(time_to_come) : std::nullopt);
  const ElementPtr element = element_.get();
  if (!timecode || !element) return;
  *take_timecode_.lock() = timecode->text;
  auto pad = ObjectPtr<GstPad>::adopt(gst_element_get_static_pad(element.get(), "video"));
  const std::weak_ptr<PlayoutControl> weak = weak_from_this();
  set_timecode_watch(TimecodeWatch::create(
      std::move(pad),
      {.seen =
           [weak, wanted = *timecode](Time time, const GstVideoTimeCode& seen) {
             if (const auto self = weak.lock()) self->on_timecode(wanted, time, seen);
           },
       .missing =
           [weak, text = timecode->text] {
             const auto self = weak.lock();
             if (!self || self->playout_->timeline.armed() != time_to_come) return;
             self->warn(
                 "No frame that leaves by the video pad, nor what follows it, has had a "
                 "timecode for two seconds, so that the clip waits for the timecode " +
                 text + " in vain. Put timecodestamper behind the pad, or set take-at.");
           }}));
}

// The one before goes without the lock: it calls pads.
void PlayoutControl::set_timecode_watch(std::shared_ptr<TimecodeWatch> watch) {
  timecode_watch_.lock()->swap(watch);
}

std::string PlayoutControl::taken_at_timecode() {
  return playout_->timeline.armed() ? *take_timecode_.lock() : std::string();
}

// On a streaming thread. Whatever was asked for since then counts.
void PlayoutControl::on_timecode(const Timecode& wanted, Time time, const GstVideoTimeCode& seen) {
  const auto at = time_of(wanted, time, seen);
  if (!playout_->timeline.rearm(time_to_come, at)) return;
  const GCharPtr count(gst_video_time_code_to_string(&seen));
  if (at) {
    GST_INFO_ID(name_.c_str(), "timecode %s is the running time %s, as %s is %s",
                wanted.text.c_str(), in_seconds(*at).c_str(), count.get(),
                in_seconds(time).c_str());
    return;
  }
  warn("The timecode " + wanted.text + " is none of the " + std::to_string(seen.config.fps_n) +
       "/" + std::to_string(seen.config.fps_d) +
       " frames a second that the video pad's frames are counted by, now at " + count.get() +
       ", and is not waited for. Set take-at-timecode to another one.");
}

void PlayoutControl::warn(const std::string& text) {
  call_later([text](GstElement* element) {
    genpro::post(element, bin_debug, WarningReport{GST_RESOURCE_ERROR_SETTINGS, text});
  });
}

std::shared_ptr<PlayoutControl::Clip> PlayoutControl::add_repeat(const Source& source) {
  Settings again = source.settings;
  again.generation_id = source.id;
  const bool is_local = !source.path.empty() || (source.file && source.file->is_whole());
  // Without an id it would be a new generation, which is paid for.
  if (!is_local && source.id.empty()) return nullptr;
  const auto clip = add(std::move(again), source.file, true, source.path);
  if (!clip) return nullptr;
  clip->id = source.id;
  if (!source.path.empty()) clip->decoder->decoded().set_may_be_still();
  return prepare_decoder(clip->decoder) && is_running() ? clip : nullptr;
}

bool PlayoutControl::seek_cue(Time position) {
  if (playout_->timeline.seek_cue(position)) return true;
  if (!playout_->timeline.waiting() && !was_shown_) return false;
  // What is waited for by then is another one, where one was just asked for.
  return post([this, position] {
    if (!playout_->timeline.seek_cue(position)) cue_again(position);
  });
}

// What has been decoded beyond that position is decoded anew.
void PlayoutControl::cue_again(Time position) {
  const auto waiting = playout_->timeline.waiting();
  const auto clip = waiting ? find(waiting) : nullptr;
  const std::optional<Source> source = clip ? source_of(*clip) : last_;
  const auto again = source ? add_repeat(*source) : nullptr;
  if (!again) return;
  if (clip && clip->item > 0) {
    again->item = std::exchange(clip->item, 0);
    set_item(*again, [&](Item& item) {
      item.generation = again->generation;
      item.decoder = again->decoder;
    });
  }
  playout_->timeline.cue(again->decoder, position);
  start_clip(*again);
}

bool PlayoutControl::replay(Time time) {
  if (!was_shown_) return false;
  return post([this, time] {
    const auto again = last_ ? add_repeat(*last_) : nullptr;
    if (!again) return;
    GST_INFO_ID(name_.c_str(), "%s is played again", again->name().c_str());
    playout_->timeline.replay(again->decoder, time);
    start_clip(*again);
  });
}

void PlayoutControl::set_fallback(const std::string& location) {
  post([this, location] {
    fallback_ = location;
    playout_->timeline.set_fallback(nullptr);
    load_fallback();
  });
}

void PlayoutControl::load_fallback() {
  if (fallback_.empty() || playout_->timeline.has_fallback()) return;
  // Opening a pipe would wait for whoever writes to it.
  if (!g_file_test(fallback_.c_str(), G_FILE_TEST_IS_REGULAR)) {
    call([&](GstElement* element) {
      genpro::post(element, bin_debug, about_fallback(fallback_, "There is no such regular file."));
    });
    return;
  }
  const auto clip = add_repeat({.settings = {}, .id = {}, .file = nullptr, .path = fallback_});
  if (!clip) return;
  playout_->timeline.set_fallback(clip->decoder);
  start_clip(*clip);
}

WarningReport PlayoutControl::about_fallback(const std::string& path, const std::string& reason) {
  return {GST_RESOURCE_ERROR_SETTINGS,
          "The fallback " + one_line(path, 200) + " cannot be shown: " + one_line(reason, 200) +
              " Set fallback-location to an image or a clip that GStreamer can read."};
}

void PlayoutControl::set_needed_by(std::optional<Time> time) {
  is_deadline_over_ = false;
  needed_by_ = time.value_or(no_deadline);
  playout_->timeline.set_needed_by(time);
  if (time) post([this] { load_fallback(); });
}

void PlayoutControl::on_deadline(const Timeline::Deadline& deadline) {
  // Another one may have been set since.
  Time asked = deadline.asked;
  if (needed_by_.compare_exchange_strong(asked, no_deadline)) is_deadline_over_ = true;
  const auto clip = find(deadline.decoder);
  std::string id = clip ? clip->id : face().generation_id;
  if (deadline.is_expected) id.clear();
  DeadlineReport report{.event = deadline.is_met ? "met" : "missed",
                        .generation_id = id,
                        .running_time = deadline.time,
                        .expected = {},
                        .has_fallback = {}};
  if (!deadline.is_met) report.has_fallback = deadline.has_fallback;
  call([&](GstElement* element) { genpro::post(element, bin_debug, report); });
  if (deadline.is_met) return;
  if (clip && deadline.late_clip == LateClip::drop) {
    clip->has_failed = true;
    note_item_failure(*clip, "It was not ready when it was needed, and was given up.", true);
  }
  std::string text = clip_of(id) + " was not ready when it was needed, at the running time " +
                     in_seconds(deadline.time) + ": " +
                     (deadline.is_fallback_ready ? "the fallback goes on air."
                      : deadline.has_fallback ? "the fallback goes on air as soon as it is ready."
                                              : "what was on stays on, since there is no fallback. "
                                                "Set fallback-location to have one.");
  if ((clip || deadline.is_expected) && deadline.late_clip == LateClip::drop) {
    text += " It is given up. Set late-clip to cue or take to keep it.";
    // The properties may be about another one by now.
    if (!clip || clip->number == newest_) {
      {
        auto face = face_.lock();
        if (is_under_way(face->status)) face->status = job::Status::idle;
      }
      notify_status();
    }
  }
  call([&](GstElement* element) {
    genpro::post(element, bin_debug, WarningReport{GST_RESOURCE_ERROR_FAILED, text});
  });
}

void PlayoutControl::look_at_deadline(Clip& clip, const polling::Progress& progress) {
  const Time needed_by = needed_by_;
  if (needed_by == no_deadline || clip.number != newest_ || clip.was_at_risk ||
      progress.expected_90 < 0) {
    return;
  }
  const ElementPtr element = element_.get();
  if (!element) return;
  const GstClockTime running = gst_element_get_current_running_time(element.get());
  const Time now = GST_CLOCK_TIME_IS_VALID(running) ? static_cast<Time>(running) : 0;
  const Time expected =
      now + static_cast<Time>((progress.expected_90 - progress.elapsed) * GST_SECOND);
  if (expected <= needed_by) return;
  clip.was_at_risk = true;
  const std::string text = clip_of(clip.id) + " may not be ready when it is needed, in " +
                           in_seconds(std::max<Time>(0, needed_by - now)) +
                           ": nine of ten such generations are within " +
                           in_seconds(expected - now) +
                           ". Set needed-by to a later time, or have a fallback.";
  const DeadlineReport report{.event = "at-risk",
                              .generation_id = clip.id,
                              .running_time = needed_by,
                              .expected = expected,
                              .has_fallback = {}};
  call([&](GstElement* target) { genpro::post(target, bin_debug, report); });
  call([&](GstElement* target) {
    genpro::post(target, bin_debug, WarningReport{GST_RESOURCE_ERROR_FAILED, text});
  });
}

}  // namespace genpro::bin
