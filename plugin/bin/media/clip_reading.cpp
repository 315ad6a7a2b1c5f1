// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The part of a clip's decoder that sees what is read: the bytes, and what a demuxer finds in them.
#include <algorithm>
#include <array>
#include <string_view>

#include "base/callback.h"
#include "bin/media/clip_decoder.h"

namespace genpro::bin {

namespace {

// More than decoders keep before their first frame, at the highest data rates.
constexpr std::uint64_t most_without_frame = 256 * 1024 * 1024;

struct Span {
  Time start = 0;
  Time end = 0;
  bool is_whole = false;
};

// In running time, when it is in the segment.
std::optional<Span> span_of(GstPad* pad, const GstBuffer* buffer) {
  const MiniObjectPtr<GstEvent> event(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
  if (!event || !GST_BUFFER_PTS_IS_VALID(buffer)) return std::nullopt;
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event.get(), &segment);
  if (segment->format != GST_FORMAT_TIME) return std::nullopt;
  const GstClockTime duration =
      GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0;
  guint64 start = 0;
  guint64 end = 0;
  if (!gst_segment_clip(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer),
                        GST_BUFFER_PTS(buffer) + duration, &start, &end)) {
    return std::nullopt;
  }
  const auto running = [segment](guint64 time) {
    return static_cast<Time>(gst_segment_to_running_time(segment, GST_FORMAT_TIME, time));
  };
  return Span{running(start), running(end), end - start == duration};
}

}  // namespace

void ClipDecoder::set_source(ElementPtr source) {
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(source_.get(), "src"));
  const PadPtr target = PadPtr::adopt(gst_pad_get_peer(pad.get()));
  gst_bin_remove(GST_BIN(pipeline_.get()), source_.get());
  source_ = std::move(source);
  file_.reset();
  watch_source();
  gst_bin_add(GST_BIN(pipeline_.get()), source_.get());
  const PadPtr own = PadPtr::adopt(gst_element_get_static_pad(source_.get(), "src"));
  gst_pad_link(own.get(), target.get());
}

std::optional<Time> ClipDecoder::length() {
  if (const auto known = decoded_.length()) return known;
  gint64 told = 0;
  if (!gst_element_query_duration(pipeline_.get(), GST_FORMAT_TIME, &told) || told <= 0) {
    return std::nullopt;
  }
  return told;
}

GstPadProbeReturn ClipDecoder::on_bytes(GstPad*, GstPadProbeInfo* info, gpointer self) {
  ClipDecoder& decoder = *static_cast<ClipDecoder*>(self);
  GstBuffer* const bytes = GST_PAD_PROBE_INFO_BUFFER(info);
  if (GST_BUFFER_OFFSET_IS_VALID(bytes)) {
    decoder.position_ = GST_BUFFER_OFFSET(bytes) + gst_buffer_get_size(bytes);
  }
  decoder.bytes_ += gst_buffer_get_size(bytes);
  decoder.progress_ = monotonic_now();
  if (!decoder.has_frame_ && decoder.bytes_ >= most_without_frame) {
    guard_c_callback("a clip without a frame",
                     [&] { decoder.fail_to_play("gives no video frame"); });
  }
  // A demuxer reads an index in one piece.
  std::array<char, 8> header{};
  if (!decoder.has_streams_ && gst_buffer_extract(bytes, 0, header.data(), 8) == 8 &&
      std::string_view(header.data(), 8).ends_with("moov")) {
    guard_c_callback("the index of a clip",
                     [&] { decoder.moov_.lock()->reset(gst_buffer_ref(bytes)); });
  }
  return GST_PAD_PROBE_OK;
}

void ClipDecoder::on_element(GstBin*, GstElement* element, gpointer self) {
  guard_c_callback("an element that decodes", [&] {
    GstElementFactory* const factory = gst_element_get_factory(element);
    if (factory == nullptr) return;
    if (gst_element_factory_list_is_type(factory, GST_ELEMENT_FACTORY_TYPE_DEMUXER)) {
      g_signal_connect(element, "pad-added", G_CALLBACK(on_stream), self);
    } else if (g_str_equal(GST_OBJECT_NAME(factory), "multiqueue")) {
      static_cast<ClipDecoder*>(self)->queue_ = ElementPtr::ref(element);
    }
  });
}

void ClipDecoder::on_stream(GstElement*, GstPad* pad, gpointer self) {
  guard_c_callback("a stream of a clip", [&] {
    auto* const decoder = static_cast<ClipDecoder*>(self);
    auto streams = decoder->streams_.lock();
    streams->push_back(
        std::make_unique<Stream>(Stream{.decoder = decoder, .pad = PadPtr::ref(pad)}));
    gst_pad_add_probe(pad,
                      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER |
                                                   GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                      on_read, streams->back().get(), nullptr);
  });
}

GstPadProbeReturn ClipDecoder::on_read(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  guard_c_callback("what is read of a clip", [&] {
    auto& stream = *static_cast<Stream*>(data);
    const bool is_buffer = (info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0;
    if (!is_buffer && GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS) return;
    ClipDecoder& decoder = *stream.decoder;
    auto kind = Stream::Kind::unused;
    Time end_before = 0;
    {
      auto streams = decoder.streams_.lock();
      end_before = stream.end;
      if (is_buffer) {
        const auto span = span_of(pad, GST_PAD_PROBE_INFO_BUFFER(info));
        if (!span) return;
        stream.end = std::max(stream.end, span->end);
        const gsize size = gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
        if (stream.lost) stream.lost->add_read(span->start, size, span->is_whole);
      } else {
        stream.is_all = true;
      }
      decoder.tell_read(stream);
      kind = stream.kind;
    }
    if (kind == Stream::Kind::video) decoder.decoded_.wait_to_read_video(end_before);
    if (kind == Stream::Kind::audio) decoder.decoded_.wait_to_read_audio();
  });
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn ClipDecoder::on_decoding(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  guard_c_callback("what a decoder is given", [&] {
    const auto span = span_of(pad, GST_PAD_PROBE_INFO_BUFFER(info));
    if (span) static_cast<ClipDecoder*>(data)->decoded_.set_decoding(span->end);
  });
  return GST_PAD_PROBE_OK;
}

void ClipDecoder::follow(GstPad* pad, Stream::Kind kind) {
  const std::string id = take_string(gst_pad_get_stream_id(pad));
  auto streams = streams_.lock();
  for (const auto& stream : *streams) {
    const bool is_other = take_string(gst_pad_get_stream_id(stream->pad.get())) != id;
    // A frame may be two fields in a sample each.
    if (kind == Stream::Kind::video && (is_other || is_interlaced(pad))) stream->lost.reset();
    if (is_other) continue;
    stream->kind = kind;
    // What was read before is on its way there.
    if (kind == Stream::Kind::video) decoded_.set_decoding(stream->end);
    tell_read(*stream);
  }
}

void ClipDecoder::tell_read(const Stream& stream) {
  if (stream.kind == Stream::Kind::video) {
    decoded_.set_read_video(stream.end, stream.is_all);
  } else if (stream.kind == Stream::Kind::audio) {
    decoded_.set_read_audio(stream.end, stream.is_all);
  }
  if (stream.is_all) end_file();
}

void ClipDecoder::end_file() {
  if (file_ && decoded_.is_read()) file_->end();
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

}  // namespace genpro::bin
