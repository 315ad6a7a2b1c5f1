// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A playlist of prompts as a live HLS stream: the queue of one genprobin. While a clip is on, the
// next one is made; until that is ready, the one that is on is played again and again.
//
//   examples/on-emulator.sh playlist-to-hls FOLDER ["A boat" "A plane" …]
//
// Any HLS player takes FOLDER/playlist.m3u8, while it is written and afterwards.
#include <gst/gst.h>

#include <atomic>
#include <string>

namespace {

// How many of the prompts have been on air, or failed.
struct Progress {
  guint prompts = 0;
  std::atomic<guint> done = 0;
  std::atomic<bool> was_on_air = false;
  std::string on;  // of the thread that emits the signals
};

// After the last one the stream ends, rather than repeat it.
void note_done(GstElement* bin, Progress& progress) {
  if (++progress.done < progress.prompts) return;
  gst_util_set_object_arg(G_OBJECT(bin), "at-end", "eos");
  if (!progress.was_on_air) gst_element_send_event(bin, gst_event_new_eos());
}

void on_clip_started(GstElement* bin, const char* id, gpointer data) {
  Progress& progress = *static_cast<Progress*>(data);
  if (progress.on == id) return;  // it is played once more
  progress.on = id;
  progress.was_on_air = true;
  g_print("Clip %s is on air\n", id);
  note_done(bin, progress);
}

void on_generation_failed(GstElement* bin, const char*, const char* reason, gpointer data) {
  g_printerr("%s\n", reason);
  note_done(bin, *static_cast<Progress*>(data));
}

// False when it is none that can be asked for.
bool enqueue(GstElement* bin, const char* prompt) {
  g_autoptr(GstStructure) item =
      gst_structure_new("item", "prompt", G_TYPE_STRING, prompt, nullptr);
  g_autofree char* text = gst_structure_to_string(item);
  guint number = 0;
  g_signal_emit_by_name(bin, "enqueue", text, &number);
  return number != 0;
}

// The exit code.
int run(GstElement* pipeline, const Progress& progress) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) return 1;
  while (true) {
    g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
        bus, GST_CLOCK_TIME_NONE,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_LATENCY));
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) return progress.was_on_air ? 0 : 1;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY) {
      gst_bin_recalculate_latency(GST_BIN(pipeline));
      continue;
    }
    g_autoptr(GError) error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    g_printerr("%s\n", error->message);
    return 1;
  }
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
  if (g_mkdir_with_parents(words[0], 0777) != 0) {
    g_printerr("The folder %s cannot be made.\n", words[0]);
    return 2;
  }
  const std::string line =
      std::string("genprobin name=bin sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503") +
      " model=veo_3_1_fast duration=4 width=1280 height=720 placeholder=slate at-end=loop"
      " fade=500 " +
      (settings != nullptr ? settings : "") +
      " bin.video ! queue ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 !"
      " h264parse ! hls.video bin.audio ! queue ! audioconvert ! avenc_aac ! aacparse ! hls.audio"
      " hlssink2 name=hls target-duration=2 playlist-length=0 max-files=0";
  g_autoptr(GstElement) pipeline =
      gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (pipeline == nullptr) {
    g_printerr("%s\n", error->message);
    return 1;
  }
  g_autoptr(GstElement) hls = gst_bin_get_by_name(GST_BIN(pipeline), "hls");
  const std::string folder = words[0];
  g_object_set(hls, "location", (folder + "/segment%05d.ts").c_str(), "playlist-location",
               (folder + "/playlist.m3u8").c_str(), nullptr);

  g_autoptr(GstElement) bin = gst_bin_get_by_name(GST_BIN(pipeline), "bin");
  Progress progress;
  g_signal_connect(bin, "clip-started", G_CALLBACK(on_clip_started), &progress);
  g_signal_connect(bin, "generation-failed", G_CALLBACK(on_generation_failed), &progress);
  const char* const examples[] = {"A boat at dawn", "The boat in a storm",
                                  "The boat under northern lights", nullptr};
  for (const char* const* prompt = words[1] != nullptr ? words + 1 : examples; *prompt != nullptr;
       ++prompt) {
    if (enqueue(bin, *prompt)) ++progress.prompts;
  }
  if (progress.prompts == 0) {
    g_printerr("None of the prompts can be asked for. GST_DEBUG=genprobin:2 tells why.\n");
    return 1;
  }
  const int code = run(pipeline, progress);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return code;
}
