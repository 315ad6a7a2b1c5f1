// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is on at which running time: the placeholder, a clip, the next one. The picture and the
// sound are taken from it each at its own pace, and change over at the same running time.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/guarded.h"
#include "bin/media/clip_decoder.h"

namespace genpro::live {

enum class AtEnd { placeholder, hold, loop, eos };

// One of two pictures that are on at once while one fades into the other.
struct Layer {
  bool is_placeholder = true;
  Picture picture;  // none for the placeholder
};

struct Shot {
  std::optional<Layer> under;  // while fading
  Layer over;
  double mix = 1;  // of `over`
  bool is_end = false;
};

// Threads: any; nothing waits. Its lock is taken before that of a clip's Decoded, and nothing is
// called back with it held.
class Programme {
 public:
  // What happened, for the director. Called on the threads that take pictures.
  struct Events {
    std::function<void(std::shared_ptr<Take>)> started;  // its first picture is on
    std::function<void(std::shared_ptr<Take>)> ended;    // its last one has been
    std::function<void(std::shared_ptr<Take>)> retired;  // it will not be on any more
  };

  explicit Programme(Events events) : events_(std::move(events)) {}

  void set_at_end(AtEnd at_end) { state_.lock()->at_end = at_end; }
  void set_fade(Time fade) { state_.lock()->fade = fade; }

  // Takes over from whatever is on as soon as it is ready. One that was to do so and has not yet is
  // retired.
  void offer(std::shared_ptr<Take> take);
  // Follows `before` without a gap when that ends, if it loops then.
  void set_next_round(const std::shared_ptr<Take>& before, std::shared_ptr<Take> next);
  // It will not be on any more, or, if it is, ends with what has been decoded of it.
  void withdraw(const std::shared_ptr<Take>& take);

  // As at the beginning, for a new run.
  void reset();

  // The picture for `time`, which is shown for `duration`. Times only grow.
  Shot picture(Time time, Time duration);
  // Adds the sound from sample `begin` on (since running time 0) to `out`, which is silent, and
  // tells at which of these samples one sound ends and another, or silence, begins. False at the
  // end of everything.
  bool sound(std::int64_t begin, float* out, std::size_t samples, std::vector<std::size_t>* seams);

 private:
  enum class Kind {
    placeholder,
    play,  // the clip goes on
    hold,  // its picture stands still, and it is silent
    end,
  };
  // What is on from `start` to the next one's start.
  struct Segment {
    Kind kind = Kind::placeholder;
    Time start = 0;
    std::shared_ptr<Take> take;
    Time content = 0;  // of the clip at `start`
    bool fades = false;

    Time content_at(Time time) const {
      return kind == Kind::hold ? content : content + time - start;
    }
  };
  using Takes = std::vector<std::shared_ptr<Take>>;
  struct State {
    AtEnd at_end = AtEnd::placeholder;
    Time fade = 0;
    std::deque<Segment> segments = {Segment()};
    std::shared_ptr<Take> waiting;
    std::shared_ptr<Take> round_of;
    std::shared_ptr<Take> next_round;
    bool rounds_failed = false;  // what loops cannot be played once more
    std::shared_ptr<Take> on;    // what was told to be on
    Time picture_time = 0;       // up to which pictures were taken
    Time sound_time = 0;
    bool had_sound = false;  // just before that
    Takes retired;

    std::size_t index_at(Time time) const;
    bool refers_to(const std::shared_ptr<Take>& take) const;
    void retire(std::shared_ptr<Take> take);
    void append(Segment segment);
    void plan(Time time, Time from);
    void plan_end(Time from);
    void prune();
  };

  static Layer layer(const Segment& segment, Time time);

  const Events events_;
  Guarded<State> state_;
};

}  // namespace genpro::live
