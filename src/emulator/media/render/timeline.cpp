// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/timeline.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <algorithm>
#include <array>
#include <string>

#include "emulator/media/render/pan_zoom.h"
#include "emulator/media/render/render_error.h"

namespace genpro::emulator::render {
namespace {

constexpr double kLogoMarginShare = 0.05;  // of the raster's short side, around logos
constexpr double kLogoHeightShare = 0.6;  // of the raster's height, that logos may use
constexpr GstClockTime kCaptionFade = 300 * GST_MSECOND;

struct Key {
  GstClockTime time;
  double value;
};

// One way for a picture to move: where it begins and ends.
struct Move {
  double zoom_from, zoom_to, x_from, x_to, y_from, y_to;
};

// Neighbours move differently, so that a sequence does not look mechanical.
constexpr std::array<Move, 4> kMoves{{{1.02, 1.20, 0.30, 0.62, 0.45, 0.55},
                                      {1.20, 1.03, 0.75, 0.40, 0.40, 0.55},
                                      {1.06, 1.22, 0.70, 0.35, 0.65, 0.40},
                                      {1.22, 1.05, 0.20, 0.65, 0.55, 0.45}}};
// For pictures that are shown whole: their frame moves more than they do.
constexpr Move kWholeMove{1.0, 1.07, 0.5, 0.5, 0.5, 0.5};
constexpr Move kBackdropMove{1.02, 1.45, 0.10, 0.85, 0.80, 0.30};

class Builder {
 public:
  Builder(const Composition& composition, Reporter& reporter)
      : composition_(composition), spec_(composition.spec), reporter_(reporter) {}

  TimelinePtr build() {
    if (!register_pan_zoom()) fail("the pan and zoom filter");
    timeline_ = sink_ref(ges_timeline_new());
    add_track(GES_TRACK(ges_video_track_new()),
              "video/x-raw,width=" + std::to_string(spec_.width) + ",height=" +
                  std::to_string(spec_.height) + ",framerate=" + std::to_string(spec_.fps) +
                  "/1,pixel-aspect-ratio=1/1,interlace-mode=progressive");
    if (spec_.audio) {
      add_track(GES_TRACK(ges_audio_track_new()),
                "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved");
    }
    add_caption();
    add_logos();
    add_visuals();
    add_sound();
    if (!ges_timeline_commit_sync(timeline_.get())) fail("the timeline");
    return timeline_;
  }

 private:
  [[noreturn]] static void fail(const std::string& what) {
    throw RenderError("GStreamer Editing Services would not take " + what +
                      "; check that the GStreamer plugins are installed, and try again.");
  }

  GstClockTime time_of(int frame) const {
    return gst_util_uint64_scale_int(static_cast<guint64>(frame) * GST_SECOND, 1, spec_.fps);
  }
  GstClockTime total() const { return static_cast<GstClockTime>(spec_.duration) * GST_SECOND; }

  void add_track(GESTrack* track, const std::string& caps_text) {
    const CapsPtr caps(gst_caps_from_string(caps_text.c_str()));
    ges_track_set_restriction_caps(track, caps.get());
    if (!ges_timeline_add_track(timeline_.get(), track)) fail("a track");
  }

  // One whole file on a layer, from `start` on.
  GESClip* add_media(GESLayer* layer, const MemoryFile& media, GstClockTime start,
                     GstClockTime duration, GESTrackType type) {
    reporter_.touch();
    ErrorPtr error;
    const auto asset = ObjectPtr<GESUriClipAsset>::adopt(
        ges_uri_clip_asset_request_sync(media.uri().c_str(), error.out()));
    if (!asset) fail("prepared media (" + error.message() + ")");
    GESClip* clip = ges_layer_add_asset(layer, GES_ASSET(asset.get()), start, 0, duration, type);
    if (clip == nullptr) fail("a clip");
    return clip;
  }

  GESTrackElement* video_of(GESClip* clip) {
    GESTrackElement* element = ges_clip_find_track_element(clip, nullptr, GES_TYPE_VIDEO_SOURCE);
    if (element == nullptr) fail("a picture");
    // The clip keeps it.
    gst_object_unref(element);
    return element;
  }

  void animate(GESTrackElement* element, const char* property, std::initializer_list<Key> keys) {
    auto source = sink_ref(gst_interpolation_control_source_new());
    g_object_set(source.get(), "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
    for (const Key& key : keys) {
      gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source.get()), key.time,
                                         key.value);
    }
    if (!ges_track_element_set_control_source(element, source.get(), property, "direct-absolute")) {
      fail(std::string("an animation of ") + property);
    }
  }

  void set_frame(GESTrackElement* element, Rect frame) {
    ges_timeline_element_set_child_properties(GES_TIMELINE_ELEMENT(element), "posx", frame.x,
                                              "posy", frame.y, "width", frame.width, "height",
                                              frame.height, nullptr);
  }

  // A picture over the whole clip.
  GESTrackElement* add_overlay(const MemoryFile& media, Rect frame) {
    GESLayer* layer = ges_timeline_append_layer(timeline_.get());
    GESClip* clip = add_media(layer, media, 0, total(), GES_TRACK_TYPE_VIDEO);
    GESTrackElement* element = video_of(clip);
    set_frame(element, frame);
    return element;
  }

  void add_caption() {
    if (!composition_.caption) return;
    const Size size = composition_.caption_size;
    GESTrackElement* element = add_overlay(
        *composition_.caption, {0, spec_.height - size.height, size.width, size.height});
    // The caption appears softly and stays.
    animate(element, "alpha", {{0, 0.0}, {kCaptionFade, 1.0}, {total(), 1.0}});
  }

  // The first logo stands in the upper right corner, the next in the upper left, more below them.
  void add_logos() {
    const auto& logos = composition_.prepared.logos;
    if (logos.empty()) return;
    const int margin = static_cast<int>(std::min(spec_.width, spec_.height) * kLogoMarginShare);
    const int rows = (static_cast<int>(logos.size()) + 1) / 2;
    const double room = spec_.height * kLogoHeightShare / rows - margin;
    std::array<int, 2> y{margin, margin};
    for (std::size_t i = 0; i < logos.size(); ++i) {
      const Size size = logos[i].size;
      const double factor = std::min(1.0, room / size.height);
      const Rect frame{0, y[i % 2], std::max(2, static_cast<int>(size.width * factor)),
                       std::max(2, static_cast<int>(size.height * factor))};
      Rect placed = frame;
      placed.x = i % 2 == 0 ? spec_.width - margin - frame.width : margin;
      y[i % 2] += frame.height + margin;
      add_overlay(logos[i].media, placed);
    }
  }

  void add_movement(GESClip* clip, const Move& move, GstClockTime duration) {
    const std::string description = "videoconvert ! " + std::string(kPanZoomElement) +
                                    " width=" + std::to_string(spec_.width) +
                                    " height=" + std::to_string(spec_.height);
    GESTrackElement* effect = GES_TRACK_ELEMENT(ges_effect_new(description.c_str()));
    if (effect == nullptr ||
        !ges_container_add(GES_CONTAINER(clip), GES_TIMELINE_ELEMENT(effect))) {
      fail("the pan and zoom effect");
    }
    animate(effect, "zoom", {{0, move.zoom_from}, {duration, move.zoom_to}});
    animate(effect, "pan-x", {{0, move.x_from}, {duration, move.x_to}});
    animate(effect, "pan-y", {{0, move.y_from}, {duration, move.y_to}});
  }

  static const Move& move_of(const Visual& visual, std::size_t index) {
    if (visual.ingredient < 0) return kBackdropMove;
    return visual.whole ? kWholeMove : kMoves[index % kMoves.size()];
  }

  void add_visuals() {
    GESLayer* layer = ges_timeline_append_layer(timeline_.get());
    // Where two clips of a layer overlap, GES puts a cross-fade.
    ges_layer_set_auto_transition(layer, TRUE);
    for (std::size_t i = 0; i < composition_.slots.size(); ++i) {
      const Slot& slot = composition_.slots[i];
      const Visual& visual = composition_.prepared.visuals[i];
      const GstClockTime start = time_of(slot.start);
      const GstClockTime duration = time_of(slot.start + slot.frames) - start;
      GESClip* clip = add_media(layer, *visual.media, start, duration, GES_TRACK_TYPE_VIDEO);
      set_frame(video_of(clip), {0, 0, spec_.width, spec_.height});
      if (!visual.clip) add_movement(clip, move_of(visual, i), duration);
    }
  }

  void add_sound() {
    for (const SoundPart& part : composition_.sound) {
      // A layer each: parts that overlap are to be mixed, their fades are in their samples.
      GESLayer* layer = ges_timeline_append_layer(timeline_.get());
      const GstClockTime start = time_of(part.start);
      add_media(layer, part.wav, start, time_of(part.start + part.frames) - start,
                GES_TRACK_TYPE_AUDIO);
    }
  }

  const Composition& composition_;
  const RenderSpec& spec_;
  Reporter& reporter_;
  TimelinePtr timeline_;
};

}  // namespace

TimelinePtr make_timeline(const Composition& composition, Reporter& reporter) {
  return Builder(composition, reporter).build();
}

}  // namespace genpro::emulator::render
