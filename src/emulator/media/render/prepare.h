// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From uploaded files to media that a timeline can use as they are: images in the clip's shape
// with room to move, clips in the clip's raster, rate and length, logos cut to what is visible,
// audio as plain samples. All decoding of foreign data happens here, so every fault can be put down
// to the ingredient that has it.
#pragma once

#include <optional>
#include <vector>

#include "emulator/media/render/media_reader.h"
#include "emulator/media/render/memory_file.h"
#include "emulator/media/render/render_spec.h"
#include "emulator/media/render/reporter.h"

namespace genpro::emulator::render {

// When an ingredient is seen, in whole frames.
struct Slot {
  int start = 0;     // first frame
  int frames = 0;    // length; the end reaches into the next slot by the cross-fade
  int fade_in = 0;   // frames shared with the slot before
  int fade_out = 0;  // frames shared with the slot after
};

// The number of frames after which a frame's time is a whole number of nanoseconds: 3 at 24 frames
// a second. GES counts in nanoseconds, and a cut between two of them costs or adds a frame.
int schedule_grid(int fps);

// The two slots of a clip that goes from one image to another: a long cross-fade in between.
std::vector<Slot> make_transition(int total, int grid);

// `count` slots of about equal length that cover frames 0 to total - 1 without a gap; every cut and
// every end of a cross-fade falls on the grid. `fade` is the wanted length of a cross-fade; short
// slots get shorter ones or none. `total` must be a multiple of `grid`, `count` at most total /
// grid.
std::vector<Slot> make_schedule(int count, int total, int fade, int grid);

// How much larger than the raster an image is kept, so that zooming in never enlarges pixels.
inline constexpr double kPanRoom = 1.25;

struct Visual {
  int ingredient = -1;  // index, or -1 for the designed background
  bool clip = false;    // else a still that wants movement
  bool has_alpha = false;
  bool whole = false;  // a still of which no edge should leave the raster
  std::optional<MemoryFile> media;
  double announced = 0;  // seconds that its container claims; 0: unknown
  bool has_audio = false;
  std::vector<float> audio;  // as long as its slot, when it has some
};

struct Logo {
  MemoryFile media;
  Size size;
};

struct Prepared {
  std::vector<Visual> visuals;  // in order; never empty after open_ingredients()
  std::vector<Logo> logos;      // in order
  std::vector<int> audios;      // indices of the ingredients that are audio only
};

// Opens every ingredient and prepares all that does not depend on its place in time.
Prepared open_ingredients(const RenderSpec& spec, Reporter& reporter);

// The same for layers: a visual for each of the raster's shape, whose alpha is kept.
Prepared open_layers(const RenderSpec& spec, Reporter& reporter);

// The longest clip whose media decide how long it is, in seconds.
inline constexpr int kMostSeconds = 60;

// What is known of an ingredient before its frames are read.
struct Look {
  Size size;           // as it is to be seen, even and no larger than is encoded here
  double seconds = 0;  // that the container claims; 0: unknown, or a still
  bool has_audio = false;
  bool is_video = false;
};
Look look_at(const RenderSpec& spec, int index, Reporter& reporter);

// The audio of an ingredient, whatever else it has, up to `frames` stereo frames. Throws
// RenderError when there is none.
std::vector<float> read_speech(const RenderSpec& spec, int index, std::size_t frames,
                               Reporter& reporter);

// Brings the clips of `prepared` to the length of their slots.
void conform_clips(const RenderSpec& spec, const std::vector<Slot>& slots, Prepared& prepared,
                   Reporter& reporter);

// The audio ingredients one after the other, repeated up to `frames` stereo frames; empty when
// there are none.
std::vector<float> read_soundtrack(const RenderSpec& spec, const Prepared& prepared,
                                   std::size_t frames, Reporter& reporter);

}  // namespace genpro::emulator::render
