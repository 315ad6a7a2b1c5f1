// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/output/live_source.h"

#include <gst/allocators/gstdmabuf.h>

#include <utility>

#include "base/callback.h"
#include "base/guarded.h"
#include "bin/media/frame_converter.h"
#include "bin/output/qos_reporter.h"

struct GstGenproLiveSrcState {
  GstGenproLiveSrcState(GstElement* element, std::unique_ptr<genpro::bin::Producer> made)
      : clock_wait(element), qos(element), producer(std::move(made)) {}

  genpro::bin::ClockWait clock_wait;
  genpro::bin::QosReporter qos;
  std::unique_ptr<genpro::bin::Producer> producer;
  // Made, and not pushed yet.
  genpro::bin::Producer::Step pending;
  genpro::bin::Time lateness = 0;  // of that
  std::atomic<genpro::bin::Time> configured_latency = 0;
  genpro::bin::Time told_latency = 0;
  genpro::CapsPtr negotiated;
  bool is_negotiated = false;  // and not left for those of a buffer
  // What follows has memory of its own for buffers.
  bool fills_offered_memory = false;
  GstVideoInfo video = genpro::bin::no_video();  // of the caps, when they are of frames
  struct End {
    genpro::EventPtr asked;  // by the application
    bool is_out = false;
  };
  genpro::Guarded<End> end;
  // An error was posted that says what to do; the base class adds none to it.
  std::atomic<bool> has_failed = false;
};

// G_DECLARE_FINAL_TYPE() wants a header that C can read; nothing but this file sees the type.
typedef struct {  // NOLINT(modernize-use-using)
  GstPushSrc parent;
  GstGenproLiveSrcState* state;
} GstGenproLiveSrc;
typedef struct {  // NOLINT(modernize-use-using)
  GstPushSrcClass parent_class;
} GstGenproLiveSrcClass;

static GType gst_genpro_live_src_get_type();
G_DEFINE_TYPE(GstGenproLiveSrc, gst_genpro_live_src, GST_TYPE_PUSH_SRC)

namespace {

using genpro::bin::Time;

// Beyond the latency that what follows may hold a buffer back for. A muxer waits for the branch
// with the longest latency, whether or not a sink asks for any: some encoders look ahead for
// seconds.
constexpr Time max_lateness = 10 * GST_SECOND;
// What a clip's end is told by comes before the end of the stream, unless that takes longer than so
// many periods.
constexpr Time telling_period = 5 * GST_MSECOND;
constexpr int most_telling_periods = 400;

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

GstGenproLiveSrcState& state_of(gpointer object) {
  return *reinterpret_cast<GstGenproLiveSrc*>(object)->state;
}

gboolean start(GstBaseSrc* src) {
  genpro::guard_c_callback("start", [&] {
    GstGenproLiveSrcState& state = state_of(src);
    state.pending = {};
    state.clock_wait.reset();
    state.configured_latency = 0;
    state.told_latency = state.producer->latency();
    state.has_failed = false;
    *state.end.lock() = {};
    state.producer->start();
    state.qos.reset();
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
    GstGenproLiveSrcState& state = state_of(src);
    GstPad* const pad = GST_BASE_SRC_PAD(src);
    genpro::CapsPtr caps = state.producer->negotiate(pad);
    if (!caps) {
      const genpro::CapsPtr allowed(gst_pad_peer_query_caps(pad, nullptr));
      const genpro::GCharPtr wanted(gst_caps_to_string(allowed.get()));
      GST_ELEMENT_ERROR(src, CORE, NEGOTIATION,
                        ("Downstream takes none of the formats that there are. Put videoconvert, "
                         "before elements of GL glupload, or audioconvert and audioresample, "
                         "behind the pad."),
                        ("it takes %s", wanted.get()));
      state.has_failed = true;
      return;
    }
    agreed = gst_base_src_set_caps(src, caps.get());
    state.negotiated = std::move(caps);
    state.is_negotiated = true;
    if (state.producer->latency() == state.told_latency) return;
    state.told_latency = state.producer->latency();
    gst_element_post_message(GST_ELEMENT(src), gst_message_new_latency(GST_OBJECT(src)));
  });
  return agreed;
}

// Whether buffers as they are made here would not do: those that are not asked for are the same
// memory as the decoder's or the placeholder's.
bool offers_memory(GstQuery* query) {
  for (guint i = 0; i < gst_query_get_n_allocation_pools(query); ++i) {
    GstBufferPool* pool = nullptr;
    gst_query_parse_nth_allocation_pool(query, i, &pool, nullptr, nullptr, nullptr);
    if (genpro::ObjectPtr<GstBufferPool>::adopt(pool)) return true;
  }
  if (gst_query_get_n_allocation_params(query) == 0) return false;
  GstAllocator* raw = nullptr;
  GstAllocationParams params;
  gst_query_parse_nth_allocation_param(query, 0, &raw, &params);
  const auto allocator = genpro::ObjectPtr<GstAllocator>::adopt(raw);
  const bool is_special = allocator && g_strcmp0(allocator->mem_type, GST_ALLOCATOR_SYSMEM) != 0;
  return is_special || params.align > gst_memory_alignment || params.prefix > 0 ||
         params.padding > 0;
}

// The base class asks what follows, and activates what is decided here.
gboolean decide_allocation(GstBaseSrc* src, GstQuery* query) {
  genpro::guard_c_callback("decide_allocation", [&] {
    GstGenproLiveSrcState& state = state_of(src);
    state.fills_offered_memory = offers_memory(query);
    state.video = genpro::bin::no_video();
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    if (!state.fills_offered_memory || caps == nullptr ||
        !gst_video_info_from_caps(&state.video, caps)) {
      return;
    }
    GstBufferPool* offered = nullptr;
    guint size = 0;
    guint minimum = 0;
    guint maximum = 0;
    const bool has_pool = gst_query_get_n_allocation_pools(query) > 0;
    if (has_pool) {
      gst_query_parse_nth_allocation_pool(query, 0, &offered, &size, &minimum, &maximum);
    }
    const auto pool = genpro::ObjectPtr<GstBufferPool>::adopt(
        offered != nullptr ? offered : gst_video_buffer_pool_new());
    size = MAX(size, static_cast<guint>(state.video.size));
    GstStructure* config = gst_buffer_pool_get_config(pool.get());
    gst_buffer_pool_config_set_params(config, caps, size, minimum, maximum);
    if (gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr)) {
      gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    }
    gst_buffer_pool_set_config(pool.get(), config);
    if (has_pool) {
      gst_query_set_nth_allocation_pool(query, 0, pool.get(), size, minimum, maximum);
    } else {
      gst_query_add_allocation_pool(query, pool.get(), size, minimum, maximum);
    }
  });
  return GST_BASE_SRC_CLASS(gst_genpro_live_src_parent_class)->decide_allocation(src, query);
}

// Into memory of what follows. Without room there for it, and while the pool is stopped, it stays
// what it is.
void move_to_offered_memory(GstBaseSrc* src, genpro::BufferPtr* buffer) {
  // What follows reads it, or takes it as it is.
  if (gst_memory_is_type(gst_buffer_peek_memory(buffer->get(), 0), GST_ALLOCATOR_DMABUF)) return;
  const auto size = static_cast<guint>(gst_buffer_get_size(buffer->get()));
  GstBuffer* raw = nullptr;
  const GstFlowReturn result = GST_BASE_SRC_CLASS(gst_genpro_live_src_parent_class)
                                   ->alloc(src, GST_BUFFER_OFFSET_NONE, size, &raw);
  genpro::BufferPtr copy(raw);
  if (result != GST_FLOW_OK) return;
  const GstVideoInfo& video = state_of(src).video;
  bool is_copied = false;
  if (GST_VIDEO_INFO_FORMAT(&video) != GST_VIDEO_FORMAT_UNKNOWN) {
    is_copied = genpro::bin::copy_frame(buffer->get(), copy.get(), video);
  } else if (gst_buffer_get_size(copy.get()) >= size) {
    GstMapInfo map;
    if (gst_buffer_map(buffer->get(), &map, GST_MAP_READ)) {
      is_copied = gst_buffer_fill(copy.get(), 0, map.data, map.size) == map.size;
      gst_buffer_unmap(buffer->get(), &map);
    }
    gst_buffer_set_size(copy.get(), size);
  }
  if (!is_copied) return;
  gst_buffer_copy_into(
      copy.get(), buffer->get(),
      static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS), 0,
      static_cast<gsize>(-1));
  *buffer = std::move(copy);
}

// What follows a buffer of other caps may have taken its pool back.
void follow_caps(GstBaseSrc* src, const genpro::CapsPtr& caps) {
  GstGenproLiveSrcState& state = state_of(src);
  if (caps) {
    gst_base_src_set_caps(src, caps.get());
  } else if (!state.is_negotiated) {
    gst_base_src_set_caps(src, state.negotiated.get());
    gst_pad_mark_reconfigure(GST_BASE_SRC_PAD(src));
  }
  state.is_negotiated = caps == nullptr;
}

// True when the application has asked for the end: its own event, with the number that it may look
// for, is out then, and the pad drops the one that the base class sends after it.
bool push_end(GstBaseSrc* src) {
  genpro::EventPtr asked;
  {
    auto end = state_of(src).end.lock();
    if (!end->asked) return false;
    asked = std::move(end->asked);
    end->is_out = true;
  }
  gst_pad_push_event(GST_BASE_SRC_PAD(src), asked.release());
  return true;
}

// What was made before running times went back, which they do between PAUSED and PLAYING.
void move(genpro::bin::Producer::Step* step, Time moved) {
  const Time by = moved - std::exchange(step->moved, moved);
  if (by == 0) return;
  step->due -= by;
  if (!step->buffer || step->due < 0) return;
  GST_BUFFER_PTS(step->buffer.get()) = static_cast<GstClockTime>(step->due);
  GST_BUFFER_FLAG_SET(step->buffer.get(), GST_BUFFER_FLAG_DISCONT);
}

// Makes what is pushed next, before it is due, so that making it takes nothing of the latency.
void prepare(GstBaseSrc* src) {
  GstGenproLiveSrcState& state = state_of(src);
  auto& pending = state.pending;
  if (pending.buffer || pending.is_end) return;
  const Time begun = state.clock_wait.now();
  pending = state.producer->produce(begun, state.configured_latency + max_lateness);
  if (pending.buffer) {
    follow_caps(src, pending.caps);
    if (!pending.caps && state.fills_offered_memory) move_to_offered_memory(src, &pending.buffer);
  }
  // What follows may hold back what was made before for as long as it likes.
  const Time delay = state.clock_wait.now() - std::max(pending.due, begun);
  state.lateness = std::max(pending.behind, delay > genpro::bin::longest_delay ? delay : 0);
}

GstFlowReturn create(GstPushSrc* src, GstBuffer** buffer) {
  GstFlowReturn result = GST_FLOW_ERROR;
  genpro::guard_c_callback("create", [&] {
    GstGenproLiveSrcState& state = state_of(src);
    auto& pending = state.pending;
    prepare(GST_BASE_SRC(src));
    // A flow of FLUSHING would pause the task, which PLAYING may have started by then.
    int telling_periods = 0;
    while (true) {
      if (state.clock_wait.wait(pending.due)) {
        if (!pending.is_end || state.producer->is_told()) break;
        if (++telling_periods > most_telling_periods) break;
        pending.due += telling_period;
        continue;
      }
      if (push_end(GST_BASE_SRC(src))) {
        result = GST_FLOW_EOS;
        return;
      }
      result = gst_base_src_wait_playing(GST_BASE_SRC(src));
      if (result != GST_FLOW_OK) return;
      move(&pending, state.producer->moved());
      if (pending.due >= 0 || !pending.buffer) continue;
      // It would have been before all running times that there are now.
      pending = {};
      if (auto* const stats = state.producer->stats()) ++stats->skipped;
      prepare(GST_BASE_SRC(src));
      if (pending.buffer) GST_BUFFER_FLAG_SET(pending.buffer.get(), GST_BUFFER_FLAG_DISCONT);
    }
    result = GST_FLOW_ERROR;
    if (push_end(GST_BASE_SRC(src))) {
      result = GST_FLOW_EOS;
    } else if (pending.is_end) {
      state.end.lock()->is_out = true;
      result = GST_FLOW_EOS;
    } else if (pending.buffer) {
      if (auto* const stats = state.producer->stats()) {
        stats->configured_latency = state.configured_latency.load();
        state.qos.report(pending.buffer.get(), state.lateness, *stats);
      }
      *buffer = std::exchange(pending, {}).buffer.release();
      result = GST_FLOW_OK;
    } else {
      GST_ELEMENT_ERROR(src, RESOURCE, NO_SPACE_LEFT, ("There is no memory for a video frame."),
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
      // What is held back is made later, from what is kept for as long: there is no limit.
      gst_query_set_latency(query, TRUE, latency, GST_CLOCK_TIME_NONE);
      answered = TRUE;
    });
    return answered;
  }
  const auto parent = GST_BASE_SRC_CLASS(gst_genpro_live_src_parent_class);
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
  return GST_BASE_SRC_CLASS(gst_genpro_live_src_parent_class)->event(src, event);
}

// The base class would keep an end that comes to a stopped element, and never give it back; and it
// waits for the streaming thread, which a sink in PAUSED may hold, with the pipeline's state
// locked.
gboolean send_event(GstElement* element, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
    genpro::EventPtr asked(event);
    if (GST_STATE(element) < GST_STATE_PAUSED) return FALSE;
    GstGenproLiveSrcState& state = state_of(element);
    {
      auto end = state.end.lock();
      if (end->is_out) return TRUE;
      if (gst_pad_get_task_state(GST_BASE_SRC_PAD(element)) == GST_TASK_STARTED) {
        end->asked = std::move(asked);
      }
    }
    if (!asked) {
      state.clock_wait.interrupt(true);
      return TRUE;
    }
    // A branch that has failed has no thread that waits.
    event = asked.release();
  }
  return GST_ELEMENT_CLASS(gst_genpro_live_src_parent_class)->send_event(element, event);
}

gboolean post_message(GstElement* element, GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && state_of(element).has_failed) {
    gst_message_unref(message);
    return TRUE;
  }
  return GST_ELEMENT_CLASS(gst_genpro_live_src_parent_class)->post_message(element, message);
}

// What waits in PAUSED would go on waiting for a clock that the pipeline has left. From 1.26 on
// GstBaseSrc interrupts a live source that goes to PAUSED itself, and leaves it so.
GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) unlock(GST_BASE_SRC(element));
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) unlock_stop(GST_BASE_SRC(element));
  return GST_ELEMENT_CLASS(gst_genpro_live_src_parent_class)->change_state(element, transition);
}

gboolean is_seekable(GstBaseSrc*) {
  return FALSE;
}

void finalize(GObject* object) {
  const std::unique_ptr<GstGenproLiveSrcState> state(
      std::exchange(reinterpret_cast<GstGenproLiveSrc*>(object)->state, nullptr));
  G_OBJECT_CLASS(gst_genpro_live_src_parent_class)->finalize(object);
}

}  // namespace

static void gst_genpro_live_src_class_init(GstGenproLiveSrcClass* src_class) {
  G_OBJECT_CLASS(src_class)->finalize = finalize;
  GstElementClass* element_class = GST_ELEMENT_CLASS(src_class);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "GEN live output", "Source",
                                        "Video or audio of a genprobin",
                                        "The gst-genpro developers");
  element_class->post_message = post_message;
  element_class->send_event = send_event;
  element_class->change_state = change_state;
  GstBaseSrcClass* base_class = GST_BASE_SRC_CLASS(src_class);
  base_class->start = start;
  base_class->unlock = unlock;
  base_class->unlock_stop = unlock_stop;
  base_class->get_caps = get_caps;
  base_class->negotiate = negotiate;
  base_class->decide_allocation = decide_allocation;
  base_class->query = query;
  base_class->event = event;
  base_class->is_seekable = is_seekable;
  GST_PUSH_SRC_CLASS(src_class)->create = create;
}

static void gst_genpro_live_src_init(GstGenproLiveSrc* src) {
  gst_base_src_set_live(GST_BASE_SRC(src), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(src), GST_FORMAT_TIME);
  gst_base_src_set_do_timestamp(GST_BASE_SRC(src), FALSE);
}

namespace genpro::bin {

GstElement* make_live_source(const char* name, std::unique_ptr<Producer> producer) {
  auto* src = reinterpret_cast<GstGenproLiveSrc*>(
      g_object_new(gst_genpro_live_src_get_type(), "name", name, nullptr));
  src->state =
      std::make_unique<GstGenproLiveSrcState>(GST_ELEMENT(src), std::move(producer)).release();
  return GST_ELEMENT(src);
}

}  // namespace genpro::bin
