// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/frame_converter.h"

#include <algorithm>
#include <cstddef>

// GStreamer 1.22 declares gst_video_blend() without saying that it is a C function.
extern "C" gboolean genpro_video_blend(GstVideoFrame* dest, GstVideoFrame* src, gint x, gint y,
                                       gfloat global_alpha) __asm__("gst_video_blend");

namespace genpro::bin {

namespace {

// A mapped frame, unmapped with the object.
class Mapped {
 public:
  Mapped(GstBuffer* buffer, const GstVideoInfo& info, GstMapFlags flags) {
    GstVideoInfo copy = info;
    is_mapped_ = gst_video_frame_map(&frame_, &copy, buffer, flags);
  }
  ~Mapped() {
    if (is_mapped_) gst_video_frame_unmap(&frame_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  explicit operator bool() const { return is_mapped_; }
  GstVideoFrame* get() { return &frame_; }

 private:
  GstVideoFrame frame_{};
  bool is_mapped_ = false;
};

struct Place {
  int x;
  int y;
  int width;
  int height;
};

// Where a frame lies in the raster. Even numbers, since chroma may be coarser than luma.
Place place_in(const GstVideoInfo& from, const GstVideoInfo& to) {
  const auto shape = [](const GstVideoInfo& info) {
    return static_cast<double>(info.width) * info.par_n /
           (static_cast<double>(info.height) * info.par_d);
  };
  const double raster_par = static_cast<double>(to.par_n) / to.par_d;
  // In pixels of the raster.
  const double wanted = shape(from) / raster_par;
  double width = to.width;
  double height = width / wanted;
  if (height > to.height) {
    height = to.height;
    width = height * wanted;
  }
  const auto even = [](double value, int limit) {
    const int rounded = static_cast<int>((value + 1) / 2) * 2;
    return rounded >= limit - 1 ? limit : MAX(rounded, 2);
  };
  Place place{};
  place.width = even(width, to.width);
  place.height = even(height, to.height);
  place.x = (to.width - place.width) / 4 * 2;
  place.y = (to.height - place.height) / 4 * 2;
  return place;
}

// What follows may not know of unusual strides.
bool has_plain_layout(GstBuffer* buffer, const GstVideoInfo& info) {
  const GstVideoMeta* meta = gst_buffer_get_video_meta(buffer);
  if (meta == nullptr) return gst_buffer_get_size(buffer) == info.size;
  for (guint plane = 0; plane < meta->n_planes; ++plane) {
    if (meta->offset[plane] != info.offset[plane] || meta->stride[plane] != info.stride[plane]) {
      return false;
    }
  }
  return true;
}

// Every byte is a component, so that mixing bytes mixes frames.
bool is_mixed_by_bytes(const GstVideoInfo& info) {
  const GstVideoFormatInfo* format = info.finfo;
  return GST_VIDEO_FORMAT_INFO_BITS(format) == 8 && !GST_VIDEO_FORMAT_INFO_HAS_ALPHA(format) &&
         !GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format) && !GST_VIDEO_FORMAT_INFO_IS_COMPLEX(format);
}

// An order of magnitude cheaper than unpacking both: a fade has to keep up with live frames.
void mix_bytes(GstVideoFrame* under, GstVideoFrame* over, GstVideoFrame* out, double mix) {
  const int weight = static_cast<int>(mix * 256 + 0.5);
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(out); ++plane) {
    const GstVideoFormatInfo* format = out->info.finfo;
    gint component = 0;
    while (GST_VIDEO_FORMAT_INFO_PLANE(format, component) != plane) ++component;
    const int rows = GST_VIDEO_FRAME_COMP_HEIGHT(out, component);
    const auto row_of = [plane](GstVideoFrame* frame, int row) {
      return static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(frame, plane)) +
             static_cast<std::ptrdiff_t>(row) * GST_VIDEO_FRAME_PLANE_STRIDE(frame, plane);
    };
    const int bytes = std::min({GST_VIDEO_FRAME_PLANE_STRIDE(out, plane),
                                GST_VIDEO_FRAME_PLANE_STRIDE(under, plane),
                                GST_VIDEO_FRAME_PLANE_STRIDE(over, plane)});
    for (int row = 0; row < rows; ++row) {
      const guint8* first = row_of(under, row);
      const guint8* second = row_of(over, row);
      guint8* result = row_of(out, row);
      for (int at = 0; at < bytes; ++at) {
        result[at] =
            static_cast<guint8>((first[at] * (256 - weight) + second[at] * weight + 128) >> 8);
      }
    }
  }
}

bool is_same_picture_kind(const GstVideoInfo& one, const GstVideoInfo& other) {
  return GST_VIDEO_INFO_FORMAT(&one) == GST_VIDEO_INFO_FORMAT(&other) && one.width == other.width &&
         one.height == other.height && one.par_n == other.par_n && one.par_d == other.par_d &&
         gst_video_colorimetry_is_equal(&one.colorimetry, &other.colorimetry);
}

}  // namespace

Frame Frame::copy() const {
  return {BufferPtr(buffer ? gst_buffer_ref(buffer.get()) : nullptr), info, number};
}

bool copy_frame(GstBuffer* from, GstBuffer* to, const GstVideoInfo& info) {
  Mapped in(from, info, GST_MAP_READ);
  Mapped out(to, info, GST_MAP_WRITE);
  return in && out && gst_video_frame_copy(out.get(), in.get());
}

FrameConverter::~FrameConverter() {
  if (pool_) gst_buffer_pool_set_active(pool_.get(), FALSE);
}

BufferPtr FrameConverter::take_buffer(const Raster& raster) {
  if (!pool_ || !gst_video_info_is_equal(&pool_info_, &raster.info)) {
    if (pool_) gst_buffer_pool_set_active(pool_.get(), FALSE);
    pool_ = Pool::adopt(gst_video_buffer_pool_new());
    GstVideoInfo info = raster.info;
    const CapsPtr caps(gst_video_info_to_caps(&info));
    GstStructure* config = gst_buffer_pool_get_config(pool_.get());
    gst_buffer_pool_config_set_params(config, caps.get(), static_cast<guint>(info.size), 0, 0);
    if (!gst_buffer_pool_set_config(pool_.get(), config) ||
        !gst_buffer_pool_set_active(pool_.get(), TRUE)) {
      pool_.reset();
      return nullptr;
    }
    pool_info_ = raster.info;
  }
  GstBuffer* buffer = nullptr;
  gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, nullptr);
  return BufferPtr(buffer);
}

bool FrameConverter::prepare(const GstVideoInfo& from, const Raster& raster) {
  if (is_prepared_ && gst_video_info_is_equal(&from_, &from) && to_.is_like(raster)) {
    return converter_ != nullptr;
  }
  from_ = from;
  to_ = raster;
  is_prepared_ = true;
  const Place place = place_in(from, raster.info);
  GstVideoInfo in = from;
  GstVideoInfo out = raster.info;
  // The converter does not look at rates, but wants them to be the same.
  in.fps_n = out.fps_n;
  in.fps_d = out.fps_d;
  in.interlace_mode = out.interlace_mode;
  converter_.reset(gst_video_converter_new(
      &in, &out,
      gst_structure_new("options", GST_VIDEO_CONVERTER_OPT_DEST_X, G_TYPE_INT, place.x,
                        GST_VIDEO_CONVERTER_OPT_DEST_Y, G_TYPE_INT, place.y,
                        GST_VIDEO_CONVERTER_OPT_DEST_WIDTH, G_TYPE_INT, place.width,
                        GST_VIDEO_CONVERTER_OPT_DEST_HEIGHT, G_TYPE_INT, place.height,
                        GST_VIDEO_CONVERTER_OPT_FILL_BORDER, G_TYPE_BOOLEAN, TRUE,
                        GST_VIDEO_CONVERTER_OPT_BORDER_ARGB, G_TYPE_UINT, raster.border,
                        GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD, GST_TYPE_VIDEO_RESAMPLER_METHOD,
                        GST_VIDEO_RESAMPLER_METHOD_LINEAR, nullptr)));
  return converter_ != nullptr;
}

BufferPtr FrameConverter::fit(const Frame& frame, const Raster& raster) {
  if (is_same_picture_kind(frame.info, raster.info) &&
      has_plain_layout(frame.buffer.get(), frame.info)) {
    return BufferPtr(gst_buffer_ref(frame.buffer.get()));
  }
  if (!prepare(frame.info, raster)) return nullptr;
  BufferPtr result = take_buffer(raster);
  if (!result) return nullptr;
  // As the converter was made, whatever the clip says: not field by field.
  GstVideoInfo info = frame.info;
  info.interlace_mode = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  Mapped in(frame.buffer.get(), info, GST_MAP_READ);
  Mapped out(result.get(), raster.info, GST_MAP_WRITE);
  if (!in || !out) return nullptr;
  gst_video_converter_frame(converter_.get(), in.get(), out.get());
  return result;
}

BufferPtr FrameConverter::fill(std::uint32_t colour, const Raster& raster) {
  Frame frame;
  gst_video_info_set_format(&frame.info, GST_VIDEO_FORMAT_ARGB,
                            static_cast<guint>(raster.info.width),
                            static_cast<guint>(raster.info.height));
  frame.info.par_n = raster.info.par_n;
  frame.info.par_d = raster.info.par_d;
  frame.buffer.reset(gst_buffer_new_allocate(nullptr, frame.info.size, nullptr));
  {
    Mapped whole(frame.buffer.get(), frame.info, GST_MAP_WRITE);
    if (!whole) return nullptr;
    auto* pixel = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(whole.get(), 0));
    const std::size_t pixels = frame.info.size / 4;
    for (std::size_t index = 0; index < pixels; ++index, pixel += 4)
      GST_WRITE_UINT32_BE(pixel, colour);
  }
  // Not with the converter that is kept for the clip's frames.
  FrameConverter own;
  return own.fit(frame, raster);
}

BufferPtr FrameConverter::blend(GstBuffer* under, GstBuffer* over, double mix,
                                const Raster& raster) {
  BufferPtr result = take_buffer(raster);
  if (!result) return nullptr;
  Mapped first(under, raster.info, GST_MAP_READ);
  Mapped second(over, raster.info, GST_MAP_READ);
  Mapped out(result.get(), raster.info, GST_MAP_READWRITE);
  if (!first || !second || !out) return nullptr;
  if (is_mixed_by_bytes(raster.info)) {
    mix_bytes(first.get(), second.get(), out.get(), mix);
    return result;
  }
  if (!gst_video_frame_copy(out.get(), first.get())) return nullptr;
  if (!genpro_video_blend(out.get(), second.get(), 0, 0, static_cast<float>(mix))) return nullptr;
  return result;
}

}  // namespace genpro::bin
