// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/output/live_source.h"

#include <utility>

#include "base/callback.h"

struct GenproLiveSrcState {
  GenproLiveSrcState(GstElement* element, std::unique_ptr<genpro::bin::Producer> made)
      : clock_wait(element), producer(std::move(made)) {}

  genpro::bin::ClockWait clock_wait;
  std::unique_ptr<genpro::bin::Producer> producer;
  // Made, and not handed on yet.
  genpro::bin::Producer::Step pending;
  std::atomic<genpro::bin::Time> configured_latency = 0;
  genpro::bin::Time told_latency = 0;
  // An error was posted that says what to do; the base class adds none to it.
  std::atomic<bool> has_failed = false;
};

// G_DECLARE_FINAL_TYPE() wants a header that C can read; nothing but this file sees the type.
typedef struct {  // NOLINT(modernize-use-using)
  GstPushSrc parent;
  GenproLiveSrcState* state;
} GenproLiveSrc;
typedef struct {  // NOLINT(modernize-use-using)
  GstPushSrcClass parent_class;
} GenproLiveSrcClass;

static GType genpro_live_src_get_type();
G_DEFINE_TYPE(GenproLiveSrc, genpro_live_src, GST_TYPE_PUSH_SRC)

namespace {

using genpro::bin::Time;

// Beyond the latency that what follows may hold a buffer back for.
constexpr Time patience = GST_SECOND;

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

GenproLiveSrcState& state_of(gpointer object) {
  return *reinterpret_cast<GenproLiveSrc*>(object)->state;
}

gboolean start(GstBaseSrc* src) {
  genpro::guard_c_callback("start", [&] {
    GenproLiveSrcState& state = state_of(src);
    state.pending = {};
    state.configured_latency = 0;
    state.told_latency = state.producer->latency();
    state.has_failed = false;
    state.producer->start();
    // Whatever was agreed on in another run, this one is to be told of.
    gst_pad_mark_reconfigure(GST_BASE_SRC_PAD(src));
  });
  return TRUE;
}

gboolean unlock(GstBaseSrc* src) {
  genpro::guard_c_callback("unlock", [&] { state_of(src).clock_wait.interrupt(true); });
  return TRUE;
}

gboolean unlock_stop(GstBaseSrc* src) {
  genpro::guard_c_callback("unlock_stop", [&] { state_of(src).clock_wait.interrupt(false); });
  return TRUE;
}

GstCaps* get_caps(GstBaseSrc* src, GstCaps* filter) {
  GstCaps* result = nullptr;
  genpro::guard_c_callback("get_caps", [&] {
    genpro::CapsPtr caps = state_of(src).producer->caps();
    result = filter == nullptr
                 ? caps.release()
                 : gst_caps_intersect_full(filter, caps.get(), GST_CAPS_INTERSECT_FIRST);
  });
  return result;
}

gboolean negotiate(GstBaseSrc* src) {
  gboolean agreed = FALSE;
  genpro::guard_c_callback("negotiate", [&] {
    GenproLiveSrcState& state = state_of(src);
    const genpro::CapsPtr all = state.producer->caps();
    const genpro::CapsPtr allowed(gst_pad_peer_query_caps(GST_BASE_SRC_PAD(src), all.get()));
    const genpro::CapsPtr caps = state.producer->negotiate(allowed.get(), [src](GstCaps* offered) {
      return gst_pad_peer_query_accept_caps(GST_BASE_SRC_PAD(src), offered) != FALSE;
    });
    if (!caps) {
      const genpro::GCharPtr wanted(gst_caps_to_string(allowed.get()));
      GST_ELEMENT_ERROR(src, CORE, NEGOTIATION,
                        ("What follows takes none of the formats that there are. Put videoconvert, "
                         "or audioconvert and audioresample, behind the pad."),
                        ("it takes %s", wanted.get()));
      state.has_failed = true;
      return;
    }
    agreed = gst_base_src_set_caps(src, caps.get());
    if (state.producer->latency() == state.told_latency) return;
    state.told_latency = state.producer->latency();
    gst_element_post_message(GST_ELEMENT(src), gst_message_new_latency(GST_OBJECT(src)));
  });
  return agreed;
}

GstFlowReturn create(GstPushSrc* src, GstBuffer** buffer) {
  GstFlowReturn result = GST_FLOW_ERROR;
  genpro::guard_c_callback("create", [&] {
    GenproLiveSrcState& state = state_of(src);
    auto& pending = state.pending;
    // Made before it is due, so that making it takes nothing of the latency.
    if (!pending.buffer && !pending.is_end) {
      pending =
          state.producer->produce(state.clock_wait.now(), state.configured_latency + patience);
    }
    if (!state.clock_wait.wait(pending.due)) {
      result = GST_FLOW_FLUSHING;
    } else if (pending.is_end) {
      result = GST_FLOW_EOS;
    } else if (pending.buffer) {
      *buffer = std::exchange(pending, {}).buffer.release();
      result = GST_FLOW_OK;
    } else {
      GST_ELEMENT_ERROR(src, RESOURCE, NO_SPACE_LEFT, ("There is no memory for a picture."),
                        (nullptr));
      state.has_failed = true;
    }
  });
  return result;
}

gboolean query(GstBaseSrc* src, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    gboolean answered = FALSE;
    genpro::guard_c_callback("a latency query", [&] {
      const auto latency = static_cast<GstClockTime>(state_of(src).producer->latency());
      // What is held back is made later: there is no limit.
      gst_query_set_latency(query, TRUE, latency, GST_CLOCK_TIME_NONE);
      answered = TRUE;
    });
    return answered;
  }
  const auto parent = GST_BASE_SRC_CLASS(genpro_live_src_parent_class);
  return parent->query(src, query);
}

gboolean event(GstBaseSrc* src, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY) {
    GstClockTime latency = 0;
    gst_event_parse_latency(event, &latency);
    if (GST_CLOCK_TIME_IS_VALID(latency)) {
      state_of(src).configured_latency = static_cast<Time>(latency);
    }
  }
  return GST_BASE_SRC_CLASS(genpro_live_src_parent_class)->event(src, event);
}

gboolean post_message(GstElement* element, GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && state_of(element).has_failed) {
    gst_message_unref(message);
    return TRUE;
  }
  return GST_ELEMENT_CLASS(genpro_live_src_parent_class)->post_message(element, message);
}

gboolean is_seekable(GstBaseSrc*) {
  return FALSE;
}

void finalize(GObject* object) {
  const std::unique_ptr<GenproLiveSrcState> state(
      std::exchange(reinterpret_cast<GenproLiveSrc*>(object)->state, nullptr));
  G_OBJECT_CLASS(genpro_live_src_parent_class)->finalize(object);
}

}  // namespace

static void genpro_live_src_class_init(GenproLiveSrcClass* src_class) {
  G_OBJECT_CLASS(src_class)->finalize = finalize;
  GstElementClass* element_class = GST_ELEMENT_CLASS(src_class);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "GEN live output", "Source",
                                        "Pictures or sound of a genprobin",
                                        "The gst-genpro developers");
  element_class->post_message = post_message;
  GstBaseSrcClass* base_class = GST_BASE_SRC_CLASS(src_class);
  base_class->start = start;
  base_class->unlock = unlock;
  base_class->unlock_stop = unlock_stop;
  base_class->get_caps = get_caps;
  base_class->negotiate = negotiate;
  base_class->query = query;
  base_class->event = event;
  base_class->is_seekable = is_seekable;
  GST_PUSH_SRC_CLASS(src_class)->create = create;
}

static void genpro_live_src_init(GenproLiveSrc* src) {
  gst_base_src_set_live(GST_BASE_SRC(src), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(src), GST_FORMAT_TIME);
  gst_base_src_set_do_timestamp(GST_BASE_SRC(src), FALSE);
}

namespace genpro::bin {

GstElement* make_live_source(const char* name, std::unique_ptr<Producer> producer) {
  auto* src = reinterpret_cast<GenproLiveSrc*>(
      g_object_new(genpro_live_src_get_type(), "name", name, nullptr));
  src->state =
      std::make_unique<GenproLiveSrcState>(GST_ELEMENT(src), std::move(producer)).release();
  return GST_ELEMENT(src);
}

}  // namespace genpro::bin
