// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/raster.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "emulator/media/render/reporter.h"

namespace genpro::emulator::render {
namespace {

bool operator==(const Rect& a, const Rect& b) {
  return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

// One box pass over lines of `count` BGRA pixels, `step` bytes apart. Edges repeat.
void box_line(std::uint8_t* line, int count, std::ptrdiff_t step, int radius,
              std::vector<std::uint8_t>& copy) {
  copy.resize(static_cast<std::size_t>(count) * 4);
  for (int i = 0; i < count; ++i)
    std::memcpy(&copy[static_cast<std::size_t>(i) * 4], line + i * step, 4);
  const auto at = [&](int i, int channel) -> int {
    return copy[static_cast<std::size_t>(std::clamp(i, 0, count - 1)) * 4 +
                static_cast<std::size_t>(channel)];
  };
  const int window = 2 * radius + 1;
  for (int channel = 0; channel < 4; ++channel) {
    int sum = 0;
    for (int i = -radius; i <= radius; ++i) sum += at(i, channel);
    for (int i = 0; i < count; ++i) {
      line[i * step + channel] = static_cast<std::uint8_t>((sum + radius) / window);
      sum += at(i + radius + 1, channel) - at(i - radius, channel);
    }
  }
}

// Copies an image into a larger one of the same format, BGRA or I420; x and y must be even in
// I420.
void paste(const Raster& source, Raster& target, int x, int y) {
  MappedRaster read(source, GST_MAP_READ);
  MappedRaster write(target, GST_MAP_READWRITE);
  const GstVideoFormatInfo* format = source.info().finfo;
  for (guint plane = 0; plane < GST_VIDEO_FORMAT_INFO_N_PLANES(format); ++plane) {
    const int step = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, plane);
    const int left = x >> GST_VIDEO_FORMAT_INFO_W_SUB(format, plane);
    const int top = y >> GST_VIDEO_FORMAT_INFO_H_SUB(format, plane);
    const int width = GST_VIDEO_FRAME_COMP_WIDTH(read.frame(), plane);
    const int height = GST_VIDEO_FRAME_COMP_HEIGHT(read.frame(), plane);
    for (int row = 0; row < height; ++row) {
      std::memcpy(write.row(top + row, static_cast<int>(plane)) + left * step,
                  read.row(row, static_cast<int>(plane)), static_cast<std::size_t>(width * step));
    }
  }
}

// Three box passes of that radius over a BGRA image, which look like a Gaussian.
void blur(Raster& image, int radius) {
  const Size size = image.size();
  MappedRaster mapped(image, GST_MAP_READWRITE);
  const std::ptrdiff_t stride = mapped.row(1) - mapped.row(0);
  std::vector<std::uint8_t> copy;
  for (int pass = 0; pass < 3; ++pass) {
    for (int y = 0; y < size.height; ++y) box_line(mapped.row(y), size.width, 4, radius, copy);
    for (int x = 0; x < size.width; ++x) {
      box_line(mapped.row(0) + x * 4, size.height, stride, radius, copy);
    }
  }
}

// Every colour of a BGRA image times `factor`, alpha kept.
void darken(Raster& image, double factor) {
  const Size size = image.size();
  const int scale = static_cast<int>(factor * 256);
  MappedRaster mapped(image, GST_MAP_READWRITE);
  for (int y = 0; y < size.height; ++y) {
    std::uint8_t* row = mapped.row(y);
    for (int i = 0; i < size.width * 4; ++i) {
      if (i % 4 != 3) row[i] = static_cast<std::uint8_t>(row[i] * scale / 256);
    }
  }
}

// Encodes one image with an encoder in gst-launch syntax, such as "jpegenc quality=95", fed with
// images of `caps`.
MemoryFile encode_image(const Raster& image, const std::string& caps, const std::string& encoder) {
  ErrorPtr error;
  const std::string description = "appsrc name=in format=time ! videoconvert ! " + caps + " ! " +
                                  encoder + " ! appsink name=out sync=false";
  const PipelinePtr pipeline(gst_parse_launch(description.c_str(), error.out()));
  if (error) {
    throw RenderError("the encoder \"" + encoder + "\" is missing (" + error.message() +
                      "); install gstreamer1.0-plugins-good");
  }
  const ElementPtr in = pipeline.by_name("in");
  const ElementPtr out = pipeline.by_name("out");
  const CapsPtr source_caps = image.caps();
  gst_app_src_set_caps(GST_APP_SRC(in.get()), source_caps.get());
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  gst_app_src_push_buffer(GST_APP_SRC(in.get()), gst_buffer_ref(image.buffer()));
  gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  const SamplePtr sample(gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), 15 * GST_SECOND));
  if (!sample) {
    throw RenderError("an image could not be encoded with \"" + encoder + "\"; try again");
  }
  gpointer data = nullptr;
  gsize size = 0;
  gst_buffer_extract_dup(gst_sample_get_buffer(sample.get()), 0, G_MAXSIZE, &data, &size);
  const Owned<void, g_free> owned(data);
  MemoryFile file("genpro-image");
  file.append({static_cast<const std::byte*>(data), size});
  return file;
}

}  // namespace

Raster::Raster(GstVideoFormat format, Size size) {
  gst_video_info_set_format(&info_, format, static_cast<guint>(size.width),
                            static_cast<guint>(size.height));
  buffer_.reset(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info_), nullptr));
  if (buffer_ == nullptr) throw RenderError("there is no memory for an image; try again later");
}

Raster Raster::from_sample(GstSample* sample) {
  Raster result;
  GstCaps* caps = gst_sample_get_caps(sample);
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  if (caps == nullptr || buffer == nullptr || !gst_video_info_from_caps(&result.info_, caps)) {
    throw RenderError("its decoder gave a frame of a format that is not known here");
  }
  result.buffer_.reset(gst_buffer_ref(buffer));
  return result;
}

Size Raster::display_size() const noexcept {
  Size shown = size();
  const int par_n = std::max(GST_VIDEO_INFO_PAR_N(&info_), 1);
  const int par_d = std::max(GST_VIDEO_INFO_PAR_D(&info_), 1);
  shown.width = static_cast<int>(std::max<gint64>(
      1, gst_util_uint64_scale_int(static_cast<guint64>(shown.width), par_n, par_d)));
  return shown;
}

CapsPtr Raster::caps() const {
  return CapsPtr(gst_video_info_to_caps(const_cast<GstVideoInfo*>(&info_)));
}

MappedRaster::MappedRaster(const Raster& raster, GstMapFlags flags) {
  GstVideoInfo info = raster.info();
  if (raster.buffer() == nullptr || !gst_video_frame_map(&frame_, &info, raster.buffer(), flags)) {
    throw RenderError("its decoder gave a frame that cannot be read");
  }
}

bool Placer::fits(const Shape& shape) const {
  return converter_ && gst_video_info_is_equal(&shape.source, &shape_.source) &&
         gst_video_info_is_equal(&shape.target, &shape_.target) && shape.from == shape_.from;
}

void Placer::place(const Raster& source, Rect from, Raster& target) {
  const Shape shape{source.info(), target.info(), from};
  if (!fits(shape)) {
    // Never with a part of the target as destination: the converter then writes beside it, too,
    // whenever it has to convert the format.
    GstStructure* config = gst_structure_new(
        "config", GST_VIDEO_CONVERTER_OPT_SRC_X, G_TYPE_INT, from.x, GST_VIDEO_CONVERTER_OPT_SRC_Y,
        G_TYPE_INT, from.y, GST_VIDEO_CONVERTER_OPT_SRC_WIDTH, G_TYPE_INT, from.width,
        GST_VIDEO_CONVERTER_OPT_SRC_HEIGHT, G_TYPE_INT, from.height,
        GST_VIDEO_CONVERTER_OPT_RESAMPLER_METHOD, GST_TYPE_VIDEO_RESAMPLER_METHOD,
        GST_VIDEO_RESAMPLER_METHOD_CUBIC, GST_VIDEO_CONVERTER_OPT_THREADS, G_TYPE_UINT, 2u,
        nullptr);
    GstVideoInfo in = shape.source;
    GstVideoInfo out = shape.target;
    // The converter refuses different frame rates or interlacing, neither of which matters here.
    in.fps_n = out.fps_n = 0;
    in.fps_d = out.fps_d = 1;
    in.interlace_mode = out.interlace_mode;
    converter_.reset(gst_video_converter_new(&in, &out, config));
    if (!converter_) {
      throw RenderError(std::string("its frames are in the format ") +
                        GST_VIDEO_INFO_NAME(&shape.source) + ", which cannot be converted");
    }
    shape_ = shape;
  }
  MappedRaster read(source, GST_MAP_READ);
  MappedRaster write(target, GST_MAP_READWRITE);
  gst_video_converter_frame(converter_.get(), read.frame(), write.frame());
}

Rect whole(Size size) {
  return {0, 0, size.width, size.height};
}

Raster scaled(const Raster& source, GstVideoFormat format, Size size) {
  Raster target(format, size);
  Placer().place(source, whole(source.size()), target);
  return target;
}

Raster cropped(const Raster& source, Rect from) {
  Raster target(GST_VIDEO_FORMAT_BGRA, {from.width, from.height});
  MappedRaster read(source, GST_MAP_READ);
  MappedRaster write(target, GST_MAP_WRITE);
  for (int y = 0; y < from.height; ++y) {
    std::memcpy(write.row(y), read.row(from.y + y) + from.x * 4,
                static_cast<std::size_t>(from.width) * 4);
  }
  return target;
}

MemoryFile encode_jpeg(const Raster& image, int quality) {
  // What a JPEG file means by its numbers: full range, the matrix of BT.601.
  return encode_image(image, "video/x-raw,format=I420,colorimetry=1:4:0:0",
                      "jpegenc quality=" + std::to_string(quality));
}

MemoryFile encode_png(const Raster& image) {
  return encode_image(image, "video/x-raw,format=RGBA",
                      "pngenc compression-level=1 snapshot=false");
}

namespace {

// The share of an image that must stay visible for it to be cut to the raster. A square in 16:9
// is still cut; a portrait image in 16:9 is not.
constexpr double kLeastVisible = 0.55;
constexpr int kBackgroundSide = 64;
constexpr int kBackgroundBlur = 3;
constexpr double kBackgroundLight = 0.62;

// The part of an image that has the given shape, in the middle.
Rect cut_to(Size size, double image_aspect, double aspect) {
  Rect rect = whole(size);
  if (image_aspect > aspect) {
    rect.width = std::max(1, static_cast<int>(std::lround(size.width * aspect / image_aspect)));
    rect.x = (size.width - rect.width) / 2;
  } else {
    rect.height = std::max(1, static_cast<int>(std::lround(size.height * image_aspect / aspect)));
    // What a portrait image shows is more often above its middle than below.
    rect.y = (size.height - rect.height) * 2 / 5;
  }
  return rect;
}

double aspect_of(Size size) {
  return static_cast<double>(size.width) / size.height;
}

// Where an image of that shape is shown whole, in the middle. The edges are even, so that 4:2:0
// colour ends where the image ends.
Rect whole_within(Size size, double image) {
  Rect to = whole(size);
  if (image > aspect_of(size)) {
    to.height = std::clamp(static_cast<int>(size.width / image) / 2 * 2, 2, size.height);
    to.y = (size.height - to.height) / 4 * 2;
  } else {
    to.width = std::clamp(static_cast<int>(size.height * image) / 2 * 2, 2, size.width);
    to.x = (size.width - to.width) / 4 * 2;
  }
  return to;
}

}  // namespace

bool Framer::fill(const Raster& source, Raster& target) {
  const Size size = target.size();
  const double image = aspect_of(source.display_size());
  const double raster = aspect_of(size);
  const double visible = std::min(image / raster, raster / image);
  if (visible >= kLeastVisible) {
    main_.place(source, cut_to(source.size(), image, raster), target);
    return false;
  }
  // The background is blurred while it is small: that is cheap, and enlarging it blurs it further.
  const double shrink = static_cast<double>(kBackgroundSide) / std::max(size.width, size.height);
  Raster small(GST_VIDEO_FORMAT_BGRA, {std::max(2, static_cast<int>(size.width * shrink)),
                                       std::max(2, static_cast<int>(size.height * shrink))});
  shrink_.place(source, cut_to(source.size(), image, raster), small);
  blur(small, kBackgroundBlur);
  darken(small, kBackgroundLight);
  grow_.place(small, whole(small.size()), target);

  const Rect to = whole_within(size, image);
  Raster inner(GST_VIDEO_INFO_FORMAT(&target.info()), {to.width, to.height});
  main_.place(source, whole(source.size()), inner);
  paste(inner, target, to.x, to.y);
  return true;
}

void Framer::contain(const Raster& source, Raster& target) {
  {
    MappedRaster mapped(target, GST_MAP_WRITE);
    for (int y = 0; y < target.size().height; ++y) {
      std::memset(mapped.row(y), 0, static_cast<std::size_t>(target.size().width) * 4);
    }
  }
  const Rect to = whole_within(target.size(), aspect_of(source.display_size()));
  Raster inner(GST_VIDEO_FORMAT_BGRA, {to.width, to.height});
  main_.place(source, whole(source.size()), inner);
  paste(inner, target, to.x, to.y);
}

}  // namespace genpro::emulator::render
