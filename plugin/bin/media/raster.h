// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The raster: size, rate and format of the frames that leave a genprobin, and how what a user
// wants and what follows the element come together in one.
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <functional>
#include <string>

#include "gst/gst_ptr.h"

namespace genpro::bin {

// Of no frame; unlike zeros it can be compared.
inline GstVideoInfo no_video() {
  GstVideoInfo info;
  gst_video_info_init(&info);
  return info;
}

struct Raster {
  GstVideoInfo info = no_video();
  // Of what a frame does not cover, 0xAARRGGBB.
  std::uint32_t border = 0xff000000;
  // The caps, as text, of frames in memory of a device that what follows takes.
  std::string device_caps = "EMPTY";

  bool is_like(const Raster& other) const {
    return gst_video_info_is_equal(&info, &other.info) && border == other.border;
  }
};

// What a user asked for; 0 where they did not.
struct WantedRaster {
  int width = 0;
  int height = 0;
  int fps_n = 0;
  int fps_d = 1;
  GstVideoFormat format = GST_VIDEO_FORMAT_UNKNOWN;
  std::string aspect_ratio;  // as the setting; picks the default size
  bool wants_alpha = false;
};

// The rates that are offered: a frame each minute to 1,000 a second.
#define GENPRO_BIN_VIDEO_FIELDS                           \
  ", format = " GST_VIDEO_FORMATS_ALL                     \
  ", width = [ 1, 16384 ], "                              \
  "height = [ 1, 16384 ], framerate = [ 1/60, 1000/1 ], " \
  "pixel-aspect-ratio = [ 1/64, 64/1 ], interlace-mode = progressive"
#define GENPRO_BIN_VIDEO_CAPS "video/x-raw" GENPRO_BIN_VIDEO_FIELDS
// Of frames that a clip's decoder leaves in a device.
#define GENPRO_BIN_DEVICE_CAPS                         \
  "video/x-raw(memory:DMABuf)" GENPRO_BIN_VIDEO_FIELDS \
  "; video/x-raw(memory:GLMemory)" GENPRO_BIN_VIDEO_FIELDS

// Caps that `allowed` (what may follow, within the caps above) has and that are nearest to what is
// wanted; null when there are none.
CapsPtr choose_caps(const WantedRaster& wanted, const GstCaps* allowed);
// What a decoder of a clip is asked for: frames in a device where they can leave as they are.
std::string decoder_caps(const Raster& raster);
// The same caps with a format that is wanted, where they have none and it is accepted all the same;
// else null.
CapsPtr with_format(const WantedRaster& wanted, const GstCaps* caps,
                    const std::function<bool(GstCaps*)>& accepts);

}  // namespace genpro::bin
