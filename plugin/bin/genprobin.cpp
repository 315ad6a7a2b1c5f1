// SPDX-License-Identifier: LGPL-2.1-or-later
//
// genprobin: the GObject shell. Within it are two live sources, which never wait for anything but
// the clock; the clips are fetched and decoded apart from it, see playout_control.h.
#include "bin/genprobin.h"

#include <gst/video/video.h>

#include <new>
#include <utility>

#include "base/callback.h"
#include "bin/bin_settings.h"
#include "bin/output/output_pad.h"
#include "bin/playout/producers.h"
#include "bin/playout_control.h"
#include "common/enums.h"
#include "common/messages.h"

GST_DEBUG_CATEGORY_STATIC(genpro_bin_debug);
#define GST_CAT_DEFAULT genpro_bin_debug

namespace {

GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GENPRO_BIN_VIDEO_CAPS));
GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("audio/x-raw"));

enum SignalNumber {
  signal_generate,
  signal_generation_started,
  signal_generation_completed,
  signal_generation_failed,
  signal_clip_started,
  signal_clip_ended,
  signals_end,
};
guint signals[signals_end];

// Tells the application, on the control's thread.
class BinAudience : public genpro::bin::PlayoutListener {
 public:
  explicit BinAudience(GstElement* element) : element_(element) {}

  void post(genpro::MessagePtr message) override {
    gst_element_post_message(element_, message.release());
  }
  void generation_started(const std::string& id) override {
    g_signal_emit(element_, signals[signal_generation_started], 0, id.c_str());
  }
  void generation_completed(const std::string& id) override {
    g_signal_emit(element_, signals[signal_generation_completed], 0, id.c_str());
  }
  void generation_failed(const std::string& id, const std::string& reason) override {
    g_signal_emit(element_, signals[signal_generation_failed], 0, id.c_str(), reason.c_str());
  }
  void clip_started(const std::string& id) override {
    g_signal_emit(element_, signals[signal_clip_started], 0, id.c_str());
  }
  void clip_ended(const std::string& id) override {
    g_signal_emit(element_, signals[signal_clip_ended], 0, id.c_str());
  }
  void changed() override {
    for (const char* name : {"status", "cost", "generation-id"}) {
      g_object_notify(G_OBJECT(element_), name);
    }
  }

 private:
  GstElement* const element_;
};

}  // namespace

struct GenproBinState {
  explicit GenproBinState(GstElement* element) : listener(element), control(element, listener) {}

  genpro::Guarded<genpro::BinSettings> settings;
  BinAudience listener;
  genpro::bin::PlayoutControl control;
  std::atomic<bool> is_playing = false;
  // The source of frames, to be told of another raster. Owned by the bin.
  GstElement* video = nullptr;
};

struct _GenproBin {
  GstBin parent;
  GenproBinState* state;
};

G_DEFINE_FINAL_TYPE(GenproBin, genpro_bin, GST_TYPE_BIN)

namespace {

GenproBinState& state_of(gpointer object) {
  return *GENPRO_BIN(object)->state;
}

unsigned property_status() {
  return genpro::last_bin_setting + 1;
}
unsigned property_cost() {
  return genpro::last_bin_setting + 2;
}

// Gives the parts what a change of settings means for them.
void apply(GenproBinState& state, const genpro::BinSettings& settings) {
  using namespace genpro::bin;
  Playout& playout = *state.control.playout();
  playout.placeholder->set_kind(static_cast<PlaceholderKind>(settings.placeholder));
  playout.timeline.set_fade(static_cast<Time>(settings.fade) * GST_MSECOND);
  state.control.set_at_end(static_cast<AtEnd>(settings.at_end));
  state.control.set_errors_end(settings.on_error == genpro::on_error_error);
  // A frame rate that is none is told when the element starts.
  if (const auto wanted = genpro::wanted_raster(settings)) *playout.wanted.lock() = *wanted;
}

bool changes_raster(const genpro::BinSettings& one, const genpro::BinSettings& other) {
  return one.width != other.width || one.height != other.height ||
         one.framerate != other.framerate || one.format != other.format ||
         one.placeholder != other.placeholder ||
         one.generation.aspect_ratio != other.generation.aspect_ratio;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
  genpro::guard_c_callback("set_property", [&] {
    GenproBinState& state = state_of(object);
    genpro::BinSettings before;
    genpro::BinSettings after;
    {
      auto settings = state.settings.lock();
      before = *settings;
      if (!genpro::set_bin_setting(*settings, id, value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
        return;
      }
      after = *settings;
    }
    apply(state, after);
    if (before.placeholder_location != after.placeholder_location) {
      state.control.set_image(after.placeholder_location);
    }
    if (!state.is_playing) return;
    if (changes_raster(before, after)) {
      const auto pad =
          genpro::ObjectPtr<GstPad>::adopt(gst_element_get_static_pad(state.video, "src"));
      gst_pad_mark_reconfigure(pad.get());
    }
    if (after.auto_generate && genpro::asks_for_another(before.generation, after.generation)) {
      state.control.generate_soon(after.generation);
    }
  });
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  genpro::guard_c_callback("get_property", [&] {
    GenproBinState& state = state_of(object);
    if (id == property_status()) {
      g_value_set_enum(value, static_cast<int>(state.control.face().status));
    } else if (id == property_cost()) {
      g_value_set_double(value, state.control.face().cost);
    } else if (const genpro::BinSettings settings = *state.settings.lock();
               g_str_equal(pspec->name, "generation-id")) {
      std::string current = state.control.face().id;
      if (current.empty()) current = settings.generation.generation_id;
      g_value_set_string(value, current.empty() ? nullptr : current.c_str());
    } else if (!genpro::get_bin_setting(settings, id, value)) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
  });
}

void on_generate(GenproBin* bin) {
  genpro::guard_c_callback("generate", [&] {
    GenproBinState& state = state_of(bin);
    const genpro::Settings settings = state.settings.lock()->generation;
    state.control.generate(settings);
  });
}

// False, with an error, when a setting makes no sense for the output. What is wrong with those of a
// generation is told as any other failure of one.
bool start(GenproBin* bin) {
  bool started = false;
  genpro::guard_c_callback("start", [&] {
    GenproBinState& state = state_of(bin);
    const genpro::BinSettings settings = *state.settings.lock();
    const auto wanted = genpro::wanted_raster(settings);
    if (!wanted) return genpro::post_error(GST_ELEMENT(bin), wanted.error());
    apply(state, settings);
    state.control.start(settings.generation);
    started = true;
  });
  return started;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  GenproBinState& state = state_of(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(GENPRO_BIN(element))) {
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) state.is_playing = true;
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) state.is_playing = false;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(genpro_bin_parent_class)->change_state(element, transition);
  const bool has_failed = result == GST_STATE_CHANGE_FAILURE;
  // After the sources, which take from it.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (has_failed && transition == GST_STATE_CHANGE_READY_TO_PAUSED)) {
    genpro::guard_c_callback("stop", [&] { state.control.stop(); });
  }
  return result;
}

void add_video(GenproBin* bin) {
  GenproBinState& state = *bin->state;
  genpro::bin::PlayoutControl& control = state.control;
  state.video = genpro::bin::make_live_source(
      "genpro-pictures", genpro::bin::make_video_producer(
                             control.playout(), [&control](const genpro::bin::Raster& raster) {
                               control.set_raster(raster);
                             }));
  gst_bin_add(GST_BIN(bin), state.video);
  const auto target =
      genpro::ObjectPtr<GstPad>::adopt(gst_element_get_static_pad(state.video, "src"));
  const auto pad_template =
      genpro::ObjectPtr<GstPadTemplate>::adopt(gst_static_pad_template_get(&video_template));
  gst_element_add_pad(GST_ELEMENT(bin),
                      genpro::bin::make_output_pad("video", target.get(), pad_template.get()));
}

void add_audio(GenproBin* bin) {
  GstElement* source = genpro::bin::make_live_source(
      "genpro-sound", genpro::bin::make_audio_producer(bin->state->control.playout()));
  GstElement* convert = gst_element_factory_make("audioconvert", "genpro-sound-convert");
  GstElement* resample = gst_element_factory_make("audioresample", "genpro-sound-resample");
  gst_bin_add(GST_BIN(bin), source);
  GstElement* last = source;
  // Part of GStreamer's base plugins, as the decoding is. Without them what follows has to take the
  // format as it is.
  for (GstElement* element : {convert, resample}) {
    if (element == nullptr) continue;
    gst_bin_add(GST_BIN(bin), element);
    gst_element_link(last, element);
    last = element;
  }
  const auto target = genpro::ObjectPtr<GstPad>::adopt(gst_element_get_static_pad(last, "src"));
  const auto pad_template =
      genpro::ObjectPtr<GstPadTemplate>::adopt(gst_static_pad_template_get(&audio_template));
  gst_element_add_pad(GST_ELEMENT(bin),
                      genpro::bin::make_output_pad("audio", target.get(), pad_template.get()));
}

void finalize(GObject* object) {
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): GObject owns the memory around it
  const std::unique_ptr<GenproBinState> state(std::exchange(GENPRO_BIN(object)->state, nullptr));
  G_OBJECT_CLASS(genpro_bin_parent_class)->finalize(object);
}

guint new_signal(GenproBinClass* bin_class, const char* name, guint arguments) {
  return arguments == 1
             ? g_signal_new(name, G_TYPE_FROM_CLASS(bin_class), G_SIGNAL_RUN_LAST, 0, nullptr,
                            nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING)
             : g_signal_new(name, G_TYPE_FROM_CLASS(bin_class), G_SIGNAL_RUN_LAST, 0, nullptr,
                            nullptr, nullptr, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
}

// Documented here, since gst-inspect-1.0 shows the names only:
//   generate                        action: asks for a new generation now, with the settings as
//   they
//                                   are; `reuse` decides whether an earlier one serves
//   generation-started (id)         the service has given it an id
//   generation-completed (id)       its clip can be fetched
//   generation-failed (id, reason)  there will be no clip; the id is empty when none was given
//   clip-started (id), clip-ended (id)  the clip's first frame is on the output; it was its last
// They are emitted on a thread of the element's own, which must not be made to wait, and from which
// the element's state must not be changed: hand both on to the application's own thread.
void install_signals(GenproBinClass* bin_class) {
  signals[signal_generate] = g_signal_new_class_handler(
      "generate", G_TYPE_FROM_CLASS(bin_class),
      static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION), G_CALLBACK(on_generate),
      nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  signals[signal_generation_started] = new_signal(bin_class, "generation-started", 1);
  signals[signal_generation_completed] = new_signal(bin_class, "generation-completed", 1);
  signals[signal_generation_failed] = new_signal(bin_class, "generation-failed", 2);
  signals[signal_clip_started] = new_signal(bin_class, "clip-started", 1);
  signals[signal_clip_ended] = new_signal(bin_class, "clip-ended", 1);
}

}  // namespace

static void genpro_bin_class_init(GenproBinClass* bin_class) {
  GST_DEBUG_CATEGORY_INIT(genpro_bin_debug, "genprobin", 0, "GEN live video and audio");
  GObjectClass* object_class = G_OBJECT_CLASS(bin_class);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  genpro::install_settings(object_class, static_cast<GParamFlags>(GST_PARAM_MUTABLE_PLAYING));
  genpro::install_bin_settings(object_class);
  genpro::install_generation_properties(object_class, property_status(), property_cost());
  install_signals(bin_class);

  GstElementClass* element_class = GST_ELEMENT_CLASS(bin_class);
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_set_static_metadata(
      element_class, "GEN live video and audio", "Source/Video/Audio/Network",
      "Gives raw video and audio from the first frame on: a placeholder until the GEN service has "
      "made the clip, then the clip",
      "The gst-genpro developers");
  element_class->change_state = change_state;
}

static void genpro_bin_init(GenproBin* bin) {
  genpro::guard_c_callback("init", [&] {
    bin->state = std::make_unique<GenproBinState>(GST_ELEMENT(bin)).release();
    add_video(bin);
    add_audio(bin);
  });
}
