// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/playout_simulation.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <sstream>

#include "unit/fake_playing.h"

namespace genpro::test {

using bin::AtEnd;
using bin::Time;

namespace {

// What the rounding of a sum of times adds up to.
constexpr Time sum_rounding = GST_USECOND;

using Playing = std::shared_ptr<FakePlaying>;

// Samples one after the other of one clip, without a hole.
struct Run {
  int mark = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t offset = 0;  // of the clip's sample against the output's
};

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario) : scenario_(scenario), random_(1) {
    timeline_.set_at_end(at_end_);
    timeline_.set_fade(scenario.fade);
    timeline_.set_frame_times({0, scenario.fps_n, scenario.fps_d});
  }

  Outcome run() {
    while (bin::samples_at(scenario_.audio_lead) >= audio_next_) take_audio();
    for (frame_ = 0; frame_ < scenario_.frames && outcome_.problem.empty(); ++frame_) {
      time_ = time_at(frame_);
      act();
      const auto jitter = static_cast<std::uint64_t>(scenario_.audio_jitter);
      const Time lead =
          scenario_.audio_lead + (jitter == 0 ? 0 : static_cast<Time>(random_() % jitter));
      while (!audio_ended_ && bin::samples_at(time_ + lead) >= audio_next_) take_audio();
      if (is_skipped()) {
        for (const Playing& playing : playings_) playing->is_exact = false;
      } else if (!take_frame()) {
        break;
      }
    }
    log() << "stop\n";
    is_stopping_ = true;
    timeline_.reset();
    for (const Playing& playing : playings_) {
      if (playing->retired != 1)
        fail(playing->name() + " was retired " + std::to_string(playing->retired) + " times");
      if (playing->has_started != playing->has_ended) fail(playing->name() + " has not ended");
      if (scenario_.fade == 0 && playing->is_exact) check_audio(*playing);
    }
    outcome_.history = history_.str();
    return std::move(outcome_);
  }

 private:
  Time time_at(int number) const {
    return static_cast<Time>(gst_util_uint64_scale(
        static_cast<guint64>(number), GST_SECOND * static_cast<guint64>(scenario_.fps_d),
        static_cast<guint64>(scenario_.fps_n)));
  }
  // What follows holds the frames up, and is late then.
  bool is_skipped() const {
    return scenario_.skips_at >= 0 && frame_ >= scenario_.skips_at &&
           frame_ < scenario_.skips_at + scenario_.skips_for;
  }
  bool has_skipped() const { return scenario_.skips_at >= 0 && frame_ >= scenario_.skips_at; }
  std::ostream& log() { return history_ << frame_ << " (" << ms(time_) << " ms): "; }
  void fail(const std::string& problem) {
    if (!outcome_.problem.empty()) return;
    outcome_.problem = problem;
    log() << "PROBLEM: " << problem << '\n';
  }
  Playing find(const std::shared_ptr<bin::ClipDecoder>& decoder) {
    const auto found = std::find_if(playings_.begin(), playings_.end(), [&](const Playing& each) {
      return each->decoder() == decoder;
    });
    return found == playings_.end() ? nullptr : *found;
  }
  Playing add(const FakeClip& clip, int number, int round) {
    return playings_.emplace_back(std::make_shared<FakePlaying>(clip, number, round));
  }

  // What the control and the decoders do before this frame is taken.
  void act() {
    if (frame_ == scenario_.at_end_changes) {
      at_end_ = scenario_.later_at_end;
      timeline_.set_at_end(at_end_);
      log() << "at-end " << static_cast<int>(at_end_) << '\n';
    }
    for (std::size_t number = 0; number < scenario_.clips.size(); ++number) {
      const FakeClip& clip = scenario_.clips[number];
      if (clip.offered == frame_) {
        if (number % 2 == 1) recall_others();
        const Playing playing = add(clip, static_cast<int>(number), 0);
        log() << "offer " << playing->name() << '\n';
        timeline_.offer(playing->decoder());
      }
      if (clip.fails == frame_) withdraw(static_cast<int>(number));
    }
    const std::shared_ptr<bin::ClipDecoder> planned = timeline_.last();
    const Playing last = planned ? find(planned) : nullptr;
    if (at_end_ == AtEnd::loop && last && last->is_known() && !last->has_repeat &&
        !has_failed(*last)) {
      last->has_repeat = true;
      const Playing next = add(last->clip(), last->number(), last->round() + 1);
      log() << "prepare " << next->name() << '\n';
      next->was_prepared = time_;
      timeline_.set_next_repeat(last->decoder(), next->decoder());
      if (next->round() == next->clip().failing_repeat) withdraw(next);
    }
    for (const Playing& playing : playings_) {
      if (playing->retired == 0) playing->feed(frame_);
    }
  }
  // As the control does with those that it does not know to be on; it may be behind.
  void recall_others() {
    for (const Playing& playing : playings_) {
      if (playing->round() > 0 || playing->has_ended || !timeline_.recall(playing->decoder()))
        continue;
      log() << "recall " << playing->name() << '\n';
      if (playing->has_started) fail(playing->name() + " was taken back and had started");
    }
  }
  bool has_failed(const FakePlaying& playing) const { return failed_.contains(&playing); }
  // The clip as it is played now.
  void withdraw(int number) {
    for (auto each = playings_.rbegin(); each != playings_.rend(); ++each) {
      if ((*each)->number() == number) return withdraw(*each);
    }
  }
  void withdraw(Playing playing) {
    if (playing->retired > 0 || !failed_.insert(playing.get()).second) return;
    log() << "withdraw " << playing->name() << '\n';
    playing->is_exact = false;
    timeline_.withdraw(playing->decoder());
  }

  void on_changed(const std::shared_ptr<bin::ClipDecoder>& ended,
                  const std::shared_ptr<bin::ClipDecoder>& started) {
    const Playing before = ended ? find(ended) : nullptr;
    const Playing after = started ? find(started) : nullptr;
    log() << (before ? before->name() + " ended " : "") << (after ? after->name() + " started" : "")
          << '\n';
    if (before != on_) return fail("another clip ended than was on, or none");
    if (before) {
      before->has_ended = true;
      if (after) before->was_replaced = time_;
      // What follows it may have been planned.
      if (is_stopping_) before->was_stopped = time_;
      const Time left = before->began + before->clip().length() - time_;
      const bool is_replaced = after && after->round() == 0;
      if (before->is_exact && !is_replaced && !is_stopping_ && left > tolerance + sum_rounding) {
        fail(before->name() + " ended before its end");
      }
      last_ = before;
    }
    if (after) start(before, *after);
    on_ = after;
  }
  void start(const Playing& before, FakePlaying& after) {
    if (after.has_started) fail(after.name() + " started twice");
    if (after.retired > 0) fail(after.name() + " was retired before");
    after.has_started = true;
    ++outcome_.started;
    after.is_exact = after.clip().is_whole() && !has_failed(after) && !has_skipped();
    after.began = time_;
    if (after.round() == 0) return;
    ++outcome_.repeats;
    if (!before) return;
    // One that came too late begins whenever it is there.
    const Time end = before->began + before->clip().length();
    const Time planned = after.was_prepared + 3 * time_at(1) + std::max<Time>(0, most_ahead());
    after.is_exact = after.is_exact && before->is_exact && planned < end;
    if (after.is_exact) after.began = end;
    before->was_replaced = after.is_exact ? end : time_ + tolerance;
  }
  void on_retired(const std::shared_ptr<bin::ClipDecoder>& decoder) {
    const Playing playing = find(decoder);
    log() << playing->name() << " retired\n";
    if (++playing->retired > 1) fail(playing->name() + " was retired twice");
    if (playing == on_) fail(playing->name() + " was retired before it was told to have ended");
  }

  bool take_frame() {
    const Time duration = time_at(frame_ + 1) - time_;
    const bin::Composition composition = timeline_.frame(time_, duration, kept);
    if (composition.under) check_layer(*composition.under);
    if (composition.is_end && on_) fail("the stream ends, and " + on_->name() + " has not");
    if (composition.is_end) return false;
    const Playing over = check_layer(composition.over);
    if (on_ ? over != on_ : over && over != last_) {
      fail("what is seen is of " + (over ? over->name() : "no clip"));
    }
    if (!over) return true;
    const auto seen = static_cast<Time>(GST_BUFFER_PTS(composition.over.frame.buffer.get()));
    over->see(seen);
    if (!over->is_exact) return true;
    const Time content = time_ - over->began;
    if (seen < over->expected(content - sum_rounding) ||
        seen > over->expected(content + sum_rounding)) {
      fail(over->name() + ": its frame of " + std::to_string(ms(seen)) + " ms is seen at " +
           std::to_string(ms(content)));
    }
    if (on_ && content - sum_rounding >= over->clip().length())
      fail(over->name() + " should have ended");
    return true;
  }
  Playing check_layer(const bin::Layer& layer) {
    if (layer.is_placeholder) return nullptr;
    if (!layer.frame) {
      fail("there is no frame to be seen");
      return nullptr;
    }
    for (const Playing& playing : playings_) {
      const GstBuffer* buffer = layer.frame.buffer.get();
      if (static_cast<int>(GST_BUFFER_OFFSET(buffer)) != playing->number() ||
          static_cast<int>(GST_BUFFER_OFFSET_END(buffer)) != playing->round()) {
        continue;
      }
      // The control gets to know after the frame was taken.
      if (playing->retired > 0 && playing != last_)
        fail(playing->name() + " is seen, and was retired");
      return playing;
    }
    return nullptr;
  }

  void take_audio() {
    std::array<float, audio_block * bin::audio_channels> samples{};
    std::vector<std::size_t> seams;
    audio_ended_ = !timeline_.mix_audio(audio_next_, samples.data(), audio_block, &seams, kept);
    for (std::size_t at = 0; at < audio_block && scenario_.fade == 0; ++at) {
      const int mark = static_cast<int>(samples[at * 2]);
      const std::int64_t output = audio_next_ + static_cast<std::int64_t>(at);
      const auto offset = static_cast<std::int64_t>(samples[at * 2 + 1]) - output;
      if (mark == 0) continue;
      if (runs_.empty() || runs_.back().mark != mark || runs_.back().offset != offset ||
          runs_.back().end != output) {
        runs_.push_back({mark, output, output, offset});
      }
      ++runs_.back().end;
    }
    for (const Playing& playing : playings_) {
      if (!runs_.empty() && runs_.back().mark == playing->mark()) {
        playing->hear(runs_.back().end + runs_.back().offset - 1);
      }
    }
    audio_next_ += audio_block;
  }
  // Where the last frame stays on, what sound there is beyond it is heard.
  bool may_hold() const {
    const auto holds = [](AtEnd at_end) { return at_end == AtEnd::hold || at_end == AtEnd::loop; };
    return holds(scenario_.at_end) ||
           (scenario_.at_end_changes >= 0 && holds(scenario_.later_at_end));
  }
  Time most_ahead() const {
    return scenario_.audio_lead + scenario_.audio_jitter + 20 * GST_MSECOND;
  }
  void check_audio(const FakePlaying& playing) {
    const Time audible = std::min(playing.was_replaced, playing.began + playing.clip().audio);
    const Time end = std::min(audible, playing.began + playing.clip().length());
    // The end is planned with a frame, when audio may have been taken beyond it.
    const Time ahead = time_at(1) + std::max<Time>(0, most_ahead());
    const Time latest_time = may_hold() ? audible : std::min(audible, end + ahead);
    const std::int64_t latest = bin::samples_at(latest_time) + 2;
    const std::int64_t first = bin::samples_at(playing.began);
    const std::int64_t last =
        std::min(bin::samples_at(std::min(end, playing.was_stopped)), audio_next_);
    // A round that is as long as its audio is so to a sample.
    const std::int64_t rounding = playing.round();
    std::int64_t count = 0;
    for (const Run& run : runs_) {
      if (run.mark != playing.mark()) continue;
      count += run.end - run.begin;
      if (std::abs(run.offset + first) > 1 + rounding) {
        fail(playing.name() + ": sound is off by " + std::to_string(run.offset + first) +
             " samples");
      }
      if (run.begin < first - 2 - rounding || run.end > latest + rounding) {
        fail(playing.name() + " is heard from " + std::to_string(run.begin) + " to " +
             std::to_string(run.end) + ", and is on from " + std::to_string(first) + " to " +
             std::to_string(latest));
      }
    }
    if (count < last - first - 4 - rounding) {
      fail(playing.name() + ": " + std::to_string(count) + " samples of " +
           std::to_string(last - first) + " are heard");
    }
  }

  const Scenario scenario_;
  std::mt19937_64 random_;
  AtEnd at_end_ = scenario_.at_end;
  int frame_ = 0;
  Time time_ = 0;
  std::int64_t audio_next_ = 0;
  bool audio_ended_ = false;
  bool is_stopping_ = false;
  std::vector<Playing> playings_;
  std::set<const FakePlaying*> failed_;
  Playing on_;
  Playing last_;  // the one that has ended last
  std::vector<Run> runs_;
  Outcome outcome_;
  std::ostringstream history_;
  bin::Timeline timeline_{
      {[this](const auto& ended, const auto& started, bin::Time) { on_changed(ended, started); },
       [this](const auto& decoder) { on_retired(decoder); }}};
};

}  // namespace

Outcome simulate(const Scenario& scenario) {
  return Simulation(scenario).run();
}

}  // namespace genpro::test
