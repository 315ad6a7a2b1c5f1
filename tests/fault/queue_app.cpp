// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs the pipeline of its first argument, whose genprobin is named `bin`, with its other arguments
// in that one's queue, and tells what goes on air. Ends with the stream.
#include <gst/gst.h>

namespace {

void on_started(GstElement*, const char* id, gpointer) {
  g_print("on air: %s\n", id);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 3) return 2;
  g_autoptr(GstElement) pipeline = gst_parse_launch(argv[1], nullptr);
  if (pipeline == nullptr) return 2;
  g_autoptr(GstElement) bin = gst_bin_get_by_name(GST_BIN(pipeline), "bin");
  g_signal_connect(bin, "clip-started", G_CALLBACK(on_started), nullptr);
  for (int place = 2; place < argc; ++place) {
    guint number = 0;
    g_signal_emit_by_name(bin, "enqueue", argv[place], &number);
    if (number == 0) return 2;
  }
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS ? 0 : 1;
}
