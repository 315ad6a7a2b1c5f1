// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/media_reader.h"

#include <gst/app/gstappsink.h>
#include <gst/pbutils/pbutils.h>

#include <algorithm>
#include <atomic>

#include "emulator/media/render/reporter.h"
#include "emulator/media/render/sniff.h"

namespace genpro::emulator::render {
namespace {

constexpr GstClockTime kProbeTimeout = 10 * GST_SECOND;
constexpr int kSilentSeconds = 12;

constexpr const char* kReencode =
    "save it again in a common format such as PNG, JPEG, MP4 (H.264) or WAV and upload that";

// A decoder's message as a part of our sentence.
std::string clause(std::string text) {
  while (!text.empty() && (text.back() == '.' || g_ascii_isspace(text.back()))) text.pop_back();
  return text;
}

[[noreturn]] void throw_undecodable(const std::string& reason) {
  throw RenderError("cannot be decoded (" + clause(reason) + "); " + kReencode);
}

std::string missing_plugins(GstDiscovererInfo* info) {
  const char** details = gst_discoverer_info_get_missing_elements_installer_details(info);
  if (details == nullptr || details[0] == nullptr) return "a decoder is not installed";
  // gstreamer|1.0|application|what is missing|how to ask for it
  const StrvPtr parts(g_strsplit(details[0], "|", 5));
  return g_strv_length(parts.get()) >= 4 ? std::string(parts.get()[3]) + " is not installed"
                                         : "a decoder is not installed";
}

bool starts_with(GstCaps* caps, const char* prefix) {
  return caps != nullptr && gst_caps_get_size(caps) > 0 &&
         g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), prefix);
}

// Tags of images are told by some decoders only, and by some versions of them.
GstVideoOrientationMethod image_orientation(const std::string& path) {
  GstVideoOrientationMethod method = GST_VIDEO_ORIENTATION_IDENTITY;
  const std::string orientation = exif_orientation(path);
  if (orientation.empty()) return method;
  const TagListPtr tags(gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, orientation.c_str(), nullptr));
  gst_video_orientation_from_tag(tags.get(), &method);
  return method;
}

// The streams that nobody asked for are not worth a decoder: they are exposed as they are.
// Containers have media types of the same families, hence the narrow prefix for video.
gboolean on_autoplug_continue(GstElement*, GstPad*, GstCaps* caps, gpointer data) {
  const auto kind = *static_cast<const StreamKind*>(data);
  const char* other = kind == StreamKind::video ? "audio/" : "video/x-h";
  return starts_with(caps, other) ? FALSE : TRUE;
}

}  // namespace

MediaInfo probe_media(const std::string& path) {
  ErrorPtr error;
  const auto discoverer =
      ObjectPtr<GstDiscoverer>::adopt(gst_discoverer_new(kProbeTimeout, error.out()));
  if (!discoverer) throw_undecodable(error.message());
  const GCharPtr uri(gst_filename_to_uri(path.c_str(), error.out()));
  if (!uri) throw_undecodable(error.message());
  const auto info = ObjectPtr<GstDiscovererInfo>::adopt(
      gst_discoverer_discover_uri(discoverer.get(), uri.get(), error.out()));
  const GstDiscovererResult result =
      info ? gst_discoverer_info_get_result(info.get()) : GST_DISCOVERER_ERROR;
  if (result == GST_DISCOVERER_TIMEOUT) throw_undecodable("its decoder does not answer");
  if (result == GST_DISCOVERER_MISSING_PLUGINS) throw_undecodable(missing_plugins(info.get()));
  if (result != GST_DISCOVERER_OK) {
    throw_undecodable(error ? error.message() : "it holds nothing that is known");
  }
  MediaInfo media;
  media.duration = gst_discoverer_info_get_duration(info.get());
  GList* videos = gst_discoverer_info_get_video_streams(info.get());
  for (GList* item = videos; item != nullptr; item = item->next) {
    auto* video = GST_DISCOVERER_VIDEO_INFO(item->data);
    if (gst_discoverer_video_info_is_image(video)) {
      media.image = true;
    } else {
      media.video = true;
    }
  }
  gst_discoverer_stream_info_list_free(videos);
  GList* audios = gst_discoverer_info_get_audio_streams(info.get());
  media.audio = audios != nullptr;
  gst_discoverer_stream_info_list_free(audios);
  // The image on a song's cover is not what the song was given for.
  if (media.audio && !media.video) media.image = false;
  return media;
}

struct MediaReader::State {
  StreamKind kind = StreamKind::video;
  PipelinePtr pipeline;
  ElementPtr head;  // first element behind the decoder
  ElementPtr sink;
  BusPtr bus;
  Touch touch;
  std::atomic<bool> linked{false};
  bool ended = false;
  // The GIF demuxer of GStreamer 1.22 reads its last frame and then spins instead of ending, so
  // the frames are counted. 0: the stream's own end counts.
  int most = 0;
  int given = 0;

  void check_bus() {
    const MessagePtr message(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!message) return;
    ErrorPtr error;
    gst_message_parse_error(message.get(), error.out(), nullptr);
    throw_undecodable(error.message());
  }
};

MediaReader::MediaReader(const std::string& path, StreamKind kind, Touch touch)
    : state_(std::make_unique<State>()) {
  state_->kind = kind == StreamKind::audio ? StreamKind::audio : StreamKind::video;
  state_->most = count_gif_frames(path);
  state_->touch = std::move(touch);
  const char* description =
      state_->kind == StreamKind::video
          ? "filesrc name=src ! decodebin name=decoder  queue name=head max-size-buffers=4 "
            "max-size-bytes=0 max-size-time=0 ! videoconvert ! videoflip name=flip ! "
            "appsink name=sink sync=false max-buffers=3 caps=video/x-raw"
          : "filesrc name=src ! decodebin name=decoder  queue name=head ! audioconvert ! "
            "audioresample ! audio/x-raw,format=F32LE,rate=48000,channels=2,layout=interleaved ! "
            "appsink name=sink sync=false max-buffers=16";
  ErrorPtr error;
  GstElement* pipeline = gst_parse_launch(description, error.out());
  if (error) {
    gst_clear_object(&pipeline);
    throw_undecodable("a GStreamer element is missing: " + error.message());
  }
  state_->pipeline.reset(pipeline);
  state_->head = state_->pipeline.by_name("head");
  state_->sink = state_->pipeline.by_name("sink");
  state_->bus = state_->pipeline.bus();
  if (const ElementPtr flip = state_->pipeline.by_name("flip")) {
    g_object_set(flip.get(), "video-direction",
                 kind == StreamKind::image ? image_orientation(path) : GST_VIDEO_ORIENTATION_AUTO,
                 nullptr);
  }
  const ElementPtr source = state_->pipeline.by_name("src");
  const ElementPtr decoder = state_->pipeline.by_name("decoder");
  g_object_set(source.get(), "location", path.c_str(), nullptr);
  g_signal_connect(decoder.get(), "autoplug-continue", G_CALLBACK(on_autoplug_continue),
                   &state_->kind);
  g_signal_connect(
      decoder.get(), "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
        auto* state = static_cast<State*>(data);
        const CapsPtr caps(gst_pad_query_caps(pad, nullptr));
        const char* wanted = state->kind == StreamKind::video ? "video/x-raw" : "audio/x-raw";
        GstElement* target = nullptr;
        if (starts_with(caps.get(), wanted) && !state->linked.exchange(true)) {
          target = state->head.get();
        } else {
          target = gst_element_factory_make("fakesink", nullptr);
          g_object_set(target, "sync", FALSE, "async", FALSE, nullptr);
          gst_bin_add(state->pipeline.bin(), target);
          gst_element_sync_state_with_parent(target);
        }
        const PadPtr sink = PadPtr::adopt(gst_element_get_static_pad(target, "sink"));
        gst_pad_link(pad, sink.get());
      }),
      state_.get());
  g_signal_connect(decoder.get(), "no-more-pads", G_CALLBACK(+[](GstElement*, gpointer data) {
                     auto* state = static_cast<State*>(data);
                     // Without its stream the sink would wait for ever.
                     if (state->linked) return;
                     const PadPtr sink =
                         PadPtr::adopt(gst_element_get_static_pad(state->head.get(), "sink"));
                     gst_pad_send_event(sink.get(), gst_event_new_eos());
                   }),
                   state_.get());
  gst_element_set_state(state_->pipeline.get(), GST_STATE_PLAYING);
}

MediaReader::~MediaReader() {
  state_->pipeline.stop();
}

SamplePtr MediaReader::next() {
  if (state_->ended || (state_->most > 0 && state_->given >= state_->most)) return nullptr;
  constexpr GstClockTime kStep = GST_SECOND / 10;
  for (int i = 0; i < kSilentSeconds * 10; ++i) {
    SamplePtr sample(gst_app_sink_try_pull_sample(GST_APP_SINK(state_->sink.get()), kStep));
    if (sample) {
      state_->touch();
      ++state_->given;
      return sample;
    }
    state_->check_bus();
    if (gst_app_sink_is_eos(GST_APP_SINK(state_->sink.get()))) {
      state_->ended = true;
      return nullptr;
    }
  }
  throw_undecodable("its decoder gave nothing for " + std::to_string(kSilentSeconds) + " seconds");
}

std::vector<float> read_audio(const std::string& path, std::size_t frames, const Touch& touch) {
  std::vector<float> audio;
  const std::size_t wanted = frames * kAudioChannels;
  MediaReader reader(path, StreamKind::audio, touch);
  while (audio.size() < wanted) {
    const SamplePtr sample = reader.next();
    if (!sample) break;
    GstBuffer* buffer = gst_sample_get_buffer(sample.get());
    const std::size_t before = audio.size();
    audio.resize(before + gst_buffer_get_size(buffer) / sizeof(float));
    gst_buffer_extract(buffer, 0, audio.data() + before, (audio.size() - before) * sizeof(float));
  }
  audio.resize(std::min(audio.size(), wanted));
  return audio;
}

void repeat_audio(std::vector<float>& audio, std::size_t period, std::size_t size) {
  audio.resize(std::max(size, period));
  for (std::size_t i = period; i < size; ++i) audio[i] = audio[i - period];
  audio.resize(size);
}

Raster read_image(const std::string& path, const Touch& touch) {
  MediaReader reader(path, StreamKind::image, touch);
  const SamplePtr sample = reader.next();
  if (!sample) throw_undecodable("it holds no complete image");
  return Raster::from_sample(sample.get());
}

}  // namespace genpro::emulator::render
