// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/timeline.h"

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gst/pbutils/encoding-profile.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "emulator/media/render/pan_zoom.h"

namespace genpro::emulator::render {
namespace {

constexpr double kLogoMarginShare = 0.05;  // of the raster's short side, around logos
constexpr double kLogoHeightShare = 0.6;   // of the raster's height, that logos may use
constexpr GstClockTime kCaptionFade = 300 * GST_MSECOND;

struct Key {
  GstClockTime time;
  double value;
};

// One way for an image to move: where it begins and ends.
struct Move {
  double zoom_from, zoom_to, x_from, x_to, y_from, y_to;
};

// Neighbours move differently, so that a sequence does not look mechanical.
constexpr std::array<Move, 4> kMoves{{{1.02, 1.20, 0.30, 0.62, 0.45, 0.55},
                                      {1.20, 1.03, 0.75, 0.40, 0.40, 0.55},
                                      {1.06, 1.22, 0.70, 0.35, 0.65, 0.40},
                                      {1.22, 1.05, 0.20, 0.65, 0.55, 0.45}}};
// For images that are shown whole: their frame moves more than they do.
constexpr Move kWholeMove{1.0, 1.07, 0.5, 0.5, 0.5, 0.5};
// The first frame and the last one are the images as they were given.
constexpr Move kFirstFrameMove{1.0, 1.15, 0.5, 0.5, 0.5, 0.5};
constexpr Move kLastFrameMove{1.15, 1.0, 0.5, 0.5, 0.5, 0.5};
constexpr Move kNoMove{1.0, 1.0, 0.5, 0.5, 0.5, 0.5};
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
    if (spec_.kind == Kind::layers) {
      add_layers();
    } else {
      add_visuals();
    }
    add_audio();
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
    if (element == nullptr) fail("an image");
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

  // An image over the whole clip.
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

  const Move& move_of(const Visual& visual, std::size_t index) const {
    if (visual.ingredient < 0) return kBackdropMove;
    if (spec_.kind == Kind::lipsync) return kNoMove;
    if (spec_.kind == Kind::image) return index == 0 ? kFirstFrameMove : kLastFrameMove;
    return visual.whole ? kWholeMove : kMoves[index % kMoves.size()];
  }

  // Of two layers of a timeline the one that was appended first is seen.
  void add_layers() {
    const auto& visuals = composition_.prepared.visuals;
    for (auto visual = visuals.rbegin(); visual != visuals.rend(); ++visual) {
      add_overlay(*visual->media, {0, 0, spec_.width, spec_.height});
    }
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

  void add_audio() {
    for (const AudioPart& part : composition_.audio) {
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

constexpr GstClockTime kBusStep = GST_SECOND / 5;
constexpr gint64 kReportMicroseconds = G_USEC_PER_SEC / 2;

using ContainerProfilePtr = ObjectPtr<GstEncodingContainerProfile>;

// What the encoder's streaming threads and the rendering thread share.
struct Shared {
  const RenderSpec* spec = nullptr;
  Reporter* reporter = nullptr;
  std::string reorder_path;
  std::atomic<std::int64_t> frames{0};
  std::int64_t still_at = 0;
  std::int64_t seen = 0;  // streaming thread only
  std::mutex mutex;       // guards what follows
  SamplePtr still;
};

GstPadProbeReturn on_raw_frame(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* shared = static_cast<Shared*>(data);
  shared->reporter->touch();
  if (shared->seen++ == shared->still_at) {
    const CapsPtr caps(gst_pad_get_current_caps(pad));
    const std::lock_guard lock(shared->mutex);
    shared->still.reset(
        gst_sample_new(GST_PAD_PROBE_INFO_BUFFER(info), caps.get(), nullptr, nullptr));
  }
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_encoded_frame(GstPad*, GstPadProbeInfo*, gpointer data) {
  auto* shared = static_cast<Shared*>(data);
  shared->reporter->touch();
  ++shared->frames;
  return GST_PAD_PROBE_OK;
}

void on_element_added(GstBin*, GstBin*, GstElement* element, gpointer data) {
  auto* shared = static_cast<Shared*>(data);
  GstElementFactory* factory = gst_element_get_factory(element);
  if (factory == nullptr) return;
  const std::string_view name = GST_OBJECT_NAME(factory);
  if (name == "x264enc") {
    // Constant quality: a clip of any length is as sharp. No B-frames: the first frame then has
    // the time stamp 0 also for players that do not read edit lists.
    g_object_set(element, "pass", 5, "quantizer", 20, "speed-preset", 3, "bframes", 0,
                 "key-int-max", shared->spec->fps * 2, nullptr);
    const PadPtr sink = PadPtr::adopt(gst_element_get_static_pad(element, "sink"));
    const PadPtr source = PadPtr::adopt(gst_element_get_static_pad(element, "src"));
    gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_BUFFER, on_raw_frame, shared, nullptr);
    gst_pad_add_probe(source.get(), GST_PAD_PROBE_TYPE_BUFFER, on_encoded_frame, shared, nullptr);
  } else if (name == "avenc_aac" || name == "voaacenc") {
    g_object_set(element, "bitrate", 128000, nullptr);
  } else if (name == "mp4mux" || name == "qtmux") {
    if (!shared->spec->moov_at_end) {
      g_object_set(element, "faststart", TRUE, "faststart-file", shared->reorder_path.c_str(),
                   nullptr);
    }
    const TagListPtr tags = make_tags(*shared->spec);
    gst_tag_setter_merge_tags(GST_TAG_SETTER(element), tags.get(), GST_TAG_MERGE_REPLACE);
    gst_tag_setter_set_tag_merge_mode(GST_TAG_SETTER(element), GST_TAG_MERGE_KEEP_ALL);
  }
}

ContainerProfilePtr make_profile(const RenderSpec& spec) {
  const CapsPtr mp4(gst_caps_from_string("video/quicktime,variant=iso"));
  auto container = ContainerProfilePtr::adopt(
      gst_encoding_container_profile_new("genpro", nullptr, mp4.get(), nullptr));
  const CapsPtr h264(gst_caps_from_string("video/x-h264,profile=high"));
  const CapsPtr raw(gst_caps_from_string(
      ("video/x-raw,format=I420,width=" + std::to_string(spec.width) +
       ",height=" + std::to_string(spec.height) + ",framerate=" + std::to_string(spec.fps) +
       "/1,pixel-aspect-ratio=1/1,colorimetry=bt709")
          .c_str()));
  auto* video = gst_encoding_video_profile_new(h264.get(), nullptr, raw.get(), 1);
  gst_encoding_profile_set_preset_name(GST_ENCODING_PROFILE(video), "x264enc");
  gst_encoding_container_profile_add_profile(container.get(), GST_ENCODING_PROFILE(video));
  if (spec.audio) {
    const CapsPtr aac(gst_caps_from_string("audio/mpeg,mpegversion=4"));
    const CapsPtr audio(gst_caps_from_string("audio/x-raw,rate=48000,channels=2"));
    auto* profile = gst_encoding_audio_profile_new(aac.get(), nullptr, audio.get(), 1);
    gst_encoding_container_profile_add_profile(container.get(), GST_ENCODING_PROFILE(profile));
  }
  return container;
}

[[noreturn]] void throw_failed(const std::string& why) {
  throw RenderError("The video could not be composed (" + why +
                    "); check that there is space on the disk and that GStreamer's plugins are "
                    "installed, then try again.");
}

void run(GstElement* pipeline, Shared& shared) {
  const std::int64_t total = static_cast<std::int64_t>(shared.spec->duration) * shared.spec->fps;
  const BusPtr bus = BusPtr::adopt(gst_element_get_bus(pipeline));
  if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    const MessagePtr message(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    ErrorPtr error;
    if (message) gst_message_parse_error(message.get(), error.out(), nullptr);
    throw_failed(error ? error.message() : "the pipeline does not start");
  }
  gint64 reported = 0;
  for (;;) {
    const MessagePtr message(gst_bus_timed_pop_filtered(
        bus.get(), kBusStep, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) return;
    if (message) {
      ErrorPtr error;
      gst_message_parse_error(message.get(), error.out(), nullptr);
      throw_failed(error.message());
    }
    const std::int64_t frames = shared.frames;
    if (frames > 0 && g_get_monotonic_time() - reported >= kReportMicroseconds) {
      reported = g_get_monotonic_time();
      shared.reporter->encode(static_cast<double>(frames) / static_cast<double>(total));
    }
  }
}

}  // namespace

TagListPtr make_tags(const RenderSpec& spec) {
  TagListPtr tags(gst_tag_list_new(
      GST_TAG_APPLICATION_NAME, "genpro-emulator", GST_TAG_ENCODER, "genpro-emulator",
      GST_TAG_COMMENT,
      ("Made by genpro-emulator; model " + (spec.model.empty() ? "default" : spec.model) +
       "; generation " + (spec.generation_id.empty() ? "none" : spec.generation_id))
          .c_str(),
      nullptr));
  const GCharPtr title(
      g_utf8_make_valid(spec.prompt.data(), static_cast<gssize>(spec.prompt.size())));
  if (*title.get() != '\0') {
    gst_tag_list_add(tags.get(), GST_TAG_MERGE_REPLACE, GST_TAG_TITLE, title.get(), nullptr);
  }
  return tags;
}

TimelinePtr make_timeline(const Composition& composition, Reporter& reporter) {
  return Builder(composition, reporter).build();
}

EncodedClip encode_timeline(GESTimeline* timeline, const RenderSpec& spec, const std::string& path,
                            Reporter& reporter) {
  // Where the muxer keeps the samples until it knows the index that goes before them.
  const MemoryFile reorder("genpro-mux");
  Shared shared;
  shared.spec = &spec;
  shared.reporter = &reporter;
  shared.reorder_path = reorder.path();
  shared.still_at = static_cast<std::int64_t>(spec.duration) * spec.fps / 3;

  auto* ges_pipeline = ges_pipeline_new();
  const PipelinePtr pipeline(GST_ELEMENT(ges_pipeline));
  g_signal_connect(pipeline.get(), "deep-element-added", G_CALLBACK(on_element_added), &shared);
  // Nothing is shown or played. From 1.24 on, GES would look for devices all the same, which takes
  // many seconds where there are none.
  ges_pipeline_preview_set_video_sink(ges_pipeline, gst_element_factory_make("fakesink", nullptr));
  ges_pipeline_preview_set_audio_sink(ges_pipeline, gst_element_factory_make("fakesink", nullptr));
  ErrorPtr error;
  const GCharPtr uri(gst_filename_to_uri(path.c_str(), error.out()));
  if (!uri) throw_failed(error.message());
  const ContainerProfilePtr profile = make_profile(spec);
  if (!ges_pipeline_set_timeline(ges_pipeline, timeline) ||
      !ges_pipeline_set_render_settings(ges_pipeline, uri.get(),
                                        GST_ENCODING_PROFILE(profile.get())) ||
      !ges_pipeline_set_mode(ges_pipeline, GES_PIPELINE_MODE_RENDER)) {
    throw_failed("the encoder cannot be set up");
  }
  reporter.encode(0);
  run(pipeline.get(), shared);

  EncodedClip clip;
  clip.frames = shared.frames;
  const std::lock_guard lock(shared.mutex);
  if (shared.still) clip.still = Raster::from_sample(shared.still.get());
  return clip;
}

}  // namespace genpro::emulator::render
