// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The placeholder: what is shown while there is no clip.
#pragma once

#include <memory>
#include <string>

#include "base/guarded.h"
#include "bin/media/frame_converter.h"
#include "bin/media/raster.h"
#include "bin/media/slate_renderer.h"

namespace genpro::bin {

enum class PlaceholderKind { black, transparent, slate, image };

// Of what neither a clip nor the placeholder covers.
std::uint32_t border_of(PlaceholderKind kind);

// Threads: frame() is for the one that shows, the rest for any. Lives in a shared_ptr, since a
// slate that is being drawn comes back to it.
class Placeholder : public std::enable_shared_from_this<Placeholder> {
 public:
  void set_kind(PlaceholderKind kind);
  PlaceholderKind kind() { return state_.lock()->kind; }
  // The still image, null for none: then it is black.
  void set_image(Frame image);
  // What the slate says from now on. It is drawn in the background.
  void set_text(const SlateText& text);

  // In the raster; the same memory as long as nothing changes. Does not wait: what takes a while to
  // be drawn is its plain background until then.
  BufferPtr frame(const Raster& raster);

 private:
  struct State {
    PlaceholderKind kind = PlaceholderKind::black;
    Frame image;
    SlateText text;
    Raster raster;
    BufferPtr drawn;       // for all that is above
    unsigned version = 0;  // of kind and image
    BufferPtr slate;       // for `raster` and some text
    SlateText slate_text;
    bool is_drawing = false;
    std::shared_ptr<SlateRenderer> renderer;
  };
  void draw_slate(State& state);

  Guarded<State> state_;
  FrameConverter converter_;  // of the thread that shows
};

}  // namespace genpro::bin
