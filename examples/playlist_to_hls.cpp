// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A playlist of prompts as a live HLS stream. Of two genprobin one is on air while the other one
// prepares what comes next; a clip is played again and again until the next one fades in.
//
//   examples/on-emulator.sh playlist-to-hls FOLDER ["A boat" "A plane" …]
//
// Any HLS player takes FOLDER/playlist.m3u8, while it is written and afterwards.
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <gst/gst.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

struct Options {
  std::string folder;
  std::string settings;
  std::vector<std::string> prompts = {"A boat at dawn", "The boat in a storm",
                                      "The boat under northern lights"};
};

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  g_autofree char* settings = nullptr;
  g_auto(GStrv) words = nullptr;
  const GOptionEntry entries[] = {
      {"settings", 0, 0, G_OPTION_ARG_STRING, &settings, "More settings of both genprobin",
       "\"A=B …\""},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &words, nullptr, nullptr},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  g_autoptr(GOptionContext) context = g_option_context_new("FOLDER [PROMPT…]");
  g_option_context_add_main_entries(context, entries, nullptr);
  g_option_context_add_group(context, gst_init_get_option_group());
  g_autoptr(GError) error = nullptr;
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    g_printerr("%s\n", error->message);
    return std::nullopt;
  }
  if (words == nullptr) {
    g_printerr("Give the folder to write to, and prompts.\n");
    return std::nullopt;
  }
  options.folder = words[0];
  if (g_mkdir_with_parents(words[0], 0777) != 0) {
    g_printerr("The folder %s cannot be made: %s\n", words[0], g_strerror(errno));
    return std::nullopt;
  }
  if (settings != nullptr) options.settings = settings;
  if (words[1] != nullptr) options.prompts.assign(words + 1, words + g_strv_length(words));
  return options;
}

std::string launch_line(const Options& options) {
  std::string line =
      "compositor name=mixed-video background=black ! "
      "video/x-raw,format=I420,width=1280,height=720,framerate=30/1 !"
      " queue ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 ! h264parse !"
      " hls.video "
      "audiomixer name=mixed-audio ! queue ! audioconvert ! avenc_aac ! aacparse ! hls.audio "
      "hlssink2 name=hls target-duration=2 playlist-length=0 max-files=0 ";
  for (const std::string name : {"one", "two"}) {
    line += "genprobin name=" + name +
            " sheet-id=101 cell-id=3300 agent-id=42 asset-ids=501,503 model=veo_3_1_fast duration=4"
            " width=1280 height=720 placeholder=slate at-end=loop " +
            options.settings + " " + name + ".video ! queue ! mixed-video. " + name +
            ".audio ! queue ! mixed-audio. ";
  }
  return line;
}

// Fades from one player to the other and back. The values belong to times of the stream, not to the
// moment at which they are set: a fade begins with exactly the frame it is meant for.
class Fader {
 public:
  explicit Fader(GstElement* pipeline) {
    // The second one lies on the first one, and covers it or not.
    control(pipeline, "mixed-video", 1, "alpha", cover_.get());
    control(pipeline, "mixed-audio", 0, "volume", volumes_[0].get());
    control(pipeline, "mixed-audio", 1, "volume", volumes_[1].get());
    set(0, 0);
  }

  void fade_to(int player, GstClockTime begin) {
    set(begin, shown_.exchange(player));
    set(begin + GST_SECOND / 2, player);
  }

 private:
  struct Unref {
    void operator()(GstControlSource* source) const { gst_object_unref(source); }
  };
  using Source = std::unique_ptr<GstControlSource, Unref>;

  static Source make_source() {
    GstControlSource* source = gst_interpolation_control_source_new();
    g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
    return Source(source);
  }

  static void control(GstElement* pipeline, const char* mixer_name, int pad_number,
                      const char* property, GstControlSource* source) {
    g_autoptr(GstElement) mixer = gst_bin_get_by_name(GST_BIN(pipeline), mixer_name);
    const std::string pad_name = "sink_" + std::to_string(pad_number);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(mixer, pad_name.c_str());
    gst_object_add_control_binding(GST_OBJECT(pad), gst_direct_control_binding_new_absolute(
                                                        GST_OBJECT(pad), property, source));
  }

  // What is on at `time`: 0, 1, or something in between.
  void set(GstClockTime time, double value) {
    const auto add = [time](const Source& source, double there) {
      gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source.get()), time, there);
    };
    add(cover_, value);
    add(volumes_[0], 1 - value);
    add(volumes_[1], value);
  }

  std::atomic<int> shown_ = 0;
  Source cover_ = make_source();
  std::array<Source, 2> volumes_ = {make_source(), make_source()};
};

// One of the two. `on` belongs to the thread that emits its signals.
struct Player {
  GstElement* bin = nullptr;
  int number = 0;
  Fader* fader = nullptr;
  std::string on;
};

// To the main thread, which reads the bus and decides what is next.
void post(GstElement* bin, const char* what) {
  gst_element_post_message(
      bin, gst_message_new_application(GST_OBJECT(bin), gst_structure_new_empty(what)));
}

// The first frame of a clip, before it reaches the compositor.
GstPadProbeReturn on_first_picture(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const Player& player = *static_cast<Player*>(data);
  player.fader->fade_to(player.number, GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
  return GST_PAD_PROBE_REMOVE;
}

void on_clip_started(GstElement* bin, const char* id, gpointer data) {
  Player& player = *static_cast<Player*>(data);
  if (player.on == id) return;  // it is played once more
  player.on = id;
  g_autoptr(GstPad) output = gst_element_get_static_pad(bin, "video");
  gst_pad_add_probe(output, GST_PAD_PROBE_TYPE_BUFFER, on_first_picture, &player, nullptr);
  g_print("Clip %s is on air\n", id);
  post(bin, "on-air");
}

void on_clip_ended(GstElement* bin, const char*, gpointer) {
  post(bin, "played");
}

void on_generation_failed(GstElement* bin, const char*, const char* reason, gpointer) {
  g_printerr("%s\n", reason);
  post(bin, "failed");
}

class Station {
 public:
  Station(const Options& options, GstElement* pipeline)
      : options_(options), pipeline_(pipeline), fader_(pipeline) {
    const char* const names[] = {"one", "two"};
    for (std::size_t i = 0; i < players_.size(); ++i) {
      Player& player = players_[i];
      player.number = static_cast<int>(i);
      player.fader = &fader_;
      player.bin = gst_bin_get_by_name(GST_BIN(pipeline), names[i]);
      g_signal_connect(player.bin, "clip-started", G_CALLBACK(on_clip_started), &player);
      g_signal_connect(player.bin, "clip-ended", G_CALLBACK(on_clip_ended), nullptr);
      g_signal_connect(player.bin, "generation-failed", G_CALLBACK(on_generation_failed), nullptr);
    }
  }
  ~Station() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    for (Player& player : players_) gst_object_unref(player.bin);
  }
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  int run() {
    // The second one starts when the first one has something to show.
    gst_element_set_locked_state(players_[1].bin, TRUE);
    prepare(players_[0].bin);
    if (gst_element_set_state(pipeline_, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
      g_printerr("The pipeline cannot be started.\n");
      return 1;
    }
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline_);
    std::optional<int> code;
    while (!code) {
      g_autoptr(GstMessage) message = gst_bus_timed_pop(bus, GST_CLOCK_TIME_NONE);
      code = handle(message);
    }
    return *code;
  }

 private:
  bool has_more() const { return next_ < options_.prompts.size(); }
  GstElement* other(GstElement* bin) const {
    return bin == players_[0].bin ? players_[1].bin : players_[0].bin;
  }

  // The next prompt for this one. Its first generation it asks for by itself when it starts.
  void prepare(GstElement* bin) {
    const std::string& prompt = options_.prompts[next_++];
    g_print("Preparing: %s\n", prompt.c_str());
    g_object_set(bin, "prompt", prompt.c_str(), nullptr);
    preparing_ = bin;
    if (gst_element_is_locked_state(bin)) {
      gst_element_set_locked_state(bin, FALSE);
      gst_element_sync_state_with_parent(bin);
    } else if (GST_STATE(bin) == GST_STATE_PLAYING) {
      g_signal_emit_by_name(bin, "generate");
    }
  }

  void on_event(GstElement* bin, const GstStructure* event) {
    if (gst_structure_has_name(event, "on-air")) {
      on_air_ = bin;
      preparing_ = nullptr;
      if (has_more()) prepare(other(bin));
    } else if (gst_structure_has_name(event, "failed")) {
      preparing_ = nullptr;
      if (has_more()) {
        prepare(bin);
      } else if (on_air_ == nullptr) {
        end();
      }
    } else if (bin == on_air_ && preparing_ == nullptr) {
      end();  // the last clip has been played
    }
  }

  void end() {
    // One that was not needed has to end as well, or the mixers would wait for it.
    for (const Player& player : players_) {
      if (!gst_element_is_locked_state(player.bin)) continue;
      for (const char* name : {"video", "audio"}) {
        g_autoptr(GstPad) output = gst_element_get_static_pad(player.bin, name);
        g_autoptr(GstPad) entry = gst_pad_get_peer(output);
        gst_pad_send_event(entry, gst_event_new_stream_start(name));
        gst_pad_send_event(entry, gst_event_new_eos());
      }
    }
    gst_element_send_event(pipeline_, gst_event_new_eos());
  }

  // The exit code, when that was the last message.
  std::optional<int> handle(GstMessage* message) {
    g_autoptr(GError) error = nullptr;
    switch (GST_MESSAGE_TYPE(message)) {
      case GST_MESSAGE_APPLICATION:
        on_event(GST_ELEMENT(GST_MESSAGE_SRC(message)), gst_message_get_structure(message));
        return std::nullopt;
      case GST_MESSAGE_LATENCY:
        gst_bin_recalculate_latency(GST_BIN(pipeline_));
        return std::nullopt;
      case GST_MESSAGE_ERROR:
        gst_message_parse_error(message, &error, nullptr);
        g_printerr("%s\n", error->message);
        return 1;
      case GST_MESSAGE_EOS:
        return on_air_ != nullptr ? 0 : 1;
      default:
        return std::nullopt;
    }
  }

  const Options& options_;
  GstElement* const pipeline_;
  Fader fader_;
  std::array<Player, 2> players_;
  GstElement* on_air_ = nullptr;
  GstElement* preparing_ = nullptr;
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
  g_autoptr(GstElement) hls = gst_bin_get_by_name(GST_BIN(pipeline), "hls");
  g_object_set(hls, "location", (options->folder + "/segment%05d.ts").c_str(), "playlist-location",
               (options->folder + "/playlist.m3u8").c_str(), nullptr);
  return Station(*options, pipeline).run();
}
