// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/encode.h"

#include <gst/pbutils/encoding-profile.h>

#include <atomic>
#include <mutex>
#include <string_view>

#include "emulator/media/render/memory_file.h"
#include "emulator/media/render/render_error.h"
#include "gst/gst_ptr.h"

namespace genpro::emulator::render {
namespace {

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

void on_element_added(GstBin*, GstBin*, GstElement* element, gpointer data) {
  auto* shared = static_cast<Shared*>(data);
  GstElementFactory* factory = gst_element_get_factory(element);
  if (factory == nullptr) return;
  const std::string_view name = GST_OBJECT_NAME(factory);
  if (name == "x264enc") {
    // Constant quality: a clip of any length is as sharp. No B-frames: the first picture then has
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
    const CapsPtr sound(gst_caps_from_string("audio/x-raw,rate=48000,channels=2"));
    auto* audio = gst_encoding_audio_profile_new(aac.get(), nullptr, sound.get(), 1);
    gst_encoding_container_profile_add_profile(container.get(), GST_ENCODING_PROFILE(audio));
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
