// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The GObject of genprosrc. Its data is in GenproSrcState, which has a destructor; what it does is
// in SourceCore.
#include "source/genprosrc.h"

#include <algorithm>

#include "base/callback.h"
#include "common/presets.h"
#include "common/states.h"
#include "settings/uri.h"
#include "source/source_core.h"

namespace {

// The largest block that is read at once: large enough that the cost of a block does not show,
// small enough that a clip starts to play before much of it is there.
constexpr guint default_block_size = 128 * 1024;
// Smaller buffers are parts of a block, which would take more memory than its bytes.
constexpr guint least_block_size = 16 * 1024;

std::size_t block_size_of(GstBaseSrc* src) {
  const guint size = gst_base_src_get_blocksize(src);
  if (size == 0) return default_block_size;
  return std::clamp<std::size_t>(size, least_block_size, genpro::clip::Reader::read_ahead);
}

GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/quicktime; application/x-3gp"));

}  // namespace

struct GenproSrcState {
  class SrcPad : public genpro::SourceCore::Pad {
   public:
    explicit SrcPad(GstBaseSrc* src) : src_(src) {}

    void set_caps(genpro::CapsPtr caps) override { gst_base_src_set_caps(src_, caps.get()); }
    void queue_tags(genpro::TagListPtr tags) override;
    void set_size(std::uint64_t size) override;

   private:
    GstBaseSrc* src_;
  };

  explicit GenproSrcState(GstBaseSrc* src) : pad(src), core(GST_ELEMENT(src), pad) {}

  struct Configuration {
    genpro::Settings settings;
    // As they were set by properties alone: what a URI begins with.
    genpro::Settings without_uri;
    std::string uri;  // empty: none was set, or a property has been since
  };

  genpro::Guarded<Configuration> configuration;
  SrcPad pad;
  genpro::SourceCore core;
  GstPadActivateModeFunction activate_mode = nullptr;  // the base class's
};

struct _GstGenproSrc {
  GstBaseSrc parent;
  GenproSrcState* state;
};

static void gst_genpro_src_preset_init(gpointer interface, gpointer);
static void gst_genpro_src_uri_handler_init(gpointer interface, gpointer);
G_DEFINE_FINAL_TYPE_WITH_CODE(GstGenproSrc, gst_genpro_src, GST_TYPE_BASE_SRC,
                              G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, gst_genpro_src_preset_init)
                                  G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER,
                                                        gst_genpro_src_uri_handler_init))

void GenproSrcState::SrcPad::queue_tags(genpro::TagListPtr tags) {
  // The base class's own handler, since gst_element_send_event() takes the state lock, which a
  // state change may hold while it waits for this thread.
  GST_ELEMENT_CLASS(gst_genpro_src_parent_class)
      ->send_event(GST_ELEMENT(src_), gst_event_new_tag(tags.release()));
}

void GenproSrcState::SrcPad::set_size(std::uint64_t size) {
  GST_OBJECT_LOCK(src_);
  src_->segment.duration = static_cast<gint64>(size);
  GST_OBJECT_UNLOCK(src_);
  gst_element_post_message(GST_ELEMENT(src_), gst_message_new_duration_changed(GST_OBJECT(src_)));
}

namespace {

GenproSrcState& state_of(gpointer object) {
  return *GST_GENPRO_SRC(object)->state;
}

// Runs `function` so that no exception gets into GStreamer; `otherwise` is returned after one.
template <typename Value, typename Function>
Value guarded(const char* where, Value otherwise, Function&& function) noexcept {
  Value value = otherwise;
  genpro::guard_c_callback(where, [&] { value = function(); });
  return value;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
  genpro::guard_c_callback("set_property", [&] {
    auto configuration = state_of(object).configuration.lock();
    configuration->uri.clear();
    if (!genpro::set_setting(configuration->settings, id, value) ||
        !genpro::set_setting(configuration->without_uri, id, value)) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
  });
}

genpro::Settings settings_of(gpointer object) {
  return state_of(object).configuration.lock()->settings;
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  genpro::guard_c_callback("get_property", [&] {
    const genpro::GenerationReport report = state_of(object).core.report();
    if (!genpro::get_generation_property(report, pspec->name, value) &&
        !genpro::get_setting(settings_of(object), id, value)) {
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
  });
}

GstPadMode mode_of(GstBaseSrc* src) {
  GstPad* pad = GST_BASE_SRC_PAD(src);
  GST_OBJECT_LOCK(pad);
  const GstPadMode mode = GST_PAD_MODE(pad);
  GST_OBJECT_UNLOCK(pad);
  return mode;
}

gboolean start(GstBaseSrc* src) {
  return guarded<gboolean>("start", FALSE, [&] {
    GenproSrcState& state = state_of(src);
    genpro::Settings settings = settings_of(src);
    settings.tls_interaction = genpro::tls_interaction_of(GST_ELEMENT(src));
    // With do-timestamp the base class would have the stream counted in time.
    gst_base_src_set_format(src, GST_FORMAT_BYTES);
    return state.core.start(settings, block_size_of(src), mode_of(src) == GST_PAD_MODE_PULL);
  });
}

gboolean stop(GstBaseSrc* src) {
  genpro::guard_c_callback("stop", [&] { state_of(src).core.stop(); });
  return TRUE;
}

// Also called for flushing seeks, so it wakes and ends nothing.
gboolean unlock(GstBaseSrc* src) {
  genpro::guard_c_callback("unlock", [&] { state_of(src).core.set_interrupted(true); });
  return TRUE;
}

gboolean unlock_stop(GstBaseSrc* src) {
  genpro::guard_c_callback("unlock_stop", [&] { state_of(src).core.set_interrupted(false); });
  return TRUE;
}

// The caps follow from the clip's first bytes; until then there is nothing to agree on.
gboolean negotiate(GstBaseSrc*) {
  return TRUE;
}

GstFlowReturn create(GstBaseSrc* src, guint64 offset, guint length, GstBuffer** buffer) {
  return guarded("create", GST_FLOW_ERROR,
                 [&] { return state_of(src).core.create(offset, length, buffer); });
}

gboolean do_seek(GstBaseSrc* src, GstSegment* segment) {
  if (segment->format != GST_FORMAT_BYTES || segment->rate <= 0) return FALSE;
  return guarded<gboolean>("do_seek", FALSE, [&] {
    std::optional<std::uint64_t> stop;
    if (segment->stop != static_cast<guint64>(-1)) stop = segment->stop;
    segment->time = segment->start;
    return state_of(src).core.seek(segment->position, stop);
  });
}

// Pull mode can be had before there is a clip, whose server need not know ranges for it.
gboolean is_seekable(GstBaseSrc* src) {
  if (mode_of(src) == GST_PAD_MODE_PULL) return TRUE;
  return guarded<gboolean>("is_seekable", FALSE, [&] { return state_of(src).core.is_seekable(); });
}

gboolean get_size(GstBaseSrc* src, guint64* size) {
  return guarded<gboolean>("get_size", FALSE, [&] {
    const auto known = state_of(src).core.size();
    if (known) *size = *known;
    return known.has_value();
  });
}

// Pull mode can be chosen until the run has begun, which in either mode it does when the pad is
// activated. An element that changes the mode later, or plugs a demuxer while the pipeline shuts
// down, would begin another run.
bool may_be_pulled(GstBaseSrc* src) {
  const GstPadMode mode = mode_of(src);
  if (mode != GST_PAD_MODE_NONE) return mode == GST_PAD_MODE_PULL;
  GST_OBJECT_LOCK(src);
  const bool is_early = GST_STATE(src) <= GST_STATE_READY;
  GST_OBJECT_UNLOCK(src);
  return is_early;
}

gboolean activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode, gboolean active) {
  GstBaseSrc* src = GST_BASE_SRC(parent);
  if (active && mode == GST_PAD_MODE_PULL && GST_STATE(src) > GST_STATE_READY) return FALSE;
  return state_of(src).activate_mode(pad, parent, mode, active);
}

gboolean answer_scheduling(GstBaseSrc* src, GstQuery* query) {
  const bool is_pulled = may_be_pulled(src);
  // A player that is told of limited bandwidth puts a queue of bytes before the demuxer, which then
  // cannot pull, and loses frames of some clips. Without, it buffers what the demuxer gives.
  unsigned flags =
      is_pulled ? 0 : GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED | GST_SCHEDULING_FLAG_SEQUENTIAL;
  if (is_pulled || is_seekable(src)) flags |= GST_SCHEDULING_FLAG_SEEKABLE;
  gst_query_set_scheduling(query, static_cast<GstSchedulingFlags>(flags), 1, -1, 0);
  if (is_pulled) gst_query_add_scheduling_mode(query, GST_PAD_MODE_PULL);
  gst_query_add_scheduling_mode(query, GST_PAD_MODE_PUSH);
  return TRUE;
}

// The base class answers a URI query by the URI handler, and makes the stream's id of it.
gboolean query(GstBaseSrc* src, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_SCHEDULING) return answer_scheduling(src, query);
  return GST_BASE_SRC_CLASS(gst_genpro_src_parent_class)->query(src, query);
}

gboolean save_preset(GstPreset* preset, const char* name) {
  return guarded("save_preset", false,
                 [&] { return genpro::save_preset(preset, name, settings_of(preset)); });
}

char* get_uri(GstURIHandler* handler) {
  return guarded<char*>("get_uri", nullptr, [&]() -> char* {
    auto configuration = state_of(handler).configuration.lock();
    if (!configuration->uri.empty()) return g_strdup(configuration->uri.c_str());
    const auto uri = genpro::make_uri(configuration->settings);
    return uri ? g_strdup(uri->c_str()) : nullptr;
  });
}

gboolean set_uri(GstURIHandler* handler, const char* uri, GError** error) {
  const auto refuse = [&](GstURIError code, const char* text) {
    g_set_error_literal(error, GST_URI_ERROR, code, text);
    return false;
  };
  const auto set = [&] {
    GST_OBJECT_LOCK(handler);
    const GstState state = GST_STATE(handler);
    GST_OBJECT_UNLOCK(handler);
    if (state > GST_STATE_READY) {
      return refuse(
          GST_URI_ERROR_BAD_STATE,
          "The URI of a genprosrc cannot be changed while it runs. Set it to READY first.");
    }
    GenproSrcState& source = state_of(handler);
    const genpro::Settings before = source.configuration.lock()->without_uri;
    auto settings = genpro::apply_uri(before, uri);
    if (!settings) {
      const genpro::Error& reason = settings.error();
      return refuse(reason.kind == genpro::ErrorKind::open_read ? GST_URI_ERROR_BAD_REFERENCE
                                                                : GST_URI_ERROR_BAD_URI,
                    reason.message.c_str());
    }
    auto configuration = source.configuration.lock();
    configuration->settings = std::move(*settings);
    configuration->uri = uri;
    return true;
  };
  return guarded("set_uri", false, set);
}

GstStateChangeReturn set_state(GstElement* element, GstState state) {
  if (genpro::starts_while_pipeline_stops(element, state)) return GST_STATE_CHANGE_SUCCESS;
  return GST_ELEMENT_CLASS(gst_genpro_src_parent_class)->set_state(element, state);
}

gboolean send_event(GstElement* element, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) state_of(element).core.announce_eos();
  return GST_ELEMENT_CLASS(gst_genpro_src_parent_class)->send_event(element, event);
}

// One error a failure. The base class posts another one after each flow error and each start that
// fails ("Internal data stream error"), which would bury the one that says what to do.
gboolean post_message(GstElement* element, GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    genpro::SourceCore& core = state_of(element).core;
    core.note_error();
    if (core.has_failed()) {
      gst_message_unref(message);
      return TRUE;
    }
  }
  return GST_ELEMENT_CLASS(gst_genpro_src_parent_class)->post_message(element, message);
}

// When the end is pushed, every buffer before it has been taken downstream. When the last buffer is
// pushed, it may still be dropped.
GstPadProbeReturn watch_end(GstPad*, GstPadProbeInfo* info, gpointer element) {
  const GstEventType type = GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info));
  if (type != GST_EVENT_EOS && type != GST_EVENT_SEGMENT_DONE) return GST_PAD_PROBE_OK;
  genpro::guard_c_callback("the end of a clip", [&] {
    int number = -1;
    g_object_get(element, "num-buffers", &number, nullptr);
    state_of(element).core.note_end(number >= 0);
  });
  return GST_PAD_PROBE_OK;
}

// No memory is asked for, since it comes from the reader; and where downstream has had all that it
// needs, a queue may leave a query without an answer for good.
GstPadProbeReturn skip_allocation(GstPad*, GstPadProbeInfo* info, gpointer) {
  const bool is_allocation = GST_QUERY_TYPE(GST_PAD_PROBE_INFO_QUERY(info)) == GST_QUERY_ALLOCATION;
  return is_allocation ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

void finalize(GObject* object) {
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): GObject owns the memory around it
  const std::unique_ptr<GenproSrcState> state(
      std::exchange(GST_GENPRO_SRC(object)->state, nullptr));
  G_OBJECT_CLASS(gst_genpro_src_parent_class)->finalize(object);
}

}  // namespace

static void gst_genpro_src_class_init(GstGenproSrcClass* src_class) {
  GObjectClass* object_class = G_OBJECT_CLASS(src_class);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  genpro::install_settings(object_class, static_cast<GParamFlags>(GST_PARAM_MUTABLE_READY), true);
  genpro::install_generation_properties(object_class, genpro::last_setting() + 1);

  GstElementClass* element_class = GST_ELEMENT_CLASS(src_class);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "GEN video source", "Source/Network",
      "Asks the GEN service for a video from a prompt and ingredients, and streams the clip",
      "The gst-genpro developers");
  gst_element_class_add_static_metadata(element_class, GST_ELEMENT_METADATA_DOC_URI,
                                        GENPRO_DOC_URI);

  element_class->set_state = set_state;
  element_class->send_event = send_event;
  element_class->post_message = post_message;

  GstBaseSrcClass* base_class = GST_BASE_SRC_CLASS(src_class);
  base_class->start = start;
  base_class->stop = stop;
  base_class->unlock = unlock;
  base_class->unlock_stop = unlock_stop;
  base_class->negotiate = negotiate;
  base_class->create = create;
  base_class->do_seek = do_seek;
  base_class->is_seekable = is_seekable;
  base_class->get_size = get_size;
  base_class->query = query;
}

static void gst_genpro_src_preset_init(gpointer interface, gpointer) {
  genpro::init_presets(interface, nullptr);
  static_cast<GstPresetInterface*>(interface)->save_preset = save_preset;
}

static void gst_genpro_src_uri_handler_init(gpointer interface, gpointer) {
  auto* handler = static_cast<GstURIHandlerInterface*>(interface);
  handler->get_type = [](GType) { return GST_URI_SRC; };
  handler->get_protocols = [](GType) -> const gchar* const* {
    static const gchar* const protocols[] = {genpro::uri_protocol, nullptr};
    return protocols;
  };
  handler->get_uri = get_uri;
  handler->set_uri = set_uri;
}

static void gst_genpro_src_init(GstGenproSrc* src) {
  genpro::guard_c_callback(
      "init", [&] { src->state = std::make_unique<GenproSrcState>(GST_BASE_SRC(src)).release(); });
  GstPad* pad = GST_BASE_SRC_PAD(src);
  src->state->activate_mode = GST_PAD_ACTIVATEMODEFUNC(pad);
  gst_pad_set_activatemode_function(pad, activate_mode);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, watch_end, src, nullptr);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, skip_allocation, nullptr, nullptr);
  gst_base_src_set_format(GST_BASE_SRC(src), GST_FORMAT_BYTES);
  gst_base_src_set_blocksize(GST_BASE_SRC(src), default_block_size);
  // The end is where the reader says it is: only then is the clip known to be whole.
  gst_base_src_set_automatic_eos(GST_BASE_SRC(src), FALSE);
}

genpro::ElementPtr genpro::make_clip_source(std::shared_ptr<Generation> generation) {
  ElementPtr source = sink_ref(GST_ELEMENT(g_object_new(GST_TYPE_GENPRO_SRC, nullptr)));
  state_of(source.get()).core.attach(std::move(generation));
  return source;
}
