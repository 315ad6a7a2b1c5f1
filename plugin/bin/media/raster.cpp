// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/raster.h"

#include <array>

namespace genpro::bin {

namespace {

struct Size {
  int width;
  int height;
};

Size default_size(const std::string& aspect_ratio) {
  if (aspect_ratio == "1:1") return {720, 720};
  if (aspect_ratio == "9:16") return {720, 1280};
  return {1280, 720};
}

constexpr std::array opaque_formats = {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12,
                                       GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_UYVY,
                                       GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_RGBx};
constexpr std::array alpha_formats = {GST_VIDEO_FORMAT_AYUV, GST_VIDEO_FORMAT_BGRA,
                                      GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_ARGB,
                                      GST_VIDEO_FORMAT_A420};

bool fixed_int(const GstStructure* fields, const char* name, int* value) {
  return gst_structure_get_int(fields, name, value) != FALSE;
}

// Sets the field to `format` when it is among those that are left.
bool prefer_format(GstStructure* fields, GstVideoFormat format) {
  const char* name = gst_video_format_to_string(format);
  const GValue* left = gst_structure_get_value(fields, "format");
  if (left == nullptr) return false;
  GValue wish = G_VALUE_INIT;
  g_value_init(&wish, G_TYPE_STRING);
  g_value_set_static_string(&wish, name);
  const bool has = gst_value_intersect(nullptr, left, &wish);
  g_value_unset(&wish);
  if (has) gst_structure_set(fields, "format", G_TYPE_STRING, name, nullptr);
  return has;
}

void choose_format(GstStructure* fields, const WantedRaster& wanted) {
  if (wanted.format != GST_VIDEO_FORMAT_UNKNOWN && prefer_format(fields, wanted.format)) return;
  if (wanted.wants_alpha) {
    for (const GstVideoFormat format : alpha_formats) {
      if (prefer_format(fields, format)) return;
    }
  }
  for (const GstVideoFormat format : opaque_formats) {
    if (prefer_format(fields, format)) return;
  }
  gst_structure_fixate_field(fields, "format");
}

void choose_size(GstStructure* fields, const WantedRaster& wanted) {
  const Size size = default_size(wanted.aspect_ratio);
  int width = wanted.width;
  int height = wanted.height;
  // One side given keeps the shape.
  const auto other = [](int side, int numerator, int denominator) {
    return MAX(2, static_cast<int>(gst_util_uint64_scale_int_round(static_cast<guint64>(side),
                                                                   numerator, denominator) &
                                   ~guint64{1}));
  };
  int fixed = 0;
  if (fixed_int(fields, "width", &fixed)) width = fixed;
  if (fixed_int(fields, "height", &fixed)) height = fixed;
  if (width == 0 && height == 0) {
    width = size.width;
    height = size.height;
  } else if (width == 0) {
    width = other(height, size.width, size.height);
  } else if (height == 0) {
    height = other(width, size.height, size.width);
  }
  gst_structure_fixate_field_nearest_int(fields, "width", width);
  gst_structure_fixate_field_nearest_int(fields, "height", height);
}

CapsPtr fixate(CapsPtr caps, const WantedRaster& wanted) {
  caps.reset(gst_caps_make_writable(gst_caps_truncate(caps.release())));
  GstStructure* fields = gst_caps_get_structure(caps.get(), 0);
  choose_format(fields, wanted);
  choose_size(fields, wanted);
  gst_structure_fixate_field_nearest_fraction(fields, "framerate",
                                              wanted.fps_n > 0 ? wanted.fps_n : 30,
                                              wanted.fps_n > 0 ? wanted.fps_d : 1);
  if (gst_structure_has_field(fields, "pixel-aspect-ratio")) {
    gst_structure_fixate_field_nearest_fraction(fields, "pixel-aspect-ratio", 1, 1);
  }
  return CapsPtr(gst_caps_fixate(caps.release()));
}

}  // namespace

CapsPtr choose_caps(const WantedRaster& wanted, const GstCaps* allowed) {
  if (gst_caps_is_empty(allowed)) return nullptr;
  if (gst_caps_is_any(allowed)) {
    return fixate(CapsPtr(gst_caps_from_string(GENPRO_BIN_VIDEO_CAPS)), wanted);
  }
  // The first of the alternatives that can have what is wanted, else the first.
  CapsPtr first;
  for (guint index = 0; index < gst_caps_get_size(allowed); ++index) {
    CapsPtr one(gst_caps_copy_nth(allowed, index));
    CapsPtr fixed = fixate(std::move(one), wanted);
    GstVideoInfo info;
    if (!fixed || !gst_video_info_from_caps(&info, fixed.get())) continue;
    const bool fits = (wanted.format == GST_VIDEO_FORMAT_UNKNOWN ||
                       GST_VIDEO_INFO_FORMAT(&info) == wanted.format) &&
                      (!wanted.wants_alpha || GST_VIDEO_INFO_HAS_ALPHA(&info));
    if (fits) return fixed;
    if (!first) first = std::move(fixed);
  }
  return first;
}

std::string decoder_caps(const Raster& raster) {
  std::string result;
  const CapsPtr devices(gst_caps_from_string(raster.device_caps.c_str()));
  for (guint index = 0; index < gst_caps_get_size(devices.get()); ++index) {
    const CapsPtr one(gst_caps_new_empty());
    gst_caps_append_structure_full(
        one.get(),
        gst_structure_new("video/x-raw", "width", G_TYPE_INT, raster.info.width, "height",
                          G_TYPE_INT, raster.info.height, nullptr),
        gst_caps_features_copy(gst_caps_get_features(devices.get(), index)));
    gst_caps_set_value(
        one.get(), "format",
        gst_structure_get_value(gst_caps_get_structure(devices.get(), index), "format"));
    result += take_string(gst_caps_to_string(one.get())) + "; ";
  }
  return result + "video/x-raw";
}

CapsPtr with_format(const WantedRaster& wanted, const GstCaps* caps,
                    const std::function<bool(GstCaps*)>& accepts) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return nullptr;
  const bool is_given = wanted.format != GST_VIDEO_FORMAT_UNKNOWN;
  const bool is_met = is_given ? GST_VIDEO_INFO_FORMAT(&info) == wanted.format
                               : !wanted.wants_alpha || GST_VIDEO_INFO_HAS_ALPHA(&info);
  if (is_met) return nullptr;
  const auto offer = [&](GstVideoFormat format) {
    CapsPtr offered(gst_caps_copy(caps));
    gst_caps_set_simple(offered.get(), "format", G_TYPE_STRING, gst_video_format_to_string(format),
                        nullptr);
    return accepts(offered.get()) ? std::move(offered) : nullptr;
  };
  if (is_given) return offer(wanted.format);
  for (const GstVideoFormat format : alpha_formats) {
    if (CapsPtr accepted = offer(format)) return accepted;
  }
  return nullptr;
}

}  // namespace genpro::bin
