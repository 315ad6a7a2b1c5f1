// SPDX-License-Identifier: LGPL-2.1-or-later
//
// genprobin: the GObject shell. Within it are two live sources, which never wait for anything but
// the clock; the clips are fetched and decoded apart from it, see playout_control.h.
#include "bin/genprobin.h"

#include <gst/video/video.h>

#include <utility>

#include "base/callback.h"
#include "base/text.h"
#include "bin/bin_settings.h"
#include "bin/configure.h"
#include "bin/cue_actions.h"
#include "bin/output/output_pad.h"
#include "bin/playout/producers.h"
#include "bin/playout_control.h"
#include "bin/queue_actions.h"
#include "common/logging.h"
#include "common/messages.h"
#include "common/presets.h"
#include "common/states.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace {

GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GENPRO_BIN_VIDEO_CAPS "; " GENPRO_BIN_DEVICE_CAPS));
GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("audio/x-raw"));

}  // namespace

struct GenproBinState {
  // Locked before all others.
  genpro::Guarded<genpro::BinSettings> settings;
  // Of the current or the last run, null before the first one.
  genpro::Guarded<std::shared_ptr<genpro::bin::PlayoutControl>> control;
  // Of the current run or the next one; never null.
  genpro::Guarded<genpro::bin::SharedItems> items{
      std::make_shared<genpro::Guarded<genpro::bin::ItemQueue>>()};
  const std::shared_ptr<genpro::bin::CurrentPlayout> playout =
      std::make_shared<genpro::bin::CurrentPlayout>();
  std::atomic<bool> is_playing = false;
  // Of state changes: the running time at which the element was paused.
  std::atomic<GstClockTime> paused_at = GST_CLOCK_TIME_NONE;
  // The source of frames, to be told of another raster. Owned by the bin.
  GstElement* video = nullptr;
};

struct _GstGenproBin {
  GstBin parent;
  GenproBinState* state;
};

static void gst_genpro_bin_preset_init(gpointer interface, gpointer);
G_DEFINE_FINAL_TYPE_WITH_CODE(GstGenproBin, gst_genpro_bin, GST_TYPE_BIN,
                              G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, gst_genpro_bin_preset_init))

namespace {

using ControlPtr = std::shared_ptr<genpro::bin::PlayoutControl>;

GenproBinState& state_of(gpointer object) {
  return *GST_GENPRO_BIN(object)->state;
}

ControlPtr control_of(GenproBinState& state) {
  return *state.control.lock();
}

// After those of a generation.
unsigned property_stats() {
  return genpro::last_bin_setting() + 4;
}
unsigned property_queue() {
  return genpro::last_bin_setting() + 5;
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
    bool is_setting = false;
    bool is_other_raster = false;
    // The clock may be anyone's, and is not asked with the lock held.
    const GstClockTime now = state.is_playing
                                 ? gst_element_get_current_running_time(GST_ELEMENT(object))
                                 : GST_CLOCK_TIME_NONE;
    {
      // Held until the run has it, so that of two threads the last one here is the last one there.
      auto settings = state.settings.lock();
      const genpro::BinSettings before = *settings;
      is_setting = genpro::set_bin_setting(*settings, id, value);
      is_other_raster = changes_raster(before, *settings);
      if (const ControlPtr control = control_of(state); control && is_setting) {
        genpro::bin::configure(*control, now, before, *settings, id);
        if (state.is_playing && settings->auto_generate &&
            genpro::asks_for_another(before.generation, settings->generation)) {
          control->generate_soon(settings->generation);
        }
      }
    }
    if (!is_setting) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    if (!is_other_raster) return;
    const auto pad =
        genpro::ObjectPtr<GstPad>::adopt(gst_element_get_static_pad(state.video, "src"));
    gst_pad_mark_reconfigure(pad.get());
  });
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  genpro::guard_c_callback("get_property", [&] {
    GenproBinState& state = state_of(object);
    const ControlPtr control = control_of(state);
    const auto report = control ? control->face() : genpro::GenerationReport();
    if (genpro::get_generation_property(report, pspec->name, value)) return;
    if (id == property_stats()) {
      g_value_take_boxed(value, genpro::bin::PlayoutControl::stats(control.get()).release());
    } else if (id == property_queue()) {
      const genpro::bin::SharedItems items = *state.items.lock();
      const auto copies = items->lock()->items();
      g_value_set_string(value, genpro::bin::queue_text(copies).c_str());
    } else if (id == genpro::take_at_setting() && control && control->is_running()) {
      // That one was taken, by then.
      const auto armed = control->taken_at();
      g_value_set_uint64(value, armed ? static_cast<guint64>(*armed) : GST_CLOCK_TIME_NONE);
    } else if (id == genpro::take_at_timecode_setting() && control && control->is_running()) {
      const std::string timecode = control->taken_at_timecode();
      g_value_set_string(value, timecode.empty() ? nullptr : timecode.c_str());
    } else if (!genpro::get_bin_setting(*state.settings.lock(), id, value)) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
  });
}

void on_generate(GstGenproBin* bin) {
  genpro::guard_c_callback("generate", [&] {
    GenproBinState& state = state_of(bin);
    auto settings = state.settings.lock();
    if (const ControlPtr control = control_of(state)) control->generate(settings->generation);
  });
}

// False, with an error, when a setting makes no sense for the output.
bool start(GstGenproBin* bin) {
  bool started = false;
  genpro::guard_c_callback("start", [&] {
    GenproBinState& state = state_of(bin);
    std::optional<genpro::Error> problem;
    {
      auto settings = state.settings.lock();
      problem = genpro::bin::problem_with(*settings);
      if (!problem) {
        const ControlPtr control = genpro::bin::PlayoutControl::create(
            GST_ELEMENT(bin), settings->generation, *state.items.lock());
        genpro::bin::configure(*control, GST_CLOCK_TIME_NONE, {}, *settings, 0);
        *state.playout->lock() = control->playout();
        *state.control.lock() = control;
        control->start(settings->generation);
        started = true;
        return;
      }
    }
    genpro::post(GST_ELEMENT(bin), genpro::bin_debug, *problem);
  });
  return started;
}

// A pipeline's running time begins anew when its start time is set in PAUSED. What is on goes on
// from there. To be called while the sources are paused.
void follow_running_time(GstElement* element) {
  GenproBinState& state = state_of(element);
  const GstClockTime paused_at = state.paused_at;
  const GstClockTime now = gst_element_get_current_running_time(element);
  if (!GST_CLOCK_TIME_IS_VALID(paused_at) || !GST_CLOCK_TIME_IS_VALID(now) || now >= paused_at) {
    return;
  }
  // In steps of whole frames and whole blocks of audio at the usual rates.
  constexpr GstClockTime step = GST_SECOND / 10;
  const GstClockTime by = (paused_at - now) / step * step;
  GST_INFO_OBJECT(element, "running times go back by %" GST_TIME_FORMAT, GST_TIME_ARGS(by));
  const ControlPtr control = control_of(state);
  if (control) control->playout()->timeline.move_back(static_cast<genpro::bin::Time>(by));
}

// The run's queue ends with it. What is queued from here on is of the next run.
void begin_next_queue(GenproBinState& state) {
  auto items = state.items.lock();
  genpro::bin::ItemQueue next = (*items)->lock()->successor();
  *items = std::make_shared<genpro::Guarded<genpro::bin::ItemQueue>>(std::move(next));
}

GstStateChangeReturn set_state(GstElement* element, GstState state) {
  if (genpro::starts_while_pipeline_stops(element, state)) return GST_STATE_CHANGE_SUCCESS;
  return GST_ELEMENT_CLASS(gst_genpro_bin_parent_class)->set_state(element, state);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  GenproBinState& state = state_of(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(GST_GENPRO_BIN(element))) {
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) state.paused_at = GST_CLOCK_TIME_NONE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
    genpro::guard_c_callback("times that begin anew", [&] { follow_running_time(element); });
    state.is_playing = true;
  }
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
    state.is_playing = false;
    state.paused_at = gst_element_get_current_running_time(element);
  }
  // Before the sources stop, which tells the application of it.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    genpro::guard_c_callback("the next queue", [&] { begin_next_queue(state); });
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_genpro_bin_parent_class)->change_state(element, transition);
  const bool has_failed = result == GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING && !has_failed) {
    genpro::guard_c_callback("a deadline", [&] {
      const GstClockTime now = gst_element_get_current_running_time(element);
      auto settings = state.settings.lock();
      if (const ControlPtr control = control_of(state)) {
        genpro::bin::start_clock(*control, now, *settings);
      }
    });
  }
  const bool was_started = transition == GST_STATE_CHANGE_READY_TO_PAUSED;
  if (was_started && !has_failed) {
    genpro::guard_c_callback("a run", [&] {
      if (const ControlPtr control = control_of(state)) control->resume();
    });
  }
  if (has_failed && was_started) {
    genpro::guard_c_callback("the next queue", [&] { begin_next_queue(state); });
  }
  // After the sources, which take from it.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY || (has_failed && was_started)) {
    genpro::guard_c_callback("stop", [&] {
      if (const ControlPtr control = control_of(state)) control->stop();
    });
  }
  return result;
}

// What the parts say on their streaming threads is passed on by the run's own thread: a handler may
// stop the element, and those threads with it.
void handle_message(GstBin* bin, GstMessage* message) {
  const auto pass_on = GST_BIN_CLASS(gst_genpro_bin_parent_class)->handle_message;
  bool is_deferred = false;
  genpro::guard_c_callback("handle_message", [&] {
    constexpr int deferred =
        GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_LATENCY | GST_MESSAGE_QOS;
    const ControlPtr control = control_of(state_of(bin));
    if ((GST_MESSAGE_TYPE(message) & deferred) == 0 || GST_STATE(bin) < GST_STATE_PAUSED ||
        !control) {
      return;
    }
    const std::shared_ptr<GstMessage> shared(gst_message_ref(message),
                                             genpro::MiniObjectReleaser());
    is_deferred = control->call_later([pass_on, shared](GstElement* element) {
      pass_on(GST_BIN(element), gst_message_ref(shared.get()));
    });
  });
  if (is_deferred) {
    gst_message_unref(message);
  } else {
    pass_on(bin, message);
  }
}

void set_context(GstElement* element, GstContext* context) {
  GST_ELEMENT_CLASS(gst_genpro_bin_parent_class)->set_context(element, context);
  genpro::guard_c_callback("set_context", [&] {
    if (const ControlPtr control = control_of(state_of(element))) control->set_context(context);
  });
}

void add_video(GstGenproBin* bin) {
  GenproBinState& state = *bin->state;
  state.video = genpro::bin::make_live_source("genpro-video",
                                              genpro::bin::make_video_producer(state.playout));
  gst_bin_add(GST_BIN(bin), state.video);
  const auto target =
      genpro::ObjectPtr<GstPad>::adopt(gst_element_get_static_pad(state.video, "src"));
  const auto pad_template =
      genpro::ObjectPtr<GstPadTemplate>::adopt(gst_static_pad_template_get(&video_template));
  gst_element_add_pad(GST_ELEMENT(bin),
                      genpro::bin::make_output_pad("video", target.get(), pad_template.get()));
}

void add_audio(GstGenproBin* bin) {
  GstElement* source = genpro::bin::make_live_source(
      "genpro-audio", genpro::bin::make_audio_producer(bin->state->playout));
  GstElement* convert = gst_element_factory_make("audioconvert", "genpro-audio-convert");
  GstElement* resample = gst_element_factory_make("audioresample", "genpro-audio-resample");
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
  const std::unique_ptr<GenproBinState> state(
      std::exchange(GST_GENPRO_BIN(object)->state, nullptr));
  G_OBJECT_CLASS(gst_genpro_bin_parent_class)->finalize(object);
}

void install_signal(GstGenproBinClass* bin_class, const char* name, guint arguments) {
  const auto flags = G_SIGNAL_RUN_LAST;
  const GType type = G_TYPE_FROM_CLASS(bin_class);
  if (arguments == 1) {
    g_signal_new(name, type, flags, 0, nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  } else {
    g_signal_new(name, type, flags, 0, nullptr, nullptr, nullptr, G_TYPE_NONE, 2, G_TYPE_STRING,
                 G_TYPE_STRING);
  }
}

// Documented here, since gst-inspect-1.0 shows the names only:
//   generate                        action: asks for a new generation now, with the settings as
//                                   they are; `reuse` decides whether an earlier one serves
//   generation-started (id)         the service has given it an id
//   generation-completed (id)       its clip can be fetched
//   generation-failed (id, reason)  there will be no clip; the id is empty when none was given
//   enqueue, remove, move and skip are actions on the queue: see queue_actions.h
//   clip-cued (id, length), and what is done with a clip that is cued: see cue_actions.h
//   clip-started (id), clip-ended (id)  the clip's first frame is on the output; it was its last
//                                   or, in a queue, the next one has begun to fade in over its end
// They are emitted on a thread of the element's own, which must not be made to wait. A handler may
// do anything else, also set the element to NULL and drop its last reference.
void install_signals(GstGenproBinClass* bin_class) {
  g_signal_new_class_handler("generate", G_TYPE_FROM_CLASS(bin_class),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(on_generate), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  install_signal(bin_class, "generation-started", 1);
  install_signal(bin_class, "generation-completed", 1);
  install_signal(bin_class, "generation-failed", 2);
  genpro::bin::install_cue_signals(G_TYPE_FROM_CLASS(bin_class),
                                   [](gpointer element) { return control_of(state_of(element)); });
  genpro::bin::install_queue_signals(
      G_TYPE_FROM_CLASS(bin_class),
      {.control = [](gpointer element) { return control_of(state_of(element)); },
       .items = [](gpointer element) { return *state_of(element).items.lock(); },
       .add =
           [](gpointer element, genpro::Settings settings) {
             // Held, so that no other queue takes its place meanwhile.
             auto items = state_of(element).items.lock();
             return (*items)->lock()->add(std::move(settings));
           },
       .defaults = [](gpointer element) { return state_of(element).settings.lock()->generation; }});
  install_signal(bin_class, "clip-started", 1);
  install_signal(bin_class, "clip-ended", 1);
}

gboolean save_preset(GstPreset* preset, const char* name) {
  bool is_saved = false;
  genpro::guard_c_callback("save_preset", [&] {
    const genpro::Settings settings = state_of(preset).settings.lock()->generation;
    is_saved = genpro::save_preset(preset, name, settings);
  });
  return is_saved;
}

}  // namespace

static void gst_genpro_bin_preset_init(gpointer interface, gpointer) {
  genpro::init_presets(interface, nullptr);
  static_cast<GstPresetInterface*>(interface)->save_preset = save_preset;
}

static void gst_genpro_bin_class_init(GstGenproBinClass* bin_class) {
  GObjectClass* object_class = G_OBJECT_CLASS(bin_class);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  genpro::install_settings(object_class, static_cast<GParamFlags>(GST_PARAM_MUTABLE_PLAYING),
                           false);
  genpro::install_bin_settings(object_class);
  genpro::install_generation_properties(object_class, genpro::last_bin_setting() + 1);
  g_object_class_install_property(
      object_class, property_stats(),
      g_param_spec_boxed("stats", "Statistics", "How the output stands, and what was counted",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  g_object_class_install_property(
      object_class, property_queue(),
      g_param_spec_string("queue", "Queue",
                          "The items that were queued and how they stand, as JSON", "[]",
                          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  install_signals(bin_class);

  GstElementClass* element_class = GST_ELEMENT_CLASS(bin_class);
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_set_static_metadata(
      element_class, "GEN live video and audio", "Source/Video/Audio/Network",
      "Gives raw video and audio from the first frame on: a placeholder until the GEN service has "
      "made the clip, then the clip",
      "The gst-genpro developers");
  gst_element_class_add_static_metadata(element_class, GST_ELEMENT_METADATA_DOC_URI,
                                        GENPRO_DOC_URI);
  element_class->set_state = set_state;
  element_class->change_state = change_state;
  element_class->set_context = set_context;
  GST_BIN_CLASS(bin_class)->handle_message = handle_message;
}

static void gst_genpro_bin_init(GstGenproBin* bin) {
  genpro::guard_c_callback("init", [&] {
    bin->state = std::make_unique<GenproBinState>().release();
    add_video(bin);
    add_audio(bin);
  });
}
