// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is shown at which running time: the placeholder, a clip, the next one. The frame and the
// audio are taken from it each at its own pace, and change over at the same running time.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/guarded.h"
#include "bin/media/clip_decoder.h"

namespace genpro::bin {

enum class AtEnd { placeholder, hold, loop, eos };

// One of two frames that are on at once while one fades into the other.
struct Layer {
  bool is_placeholder = true;
  Frame frame;  // none for the placeholder
};

struct Composition {
  std::optional<Layer> under;  // while fading
  Layer over;
  double mix = 1;  // of `over`
  bool is_end = false;
};

// Threads: any; nothing waits. Its lock is taken before that of a clip's DecodedFrames, and nothing
// is called back with it held.
class Timeline {
 public:
  // What happened, for the control. Called on the threads that take frames.
  struct Events {
    // The last frame of one clip was shown, or the first one of another is, or both; null: none.
    std::function<void(std::shared_ptr<ClipDecoder> ended, std::shared_ptr<ClipDecoder> started)>
        changed;
    std::function<void(std::shared_ptr<ClipDecoder>)> retired;  // it will not be on any more
  };

  explicit Timeline(Events events) : events_(std::move(events)) {}

  void set_at_end(AtEnd at_end) { state_.lock()->at_end = at_end; }
  void set_fade(Time fade) { state_.lock()->fade = fade; }

  // Follows whatever is shown as soon as it is ready. One that was to do so and has not yet
  // is retired.
  void offer(std::shared_ptr<ClipDecoder> decoder);
  // Follows `before` without a gap when that ends, if it loops then; is retired once something else
  // follows.
  void set_next_repeat(const std::shared_ptr<ClipDecoder>& before,
                       std::shared_ptr<ClipDecoder> next);
  // Takes back one that was offered and retires it, unless it is on or is about to be, which is
  // told by false.
  bool recall(const std::shared_ptr<ClipDecoder>& decoder);
  // It will not be on any more, or, if it is or is about to be, which is told by true, ends with
  // what has been decoded of it.
  bool withdraw(const std::shared_ptr<ClipDecoder>& decoder);

  // As at the beginning, for a new run: what is on ends, and all are retired.
  void reset();

  // The frame for `time`, which is shown for `duration`. Times only grow.
  Composition frame(Time time, Time duration);
  // Adds the audio from sample `begin` on (since running time 0) to `out`, which is silent, and
  // tells at which of these samples one clip's audio ends and another's, or silence, begins. False
  // at the end of everything.
  bool mix_audio(std::int64_t begin, float* out, std::size_t samples,
                 std::vector<std::size_t>* seams);

 private:
  enum class Kind {
    placeholder,
    play,  // the clip goes on
    hold,  // its frame stands still, and it is silent
    end,
  };
  // What is shown from `start` to the next one's start.
  struct Segment {
    Kind kind = Kind::placeholder;
    Time start = 0;
    std::shared_ptr<ClipDecoder> decoder;
    Time content = 0;  // of the clip at `start`
    bool fades = false;

    Time content_at(Time time) const {
      return kind == Kind::hold ? content : content + time - start;
    }
  };
  using Decoders = std::vector<std::shared_ptr<ClipDecoder>>;
  struct State {
    AtEnd at_end = AtEnd::placeholder;
    Time fade = 0;
    std::deque<Segment> segments = {Segment()};
    std::shared_ptr<ClipDecoder> waiting;
    std::shared_ptr<ClipDecoder> repeat_of;
    std::shared_ptr<ClipDecoder> next_repeat;
    bool repeats_failed = false;      // what loops cannot be played once more
    std::shared_ptr<ClipDecoder> on;  // what was told to be on
    Time video_time = 0;              // up to which frames were taken
    Time audio_time = 0;
    bool had_audio = false;  // just before that
    Decoders retired;

    std::size_t index_at(Time time) const;
    bool refers_to(const std::shared_ptr<ClipDecoder>& decoder) const;
    void retire(std::shared_ptr<ClipDecoder> decoder);
    void drop_repeat();
    void append(Segment segment);
    void plan(Time time, Time from);
    void plan_end(Time from);
    void prune(Time time);
  };

  static Layer layer(const Segment& segment, Time time);

  const Events events_;
  Guarded<State> state_;
};

}  // namespace genpro::bin
