// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is shown when: properties that hold for any clips, rates and lengths.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>
#include <vector>

#include "support/process.h"
#include "unit/take_output.h"

namespace genpro::test {
namespace {

using bin::AtEnd;
using bin::Time;

// GENPRO_TIMELINE_SEED and GENPRO_TIMELINE_SCENARIOS say from which seed on, and how many.
TEST(Timeline, TellsOfEachClipOnceForAnyRatesAndLengths) {
  const std::uint64_t first = number_from("GENPRO_TIMELINE_SEED", 1);
  const std::uint64_t number = number_from("GENPRO_TIMELINE_SCENARIOS", 1000);
  std::uint64_t started = 0;
  std::uint64_t repeats = 0;
  for (std::uint64_t seed = first; seed < first + number; ++seed) {
    const Scenario scenario = Scenario::random(seed);
    const Outcome outcome = simulate(scenario);
    started += outcome.started;
    repeats += outcome.repeats;
    if (outcome.problem.empty()) continue;
    const Scenario smallest = shrink(scenario);
    FAIL() << "GENPRO_TIMELINE_SEED=" << seed << " GENPRO_TIMELINE_SCENARIOS=1: " << outcome.problem
           << "\nAt its smallest:\n"
           << smallest.text() << simulate(smallest).history;
  }
  std::cout << started << " clips and " << repeats << " repeats, seeds from " << first << '\n';
  EXPECT_GT(started, number);
  EXPECT_GT(repeats, number / 4);
}

FakeClip clip(int frames, int fps_n, int fps_d) {
  FakeClip clip;
  Time end = 0;
  for (int number = 1; number <= frames; ++number) {
    const auto next = static_cast<Time>(gst_util_uint64_scale(
        static_cast<guint64>(number), GST_SECOND * static_cast<guint64>(fps_d),
        static_cast<guint64>(fps_n)));
    clip.frames.push_back(next - end);
    end = next;
  }
  clip.audio = end;
  return clip;
}

TEST(Timeline, TellsOfAnEndShortlyAfterAFrameBegan) {
  for (int frames = 1; frames <= 60; ++frames) {
    for (const int fps : {25, 30, 60}) {
      Scenario scenario;
      scenario.fps_n = fps;
      scenario.audio_lead = 60 * GST_MSECOND;
      scenario.frames = 4 * fps;
      scenario.clips = {clip(frames, 30'000, 1001)};
      const Outcome outcome = simulate(scenario);
      EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
      EXPECT_EQ(outcome.started, 1U);
    }
  }
}

// It was on while what follows took no frames.
TEST(Timeline, TellsOfAClipThatNoFrameWasTakenOf) {
  Scenario scenario;
  scenario.audio_lead = 60 * GST_MSECOND;
  scenario.frames = 120;
  scenario.skips_at = 21;
  scenario.skips_for = 60;
  for (const int frames : {1, 30, 55}) {
    scenario.clips = {clip(frames, 30, 1)};
    scenario.clips[0].offered = 20;
    const Outcome outcome = simulate(scenario);
    EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
    EXPECT_EQ(outcome.started, 1U) << frames;
  }
}

TEST(Timeline, DoesNotGoOnWithAClipThatWasCut) {
  Scenario scenario;
  scenario.fps_n = 50;
  scenario.frames = 90;
  scenario.audio_lead = 270 * GST_MSECOND;
  scenario.clips = {clip(20, 20, 1)};
  FakeClip& failing = scenario.clips[0];
  failing.offered = 22;
  failing.stalls_at = 17;
  failing.stalls_for = 23;
  failing.fails = 61;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
  EXPECT_EQ(outcome.started, 1U);
}

TEST(Timeline, TellsOnceOfAClipThatEndsWhileItStandsStill) {
  Scenario scenario;
  scenario.fps_n = 10;
  scenario.frames = 130;
  scenario.at_end = AtEnd::loop;
  scenario.audio_lead = 287 * GST_MSECOND;
  scenario.clips = {clip(5, 30, 1)};
  scenario.clips[0].offered = 106;
  scenario.clips[0].stalls_at = 4;
  scenario.clips[0].stalls_for = 10;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
  EXPECT_GE(outcome.repeats, 1U);
}

TEST(Timeline, ShowsEachFrameOnceAtTheClipsOwnRate) {
  Scenario scenario;
  scenario.fps_n = 30'000;
  scenario.fps_d = 1001;
  scenario.at_end = AtEnd::loop;
  scenario.audio_lead = 200 * GST_MSECOND;
  scenario.frames = 900;
  scenario.clips = {clip(31, 30'000, 1001)};
  scenario.clips[0].offered = 17;
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.problem, "") << scenario.text() << outcome.history;
  EXPECT_GE(outcome.repeats, 27U);
}

// Each round's sound is compared with its frames, to the sample.
TEST(Timeline, DoesNotDriftInFiveHundredLoops) {
  Scenario scenario;
  scenario.at_end = AtEnd::loop;
  scenario.audio_lead = 4 * GST_SECOND;
  scenario.frames = 505 * 30;
  scenario.clips = {clip(30, 30, 1)};
  const Outcome outcome = simulate(scenario);
  EXPECT_EQ(outcome.problem, "");
  EXPECT_GE(outcome.repeats, 499U);
}

// A clip that was read, and is decoded as fast as a test likes.
class SlowlyDecoded {
 public:
  explicit SlowlyDecoded(Time number) : number_(number) {
    decoded().set_has_video();
    decoded().set_streams_known();
    decoded().set_read_video(at(number), true);
  }
  static Time at(Time frame) { return time_at(static_cast<int>(frame), {30, 1}); }
  const std::shared_ptr<bin::ClipDecoder>& decoder() const { return decoder_; }
  bin::DecodedFrames& decoded() { return decoder_->decoded(); }
  // Those that are too late are left out.
  void decode_to(Time frame) {
    for (; pushed_ < std::min(frame, number_); ++pushed_) {
      const Time end = at(pushed_ + 1);
      if (decoded().lateness(end) > 0) {
        decoded().leave_out(at(pushed_), end);
        continue;
      }
      bin::Frame picture;
      picture.buffer.reset(gst_buffer_new());
      GST_BUFFER_OFFSET(picture.buffer.get()) = static_cast<guint64>(pushed_);
      decoded().push_frame(std::move(picture), at(pushed_), end);
    }
    if (pushed_ == number_) decoded().end_video();
  }
  // As a decoder does that was told to catch up.
  void skip_to(Time frame) { pushed_ = frame; }

 private:
  const Time number_;
  const std::shared_ptr<bin::ClipDecoder> decoder_ =
      std::make_shared<bin::ClipDecoder>(make_source(), bin::Raster(), nullptr, [](MessagePtr) {});
  Time pushed_ = 0;
};

// Also of one that has ended only just then.
TEST(Timeline, TellsOfEachFrameThatIsNotThatOfItsTime) {
  constexpr Time number = 60;
  SlowlyDecoded clip(number);
  bin::Timeline timeline({[](auto, auto, Time) {}, [](auto) {}});
  timeline.set_frame_times({0, 30, 1});
  clip.decode_to(8);
  timeline.offer(clip.decoder());
  int older = 0;
  for (Time frame = 0; frame < number + 5; ++frame) {
    // From 20 on it is one frame behind, from 30 to 45 several ones; the last ones are left out.
    const Time behind = frame < 20 || frame >= 45 ? -4 : frame < 30 ? 1 : 5;
    if (frame == 40) clip.skip_to(44);
    if (frame == 54) clip.skip_to(number);
    clip.decode_to(frame + 1 - behind);
    const bin::Composition shown = timeline.frame(
        SlowlyDecoded::at(frame), SlowlyDecoded::at(frame + 1) - SlowlyDecoded::at(frame), kept);
    if (frame >= number) continue;
    ASSERT_FALSE(shown.over.is_placeholder);
    const auto seen = static_cast<Time>(GST_BUFFER_OFFSET(shown.over.frame.buffer.get()));
    ASSERT_EQ(shown.behind, SlowlyDecoded::at(frame) - SlowlyDecoded::at(seen)) << frame;
    if (seen != frame) ++older;
  }
  EXPECT_GE(older, 20);
  const bin::PlayoutStats stats = timeline.stats();
  EXPECT_EQ(stats.shown + stats.dropped, static_cast<std::uint64_t>(number));
  EXPECT_EQ(stats.shown + stats.repeated, static_cast<std::uint64_t>(number));
}

// While that is told, audio is taken and the next one is given, as other threads may do.
TEST(Timeline, TellsOfAClipsEndBeforeItGoes) {
  constexpr Rate rate{25, 1};
  std::vector<std::unique_ptr<FakePlaying>> clips;
  for (int number = 0; number < 3; ++number) {
    clips.push_back(std::make_unique<FakePlaying>(clip_at(rate, 20), number, 0));
  }
  std::vector<std::string> told;
  std::int64_t heard = 0;
  bin::Timeline* self = nullptr;
  const auto hear = [&](Time time) {
    for (; bin::samples_at(time) > heard; heard += audio_block) {
      std::array<float, audio_block * bin::audio_channels> samples{};
      std::vector<std::size_t> seams;
      self->mix_audio(heard, samples.data(), audio_block, &seams, kept);
      for (const auto& clip : clips) clip->hear(heard);
    }
  };
  Time now = 0;
  bin::Timeline::Events events{[&](const auto& ended, const auto&, Time) {
                                 if (ended == clips[0]->decoder()) told.emplace_back("ended");
                               },
                               [&](const auto& decoder) {
                                 if (decoder == clips[0]->decoder()) told.emplace_back("retired");
                               }};
  events.followed = [&](const auto& decoder, bool) {
    if (decoder != clips[1]->decoder()) return;
    hear(now + GST_SECOND / 10);
    self->follow(clips[2]->decoder());
  };
  bin::Timeline timeline(events);
  self = &timeline;
  timeline.set_frame_times({0, rate.n, rate.d});
  timeline.follow(clips[0]->decoder());
  for (int frame = 0; frame < 40; ++frame) {
    for (const auto& clip : clips) clip->feed(frame);
    if (frame == 5) timeline.follow(clips[1]->decoder());
    now = time_at(frame, rate);
    hear(now - GST_SECOND / 25);
    timeline.frame(now, time_at(frame + 1, rate) - now, kept);
    clips[0]->see(now);
  }
  EXPECT_EQ(told, (std::vector<std::string>{"ended", "retired"}));
}

// 4K with alpha. Reading them all would fill the memory: a decoder waits until one is shown.
TEST(DecodedFrames, AreFewWhereTheyAreLarge) {
  bin::DecodedFrames decoded;
  decoded.set_has_video();
  decoded.set_streams_known();
  std::atomic<int> pushed = 0;
  std::thread decoder([&] {
    const auto push = [&](Time start) {
      bin::Frame frame;
      frame.buffer.reset(gst_buffer_new_allocate(nullptr, gsize{3840} * 2160 * 4, nullptr));
      return decoded.push_frame(std::move(frame), start, start + GST_SECOND / 30);
    };
    while (push(pushed * Time{GST_SECOND / 30})) ++pushed;
  });
  EXPECT_TRUE(eventually([&] { return pushed == 3; }));
  EXPECT_TRUE(decoded.is_ready());
  EXPECT_FALSE(eventually([&] { return pushed > 3; }, std::chrono::milliseconds(200)));
  decoded.frame_at(0);
  EXPECT_TRUE(eventually([&] { return pushed == 4; }));
  decoded.close();
  decoder.join();
}

// What is measured is the whole preroll.
TEST(DecodedFrames, WhoseLoudnessIsToBeFoundWaitForTheirAudio) {
  bin::DecodedFrames decoded;
  decoded.set_preroll(2 * GST_SECOND);
  decoded.set_loudness_target(-23);
  decoded.set_has_video();
  decoded.set_has_audio();
  decoded.set_streams_known();
  for (Time frame = 0; frame < 4; ++frame) {
    decoded.push_frame({}, frame * GST_SECOND / 25, (frame + 1) * GST_SECOND / 25);
  }
  decoded.set_read_video(3 * GST_SECOND, false);
  const auto push_audio = [&](Time start, Time end) {
    const auto samples = static_cast<std::size_t>(bin::samples_at(end - start));
    decoded.push_audio(std::vector<float>(samples * bin::audio_channels), start);
  };
  push_audio(0, GST_SECOND);
  ASSERT_FALSE(eventually([&] { return decoded.is_ready(); }, std::chrono::milliseconds(500)));
  push_audio(GST_SECOND, 2 * GST_SECOND);
  EXPECT_TRUE(decoded.is_ready());
}

// Of AAC, and of HE-AAC or AAC at half the rate.
constexpr double block_sizes[] = {1024, 2048};
// A clip with a frame and blocks of audio that begin at these, counted in blocks.
void push_blocks(bin::DecodedFrames& decoded, double block_size,
                 const std::vector<double>& begins) {
  decoded.set_has_video();
  decoded.set_has_audio();
  bin::Frame frame;
  frame.buffer.reset(gst_buffer_new());
  decoded.push_frame(std::move(frame), 0, GST_SECOND);
  const auto samples = static_cast<std::size_t>(block_size) * bin::audio_channels;
  for (const double begin : begins) {
    decoded.push_audio(std::vector<float>(samples, 0.5F),
                       bin::time_of_sample(static_cast<std::int64_t>(begin * block_size)));
  }
}

// So many blocks have no hole, and are as loud as they were pushed.
void expect_blocks(bin::DecodedFrames& decoded, double block_size, double blocks) {
  const auto size = static_cast<std::size_t>(blocks * block_size);
  std::vector<float> samples(size * bin::audio_channels);
  EXPECT_EQ(decoded.mix_audio(0, samples.data(), size, 1, 0), size);
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  EXPECT_EQ(*least, 0.5F);
  EXPECT_EQ(*most, 0.5F);
}

// As the times of fragments do.
TEST(DecodedFrames, HaveNoHoleWhereTheTimesOfAudioJitter) {
  for (const double block_size : block_sizes) {
    SCOPED_TRACE(block_size);
    bin::DecodedFrames decoded;
    push_blocks(decoded, block_size, {0, 2, 2, 3, 5, 6, 6, 7});
    expect_blocks(decoded, block_size, 8);
  }
}

TEST(DecodedFrames, HaveAudioOnceWhereItsTimesGoBack) {
  for (const double block_size : block_sizes) {
    SCOPED_TRACE(block_size);
    bin::DecodedFrames decoded;
    push_blocks(decoded, block_size, {0, 1, 2, 0.5, 1.5, 2.5, 3.5, 4.5});
    expect_blocks(decoded, block_size, 5.5);
  }
}

TEST(DecodedFrames, HaveAudioAtItsTimeSoonAfterAShortGap) {
  for (const double block_size : block_sizes) {
    SCOPED_TRACE(block_size);
    bin::DecodedFrames decoded;
    push_blocks(decoded, block_size, {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
    const auto size = static_cast<std::size_t>(block_size);
    std::vector<float> samples(size * bin::audio_channels);
    EXPECT_EQ(
        decoded.mix_audio(15 * static_cast<std::int64_t>(block_size), samples.data(), size, 1, 0),
        size);
  }
}

// Else all that is left of a clip would fill the memory once its video has ended.
TEST(DecodedFrames, LetAudioBeReadAheadOfItsVideoButNotFarBeyondItsEnd) {
  bin::DecodedFrames decoded;
  decoded.set_has_video();
  decoded.set_has_audio();
  decoded.set_streams_known();
  std::atomic<int> seconds = 0;
  std::atomic<bool> is_closed = false;
  std::thread reader([&] {
    while (!is_closed) {
      decoded.set_read_audio((seconds + 1) * Time{GST_SECOND}, false);
      decoded.wait_to_read_audio();
      if (++seconds == 20) decoded.set_read_video(GST_SECOND, true);
    }
  });
  EXPECT_TRUE(eventually([&] { return seconds >= 20; })) << "its video may follow";
  EXPECT_FALSE(eventually([&] { return seconds > 20; }, std::chrono::milliseconds(200)));
  bin::Frame frame;
  frame.buffer.reset(gst_buffer_new());
  decoded.push_frame(std::move(frame), 0, GST_SECOND);
  std::vector<float> samples(static_cast<std::size_t>(bin::audio_channels));
  decoded.mix_audio(bin::samples_at(25 * Time{GST_SECOND}), samples.data(), 1, 1, 0);
  EXPECT_TRUE(eventually([&] { return seconds > 20; }));
  EXPECT_FALSE(eventually([&] { return seconds > 28; }, std::chrono::milliseconds(200)));
  is_closed = true;
  decoded.close();
  reader.join();
}

// Until then no file of this process may be longer.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

TEST(ClipFile, GivesBackWhatItCannotKeep) {
  const auto keep = [](bin::ClipFile& file, guint64 offset) {
    const BufferPtr buffer(gst_buffer_new_allocate(nullptr, 1000, nullptr));
    GST_BUFFER_OFFSET(buffer.get()) = offset;
    file.keep(buffer.get());
  };
  const auto size_on_disk = [](const bin::ClipFile& file) {
    return std::filesystem::file_size(file.path());
  };
  const auto small = bin::ClipFile::create(2500);
  const auto full = bin::ClipFile::create(1'000'000);
  const auto whole = bin::ClipFile::create(1'000'000);
  keep(*whole, 0);
  whole->end();
  {
    const FileLimit limit(2500);
    for (const auto& file : {small, full, whole}) {
      for (const guint64 offset : {0, 1000, 2000, 3000}) keep(*file, offset);
    }
  }
  for (const auto& file : {small, full}) {
    EXPECT_EQ(size_on_disk(*file), 0U);
    file->end();
    EXPECT_FALSE(file->is_whole());
  }
  EXPECT_EQ(size_on_disk(*whole), 1000U);
  EXPECT_TRUE(whole->is_whole());
}

}  // namespace
}  // namespace genpro::test
