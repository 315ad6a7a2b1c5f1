// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Draws the slate: what a viewer of the output may read while the clip is not there.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "base/threads/thread_owner.h"
#include "bin/media/frame_converter.h"
#include "bin/media/raster.h"

namespace genpro::bin {

struct SlateText {
  std::string headline;  // the status, or what is missing
  std::string time;      // elapsed, or nothing
  std::string left;      // that is expected, or nothing
  std::string detail;    // the model, or nothing
  bool operator==(const SlateText&) const = default;
};

inline constexpr std::uint32_t slate_colour = 0xff14181f;

// One thread for all elements of a process: a first text may wait for fonts to be looked up, which
// takes longer than a frame is shown. Threads: any.
class SlateRenderer : public ThreadOwner {
 public:
  using Done = std::function<void(BufferPtr)>;

  static std::shared_ptr<SlateRenderer> acquire();
  SlateRenderer();
  ~SlateRenderer() override;

  // `done` is called on the renderer's thread, with null when it could not be drawn.
  void render(const Raster& raster, SlateText text, Done done);

 private:
  struct Request {
    Raster raster;
    SlateText text;
    Done done;
  };
  struct Queue {
    std::deque<Request> requests;
    bool ends = false;
  };
  void run();

  Guarded<Queue> queue_;
  FrameConverter converter_;  // of the thread
  std::thread thread_;
};

}  // namespace genpro::bin
