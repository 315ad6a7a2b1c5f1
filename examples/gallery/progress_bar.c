// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Saves a clip, and shows a bar with the time left while it is made.
//
//   examples/on-emulator.sh progress-bar [FILE.mp4 [SETTING…]]
#include <gst/gst.h>

static void show(GstMessage *message) {
  int percent = -1;  // as for the first generation of a kind, of which nothing is known
  g_autofree char *text = NULL;
  gst_structure_get_int(gst_message_get_structure(message), "percent", &percent);
  gst_message_parse_progress(message, NULL, NULL, &text);
  g_autofree char *done = g_strnfill((gsize)MAX(percent, 0) / 5, '#');
  g_print("[%-20s] %s\n", done, text);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_autofree char *settings = argc > 2 ? g_strjoinv(" ", argv + 2) : g_strdup("");
  g_autofree char *line = g_strdup_printf(
      "genprosrc sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,502 model=pika duration=5 "
      "prompt=\"The product at sunset\" %s ! filesink name=file",
      settings);
  g_autoptr(GError) error = NULL;
  g_autoptr(GstElement) pipeline = gst_parse_launch(line, &error);
  if (error != NULL) {
    g_printerr("%s\n", error->message);
    return 1;
  }
  g_autoptr(GstElement) file = gst_bin_get_by_name(GST_BIN(pipeline), "file");
  g_object_set(file, "location", argc > 1 ? argv[1] : "progress-bar.mp4", NULL);

  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  int result = -1;
  while (result < 0) {
    g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
        bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_PROGRESS | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_PROGRESS) {
      show(message);
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
      result = 0;
    } else {
      gst_message_parse_error(message, &error, NULL);
      g_printerr("%s\n", error->message);
      result = 1;
    }
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return result;
}
