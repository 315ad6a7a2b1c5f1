// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An application as a user might write it, for a test that looks at everything it leaves behind:
//   secret_app BASE env|file FILE|property
// For `property` the key comes on stdin and is set by g_object_set(). Prints every bus message and
// every readable property, and dumps graphs at each change of state.
#include <cstdio>
#include <iostream>
#include <string>

#include <gst/gst.h>

#include "support/fast_clock.h"

namespace {

void print_properties(GstElement* element) {
  guint number = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &number);
  for (guint i = 0; i < number; ++i) {
    if ((specs[i]->flags & G_PARAM_READABLE) == 0) continue;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, specs[i]->value_type);
    g_object_get_property(G_OBJECT(element), specs[i]->name, &value);
    char* text = g_strdup_value_contents(&value);
    std::cout << "property " << specs[i]->name << " " << text << "\n";
    g_free(text);
    g_value_unset(&value);
  }
  g_free(specs);
}

// True when the message ends the run.
bool print_message(GstElement* pipeline, GstMessage* message) {
  const GstStructure* structure = gst_message_get_structure(message);
  char* text = structure != nullptr ? gst_structure_to_string(structure) : nullptr;
  std::cout << "message " << GST_MESSAGE_TYPE_NAME(message) << " " << (text != nullptr ? text : "")
            << "\n";
  g_free(text);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    char* debug = nullptr;
    gst_message_parse_error(message, &error, &debug);
    std::cout << error->message << "\n" << (debug != nullptr ? debug : "") << "\n";
    g_error_free(error);
    g_free(debug);
  }
  GST_DEBUG_BIN_TO_DOT_FILE_WITH_TS(GST_BIN(pipeline), GST_DEBUG_GRAPH_SHOW_VERBOSE, "app");
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR ||
         GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 3 || genpro_test_clock_factor() <= 1) return 2;
  const std::string way = argv[2];
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(
      "genprosrc name=src sheet-id=101 cell-id=3300 agent-id=42 prompt=Lamp asset-ids=501 "
      "poll-interval=20 retries=1 ! fakesink sync=false",
      &error);
  if (pipeline == nullptr) {
    std::cout << error->message << "\n";
    return 2;
  }
  GstElement* src = gst_bin_get_by_name(GST_BIN(pipeline), "src");
  g_object_set(src, "api-base-url", argv[1], nullptr);
  if (way == "file") g_object_set(src, "api-key-file", argv[3], nullptr);
  if (way == "property") {
    std::string key;
    std::getline(std::cin, key);
    g_object_set(src, "api-key", key.c_str(), nullptr);
  }
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  for (bool over = false; !over;) {
    GstMessage* message = gst_bus_timed_pop(bus, 60 * GST_SECOND);
    if (message == nullptr) break;
    over = print_message(pipeline, message);
    gst_message_unref(message);
  }
  print_properties(src);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(src);
  gst_object_unref(pipeline);
  return 0;
}
