// SPDX-License-Identifier: LGPL-2.1-or-later
#include "element/decoding.h"

#include <stdexcept>

namespace genpro::test {

namespace {

std::string track_of(GstPad* pad) {
  // Which track it is of; what comes before that depends on the source.
  const std::string id = take_string(gst_pad_get_stream_id(pad));
  return id.substr(id.rfind('/') + 1);
}

}  // namespace

Decoding::Decoding(const ElementPtr& src, const std::string& between, const char* decoder)
    : pipeline_(sink_ref(gst_pipeline_new(nullptr))) {
  GstElement* middle = gst_element_factory_make(between.c_str(), nullptr);
  GstElement* last = gst_element_factory_make(decoder, nullptr);
  gst_bin_add_many(GST_BIN(pipeline_.get()), src.get(), middle, last, nullptr);
  if (!gst_element_link_many(src.get(), middle, last, nullptr)) {
    throw std::runtime_error("cannot link");
  }
  g_signal_connect(last, "pad-added", G_CALLBACK(on_pad), this);
}

Outcome Decoding::play(double rate, GstSeekFlags flags, GstClockTime start, GstClockTime stop) {
  BusListener listener(pipeline());
  gst_element_set_state(pipeline(), GST_STATE_PAUSED);
  EXPECT_TRUE(listener.wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ASYNC_DONE; }));
  EXPECT_TRUE(gst_element_seek(
      pipeline(), rate, GST_FORMAT_TIME, static_cast<GstSeekFlags>(flags | GST_SEEK_FLAG_FLUSH),
      GST_SEEK_TYPE_SET, static_cast<gint64>(start), GST_SEEK_TYPE_SET, static_cast<gint64>(stop)));
  gst_element_set_state(pipeline(), GST_STATE_PLAYING);
  EXPECT_TRUE(listener.wait_for_end());
  return listener.outcome();
}

Decoded Decoding::decoded() {
  const std::lock_guard lock(mutex_);
  return decoded_;
}

void Decoding::on_pad(GstElement*, GstPad* pad, Decoding* self) {
  // Without a limit: how the tracks are interleaved is up to the clip.
  GstElement* queue = gst_element_factory_make("queue", nullptr);
  g_object_set(queue, "max-size-buffers", 0, "max-size-bytes", 0, "max-size-time",
               G_GUINT64_CONSTANT(0), nullptr);
  GstElement* sink = gst_element_factory_make("fakesink", nullptr);
  g_object_set(sink, "sync", FALSE, nullptr);
  gst_bin_add_many(GST_BIN(self->pipeline_.get()), queue, sink, nullptr);
  gst_element_link(queue, sink);
  gst_element_sync_state_with_parent(sink);
  gst_element_sync_state_with_parent(queue);
  const PadPtr target = PadPtr::adopt(gst_element_get_static_pad(queue, "sink"));
  gst_pad_link(pad, target.get());
  gst_pad_add_probe(target.get(), GST_PAD_PROBE_TYPE_BUFFER, on_buffer, self, nullptr);
  gst_pad_add_probe(target.get(), GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_flush, self, nullptr);
}

GstPadProbeReturn Decoding::on_flush(GstPad* pad, GstPadProbeInfo*, gpointer data) {
  auto* self = static_cast<Decoding*>(data);
  const std::lock_guard lock(self->mutex_);
  self->decoded_.erase(track_of(pad));
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn Decoding::on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<Decoding*>(data);
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
  const std::string content(reinterpret_cast<const char*>(map.data), map.size);
  gst_buffer_unmap(buffer, &map);
  const std::lock_guard lock(self->mutex_);
  self->decoded_[track_of(pad)].emplace_back(GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer),
                                             sha256(content));
  return GST_PAD_PROBE_OK;
}

ElementPtr file_src(const std::string& path) {
  ElementPtr src = sink_ref(gst_element_factory_make("filesrc", nullptr));
  g_object_set(src.get(), "location", path.c_str(), nullptr);
  return src;
}

Decoded decoded_from_file(const std::string& path) {
  Decoding decoding(file_src(path));
  EXPECT_TRUE(decoding.play().eos) << path;
  return decoding.decoded();
}

}  // namespace genpro::test
