// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is shown at which running time: the placeholder, a clip, the next one. The frame and the
// audio are taken from it each at its own pace, one perhaps seconds ahead of the other, and change
// over at the same running time. What comes next is decided for the one that is ahead, when that
// comes to it.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "base/guarded.h"
#include "bin/media/clip_decoder.h"
#include "bin/playout/start_group.h"
#include "bin/playout/stats.h"

namespace genpro::bin {

enum class AtEnd { placeholder, hold, loop, eos };
// What is shown while a clip comes slower than it plays.
enum class OnStarve { hold, placeholder };
// What becomes of a clip that was not ready by its deadline.
enum class LateClip { drop, cue, take };

// In place of a running time: as soon as possible.
inline constexpr Time at_once = -1;

// One of two frames that are on at once while one fades into the other.
struct Layer {
  bool is_placeholder = true;
  Frame frame;  // none for the placeholder
};

// When the frames of the output begin.
struct FrameTimes {
  Time origin = 0;
  int fps_n = 0;  // 0: not known
  int fps_d = 1;

  Time at(std::uint64_t number) const;
  // The first one that is not before that time.
  Time first_from(Time time) const;
};

struct Composition {
  std::optional<Layer> under;  // while fading
  Layer over;
  double mix = 1;   // of `over`
  Time behind = 0;  // by how much the clip's frame is older than the one of the time
  bool is_end = false;
};

// Times that come in and go out are running times, but for those of FrameTimes, frame() and
// mix_audio(): these go on where running times begin anew, by which they are ahead of them then.
//
// Threads: any; nothing waits. Its lock is taken before that of a clip's DecodedFrames, and nothing
// is called back with it held.
class Timeline {
 public:
  // A deadline that has come.
  struct Deadline {
    Time time = 0;  // of the first frame that is not before it
    Time asked = 0;
    std::shared_ptr<ClipDecoder> decoder;  // that it is about; null: none, or it is not there yet
    bool is_met = false;
    bool is_expected = false;  // what it is about was not offered yet
    bool has_fallback = false;
    bool is_fallback_ready = false;
    LateClip late_clip = LateClip::drop;
  };
  // What happened, for the control. Called on the threads that take frames.
  struct Events {
    // The last frame of one clip was shown, or the first one of another is, or both, as of `time`;
    // null: none.
    std::function<void(std::shared_ptr<ClipDecoder> ended, std::shared_ptr<ClipDecoder> started,
                       Time time)>
        changed;
    std::function<void(std::shared_ptr<ClipDecoder>)> retired;  // it will not be on any more
    // There has been nothing more of the clip that is on for a while, or there is again.
    std::function<void(std::shared_ptr<ClipDecoder>, bool is_starved)> starved =
        [](const std::shared_ptr<ClipDecoder>&, bool) {};
    // A clip that is held can be taken; it begins at that position.
    std::function<void(std::shared_ptr<ClipDecoder>, Time position)> cued =
        [](const std::shared_ptr<ClipDecoder>&, Time) {};
    // It was cued at a position that is none of its own.
    std::function<void(std::shared_ptr<ClipDecoder>)> cued_past_end =
        [](const std::shared_ptr<ClipDecoder>&) {};
    // It is on so much later than it was taken for.
    std::function<void(std::shared_ptr<ClipDecoder>, Time late)> late =
        [](const std::shared_ptr<ClipDecoder>&, Time) {};
    std::function<void(std::shared_ptr<ClipDecoder>)> cleared =
        [](const std::shared_ptr<ClipDecoder>&) {};
    // What was to be done at a time, and had no clip then to be done to.
    std::function<void(const char* action)> missed_action = [](const char*) {};
    std::function<void(const Deadline&)> deadline = [](const Deadline&) {};
    // What was to follow does: at the end of what was on before, or in its place.
    std::function<void(std::shared_ptr<ClipDecoder>, bool is_at_end)> followed =
        [](const std::shared_ptr<ClipDecoder>&, bool) {};
  };

  explicit Timeline(Events events) : events_(std::move(events)) {}

  void set_at_end(AtEnd at_end) { state_.lock()->at_end = at_end; }
  void set_fade(Time fade) { state_.lock()->fade = fade; }
  void set_on_starve(OnStarve on_starve) { state_.lock()->on_starve = on_starve; }

  // Follows whatever is shown as soon as it is ready. One that was to do so and has not yet
  // is retired. False when it is retired itself, since its deadline has passed.
  bool offer(std::shared_ptr<ClipDecoder> decoder);
  // What was offered begins together with others, unless it is held, taken or on by now.
  void group(const std::shared_ptr<ClipDecoder>& decoder, std::shared_ptr<GroupedStart> start);
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

  // Cueing and taking. Each time is a running time, and the first frame that is not before it is
  // the one that changes; `at_once` and one that has passed are the next frame of which nothing was
  // taken yet. What is too late is told.

  // Whether what is offered is held until it is taken.
  void set_holds(bool holds) { state_.lock()->holds = holds; }
  // Of what is offered, now or later; none takes it back.
  void arm(std::optional<Time> time);
  std::optional<Time> armed();
  // What is armed for `from` is so for `to`, or not at all; false when nothing is.
  bool rearm(Time from, std::optional<Time> to);
  // One will be offered. What was to be on at once is another one.
  void expect();
  // False when nothing waits to be on.
  bool take(Time time);
  // Also that of a replay. False when none is armed.
  bool untake();
  // Back to the placeholder; the frame stands in silence; it goes on. False when that is to be at
  // once and there is nothing to do it to.
  bool clear(Time time) { return add_action({ActionKind::clear, time}); }
  bool freeze(Time time) { return add_action({ActionKind::freeze, time}); }
  bool unfreeze(Time time) { return add_action({ActionKind::unfreeze, time}); }
  // What waits begins there in the clip, and is held. False when nothing waits, or has been decoded
  // beyond that.
  bool seek_cue(Time position);
  // Takes the place of what waits, and is held.
  void cue(std::shared_ptr<ClipDecoder> decoder, Time position);
  // What waits, if anything.
  std::shared_ptr<ClipDecoder> waiting() { return state_.lock()->next.decoder; }
  // Is on from then on, whatever else waits.
  void replay(std::shared_ptr<ClipDecoder> decoder, Time time);

  // A queue: one clip after the other.

  // Follows what is on, without a gap, when that ends; at once when nothing but the fallback is on.
  // Where clips are held or a take is armed, it is what waits as soon as nothing else does. One
  // that was to do so and has not yet is retired, unless it is held back before.
  void follow(std::shared_ptr<ClipDecoder> decoder);
  // That one does not follow now, and is not retired. False when it is on or about to be.
  bool hold_back(const std::shared_ptr<ClipDecoder>& decoder);
  // Whether another one will follow: what is on is not the last one then.
  void set_has_more(bool has_more);
  // The stream has ended, or is about to: nothing more will be on.
  bool has_ended() { return state_.lock()->segments.back().kind == Kind::end; }
  // What comes next is on as soon as it is ready; a take that is still to come then is of what
  // follows that. False when nothing is on, or nothing follows.
  bool skip();

  // When what was offered last is not ready by then, the fallback is on, as soon as there is one.
  void set_needed_by(std::optional<Time> time);
  void set_late_clip(LateClip late_clip) { state_.lock()->late_clip = late_clip; }
  // Null for none.
  void set_fallback(std::shared_ptr<ClipDecoder> decoder);
  bool has_fallback() { return state_.lock()->fallback.decoder != nullptr; }

  // As at the beginning, for a new run: what is on ends, and all are retired.
  void reset();

  // What was planned last, null for the placeholder.
  std::shared_ptr<ClipDecoder> last() { return state_.lock()->segments.back().decoder; }

  PlayoutStats stats();

  // Running times are earlier by that from now on; what was to happen at one still does.
  void move_back(Time by);
  // All of that.
  Time moved() { return state_.lock()->moved; }

  // Of those that are taken from now on.
  void set_frame_times(const FrameTimes& times) { state_.lock()->frame_times = times; }
  // The frame for `time`, which is shown for `duration`. Times only grow. Frames and audio that are
  // more than `kept` behind the other are not waited for.
  Composition frame(Time time, Time duration, Time kept);
  // Adds the audio from sample `begin` on (since running time 0) to `out`, which is silent, and
  // tells at which of these samples one clip's audio ends and another's, or silence, begins. False
  // at the end of everything.
  bool mix_audio(std::int64_t begin, float* out, std::size_t samples,
                 std::vector<std::size_t>* seams, Time kept);

 private:
  enum class Kind {
    placeholder,
    play,    // the clip goes on
    hold,    // there is nothing more of it yet: its frame stands still, and it is silent
    freeze,  // the same, because that was asked for
    end,
  };
  // What is shown from `start` to the next one's start.
  struct Segment {
    Kind kind = Kind::placeholder;
    Time start = 0;
    std::shared_ptr<ClipDecoder> decoder;
    Time content = 0;  // of the clip at `start`
    bool fades = false;
    bool is_covered = false;  // by the placeholder, while it is held
    bool was_shown = false;

    Time content_at(Time time) const {
      return kind == Kind::play ? content + time - start : content;
    }
  };
  using Decoders = std::vector<std::shared_ptr<ClipDecoder>>;
  // As Events::changed() tells it.
  struct Change {
    std::shared_ptr<ClipDecoder> ended;
    std::shared_ptr<ClipDecoder> started;
    Time time = 0;
  };
  // What waits to be on.
  struct Cue {
    std::shared_ptr<ClipDecoder> decoder;
    Time position = 0;         // in the clip, at which it begins
    std::optional<Time> take;  // from when on; a time outlives the clip
    bool is_held = false;      // until it is taken
    bool was_told = false;     // that it can be taken
    bool is_queued = false;    // it follows what is on
    std::shared_ptr<GroupedStart> group;

    bool is_ready() const;
  };
  // In the order in which they happen at one frame, of which the last one to begin stays on.
  enum class ActionKind { clear, deadline, replay, take, fallback, freeze, unfreeze };
  struct Action {
    ActionKind kind;
    Time time;
  };
  struct State {
    AtEnd at_end = AtEnd::placeholder;
    Time fade = 0;
    OnStarve on_starve = OnStarve::hold;
    std::deque<Segment> segments = {Segment()};
    Cue next;
    Cue replay;
    Cue fallback;
    Cue queued;                              // what follows, unless it is held as what waits
    bool has_more = false;                   // to follow
    bool is_skipping = false;                // what comes next is on before it is taken
    bool is_between = false;                 // two that follow each other
    std::weak_ptr<ClipDecoder> fallback_on;  // that was on last
    bool holds = false;
    bool is_expected = false;            // one is about to be offered
    bool next_was_on = false;            // of what was offered last
    std::weak_ptr<ClipDecoder> next_on;  // which that was
    std::optional<Time> needed_by;
    LateClip late_clip = LateClip::drop;
    std::optional<LateClip> late_offer;  // what becomes of what is expected
    std::vector<Action> actions;
    std::vector<std::function<void(const Events&)>> notes;  // to be told
    std::shared_ptr<ClipDecoder> repeat_of;
    std::shared_ptr<ClipDecoder> next_repeat;
    bool repeats_failed = false;           // what loops cannot be played once more
    std::shared_ptr<ClipDecoder> on;       // what was told to be on
    std::weak_ptr<ClipDecoder> begun;      // the last one that was
    std::shared_ptr<ClipDecoder> starved;  // and to be held
    Time video_time = 0;                   // up to which frames were taken
    Time frame_duration = 0;               // of the last one
    FrameTimes frame_times;
    Time audio_time = 0;
    Time video_kept = 0;
    Time audio_kept = 0;
    bool had_audio = false;  // just before that
    Time moved = 0;          // by which running times are behind all these times
    Decoders retired;
    PlayoutStats stats;
    std::weak_ptr<ClipDecoder> counted;  // of the last frame
    std::uint64_t counted_number = 0;

    std::size_t index_at(Time time) const;
    bool refers_to(const std::shared_ptr<ClipDecoder>& decoder) const;
    void retire(std::shared_ptr<ClipDecoder> decoder);
    void drop_repeat();
    void append(Segment segment);
    Time next_change() const;
    void plan(bool for_audio, Time time, Time until, Time kept);
    bool plan_next(bool for_audio, Time time, Time until, Time from);
    Time begin_of_next(Time from) const;
    Time begin_of_fade(Time end) const;
    bool plan_end(Time until, Time from);
    // The longer of both sides': one that nothing is linked to knows no latency.
    Time kept() const { return std::max(video_kept, audio_kept); }
    void prune(Time kept);
    void drop_taken(Time kept);
    void count(const Layer& layer, std::size_t index);
    Change change_to(std::shared_ptr<ClipDecoder> decoder, Time time);
    std::vector<Change> pass_over(std::size_t index);

    // `at_once` stays so.
    static Time later(Time time, Time by) {
      return time == at_once ? time : time + std::min(by, std::numeric_limits<Time>::max() - time);
    }
    Time own_time(Time running) const { return later(running, moved); }
    bool is_held() const { return holds || next.is_held; }
    // When what waits is on.
    std::optional<Time> next_take() const { return is_skipping ? at_once : next.take; }
    void forget_what_is_at_once();
    Time frame_from(Time time) const;
    std::optional<Action> due(Time until, Time from) const;
    void plan_actions(Time until, Time from);
    void act(const Action& action, Time start);
    // `is_at_end`: where what is on has ended.
    void start(Cue& cue, Time start, bool is_at_end = false);
    void pass_deadline(Time start);
    void clear(Time start);
    void freeze(Time start);
    void unfreeze(Time start);
    void note_cue();
    void replace(Cue& cue, Cue by);

    void promote_queued();
    void hold_queued();
    void unqueue();
    bool is_queue_due();
    bool is_queue_over() const;
  };

  static Layer layer(const Segment& segment, Time time);
  bool add_action(const Action& action);
  void replace(Cue State::*cue, Cue by);

  const Events events_;
  Guarded<State> state_;
};

}  // namespace genpro::bin
