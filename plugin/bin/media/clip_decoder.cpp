// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/clip_decoder.h"

#include <gst/base/gstbasetransform.h>
#include <malloc.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/callback.h"
#include "base/text.h"
#include "clip/box_walker.h"
#include "common/logging.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

namespace {

// Integers, since a decoder's or a mixer's floats may be louder than what can be played.
constexpr const char* audio_caps =
    "audio/x-raw, format = " GST_AUDIO_NE(S32) ", rate = 48000, channels = 2, "
    "layout = interleaved, channel-mask = (bitmask) 0x3";
// What deinterlace does not know, such as 10 bits, would pass it as it is.
constexpr const char* deinterlacing =
    "videoconvert ! video/x-raw, format=(string){ I420, NV12, Y42B, YUY2, UYVY, Y444, AYUV, BGRx, "
    "ARGB } ! deinterlace";
// A clip that is wanted and of which nothing has been read or decoded for so long does not go on.
constexpr Time longest_standstill = 15 * GST_SECOND;
// What a clip tells of its length is exact up to some frames.
constexpr Time least_missing = 250 * GST_MSECOND;

ElementPtr make(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  return element == nullptr ? ElementPtr()
                            : ElementPtr::adopt(GST_ELEMENT(gst_object_ref_sink(element)));
}

std::string media_of(GstPad* pad) {
  CapsPtr caps(gst_pad_get_current_caps(pad));
  if (!caps) caps.reset(gst_pad_query_caps(pad, nullptr));
  if (!caps || gst_caps_is_any(caps.get()) || gst_caps_is_empty(caps.get())) return "";
  return gst_structure_get_name(gst_caps_get_structure(caps.get(), 0));
}

// The name of a pad in logs.
std::string describe(GstPad* pad) {
  const CapsPtr caps(pad == nullptr ? nullptr : gst_pad_get_current_caps(pad));
  return caps ? take_string(gst_caps_to_string(caps.get())) : "nothing";
}

PadPtr decoder_sink_of(GstPad* pad) {
  const PadPtr target = PadPtr::adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(pad)));
  const ElementPtr decoder =
      ElementPtr::adopt(target ? gst_pad_get_parent_element(target.get()) : nullptr);
  return PadPtr::adopt(decoder ? gst_element_get_static_pad(decoder.get(), "sink") : nullptr);
}

// Cover art and thumbnails are tracks of still images.
bool is_decoded_image(GstPad* pad) {
  const PadPtr sink = decoder_sink_of(pad);
  return sink && media_of(sink.get()).starts_with("image/");
}

// That of a track which its file does not play by default.
bool is_unselected(GstPad* pad) {
  const MiniObjectPtr<GstEvent> start(gst_pad_get_sticky_event(pad, GST_EVENT_STREAM_START, 0));
  if (!start) return false;
  GstStreamFlags flags = GST_STREAM_FLAG_NONE;
  gst_event_parse_stream_flags(start.get(), &flags);
  return (flags & GST_STREAM_FLAG_UNSELECT) != 0;
}

// The first of the kind that the file plays by default, but rather any film than a still image.
GstPad* choose(const std::vector<PadPtr>& pads, const char* kind) {
  GstPad* best = nullptr;
  int best_rank = 0;
  for (const PadPtr& pad : pads) {
    if (!media_of(pad.get()).starts_with(kind)) continue;
    const int rank = 2 * is_decoded_image(pad.get()) + is_unselected(pad.get());
    if (best != nullptr && rank >= best_rank) continue;
    best = pad.get();
    best_rank = rank;
  }
  return best;
}

// What scales as well is no turn, though qtdemux of GStreamer 1.22 takes it for one; and for one of
// the eight it has no tag.
const char* direction_by(const clip::TrackMatrix& matrix) {
  const auto [a, b, c, d] = matrix;
  if (b == 0 && c == 0) {
    if (d < 0) return a < 0 ? "180" : "vert";
    return a < 0 ? "horiz" : "identity";
  }
  if (a != 0 || d != 0) return "identity";
  if (c < 0) return b < 0 ? "ur-ll" : "90r";
  return b < 0 ? "90l" : "ul-lr";
}

// To two channels. Channels without a place, which audioconvert does not mix, get the usual ones
// for their number, else one side in turn.
std::string audio_elements(GstPad* pad) {
  const std::string plain = "audioconvert ! audioresample";
  const CapsPtr caps(gst_pad_get_current_caps(pad));
  GstAudioInfo info;
  if (!caps || !gst_audio_info_from_caps(&info, caps.get()) ||
      !GST_AUDIO_INFO_IS_UNPOSITIONED(&info) || info.channels <= audio_channels) {
    return plain;
  }
  if (const guint64 mask = gst_audio_channel_get_fallback_mask(info.channels); mask != 0) {
    const GCharPtr hex(g_strdup_printf("0x%" G_GINT64_MODIFIER "x", mask));
    return "capssetter caps=\"audio/x-raw, channel-mask=(bitmask)" + std::string(hex.get()) +
           "\" ! " + plain;
  }
  const std::string gain = "(float)" + number_text(1.0 / ((info.channels + 1) / audio_channels));
  std::string matrix;
  for (int side = 0; side < audio_channels; ++side) {
    matrix += side == 0 ? "<" : ", <";
    for (int channel = 0; channel < info.channels; ++channel) {
      matrix += channel == 0 ? "" : ", ";
      matrix += channel % audio_channels == side ? gain : "(float)0";
    }
    matrix += ">";
  }
  return "audioconvert mix-matrix=\"<" + matrix + ">\" ! audioresample";
}

GstPadProbeReturn keep(GstPad*, GstPadProbeInfo* info, gpointer file) {
  guard_c_callback("keeping a clip", [&] {
    (*static_cast<std::shared_ptr<ClipFile>*>(file))->keep(GST_PAD_PROBE_INFO_BUFFER(info));
  });
  return GST_PAD_PROBE_OK;
}

void forget(gpointer file) {
  const std::unique_ptr<std::shared_ptr<ClipFile>> owned(
      static_cast<std::shared_ptr<ClipFile>*>(file));
}

}  // namespace

ElementPtr make_file_source(const std::string& path) {
  ElementPtr source = make("filesrc");
  if (source) g_object_set(source.get(), "location", path.c_str(), nullptr);
  return source;
}

ClipDecoder::ClipDecoder(ElementPtr source, const Raster& raster, std::shared_ptr<ClipFile> file,
                         Tell tell)
    : source_(std::move(source)),
      tell_(std::move(tell)),
      raster_(raster),
      file_(std::move(file)),
      pipeline_(ElementPtr::adopt(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))))) {
  watch_source();
}

void ClipDecoder::watch_source() {
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(source_.get(), "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_bytes, this, nullptr);
  if (file_) {
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, keep,
                      std::make_unique<std::shared_ptr<ClipFile>>(file_).release(), forget);
  }
}

ClipDecoder::~ClipDecoder() {
  decoded_.close();
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  const BusPtr bus = BusPtr::adopt(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  // A pipeline that has never left NULL leaves its messages on the bus, and they hold it.
  gst_bus_set_flushing(bus.get(), TRUE);
  pipeline_.reset();
  // Frames are large, and were allocated on threads that are gone: glibc would keep them for
  // others.
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

bool ClipDecoder::prepare() {
  const BusPtr bus = BusPtr::adopt(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), on_message, this, nullptr);
  const ElementPtr decoder = make("decodebin");
  gst_bin_add(GST_BIN(pipeline_.get()), source_.get());
  if (!decoder) {
    GST_ELEMENT_ERROR(pipeline_.get(), CORE, MISSING_PLUGIN,
                      ("The element decodebin is missing. Install GStreamer's base plugins."),
                      (nullptr));
    return false;
  }
  if (media_type_ != nullptr) {
    const CapsPtr caps(gst_caps_new_empty_simple(media_type_));
    g_object_set(decoder.get(), "sink-caps", caps.get(), nullptr);
  }
  g_signal_connect(decoder.get(), "element-added", G_CALLBACK(on_element), this);
  g_signal_connect(decoder.get(), "no-more-pads", G_CALLBACK(on_no_more_pads), this);
  gst_bin_add(GST_BIN(pipeline_.get()), decoder.get());
  gst_element_link(source_.get(), decoder.get());
  return true;
}

GstBusSyncReply ClipDecoder::on_message(GstBus*, GstMessage* message, gpointer self) {
  guard_c_callback("a message of a clip's pipeline", [&] {
    static_cast<ClipDecoder*>(self)->tell_(MessagePtr(gst_message_ref(message)));
  });
  // The source watches the bus for errors and the end, which does not have what was dropped.
  const GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_ERROR || type == GST_MESSAGE_EOS) return GST_BUS_PASS;
  gst_message_unref(message);
  return GST_BUS_DROP;
}

void ClipDecoder::start() {
  progress_ = monotonic_now();
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

void ClipDecoder::check() {
  if (progress_ == 0 || is_stuck_) return;
  if (!decoded_.is_lacking() || is_reading()) {
    progress_ = monotonic_now();
  } else if (monotonic_now() - progress_ >= longest_standstill) {
    // Of an error that its demuxer posts at once, decodebin may tell nothing.
    fail_to_play(has_streams_ ? "gives no more video or audio"
                              : "has nothing that GStreamer can play");
  }
}

void ClipDecoder::fail_to_play(const std::string& why) {
  if (is_stuck_.exchange(true)) return;
  GST_ELEMENT_ERROR(pipeline_.get(), STREAM, FAILED,
                    ("The clip cannot be played on: what has been read of it, %" G_GUINT64_FORMAT
                     " bytes, last up to byte %" G_GUINT64_FORMAT
                     ", %s. Play it from a file to see whether it is damaged or oddly interleaved.",
                     bytes_.load(), position(), why.c_str()),
                    (nullptr));
}

const char* ClipDecoder::direction_of(GstPad* pad) {
  const BufferPtr moov = std::exchange(*moov_.lock(), nullptr);
  GstMapInfo map;
  if (!moov || !gst_buffer_map(moov.get(), &map, GST_MAP_READ)) return "auto";
  // The demuxer's streams are named by their tracks.
  const std::string id = take_string(gst_pad_get_stream_id(pad));
  const auto track = parse_unsigned(std::string_view(id).substr(id.rfind('/') + 1));
  const auto matrix = track ? clip::track_matrix({map.data, map.size}, *track) : std::nullopt;
  gst_buffer_unmap(moov.get(), &map);
  return matrix ? direction_by(*matrix) : "auto";
}

std::string ClipDecoder::why_no_video() {
  const BufferPtr moov = std::exchange(*moov_.lock(), nullptr);
  GstMapInfo map;
  if (!moov || !gst_buffer_map(moov.get(), &map, GST_MAP_READ)) return "The clip has no video";
  const clip::VideoIndex index = clip::video_index({map.data, map.size});
  gst_buffer_unmap(moov.get(), &map);
  switch (index) {
    case clip::VideoIndex::no_track:
      break;
    case clip::VideoIndex::no_frames:
      return "The clip is damaged: its index lists no frame of its video";
    case clip::VideoIndex::frames:
      return "GStreamer passes over the clip's video, which lasts less than a fifth of the clip by "
             "an index that may be damaged";
  }
  return "The clip has no video";
}

void ClipDecoder::on_no_more_pads(GstElement* decodebin, gpointer self) {
  guard_c_callback("the streams of a clip", [&] {
    ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
    if (decoder.has_streams_.exchange(true)) return;
    std::vector<PadPtr> pads;
    gst_element_foreach_src_pad(
        decodebin,
        [](GstElement*, GstPad* pad, gpointer list) -> gboolean {
          static_cast<std::vector<PadPtr>*>(list)->push_back(PadPtr::ref(pad));
          return TRUE;
        },
        &pads);
    GstPad* const video = choose(pads, "video/");
    GstPad* const audio = choose(pads, "audio/");
    GST_DEBUG_OBJECT(decoder.pipeline_.get(), "%zu streams of a clip; takes %s and %s", pads.size(),
                     describe(video).c_str(), describe(audio).c_str());
    if (video == nullptr) {
      GST_ELEMENT_ERROR(
          decoder.pipeline_.get(), STREAM, WRONG_TYPE,
          ("%s. Look at the generation at the service.", decoder.why_no_video().c_str()),
          (nullptr));
    } else if (decoder.add_video(video)) {
      if (const PadPtr sink = decoder_sink_of(video)) {
        gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_BUFFER, on_decoding, self, nullptr);
      }
      decoder.follow(video, Stream::Kind::video);
      if (audio != nullptr && decoder.add_audio(audio)) decoder.follow(audio, Stream::Kind::audio);
    }
    // What is read ahead is up to DecodedFrames.
    if (decoder.queue_) {
      g_object_set(decoder.queue_.get(), "max-size-bytes", 0U, "max-size-buffers", 0U,
                   "max-size-time", guint64{0}, nullptr);
    }
    decoder.decoded_.set_streams_known();
    decoder.end_file();
  });
}

ElementPtr ClipDecoder::make_branch(const std::string& elements, const std::string& caps,
                                    GstAppSinkCallbacks callbacks, ErrorPtr* error) {
  const std::string description =
      elements +
      " ! appsink name=sink sync=false async=false enable-last-sample=false max-buffers=1 caps=\"" +
      caps + "\"";
  ElementPtr branch = sink_ref(gst_parse_bin_from_description_full(
      description.c_str(), TRUE, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, error->out()));
  if (!branch) return branch;
  const ElementPtr sink = ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(branch.get()), "sink"));
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, this, nullptr);
  gst_bin_add(GST_BIN(pipeline_.get()), branch.get());
  gst_element_sync_state_with_parent(branch.get());
  return branch;
}

bool ClipDecoder::is_interlaced(GstPad* pad) {
  const CapsPtr caps(gst_pad_get_current_caps(pad));
  GstVideoInfo info;
  return caps && gst_video_info_from_caps(&info, caps.get()) && GST_VIDEO_INFO_IS_INTERLACED(&info);
}

bool ClipDecoder::add_video(GstPad* pad) {
  decoded_.set_has_video();
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_video;
  callbacks.eos = on_video_end;
  ErrorPtr error;
  // Formats that the others do not know are converted; all else passes.
  std::string elements = is_interlaced(pad) ? deinterlacing : "videoconvert";
  // That of GStreamer 1.22 copies each frame, also where it does not turn them.
  const std::string_view direction = direction_of(pad);
  if (direction != "identity") {
    elements.append(" ! videoflip name=flip video-direction=").append(direction);
  }
  // A device may have frames in a layout that only it can read, and a fade mixes them.
  const std::string caps = decoded_.fade() > 0 ? decoder_caps({}) : decoder_caps(*raster_.lock());
  const ElementPtr branch = make_branch(elements, caps, callbacks, &error);
  // Until a tag has it turn them.
  if (branch && direction == "auto") {
    const ElementPtr flip = ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(branch.get()), "flip"));
    gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(flip.get()), TRUE);
  }
  const PadPtr target =
      PadPtr::adopt(branch ? gst_element_get_static_pad(branch.get(), "sink") : nullptr);
  if (target && gst_pad_link(pad, target.get()) == GST_PAD_LINK_OK) return true;
  GST_ELEMENT_ERROR(pipeline_.get(), CORE, MISSING_PLUGIN,
                    ("The clip cannot be shown: %s. Install GStreamer's base and good plugins.",
                     error ? error.message().c_str() : "its video is of no known format"),
                    (nullptr));
  return false;
}

bool ClipDecoder::add_audio(GstPad* pad) {
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_audio;
  callbacks.eos = on_audio_end;
  ErrorPtr error;
  const ElementPtr branch = make_branch(audio_elements(pad), audio_caps, callbacks, &error);
  const PadPtr target =
      PadPtr::adopt(branch ? gst_element_get_static_pad(branch.get(), "sink") : nullptr);
  if (target && gst_pad_link(pad, target.get()) == GST_PAD_LINK_OK) {
    decoded_.set_has_audio();
    return true;
  }
  GST_ELEMENT_WARNING(pipeline_.get(), CORE, MISSING_PLUGIN,
                      ("The clip is shown in silence: %s. Install GStreamer's base plugins.",
                       error ? error.message().c_str() : "its audio is of no known format"),
                      (nullptr));
  return false;
}

GstFlowReturn ClipDecoder::on_video(GstAppSink* sink, gpointer self) {
  bool goes_on = false;
  guard_c_callback("a frame of a clip", [&] {
    const SamplePtr sample(gst_app_sink_pull_sample(sink));
    goes_on = sample && static_cast<ClipDecoder*>(self)->push_video(sink, sample.get());
  });
  return goes_on ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

GstFlowReturn ClipDecoder::on_audio(GstAppSink* sink, gpointer self) {
  bool goes_on = false;
  guard_c_callback("audio of a clip", [&] {
    const SamplePtr sample(gst_app_sink_pull_sample(sink));
    goes_on = sample && static_cast<ClipDecoder*>(self)->push_audio(sample.get());
  });
  return goes_on ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

void ClipDecoder::on_video_end(GstAppSink* sink, gpointer self) {
  guard_c_callback("the end of a clip's video", [&] {
    ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
    decoder.decoded_.end_video();
    decoder.end_stream(sink);
    if (!decoder.decoded_.has_no_video()) return;
    GST_ELEMENT_ERROR(decoder.pipeline_.get(), STREAM, DECODE,
                      ("The clip has ended without a video frame. Look at the generation at the "
                       "service, and play the clip from a file."),
                      (nullptr));
  });
}

void ClipDecoder::on_audio_end(GstAppSink* sink, gpointer self) {
  guard_c_callback("the end of a clip's audio", [&] {
    static_cast<ClipDecoder*>(self)->decoded_.end_audio();
    static_cast<ClipDecoder*>(self)->end_stream(sink);
  });
}

// A demuxer takes the end of the file for that of the clip, whatever its index has beyond.
void ClipDecoder::end_stream(GstAppSink* sink) {
  if (!decoded_.has_ended() || has_ended_.exchange(true)) return;
  gint64 told = 0;
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(GST_ELEMENT(sink), "sink"));
  const Time end = decoded_.end();
  // The length that is told is that of the longest stream.
  const bool is_all_followed = std::ranges::none_of(
      *streams_.lock(), [](const auto& stream) { return stream->kind == Stream::Kind::unused; });
  if (is_all_followed && !decoded_.has_no_video() &&
      gst_pad_peer_query_duration(pad.get(), GST_FORMAT_TIME, &told) &&
      told - end > least_missing) {
    is_truncated_ = true;
    const auto seconds = [](Time time) { return static_cast<double>(time) / GST_SECOND; };
    GST_ELEMENT_WARNING(
        pipeline_.get(), STREAM, DEMUX,
        ("The clip is truncated: it ends after %.1f s of %.1f s, at byte %" G_GUINT64_FORMAT
         ". What there is of it is shown. Look at the generation at the service.",
         seconds(end), seconds(told), position()),
        (nullptr));
    return;
  }
  tell_lost_frames();
}

void ClipDecoder::tell_lost_frames() {
  LostFrames lost;
  with_lost_frames([&lost](LostFrames& frames) {
    frames.end();
    lost = frames;
  });
  if (lost.count() == 0) return;
  GST_ELEMENT_WARNING_WITH_DETAILS(
      pipeline_.get(), STREAM, DECODE,
      ("The clip is damaged: %" G_GUINT64_FORMAT
       " of its video frames cannot be decoded, the first at %.2f s; the one before stands. Look "
       "at the generation at the service.",
       lost.count(), static_cast<double>(*lost.first()) / GST_SECOND),
      (nullptr),
      ("frames-lost", G_TYPE_UINT64, lost.count(), "first-lost", G_TYPE_UINT64,
       static_cast<guint64>(*lost.first()), nullptr));
}

}  // namespace genpro::bin
