// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads one ingredient with GStreamer's own demuxers and decoders: what it is, its images, its
// audio. Errors are thrown as RenderError, with a text that continues the ingredient's name
// ("cannot be decoded (…); upload …").
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "emulator/media/render/raster.h"
#include "gst/gst_ptr.h"

namespace genpro::emulator::render {

// Called whenever data moved.
using Touch = std::function<void()>;

struct MediaInfo {
  bool video = false;  // moving images
  bool image = false;  // one image
  bool audio = false;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
};

MediaInfo probe_media(const std::string& path);

// An image is turned as its EXIF data ask for, a video as its tags do.
enum class StreamKind { video, image, audio };

// The decoded samples of the first stream of one kind, one after the other. Audio comes as
// interleaved 32-bit floats, stereo, 48 kHz.
class MediaReader {
 public:
  MediaReader(const std::string& path, StreamKind kind, Touch touch);
  ~MediaReader();
  MediaReader(const MediaReader&) = delete;
  MediaReader& operator=(const MediaReader&) = delete;

  // The next sample, or null at the end.
  SamplePtr next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr int kAudioRate = 48000;
inline constexpr int kAudioChannels = 2;

// At most `frames` stereo frames from the beginning.
std::vector<float> read_audio(const std::string& path, std::size_t frames, const Touch& touch);

// Begins `audio` anew after its first `period` samples, up to `size` samples in all.
void repeat_audio(std::vector<float>& audio, std::size_t period, std::size_t size);
// The first frame.
Raster read_image(const std::string& path, const Touch& touch);

}  // namespace genpro::emulator::render
