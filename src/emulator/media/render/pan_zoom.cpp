// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/pan_zoom.h"

#include <gst/video/gstvideofilter.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

struct GstGenproPanZoom {
  GstVideoFilter parent;
  // Guarded by the object lock: control bindings and the streaming thread meet here.
  gint width;
  gint height;
  gdouble zoom;
  gdouble pan_x;
  gdouble pan_y;
};

struct GstGenproPanZoomClass {
  GstVideoFilterClass parent_class;
};

enum Property { PROP_0, PROP_WIDTH, PROP_HEIGHT, PROP_ZOOM, PROP_PAN_X, PROP_PAN_Y };

GType gst_genpro_pan_zoom_get_type();
G_DEFINE_TYPE(GstGenproPanZoom, gst_genpro_pan_zoom, GST_TYPE_VIDEO_FILTER)

GstGenproPanZoom* self_of(gpointer object) {
  return static_cast<GstGenproPanZoom*>(object);
}

// Where one line of samples is read: the left of two neighbours, and the share of the right one
// in 1/256.
struct Tap {
  int at;
  int share;
};

std::vector<Tap> make_taps(int count, double origin, double step, int limit) {
  std::vector<Tap> taps(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const double position =
        std::clamp(origin + (i + 0.5) * step - 0.5, 0.0, static_cast<double>(limit - 1));
    const int at = std::min(static_cast<int>(position), std::max(limit - 2, 0));
    taps[static_cast<std::size_t>(i)] = {at, static_cast<int>((position - at) * 256 + 0.5)};
  }
  return taps;
}

void sample_plane(GstVideoFrame* in, GstVideoFrame* out, int plane, double left, double top,
                  double width, double height) {
  // `left` to `height` are shares of the image, the same in every plane.
  const int in_w = GST_VIDEO_FRAME_COMP_WIDTH(in, plane);
  const int in_h = GST_VIDEO_FRAME_COMP_HEIGHT(in, plane);
  const int out_w = GST_VIDEO_FRAME_COMP_WIDTH(out, plane);
  const int out_h = GST_VIDEO_FRAME_COMP_HEIGHT(out, plane);
  const auto* source = static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(in, plane));
  auto* target = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(out, plane));
  const std::ptrdiff_t in_stride = GST_VIDEO_FRAME_PLANE_STRIDE(in, plane);
  const std::ptrdiff_t out_stride = GST_VIDEO_FRAME_PLANE_STRIDE(out, plane);
  const auto columns = make_taps(out_w, left * in_w, width * in_w / out_w, in_w);
  const auto rows = make_taps(out_h, top * in_h, height * in_h / out_h, in_h);
  // Rows are blended first, once for each column of the source: that loop vectorises.
  std::vector<std::uint16_t> line(static_cast<std::size_t>(in_w) + 1);
  for (int y = 0; y < out_h; ++y) {
    const Tap row = rows[static_cast<std::size_t>(y)];
    const std::uint8_t* upper = source + row.at * in_stride;
    const std::uint8_t* lower = in_h > 1 ? upper + in_stride : upper;
    for (int x = 0; x < in_w; ++x) {
      line[static_cast<std::size_t>(x)] =
          static_cast<std::uint16_t>(upper[x] * (256 - row.share) + lower[x] * row.share);
    }
    line[static_cast<std::size_t>(in_w)] = line[static_cast<std::size_t>(in_w) - 1];
    std::uint8_t* result = target + y * out_stride;
    for (int x = 0; x < out_w; ++x) {
      const Tap tap = columns[static_cast<std::size_t>(x)];
      const std::uint32_t a = line[static_cast<std::size_t>(tap.at)];
      const std::uint32_t b = line[static_cast<std::size_t>(tap.at) + 1];
      const auto share = static_cast<std::uint32_t>(tap.share);
      result[x] = static_cast<std::uint8_t>((a * (256 - share) + b * share + 32768) >> 16);
    }
  }
}

GstFlowReturn transform_frame(GstVideoFilter* filter, GstVideoFrame* in, GstVideoFrame* out) {
  GstGenproPanZoom* self = self_of(filter);
  GST_OBJECT_LOCK(self);
  const double zoom = std::max(1.0, self->zoom);
  const double pan_x = std::clamp(self->pan_x, 0.0, 1.0);
  const double pan_y = std::clamp(self->pan_y, 0.0, 1.0);
  GST_OBJECT_UNLOCK(self);
  const double in_aspect =
      static_cast<double>(GST_VIDEO_FRAME_WIDTH(in)) / GST_VIDEO_FRAME_HEIGHT(in);
  const double out_aspect =
      static_cast<double>(GST_VIDEO_FRAME_WIDTH(out)) / GST_VIDEO_FRAME_HEIGHT(out);
  const double width = std::min(1.0, out_aspect / in_aspect) / zoom;
  const double height = std::min(1.0, in_aspect / out_aspect) / zoom;
  for (int plane = 0; plane < 3; ++plane) {
    sample_plane(in, out, plane, (1 - width) * pan_x, (1 - height) * pan_y, width, height);
  }
  return GST_FLOW_OK;
}

// The size that comes out is set, whatever comes in.
GstCaps* transform_caps(GstBaseTransform* transform, GstPadDirection direction, GstCaps* caps,
                        GstCaps* filter) {
  GstGenproPanZoom* self = self_of(transform);
  GstCaps* result = gst_caps_copy(caps);
  for (guint i = 0; i < gst_caps_get_size(result); ++i) {
    GstStructure* structure = gst_caps_get_structure(result, i);
    if (direction == GST_PAD_SINK) {
      gst_structure_set(structure, "width", G_TYPE_INT, self->width, "height", G_TYPE_INT,
                        self->height, nullptr);
    } else {
      gst_structure_set(structure, "width", GST_TYPE_INT_RANGE, 1, G_MAXINT, "height",
                        GST_TYPE_INT_RANGE, 1, G_MAXINT, nullptr);
    }
  }
  if (filter != nullptr) {
    GstCaps* both = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    result = both;
  }
  return result;
}

void before_transform(GstBaseTransform* transform, GstBuffer* buffer) {
  const GstClockTime time =
      gst_segment_to_stream_time(&transform->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(transform), time);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  GstGenproPanZoom* self = self_of(object);
  GST_OBJECT_LOCK(self);
  switch (id) {
    case PROP_WIDTH:
      self->width = g_value_get_int(value);
      break;
    case PROP_HEIGHT:
      self->height = g_value_get_int(value);
      break;
    case PROP_ZOOM:
      self->zoom = g_value_get_double(value);
      break;
    case PROP_PAN_X:
      self->pan_x = g_value_get_double(value);
      break;
    case PROP_PAN_Y:
      self->pan_y = g_value_get_double(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  GST_OBJECT_UNLOCK(self);
}

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ I420, Y444 }")));
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("{ I420, Y444 }")));

void gst_genpro_pan_zoom_class_init(GstGenproPanZoomClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  object_class->set_property = set_property;
  const auto flags =
      static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  const auto animated = static_cast<GParamFlags>(flags | GST_PARAM_CONTROLLABLE);
  g_object_class_install_property(
      object_class, PROP_WIDTH,
      g_param_spec_int("width", "Width", "Width of what comes out", 1, G_MAXINT, 1280, flags));
  g_object_class_install_property(
      object_class, PROP_HEIGHT,
      g_param_spec_int("height", "Height", "Height of what comes out", 1, G_MAXINT, 720, flags));
  g_object_class_install_property(
      object_class, PROP_ZOOM,
      g_param_spec_double("zoom", "Zoom", "1 shows the largest part", 1, 10, 1, animated));
  g_object_class_install_property(
      object_class, PROP_PAN_X,
      g_param_spec_double("pan-x", "Pan X", "0: left, 1: right", 0, 1, 0.5, animated));
  g_object_class_install_property(
      object_class, PROP_PAN_Y,
      g_param_spec_double("pan-y", "Pan Y", "0: top, 1: bottom", 0, 1, 0.5, animated));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Pan and zoom", "Filter/Effect/Video",
                                        "Shows a moving part of a larger image", "gst-genpro");
  transform_class->transform_caps = transform_caps;
  transform_class->before_transform = before_transform;
  GST_VIDEO_FILTER_CLASS(klass)->transform_frame = transform_frame;
}

void gst_genpro_pan_zoom_init(GstGenproPanZoom*) {}

}  // namespace

namespace genpro::emulator::render {

bool register_pan_zoom() {
  return gst_element_register(nullptr, kPanZoomElement, GST_RANK_NONE,
                              gst_genpro_pan_zoom_get_type()) != FALSE;
}

}  // namespace genpro::emulator::render
