// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What has been decoded of a clip and not been shown yet.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "bin/media/frame_converter.h"

namespace genpro::bin {

// Times in nanoseconds. Within a clip they count from its begin on: its first frame, or audio that
// is heard before that, over that frame. It lasts to the end of its last frame, or of audio after
// that.
using Time = std::int64_t;

// What leaves the element, and what is asked of a clip: 32-bit floats, interleaved.
inline constexpr int audio_rate = 48'000;
inline constexpr int audio_channels = 2;

Time monotonic_now();

// Samples (of all channels, so frames in terms of audio) up to a time.
std::int64_t samples_at(Time time);

// Filled by the threads that decode, which wait here while there is enough; emptied by the threads
// that show, which never wait. Threads: any.
class DecodedFrames {
 public:
  // The decoders' side. `start` and `end` are running times of the pipeline that decodes. False
  // when the clip is not wanted any more.
  bool push_frame(Frame frame, Time start, Time end);
  bool push_audio(std::vector<float> samples, Time start);
  void end_video();
  void end_audio();
  void set_has_video();
  void set_has_audio();
  // All streams are known.
  void set_streams_known();
  // Something is wrong with it: what is still decoded of it is shown.
  void fail();
  // What is there is all that comes.
  void cut();
  // Wakes the decoders; nothing is wanted any more.
  void close();

  // The other side.

  // Enough is there to begin without a break.
  bool is_ready();
  bool has_failed();
  // All streams are known, and no frame will ever come.
  bool has_no_video();
  // All of it has been decoded.
  bool has_ended();
  // How long it is, once that is known.
  std::optional<Time> length();
  // The frame at `time`, else the one that was last shown before it, if any.
  Frame frame_at(Time time);
  // Adds what there is from sample `begin` on to `out`, with a gain that goes from `gain` by
  // `gain_step` a sample. Earlier samples are dropped. How many there were without a hole.
  std::size_t mix_audio(std::int64_t begin, float* out, std::size_t samples, float gain,
                        float gain_step);
  // Neither frame nor audio of `time` have been decoded yet, though they will be.
  bool is_starved(Time time);
  // There is enough again to go on from `time`.
  bool has_recovered(Time time);
  // Whoever shows it asks for more than there is, though its end has not come.
  bool is_lacking();

 private:
  struct Shown {
    Frame frame;
    Time start = 0;
    Time end = 0;
  };
  struct AudioBlock {
    std::vector<float> samples;
    std::int64_t begin = 0;  // first sample, from running time 0 on
    std::int64_t end() const {
      return begin + static_cast<std::int64_t>(samples.size() / audio_channels);
    }
  };
  struct State {
    std::deque<Shown> frames;
    std::deque<AudioBlock> audio;
    Shown shown;
    std::optional<Time> first_audio;  // running times
    std::optional<Time> first_frame;
    std::optional<Time> zero;  // of the clip's begin, once it has a frame
    Time first_came = 0;       // monotonic
    Time asked = 0;            // monotonic, when it was last asked whether there is enough
    Time video_end = 0;
    Time frame_duration = 0;  // of the first frame
    bool has_begun = false;   // it may be shown, and does not begin earlier any more
    std::int64_t audio_end = 0;
    bool has_video = false;
    bool has_audio = false;
    bool streams_known = false;
    bool video_ended = false;
    bool audio_ended = false;
    bool failed = false;
    bool closed = false;

    void find_zero();
    bool advance_to(Time running);
    bool has_ended() const { return video_ended && (audio_ended || !has_audio); }
    bool lacks_audio(Time running) const;
  };

  Guarded<State> state_;
};

}  // namespace genpro::bin
