// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A playlist of prompts as a live HLS stream, FOLDER/playlist.m3u8: the queue of one genprobin.
// While a clip is on, the next one is made; until that is ready, the one that is on is repeated.
//
//   examples/on-emulator.sh playlist-to-hls FOLDER "A boat" "A plane" …
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace {

constexpr const char* elements =
    "bin.video ! queue ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 !"
    " h264parse ! hls.video bin.audio ! queue ! audioconvert ! avenc_aac ! aacparse ! hls.audio"
    " hlssink2 name=hls target-duration=2 playlist-length=0 max-files=0"
    " genprobin name=bin sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503 fade=500"
    " model=veo_3_1_fast duration=4 width=1280 height=720 placeholder=slate at-end=loop ";

void on_clip_started(GstElement*, const char* id, gpointer on) {
  if (std::exchange(*static_cast<std::string*>(on), id) != id) g_print("Clip %s is on air\n", id);
}

// The last one is not repeated: the stream ends after it, or now where it has failed.
void on_queue(GstElement* bin, GParamSpec*, gpointer) {
  g_autofree char* queue = nullptr;
  g_object_get(bin, "queue", &queue, nullptr);
  constexpr auto open = "\"state\":\"(waiting|generating|loading|ready)\"";
  if (g_regex_match_simple(open, queue, G_REGEX_DEFAULT, G_REGEX_MATCH_DEFAULT)) return;
  gst_util_set_object_arg(G_OBJECT(bin), "at-end", "eos");
  const bool is_on = g_strrstr(queue, "\"state\":\"on-air\"") != nullptr;
  if (!is_on) gst_element_send_event(bin, gst_event_new_eos());
}

GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer) {
  g_autoptr(GError) problem = nullptr;
  const GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_WARNING) gst_message_parse_warning(message, &problem, nullptr);
  if (type == GST_MESSAGE_ERROR) gst_message_parse_error(message, &problem, nullptr);
  if (problem != nullptr) g_printerr("%s\n", problem->message);
  return GST_BUS_PASS;
}

int fail(const std::string& reason, int exit_code) {
  g_printerr("%s\n", reason.c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  g_autofree char* settings = g_strdup("");
  const GOptionEntry entries[] = {
      {"settings", 0, 0, G_OPTION_ARG_STRING, &settings, "More settings of genprobin", "\"A=B …\""},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  g_autoptr(GOptionContext) context = g_option_context_new("FOLDER PROMPT…");
  g_option_context_add_main_entries(context, entries, nullptr);
  g_option_context_add_group(context, gst_init_get_option_group());
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) return fail(error->message, 2);
  if (argc < 3) return fail("Give the folder to write to, and prompts.", 2);
  const std::string folder = argv[1];
  // What could not be written is not paid for.
  if (g_mkdir_with_parents(argv[1], 0777) != 0 || g_access(argv[1], W_OK | X_OK) != 0) {
    const std::string reason = "Nothing can be written to the folder \"" + folder + "\": ";
    return fail(reason + g_strerror(errno) + ". Give another one.", 2);
  }
  const std::string line = elements + std::string(settings);
  g_autoptr(GstElement) pipeline = gst_parse_launch(line.c_str(), &error);
  if (error != nullptr) return fail(error->message, 1);
  gst_child_proxy_set(GST_CHILD_PROXY(pipeline), "hls::location",
                      (folder + "/segment%05d.ts").c_str(), "hls::playlist-location",
                      (folder + "/playlist.m3u8").c_str(), nullptr);
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gst_bus_set_sync_handler(bus, on_message, nullptr, nullptr);
  g_autoptr(GstElement) bin = gst_bin_get_by_name(GST_BIN(pipeline), "bin");
  std::string on;
  g_signal_connect(bin, "clip-started", G_CALLBACK(on_clip_started), &on);
  g_signal_connect(bin, "notify::queue", G_CALLBACK(on_queue), nullptr);
  gst_element_set_state(pipeline, GST_STATE_READY);  // from where on the bus has messages
  guint queued = 0;
  for (int i = 2; i < argc; ++i) {
    g_autoptr(GstStructure) item =
        gst_structure_new("item", "prompt", G_TYPE_STRING, argv[i], nullptr);
    g_autofree char* text = gst_structure_to_string(item);
    guint number = 0;
    g_signal_emit_by_name(bin, "enqueue", text, &number);
    queued += number;
  }
  if (queued > 0) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    constexpr auto ends = static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_autoptr(GstMessage) end = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, ends);
    if (GST_MESSAGE_TYPE(end) == GST_MESSAGE_ERROR) on.clear();
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return on.empty() ? 1 : 0;
}
