// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/pipeline_watch.h"

namespace genpro {

namespace {

ObjectPtr<GstObject> outermost(GstElement* element) {
  auto top = ObjectPtr<GstObject>::ref(GST_OBJECT(element));
  while (auto parent = ObjectPtr<GstObject>::adopt(gst_object_get_parent(top.get()))) {
    top = std::move(parent);
  }
  return top;
}

}  // namespace

PipelineWatch::PipelineWatch(GstElement* element) {
  const auto top = outermost(element);
  if (!GST_IS_ELEMENT(top.get())) return;
  bus_ = ObjectPtr<GstBus>::adopt(gst_element_get_bus(GST_ELEMENT(top.get())));
  if (!bus_) return;
  gst_bus_enable_sync_message_emission(bus_.get());
  const auto release = [](gpointer seen, GClosure*) {
    const std::unique_ptr<Shared> owned(static_cast<Shared*>(seen));
  };
  handler_ = g_signal_connect_data(bus_.get(), "sync-message", G_CALLBACK(on_message),
                                   std::make_unique<Shared>(seen_).release(), release,
                                   static_cast<GConnectFlags>(0));
}

PipelineWatch::~PipelineWatch() {
  if (!bus_) return;
  g_signal_handler_disconnect(bus_.get(), handler_);
  gst_bus_disable_sync_message_emission(bus_.get());
}

void PipelineWatch::on_message(GstBus*, GstMessage* message, gpointer seen) {
  const GstMessageType type = GST_MESSAGE_TYPE(message);
  Seen& all = **static_cast<Shared*>(seen);
  if (type == GST_MESSAGE_ERROR) all.error = true;
  if (type == GST_MESSAGE_EOS || type == GST_MESSAGE_SEGMENT_DONE) all.end = true;
}

}  // namespace genpro
