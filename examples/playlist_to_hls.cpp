// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A playlist of prompts as a live HLS stream: the queue of one genprobin. While a clip is on, the
// next one is made; until that is ready, the one that is on is played again and again.
//
//   examples/on-emulator.sh playlist-to-hls FOLDER ["A boat" "A plane" …]
//
// Any HLS player takes FOLDER/playlist.m3u8, while it is written and afterwards.
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char* elements =
    "genprobin name=bin sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503"
    " model=veo_3_1_fast duration=4 width=1280 height=720 placeholder=slate at-end=loop fade=500 %s"
    " bin.video ! queue ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 !"
    " h264parse ! hls.video bin.audio ! queue ! audioconvert ! avenc_aac ! aacparse ! hls.audio"
    " hlssink2 name=hls target-duration=2 playlist-length=0 max-files=0";

void on_clip_started(GstElement*, const char* id, gpointer on) {
  if (std::exchange(*static_cast<std::string*>(on), id) != id) g_print("Clip %s is on air\n", id);
}

void on_generation_failed(GstElement*, const char*, const char* reason, gpointer) {
  g_printerr("%s\n", reason);
}

// The last one is not repeated: the stream ends after it.
void on_queue(GstElement* bin, GParamSpec*, gpointer) {
  g_autofree char* queue = nullptr;
  g_object_get(bin, "queue", &queue, nullptr);
  const auto has = [&](const char* state) {
    return std::string_view(queue).find(R"("state":")" + std::string(state)) != std::string::npos;
  };
  if (has("waiting") || has("generating") || has("loading") || has("ready")) return;
  gst_util_set_object_arg(G_OBJECT(bin), "at-end", "eos");
  if (has("failed") && !has("on-air")) gst_element_send_event(bin, gst_event_new_eos());
}

// False, after it is told why, when it is none that can be asked for.
bool enqueue(GstElement* bin, GstBus* bus, const char* prompt) {
  g_autoptr(GstStructure) item =
      gst_structure_new("item", "prompt", G_TYPE_STRING, prompt, nullptr);
  g_autofree char* text = gst_structure_to_string(item);
  guint number = 0;
  g_signal_emit_by_name(bin, "enqueue", text, &number);
  if (number != 0) return true;
  g_autoptr(GstMessage) message = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
  g_autoptr(GError) warning = nullptr;
  if (message != nullptr) gst_message_parse_warning(message, &warning, nullptr);
  g_printerr("%s: %s\n", prompt,
             warning != nullptr ? warning->message
                                : "It cannot be queued; GST_DEBUG=genprobin:2 tells why.");
  return false;
}

// False after an error, which is told.
bool run(GstElement* pipeline) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) return true;
  g_autoptr(GError) error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  g_printerr("%s\n", error->message);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  g_autofree char* settings = nullptr;
  g_auto(GStrv) words = nullptr;
  const GOptionEntry entries[] = {
      {"settings", 0, 0, G_OPTION_ARG_STRING, &settings, "More settings of genprobin", "\"A=B …\""},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &words, nullptr, nullptr},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  g_autoptr(GOptionContext) context = g_option_context_new("FOLDER [PROMPT…]");
  g_option_context_add_main_entries(context, entries, nullptr);
  g_option_context_add_group(context, gst_init_get_option_group());
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error) || words == nullptr) {
    g_printerr("%s\n",
               error != nullptr ? error->message : "Give the folder to write to, and prompts.");
    return 2;
  }
  // What could not be written is not paid for.
  if (g_mkdir_with_parents(words[0], 0777) != 0 || g_access(words[0], W_OK | X_OK) != 0) {
    g_printerr("Nothing can be written to the folder \"%s\": %s. Give another one.\n", words[0],
               g_strerror(errno));
    return 2;
  }
  g_autofree char* line = g_strdup_printf(elements, settings != nullptr ? settings : "");
  g_autoptr(GstElement) pipeline =
      gst_parse_launch_full(line, nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (pipeline == nullptr) {
    g_printerr("%s\n", error->message);
    return 1;
  }
  g_autoptr(GstElement) hls = gst_bin_get_by_name(GST_BIN(pipeline), "hls");
  const std::string folder = words[0];
  g_object_set(hls, "location", (folder + "/segment%05d.ts").c_str(), "playlist-location",
               (folder + "/playlist.m3u8").c_str(), nullptr);

  g_autoptr(GstElement) bin = gst_bin_get_by_name(GST_BIN(pipeline), "bin");
  std::string on;
  g_signal_connect(bin, "clip-started", G_CALLBACK(on_clip_started), &on);
  g_signal_connect(bin, "generation-failed", G_CALLBACK(on_generation_failed), nullptr);
  g_signal_connect(bin, "notify::queue", G_CALLBACK(on_queue), nullptr);
  const char* const examples[] = {"A boat at dawn", "The boat in a storm",
                                  "The boat under northern lights", nullptr};
  // In READY the bus has what is wrong with an item.
  gst_element_set_state(pipeline, GST_STATE_READY);
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  bool is_asked = false;
  for (const char* const* prompt = words[1] != nullptr ? words + 1 : examples; *prompt != nullptr;
       ++prompt) {
    is_asked = enqueue(bin, bus, *prompt) || is_asked;
  }
  const bool has_run = is_asked && run(pipeline);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return has_run && !on.empty() ? 0 : 1;
}
