// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/clip_decoder.h"

#include <atomic>
#include <cstring>

#include "base/callback.h"

namespace genpro::bin {

namespace {

// Integers, since a decoder's or a mixer's floats may be louder than what can be played.
constexpr const char* audio_caps =
    "audio/x-raw, format = " GST_AUDIO_NE(S32) ", rate = 48000, channels = 2, "
    "layout = interleaved, channel-mask = (bitmask) 0x3";
// A clip that is wanted and of which nothing has been read or decoded for so long does not go on.
constexpr Time longest_standstill = 5 * GST_SECOND;

ElementPtr make(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  return element == nullptr ? ElementPtr()
                            : ElementPtr::adopt(GST_ELEMENT(gst_object_ref_sink(element)));
}

std::optional<Time> running_time(GstSample* sample) {
  const GstBuffer* buffer = gst_sample_get_buffer(sample);
  const GstSegment* segment = gst_sample_get_segment(sample);
  // A still image has no time.
  if (!GST_BUFFER_PTS_IS_VALID(buffer)) return 0;
  if (segment->format != GST_FORMAT_TIME) return std::nullopt;
  const guint64 running =
      gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(running)) return std::nullopt;
  return static_cast<Time>(running);
}

std::string media_of(GstPad* pad) {
  CapsPtr caps(gst_pad_get_current_caps(pad));
  if (!caps) caps.reset(gst_pad_query_caps(pad, nullptr));
  if (!caps || gst_caps_is_any(caps.get()) || gst_caps_is_empty(caps.get())) return "";
  return gst_structure_get_name(gst_caps_get_structure(caps.get(), 0));
}

bool is_interlaced(GstPad* pad) {
  const CapsPtr caps(gst_pad_get_current_caps(pad));
  GstVideoInfo info;
  return caps && gst_video_info_from_caps(&info, caps.get()) && GST_VIDEO_INFO_IS_INTERLACED(&info);
}

// Cover art and thumbnails are tracks of still images.
bool is_decoded_image(GstPad* pad) {
  const PadPtr target = PadPtr::adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(pad)));
  const ElementPtr decoder =
      ElementPtr::adopt(target ? gst_pad_get_parent_element(target.get()) : nullptr);
  if (!decoder) return false;
  const PadPtr sink = PadPtr::adopt(gst_element_get_static_pad(decoder.get(), "sink"));
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

GstPadProbeReturn ClipDecoder::on_bytes(GstPad*, GstPadProbeInfo* info, gpointer self) {
  ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
  GstBuffer* const bytes = GST_PAD_PROBE_INFO_BUFFER(info);
  if (GST_BUFFER_OFFSET_IS_VALID(bytes)) {
    decoder.position_ = GST_BUFFER_OFFSET(bytes) + gst_buffer_get_size(bytes);
  }
  decoder.progress_ = monotonic_now();
  return GST_PAD_PROBE_OK;
}

// A pad's stream lock is held by the task or the call that is at work there: that of the source's
// pad while bytes are fetched, and when they are pushed, that of the next one while they are used.
bool ClipDecoder::is_reading() {
  const auto is_at_work = [](GstPad* pad) {
    if (!GST_PAD_STREAM_TRYLOCK(pad)) return true;
    GST_PAD_STREAM_UNLOCK(pad);
    return false;
  };
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(source_.get(), "src"));
  const PadPtr peer = PadPtr::adopt(gst_pad_get_peer(pad.get()));
  return peer && is_at_work(pad.get()) && !is_at_work(peer.get());
}

void ClipDecoder::check() {
  if (progress_ == 0 || is_stuck_) return;
  if (!decoded_.is_lacking() || is_reading()) {
    progress_ = monotonic_now();
  } else if (monotonic_now() - progress_ >= longest_standstill) {
    is_stuck_ = true;
    GST_ELEMENT_ERROR(pipeline_.get(), STREAM, FAILED,
                      ("The clip cannot be played on: what has been read of it, last up to byte "
                       "%" G_GUINT64_FORMAT ", gives no more picture or sound. Play it from a file "
                       "to see whether it is damaged or oddly interleaved.",
                       position()),
                      (nullptr));
  }
}

void ClipDecoder::on_no_more_pads(GstElement* decodebin, gpointer self) {
  guard_c_callback("the streams of a clip", [&] {
    ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
    if (std::exchange(decoder.has_streams_, true)) return;
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
    if (video == nullptr) {
      GST_ELEMENT_ERROR(decoder.pipeline_.get(), STREAM, WRONG_TYPE,
                        ("The clip has no video. Look at the generation at the service."),
                        (nullptr));
    } else if (decoder.add_video(video) && audio != nullptr) {
      decoder.add_audio(audio);
    }
    decoder.decoded_.set_streams_known();
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

bool ClipDecoder::add_video(GstPad* pad) {
  decoded_.set_has_video();
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_video;
  callbacks.eos = on_video_end;
  ErrorPtr error;
  // Formats that the others do not know are converted; all else passes.
  const char* const elements = is_interlaced(pad)
                                   ? "videoconvert ! deinterlace ! videoflip video-direction=auto"
                                   : "videoconvert ! videoflip video-direction=auto";
  const ElementPtr branch = make_branch(elements, "video/x-raw", callbacks, &error);
  const PadPtr target =
      PadPtr::adopt(branch ? gst_element_get_static_pad(branch.get(), "sink") : nullptr);
  if (target && gst_pad_link(pad, target.get()) == GST_PAD_LINK_OK) return true;
  GST_ELEMENT_ERROR(pipeline_.get(), CORE, MISSING_PLUGIN,
                    ("The clip cannot be shown: %s. Install GStreamer's base and good plugins.",
                     error ? error.message().c_str() : "its pictures are of no known format"),
                    (nullptr));
  return false;
}

bool ClipDecoder::add_audio(GstPad* pad) {
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_audio;
  callbacks.eos = on_audio_end;
  ErrorPtr error;
  const ElementPtr branch =
      make_branch("audioconvert ! audioresample", audio_caps, callbacks, &error);
  const PadPtr target =
      PadPtr::adopt(branch ? gst_element_get_static_pad(branch.get(), "sink") : nullptr);
  if (target && gst_pad_link(pad, target.get()) == GST_PAD_LINK_OK) {
    decoded_.set_has_audio();
    return true;
  }
  GST_ELEMENT_WARNING(pipeline_.get(), CORE, MISSING_PLUGIN,
                      ("The clip is shown in silence: %s. Install GStreamer's base plugins.",
                       error ? error.message().c_str() : "its sound is of no known format"),
                      (nullptr));
  return false;
}

GstFlowReturn ClipDecoder::on_video(GstAppSink* sink, gpointer self) {
  bool goes_on = false;
  guard_c_callback("a picture of a clip", [&] {
    const SamplePtr sample(gst_app_sink_pull_sample(sink));
    goes_on = sample && static_cast<ClipDecoder*>(self)->push_video(sample.get());
  });
  return goes_on ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

GstFlowReturn ClipDecoder::on_audio(GstAppSink* sink, gpointer self) {
  bool goes_on = false;
  guard_c_callback("sound of a clip", [&] {
    const SamplePtr sample(gst_app_sink_pull_sample(sink));
    goes_on = sample && static_cast<ClipDecoder*>(self)->push_audio(sample.get());
  });
  return goes_on ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

void ClipDecoder::on_video_end(GstAppSink*, gpointer self) {
  guard_c_callback("the end of a clip's video", [&] {
    ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
    decoder.decoded_.end_video();
    decoder.end_file();
    if (!decoder.decoded_.has_no_video()) return;
    GST_ELEMENT_ERROR(decoder.pipeline_.get(), STREAM, DECODE,
                      ("The clip has ended without a picture. Look at the generation at the "
                       "service, and play the clip from a file."),
                      (nullptr));
  });
}

void ClipDecoder::on_audio_end(GstAppSink*, gpointer self) {
  guard_c_callback("the end of a clip's audio", [&] {
    static_cast<ClipDecoder*>(self)->decoded_.end_audio();
    static_cast<ClipDecoder*>(self)->end_file();
  });
}

void ClipDecoder::end_file() {
  if (file_ && decoded_.has_ended()) file_->end();
}

void ClipDecoder::warn_of_hdr(const GstVideoInfo& info) {
  const GstVideoTransferFunction transfer = info.colorimetry.transfer;
  const bool is_pq = transfer == GST_VIDEO_TRANSFER_SMPTE2084;
  if ((!is_pq && transfer != GST_VIDEO_TRANSFER_ARIB_STD_B67) || std::exchange(is_hdr_, true)) {
    return;
  }
  GST_ELEMENT_WARNING(
      pipeline_.get(), STREAM, FORMAT,
      ("The clip is HDR (%s); shown without tone mapping, which is too %s. Have the "
       "service deliver SDR.",
       is_pq ? "PQ" : "HLG", is_pq ? "dark and pale" : "pale"),
      (nullptr));
}

bool ClipDecoder::push_video(GstSample* sample) {
  progress_ = monotonic_now();
  const auto start = running_time(sample);
  Frame frame;
  // What the clip itself leaves out is not shown.
  if (!start || !gst_video_info_from_caps(&frame.info, gst_sample_get_caps(sample))) return true;
  warn_of_hdr(frame.info);
  frame.buffer.reset(gst_buffer_ref(gst_sample_get_buffer(sample)));
  GstClockTime duration = GST_BUFFER_DURATION(frame.buffer.get());
  if (!GST_CLOCK_TIME_IS_VALID(duration)) {
    const bool has_rate = frame.info.fps_n > 0;
    duration = gst_util_uint64_scale_int(GST_SECOND, has_rate ? frame.info.fps_d : 1,
                                         has_rate ? frame.info.fps_n : 30);
  }
  const Raster raster = *raster_.lock();
  if (raster.info.width > 0) {
    BufferPtr fitted = converter_.fit(frame, raster);
    if (fitted) frame = {std::move(fitted), raster.info};
  }
  return decoded_.push_frame(std::move(frame), *start, *start + static_cast<Time>(duration));
}

bool ClipDecoder::push_audio(GstSample* sample) {
  progress_ = monotonic_now();
  const auto start = running_time(sample);
  GstMapInfo map;
  if (!start || !gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) return true;
  std::vector<float> samples(map.size / sizeof(std::int32_t));
  for (std::size_t at = 0; at < samples.size(); ++at) {
    std::int32_t value = 0;
    std::memcpy(&value, map.data + at * sizeof value, sizeof value);
    samples[at] = static_cast<float>(value) / 2147483648.0F;
  }
  gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  return decoded_.push_audio(std::move(samples), *start);
}

}  // namespace genpro::bin
