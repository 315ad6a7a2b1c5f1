// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/media/frame_converter.h"

#include <algorithm>
#include <cstddef>
#include <vector>

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

// Lines of pixels in the format that GStreamer unpacks a format into: alpha first, then three
// components.
class Lines {
 public:
  explicit Lines(GstVideoFrame* frame)
      : frame_(frame), pixels_(static_cast<std::size_t>(frame->info.width + 8) * 4 * 2) {}

  void* unpack(int row) {
    const GstVideoInfo& info = frame_->info;
    info.finfo->unpack_func(info.finfo, GST_VIDEO_PACK_FLAG_NONE, pixels_.data(), frame_->data,
                            info.stride, 0, row, info.width);
    return pixels_.data();
  }
  void* pixels() { return pixels_.data(); }
  void pack(int row) {
    const GstVideoInfo& info = frame_->info;
    info.finfo->pack_func(info.finfo, GST_VIDEO_PACK_FLAG_NONE, pixels_.data(), 0, frame_->data,
                          info.stride, info.chroma_site, row, info.width);
  }

 private:
  GstVideoFrame* const frame_;
  std::vector<std::uint8_t> pixels_;
};

// Colours weigh as much as they can be seen, so that those of transparent pixels do not show.
template <typename Component>
void mix_pixels(const Component* under, const Component* over, Component* out, int pixels,
                double mix) {
  constexpr Component opaque = static_cast<Component>(-1);
  const auto share = static_cast<float>(mix);
  const auto weight = static_cast<std::uint32_t>(mix * 256 + 0.5);
  for (int at = 0; at < pixels; ++at, under += 4, over += 4, out += 4) {
    if (under[0] == opaque && over[0] == opaque) {
      for (int component = 0; component < 4; ++component) {
        const std::uint32_t sum = std::uint32_t{under[component]} * (256 - weight) +
                                  std::uint32_t{over[component]} * weight;
        out[component] = static_cast<Component>((sum + 128) >> 8);
      }
      continue;
    }
    const float first = static_cast<float>(under[0]) * (1 - share);
    const float second = static_cast<float>(over[0]) * share;
    const float alpha = first + second;
    out[0] = static_cast<Component>(alpha + 0.5F);
    for (int component = 1; component < 4; ++component) {
      const float sum = static_cast<float>(under[component]) * first +
                        static_cast<float>(over[component]) * second;
      out[component] = alpha > 0 ? static_cast<Component>(sum / alpha + 0.5F) : under[component];
    }
  }
}

void mix_lines(GstVideoFrame* under, GstVideoFrame* over, GstVideoFrame* out, double mix) {
  Lines first(under);
  Lines second(over);
  Lines result(out);
  const GstVideoFormatInfo* unpacked = gst_video_format_get_info(out->info.finfo->unpack_format);
  for (int row = 0; row < out->info.height; ++row) {
    const void* one = first.unpack(row);
    const void* other = second.unpack(row);
    if (GST_VIDEO_FORMAT_INFO_DEPTH(unpacked, 0) > 8) {
      mix_pixels(static_cast<const std::uint16_t*>(one), static_cast<const std::uint16_t*>(other),
                 static_cast<std::uint16_t*>(result.pixels()), out->info.width, mix);
    } else {
      mix_pixels(static_cast<const std::uint8_t*>(one), static_cast<const std::uint8_t*>(other),
                 static_cast<std::uint8_t*>(result.pixels()), out->info.width, mix);
    }
    result.pack(row);
  }
}

// `pixels` on one colour, alpha first.
template <typename Component>
void put_on(const Component* colour, Component* pixels, int number) {
  constexpr std::uint32_t opaque = static_cast<Component>(-1);
  for (int at = 0; at < number; ++at, pixels += 4) {
    const std::uint32_t alpha = pixels[0];
    for (int component = 1; component < 4; ++component) {
      const std::uint64_t sum = std::uint64_t{pixels[component]} * alpha +
                                std::uint64_t{colour[component]} * (opaque - alpha);
      pixels[component] = static_cast<Component>((sum + opaque / 2) / opaque);
    }
    pixels[0] = static_cast<Component>(opaque);
  }
}

bool is_same_format(const GstVideoInfo& one, const GstVideoInfo& other) {
  return GST_VIDEO_INFO_FORMAT(&one) == GST_VIDEO_INFO_FORMAT(&other) && one.width == other.width &&
         one.height == other.height && one.par_n == other.par_n && one.par_d == other.par_d &&
         gst_video_colorimetry_is_equal(&one.colorimetry, &other.colorimetry);
}

}  // namespace

Frame Frame::copy() const {
  return {BufferPtr(buffer ? gst_buffer_ref(buffer.get()) : nullptr), info, number,
          CapsPtr(caps ? gst_caps_ref(caps.get()) : nullptr)};
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
  if (!frame.caps && is_same_format(frame.info, raster.info) &&
      has_plain_layout(frame.buffer.get(), frame.info)) {
    return BufferPtr(gst_buffer_ref(frame.buffer.get()));
  }
  if (!GST_VIDEO_INFO_HAS_ALPHA(&frame.info) || GST_VIDEO_INFO_HAS_ALPHA(&raster.info)) {
    return convert(frame, raster);
  }
  const Frame composed = compose(frame, raster);
  return composed ? convert(composed, raster) : nullptr;
}

Frame FrameConverter::compose(const Frame& frame, const Raster& raster) {
  Raster unpacked;
  gst_video_info_set_format(&unpacked.info, raster.info.finfo->unpack_format,
                            static_cast<guint>(raster.info.width),
                            static_cast<guint>(raster.info.height));
  unpacked.info.par_n = raster.info.par_n;
  unpacked.info.par_d = raster.info.par_d;
  unpacked.info.colorimetry = raster.info.colorimetry;
  unpacked.border = 0;
  if (!with_alpha_) with_alpha_ = std::make_unique<FrameConverter>();
  const BufferPtr fitted = with_alpha_->fit(frame, unpacked);
  // One pixel is enough to convert a colour.
  Raster pixel;
  gst_video_info_set_format(&pixel.info, GST_VIDEO_INFO_FORMAT(&unpacked.info), 1, 1);
  pixel.info.colorimetry = raster.info.colorimetry;
  const BufferPtr ground = fill(raster.border | 0xff000000, pixel);
  Frame result{with_alpha_->take_buffer(unpacked), unpacked.info, frame.number};
  if (!fitted || !ground || !result) return {};
  Mapped in(fitted.get(), unpacked.info, GST_MAP_READ);
  Mapped colour(ground.get(), pixel.info, GST_MAP_READ);
  Mapped out(result.buffer.get(), unpacked.info, GST_MAP_READWRITE);
  if (!in || !colour || !out || !gst_video_frame_copy(out.get(), in.get())) return {};
  for (int row = 0; row < unpacked.info.height; ++row) {
    void* pixels = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(out.get(), 0)) +
                   static_cast<std::ptrdiff_t>(row) * GST_VIDEO_FRAME_PLANE_STRIDE(out.get(), 0);
    const void* one = GST_VIDEO_FRAME_PLANE_DATA(colour.get(), 0);
    if (GST_VIDEO_INFO_COMP_DEPTH(&unpacked.info, 0) > 8) {
      put_on(static_cast<const std::uint16_t*>(one), static_cast<std::uint16_t*>(pixels),
             unpacked.info.width);
    } else {
      put_on(static_cast<const std::uint8_t*>(one), static_cast<std::uint8_t*>(pixels),
             unpacked.info.width);
    }
  }
  return result;
}

BufferPtr FrameConverter::convert(const Frame& frame, const Raster& raster) {
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
  return own.convert(frame, raster);
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
  mix_lines(first.get(), second.get(), out.get(), mix);
  return result;
}

}  // namespace genpro::bin
