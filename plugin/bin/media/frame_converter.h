// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Brings frames of any size and format into a raster.
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <memory>

#include "bin/media/raster.h"
#include "gst/gst_ptr.h"

namespace genpro::bin {

using VideoConverterPtr = Owned<GstVideoConverter, gst_video_converter_free>;

// A frame of a given kind.
struct Frame {
  BufferPtr buffer;
  GstVideoInfo info = no_video();
  std::uint64_t number = 0;  // in its clip
  CapsPtr caps = nullptr;    // in memory of a device; null: in system memory

  explicit operator bool() const { return buffer != nullptr; }
  Frame copy() const;  // the same memory
};

// Both are of that kind, with whatever strides. False when one cannot be mapped.
bool copy_frame(GstBuffer* from, GstBuffer* to, const GstVideoInfo& info);

// Threads: one at a time.
class FrameConverter {
 public:
  FrameConverter() = default;
  ~FrameConverter();
  FrameConverter(const FrameConverter&) = delete;
  FrameConverter& operator=(const FrameConverter&) = delete;

  // The frame in the raster: whole, with its shape kept, in the middle, on the border's colour. Its
  // alpha is kept; without one in the raster, it is composed on that colour. Costs nothing when it
  // fits as it is; from a device it is read. Null when it cannot be read or converted.
  BufferPtr fit(const Frame& frame, const Raster& raster);
  // One of the raster's size in one colour, 0xAARRGGBB.
  BufferPtr fill(std::uint32_t colour, const Raster& raster);
  // The way from `under` to `over`, at `mix` in 0 … 1; both are of the raster.
  BufferPtr blend(GstBuffer* under, GstBuffer* over, double mix, const Raster& raster);

 private:
  using Pool = ObjectPtr<GstBufferPool>;
  BufferPtr take_buffer(const Raster& raster);
  bool prepare(const GstVideoInfo& from, const Raster& raster);
  BufferPtr convert(const Frame& frame, const Raster& raster);
  // Of the raster's size, composed on the border's colour: without alpha, whatever its format.
  Frame compose(const Frame& frame, const Raster& raster);

  VideoConverterPtr converter_;
  GstVideoInfo from_ = no_video();
  Raster to_;
  bool is_prepared_ = false;
  Pool pool_;
  GstVideoInfo pool_info_ = no_video();
  std::unique_ptr<FrameConverter> with_alpha_;  // of compose()
};

}  // namespace genpro::bin
