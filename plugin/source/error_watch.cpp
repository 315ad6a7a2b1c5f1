// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/error_watch.h"

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

ErrorWatch::ErrorWatch(GstElement* element) {
  const auto top = outermost(element);
  if (!GST_IS_ELEMENT(top.get())) return;
  bus_ = ObjectPtr<GstBus>::adopt(gst_element_get_bus(GST_ELEMENT(top.get())));
  if (!bus_) return;
  gst_bus_enable_sync_message_emission(bus_.get());
  const auto release = [](gpointer flag, GClosure*) {
    const std::unique_ptr<Flag> owned(static_cast<Flag*>(flag));
  };
  handler_ = g_signal_connect_data(bus_.get(), "sync-message::error", G_CALLBACK(on_error),
                                   std::make_unique<Flag>(seen_).release(), release,
                                   static_cast<GConnectFlags>(0));
}

ErrorWatch::~ErrorWatch() {
  if (!bus_) return;
  g_signal_handler_disconnect(bus_.get(), handler_);
  gst_bus_disable_sync_message_emission(bus_.get());
}

void ErrorWatch::on_error(GstBus*, GstMessage*, gpointer flag) {
  **static_cast<Flag*>(flag) = true;
}

}  // namespace genpro
