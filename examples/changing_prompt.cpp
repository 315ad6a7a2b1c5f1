// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A live stream whose prompt changes every few seconds. With auto-generate a changed prompt is a
// new generation, and the clip that is on goes on until the new one can take over. Each generation
// is paid for.
//
//   examples/on-emulator.sh changing-prompt --output changing.mkv
//   examples/on-emulator.sh changing-prompt "A boat" "A plane"     in a window, with audio
#include <gst/gst.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int clips = 4;  // as many are shown
  int seconds = 3;
  std::string output;
  std::string settings;
  std::vector<std::string> prompts = {"A boat at dawn", "The boat in a storm",
                                      "The boat under northern lights"};
};

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  g_autofree char* output = nullptr;
  g_autofree char* settings = nullptr;
  g_auto(GStrv) prompts = nullptr;
  const GOptionEntry entries[] = {
      {"clips", 0, 0, G_OPTION_ARG_INT, &options.clips, "End after that many clips (4)", "NUMBER"},
      {"every", 0, 0, G_OPTION_ARG_INT, &options.seconds,
       "Change the prompt when a clip has been on for so long (3)", "SECONDS"},
      {"output", 0, 0, G_OPTION_ARG_FILENAME, &output, "Record instead of showing it", "FILE.mkv"},
      {"settings", 0, 0, G_OPTION_ARG_STRING, &settings, "More settings of genprobin", "\"A=B …\""},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &prompts, nullptr, "PROMPT…"},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  g_autoptr(GOptionContext) context = g_option_context_new("[PROMPT…]");
  g_option_context_add_main_entries(context, entries, nullptr);
  g_option_context_add_group(context, gst_init_get_option_group());
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    g_printerr("%s\n", error->message);
    return std::nullopt;
  }
  if (output != nullptr) options.output = output;
  if (settings != nullptr) options.settings = settings;
  if (prompts != nullptr) options.prompts.assign(prompts, prompts + g_strv_length(prompts));
  return options;
}

std::string launch_line(const Options& options) {
  std::string line =
      "genprobin name=live auto-generate=true placeholder=slate at-end=loop fade=500 "
      "sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,502 model=pika duration=5 " +
      options.settings;
  if (options.output.empty()) {
    return line +
           " live.video ! queue ! videoconvert ! autovideosink"
           " live.audio ! queue ! audioconvert ! audioresample ! autoaudiosink";
  }
  return line +
         " live.video ! queue ! videoconvert ! video/x-raw,format=I420 !"
         " x264enc tune=zerolatency speed-preset=ultrafast ! h264parse ! mux."
         " live.audio ! queue ! audioconvert ! avenc_aac ! aacparse ! mux."
         " matroskamux name=mux ! filesink name=file";
}

// The signals come on a thread of the element. What they mean for this program is decided on its
// own, which reads the bus.
void on_clip_started(GstElement* bin, const char* id, gpointer) {
  GstStructure* fields = gst_structure_new("clip-started", "id", G_TYPE_STRING, id, nullptr);
  gst_element_post_message(bin, gst_message_new_application(GST_OBJECT(bin), fields));
}

void on_generation_started(GstElement*, const char* id, gpointer) {
  g_print("Generation %s has begun\n", id);
}

class Show {
 public:
  Show(const Options& options, GstElement* pipeline, GstElement* live)
      : options_(options), pipeline_(pipeline), live_(live) {}

  int run() {
    set_prompt();
    if (gst_element_set_state(pipeline_, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
      g_printerr("The pipeline cannot be started.\n");
      return 1;
    }
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline_);
    while (true) {
      g_autoptr(GstMessage) message = gst_bus_timed_pop(bus, patience());
      if (message == nullptr) {
        change();
        continue;
      }
      if (const std::optional<int> code = handle(message)) return *code;
    }
  }

 private:
  // Until the next change of the prompt is due.
  GstClockTime patience() const {
    if (!due_) return GST_CLOCK_TIME_NONE;
    const auto left = std::chrono::nanoseconds(*due_ - Clock::now()).count();
    return left > 0 ? static_cast<GstClockTime>(left) : 0;
  }

  void set_prompt() {
    const std::string& prompt = options_.prompts[next_++ % options_.prompts.size()];
    g_print("Prompt: %s\n", prompt.c_str());
    g_object_set(live_, "prompt", prompt.c_str(), nullptr);
  }

  void change() {
    due_.reset();
    if (shown_ < options_.clips) return set_prompt();
    g_print("That was it\n");
    gst_element_send_event(pipeline_, gst_event_new_eos());
  }

  // The exit code, when that was the last message.
  std::optional<int> handle(GstMessage* message) {
    g_autoptr(GError) error = nullptr;
    switch (GST_MESSAGE_TYPE(message)) {
      case GST_MESSAGE_APPLICATION:
        on_clip(gst_structure_get_string(gst_message_get_structure(message), "id"));
        return std::nullopt;
      case GST_MESSAGE_LATENCY:
        gst_bin_recalculate_latency(GST_BIN(pipeline_));
        return std::nullopt;
      case GST_MESSAGE_WARNING:  // such as a generation that failed; the clip goes on
        gst_message_parse_warning(message, &error, nullptr);
        g_printerr("%s\n", error->message);
        return std::nullopt;
      case GST_MESSAGE_ERROR:
        gst_message_parse_error(message, &error, nullptr);
        g_printerr("%s\n", error->message);
        return 1;
      case GST_MESSAGE_EOS:
        return 0;
      default:
        return std::nullopt;
    }
  }

  // Once more when it loops. A prompt that changed before its clip has been on would give that up.
  void on_clip(const std::string& id) {
    if (id == on_) return;
    on_ = id;
    ++shown_;
    g_print("Clip %s is on\n", id.c_str());
    due_ = Clock::now() + std::chrono::seconds(options_.seconds);
  }

  const Options& options_;
  GstElement* const pipeline_;
  GstElement* const live_;
  std::optional<Clock::time_point> due_;
  std::string on_;
  int shown_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Options> options = read_options(argc, argv);
  if (!options) return 2;
  g_autoptr(GError) error = nullptr;
  g_autoptr(GstElement) pipeline = gst_parse_launch_full(launch_line(*options).c_str(), nullptr,
                                                         GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (pipeline == nullptr) {
    g_printerr("%s\n", error->message);
    return 1;
  }
  g_autoptr(GstElement) live = gst_bin_get_by_name(GST_BIN(pipeline), "live");
  g_autoptr(GstElement) file = gst_bin_get_by_name(GST_BIN(pipeline), "file");
  if (file != nullptr) g_object_set(file, "location", options->output.c_str(), nullptr);
  g_signal_connect(live, "clip-started", G_CALLBACK(on_clip_started), nullptr);
  g_signal_connect(live, "generation-started", G_CALLBACK(on_generation_started), nullptr);
  const int code = Show(*options, pipeline, live).run();
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return code;
}
