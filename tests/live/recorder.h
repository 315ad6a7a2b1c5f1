// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What leaves the pads of a live element.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "live/clips.h"
#include "support/fake_service.h"
#include "support/gst_ptr.h"

namespace genpro::test {

struct Shown {
  GstClockTime pts = GST_CLOCK_TIME_NONE;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  bool is_discont = false;
  GstVideoInfo info{};
  std::optional<Mark> mark;
  BufferPtr buffer;

  GstClockTime end() const { return pts + duration; }
  bool is_of(int tag) const { return mark && mark->tag == tag; }
  // Components of a pixel: luma and chroma, or red, green, blue; then alpha.
  int component(int number, int x, int y) const;
  // The average of the first component in the whole picture.
  double brightness() const;
  // The first component of all pixels.
  std::string first_component() const;
};

struct Heard {
  GstClockTime pts = GST_CLOCK_TIME_NONE;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  bool is_discont = false;
  std::vector<float> samples;  // of the first channel, when they are 32-bit floats

  GstClockTime end() const { return pts + duration; }
  GstClockTime time_of(std::size_t sample) const {
    return pts + gst_util_uint64_scale(duration, sample, samples.size());
  }
};

using Pictures = std::vector<Shown>;
using Sound = std::vector<Heard>;

// Watches a pad from its creation on. Lives as long as data may pass.
class Recorder {
 public:
  // `part`: where the clip's picture is in what is shown; without a width, everywhere.
  explicit Recorder(GstElement* element, const char* pad, Rect part = {});
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Pictures are kept as a reference to the memory; not any more from now on.
  void keep_no_pictures();
  Pictures pictures() const;
  Sound sound() const;
  std::size_t count() const;
  bool has_ended() const;
  // Of the caps that passed last, null when there were none.
  CapsPtr caps() const;
  std::size_t segments() const;

  using Match = std::function<bool(const Shown&)>;
  // That it holds for the last picture.
  bool last_is(const Match& match) const;
  // True as soon as it holds for a picture that passed, false at the deadline.
  bool wait_for(const Match& match, std::chrono::milliseconds deadline = generous) const;
  // The same for one that passes from now on.
  bool wait_for_next(const Match& match, std::chrono::milliseconds deadline = generous) const;
  // So many buffers more.
  bool wait_for_more(std::size_t number, std::chrono::milliseconds deadline = generous) const;
  bool wait_for_end(std::chrono::milliseconds deadline = generous) const;

 private:
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void add(GstBuffer* buffer);
  bool wait_from(std::size_t first, const Match& match, std::chrono::milliseconds deadline) const;

  const Rect part_;
  PadPtr pad_;
  gulong probe_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Under mutex_:
  Pictures pictures_;
  Sound sound_;
  std::size_t count_ = 0;
  std::size_t segments_ = 0;
  bool has_ended_ = false;
  bool keeps_pictures_ = true;
  CapsPtr caps_;
  std::optional<GstVideoInfo> video_;
  bool is_float_ = false;
  std::size_t channels_ = 0;
};

// Each begins where the one before it ended. What the element leaves out because the machine gave
// it no time for a second is no gap.
void expect_gapless(const Pictures& pictures);
void expect_gapless(const Sound& sound);

// One after the other: "-" for what is no clip's, "1/0" for a clip's tag and picture, "1/0x3".
std::string text_of(const Pictures& pictures);

// Those pictures from the first to the last of that clip.
Pictures part_of(const Pictures& pictures, int tag);
// The clip is there from its first picture to its last, each in its turn; at most a third of them
// are left out, where the one before stood for their time.
void expect_whole(const Pictures& pictures, int tag, int frames);

// When bursts begin.
std::vector<GstClockTime> bursts(const Sound& sound);
// The loudest sample within that time.
double loudness(const Sound& sound, GstClockTime from, GstClockTime to);
// What passed between these times lies within 20 ms of the picture that it belongs to: `from` is
// where a playing of the clip begins.
void expect_in_sync(const Pictures& pictures, const Sound& sound, const ClipSpec& clip,
                    GstClockTime from, GstClockTime to);

}  // namespace genpro::test
