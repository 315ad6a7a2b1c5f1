// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One image in memory, in any raw video format, and what the renderer does to images: scale,
// convert, place, turn, blur. Errors are thrown as RenderError.
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <string>

#include "emulator/media/render/memory_file.h"
#include "gst/gst_ptr.h"

namespace genpro::emulator::render {

struct Size {
  int width = 0;
  int height = 0;
};

struct Rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

class Raster {
 public:
  Raster() = default;
  // A copy shares the pixels; only an image that nobody shares can be written to.
  Raster(const Raster& other) : info_(other.info_) {
    if (other.buffer_) buffer_.reset(gst_buffer_ref(other.buffer_.get()));
  }
  Raster(Raster&&) noexcept = default;
  Raster& operator=(const Raster& other) { return *this = Raster(other); }
  Raster& operator=(Raster&&) noexcept = default;
  ~Raster() = default;
  // A fresh image, its bytes not set.
  Raster(GstVideoFormat format, Size size);
  // Shares the sample's frame.
  static Raster from_sample(GstSample* sample);

  explicit operator bool() const noexcept { return buffer_ != nullptr; }
  const GstVideoInfo& info() const noexcept { return info_; }
  Size size() const noexcept {
    return {GST_VIDEO_INFO_WIDTH(&info_), GST_VIDEO_INFO_HEIGHT(&info_)};
  }
  // The width as it is meant to be seen: pixels need not be square.
  Size display_size() const noexcept;
  GstBuffer* buffer() const noexcept { return buffer_.get(); }
  BufferPtr take_buffer() noexcept { return std::move(buffer_); }
  CapsPtr caps() const;

 private:
  GstVideoInfo info_{};
  BufferPtr buffer_;
};

// Maps an image for as long as it lives.
class MappedRaster {
 public:
  MappedRaster(const Raster& raster, GstMapFlags flags);
  MappedRaster(const MappedRaster&) = delete;
  MappedRaster& operator=(const MappedRaster&) = delete;
  ~MappedRaster() { gst_video_frame_unmap(&frame_); }

  GstVideoFrame* frame() noexcept { return &frame_; }
  std::uint8_t* row(int y, int plane = 0) noexcept {
    return static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, plane)) +
           static_cast<std::ptrdiff_t>(y) * GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, plane);
  }

 private:
  GstVideoFrame frame_;
};

// Scales and converts a part of one image into the whole of another. Keeps its tables between
// images of the same shape, for the frames of a clip.
class Placer {
 public:
  void place(const Raster& source, Rect from, Raster& target);

 private:
  struct Shape {
    GstVideoInfo source;
    GstVideoInfo target;
    Rect from;
  };
  bool fits(const Shape& shape) const;

  Shape shape_{};
  Owned<GstVideoConverter, gst_video_converter_free> converter_;
};

Rect whole(Size size);
// The whole image in another format and size.
Raster scaled(const Raster& source, GstVideoFormat format, Size size);

// Of a BGRA image.
Raster cropped(const Raster& source, Rect from);

MemoryFile encode_jpeg(const Raster& image, int quality);
MemoryFile encode_png(const Raster& image);

// How an image of any shape fills the clip's raster: cut to it when little is lost, else shown
// whole in front of a blurred, darker enlargement of itself.
class Framer {
 public:
  // Fills the whole of `target`, which may be of any format. True when the image is shown whole.
  bool fill(const Raster& source, Raster& target);
  // Shows the image whole, with nothing around it. `target`: BGRA.
  void contain(const Raster& source, Raster& target);

 private:
  Placer main_;
  Placer shrink_;
  Placer grow_;
};

}  // namespace genpro::emulator::render
