// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/clip_decoder.h"

#include <atomic>
#include <cstring>

#include "base/callback.h"

namespace genpro::bin {

namespace {

constexpr const char* audio_caps =
    "audio/x-raw, format = " GST_AUDIO_NE(F32) ", rate = 48000, channels = 2, "
    "layout = interleaved, channel-mask = (bitmask) 0x3";

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
  if (file_) {
    const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(source_.get(), "src"));
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
  g_signal_connect(decoder.get(), "pad-added", G_CALLBACK(on_pad_added), this);
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

void ClipDecoder::on_pad_added(GstElement*, GstPad* pad, gpointer self) {
  guard_c_callback("a stream of a clip", [&] {
    ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
    const std::string media = media_of(pad);
    if (media.starts_with("video/") && !decoder.has_video_.exchange(true)) {
      decoder.add_video(pad);
    } else if (media.starts_with("audio/") && !decoder.has_audio_.exchange(true)) {
      decoder.add_audio(pad);
    }
  });
}

void ClipDecoder::on_no_more_pads(GstElement*, gpointer self) {
  guard_c_callback("the streams of a clip", [&] {
    ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
    decoder.decoded_.set_streams_known();
    if (!decoder.has_video_) decoder.tell_no_video();
  });
}

void ClipDecoder::tell_no_video() {
  GST_ELEMENT_ERROR(pipeline_.get(), STREAM, WRONG_TYPE,
                    ("The clip has no video that can be decoded. Look at the generation at the "
                     "service, and whether GStreamer has a decoder for it."),
                    (nullptr));
}

void ClipDecoder::add_video(GstPad* pad) {
  decoded_.set_has_video();
  const ElementPtr sink = make("appsink");
  if (!sink) return tell_no_video();
  g_object_set(sink.get(), "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE,
               "max-buffers", 1, nullptr);
  const CapsPtr caps(gst_caps_new_empty_simple("video/x-raw"));
  gst_app_sink_set_caps(GST_APP_SINK(sink.get()), caps.get());
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_video;
  callbacks.eos = on_video_end;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, this, nullptr);
  gst_bin_add(GST_BIN(pipeline_.get()), sink.get());
  gst_element_sync_state_with_parent(sink.get());
  const PadPtr target = PadPtr::adopt(gst_element_get_static_pad(sink.get(), "sink"));
  if (gst_pad_link(pad, target.get()) != GST_PAD_LINK_OK) tell_no_video();
}

void ClipDecoder::add_audio(GstPad* pad) {
  const ElementPtr convert = make("audioconvert");
  const ElementPtr resample = make("audioresample");
  const ElementPtr sink = make("appsink");
  // Without them the clip is shown in silence.
  if (!convert || !resample || !sink) return;
  decoded_.set_has_audio();
  g_object_set(sink.get(), "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE,
               "max-buffers", 1, nullptr);
  const CapsPtr caps(gst_caps_from_string(audio_caps));
  gst_app_sink_set_caps(GST_APP_SINK(sink.get()), caps.get());
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = on_audio;
  callbacks.eos = on_audio_end;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, this, nullptr);
  gst_bin_add_many(GST_BIN(pipeline_.get()), convert.get(), resample.get(), sink.get(), nullptr);
  gst_element_link_many(convert.get(), resample.get(), sink.get(), nullptr);
  for (GstElement* element : {sink.get(), resample.get(), convert.get()}) {
    gst_element_sync_state_with_parent(element);
  }
  const PadPtr target = PadPtr::adopt(gst_element_get_static_pad(convert.get(), "sink"));
  if (gst_pad_link(pad, target.get()) != GST_PAD_LINK_OK) decoded_.end_audio();
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
    static_cast<ClipDecoder*>(self)->decoded_.end_video();
    static_cast<ClipDecoder*>(self)->end_file();
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

bool ClipDecoder::push_video(GstSample* sample) {
  const auto start = running_time(sample);
  Frame frame;
  // What the clip itself leaves out is not shown.
  if (!start || !gst_video_info_from_caps(&frame.info, gst_sample_get_caps(sample))) return true;
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
  const auto start = running_time(sample);
  GstMapInfo map;
  if (!start || !gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) return true;
  std::vector<float> samples(map.size / sizeof(float));
  std::memcpy(samples.data(), map.data, samples.size() * sizeof(float));
  gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  return decoded_.push_audio(std::move(samples), *start);
}

}  // namespace genpro::bin
