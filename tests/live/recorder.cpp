// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live/recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace genpro::test {
namespace {

// What is later than that is left out by the element.
constexpr GstClockTime patience = GST_SECOND;

// A picture that is mapped as long as this lives.
class Mapped {
 public:
  Mapped(const GstVideoInfo& info, GstBuffer* buffer) {
    GstVideoInfo copy = info;
    is_mapped_ = gst_video_frame_map(&frame_, &copy, buffer, GST_MAP_READ) != FALSE;
  }
  ~Mapped() {
    if (is_mapped_) gst_video_frame_unmap(&frame_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  explicit operator bool() const { return is_mapped_; }
  const GstVideoFrame& frame() const { return frame_; }

 private:
  GstVideoFrame frame_{};
  bool is_mapped_ = false;
};

Shown copy_of(const Shown& shown) {
  return {shown.pts,        shown.duration,
          shown.is_discont, shown.info,
          shown.mark,       BufferPtr(shown.buffer ? gst_buffer_ref(shown.buffer.get()) : nullptr)};
}

template <typename List>
void expect_no_gaps(const List& list) {
  ASSERT_FALSE(list.empty());
  for (std::size_t i = 0; i < list.size(); ++i) {
    ASSERT_TRUE(GST_CLOCK_TIME_IS_VALID(list[i].pts)) << i;
    ASSERT_TRUE(GST_CLOCK_TIME_IS_VALID(list[i].duration)) << i;
    EXPECT_GT(list[i].duration, 0U);
    if (i == 0) continue;
    if (list[i].is_discont && list[i].pts > list[i - 1].end() + patience) continue;
    EXPECT_EQ(list[i].pts, list[i - 1].end()) << "between " << i - 1 << " and " << i;
    EXPECT_FALSE(list[i].is_discont) << i;
  }
}

}  // namespace

int Shown::component(int number, int x, int y) const {
  const Mapped mapped(info, buffer.get());
  return mapped ? component_at(mapped.frame(), number, x, y) : -1;
}

std::string Shown::first_component() const {
  std::string result;
  const Mapped mapped(info, buffer.get());
  if (!mapped) return result;
  for (int y = 0; y < info.height; ++y) {
    for (int x = 0; x < info.width; ++x)
      result.push_back(static_cast<char>(component_at(mapped.frame(), 0, x, y)));
  }
  return result;
}

double Shown::brightness() const {
  const std::string values = first_component();
  double sum = 0;
  for (const char value : values) sum += static_cast<unsigned char>(value);
  return values.empty() ? -1 : sum / static_cast<double>(values.size());
}

Recorder::Recorder(GstElement* element, const char* pad, Rect part)
    : part_(part), pad_(PadPtr::adopt(gst_element_get_static_pad(element, pad))) {
  probe_ = gst_pad_add_probe(
      pad_.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_data, this, nullptr);
}

Recorder::~Recorder() {
  gst_pad_remove_probe(pad_.get(), probe_);
}

GstPadProbeReturn Recorder::on_data(GstPad*, GstPadProbeInfo* info, gpointer self) {
  auto& recorder = *static_cast<Recorder*>(self);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    recorder.add(GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
  }
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  std::lock_guard lock(recorder.mutex_);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      recorder.caps_.reset(gst_caps_ref(caps));
      const GstStructure* fields = gst_caps_get_structure(caps, 0);
      GstVideoInfo video;
      recorder.video_.reset();
      if (gst_structure_has_name(fields, "video/x-raw") && gst_video_info_from_caps(&video, caps)) {
        recorder.video_ = video;
      }
      const char* format = gst_structure_get_string(fields, "format");
      recorder.is_float_ = gst_structure_has_name(fields, "audio/x-raw") && format != nullptr &&
                           std::strcmp(format, "F32LE") == 0;
      int channels = 0;
      gst_structure_get_int(fields, "channels", &channels);
      recorder.channels_ = static_cast<std::size_t>(channels);
      break;
    }
    case GST_EVENT_SEGMENT:
      ++recorder.segments_;
      break;
    case GST_EVENT_EOS:
      recorder.has_ended_ = true;
      break;
    default:
      break;
  }
  recorder.changed_.notify_all();
  return GST_PAD_PROBE_OK;
}

void Recorder::add(GstBuffer* buffer) {
  std::lock_guard lock(mutex_);
  const bool is_discont = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  if (video_) {
    Shown shown{GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer), is_discont, *video_, {}, {}};
    if (const Mapped mapped(*video_, buffer); mapped) {
      const Rect whole{0, 0, video_->width, video_->height};
      shown.mark = read_mark(mapped.frame(), part_.width > 0 ? part_ : whole);
    }
    if (keeps_pictures_) shown.buffer.reset(gst_buffer_ref(buffer));
    pictures_.push_back(std::move(shown));
  } else {
    Heard heard{GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer), is_discont, {}};
    GstMapInfo map;
    if (is_float_ && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
      for (std::size_t at = 0; at + sizeof(float) * channels_ <= map.size;
           at += sizeof(float) * channels_) {
        float value = 0;
        std::memcpy(&value, map.data + at, sizeof value);
        heard.samples.push_back(value);
      }
      gst_buffer_unmap(buffer, &map);
    }
    sound_.push_back(std::move(heard));
  }
  ++count_;
  changed_.notify_all();
}

void Recorder::keep_no_pictures() {
  std::lock_guard lock(mutex_);
  keeps_pictures_ = false;
}

Pictures Recorder::pictures() const {
  std::lock_guard lock(mutex_);
  Pictures result;
  for (const Shown& shown : pictures_) result.push_back(copy_of(shown));
  return result;
}

Sound Recorder::sound() const {
  std::lock_guard lock(mutex_);
  return sound_;
}

std::size_t Recorder::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

bool Recorder::has_ended() const {
  std::lock_guard lock(mutex_);
  return has_ended_;
}

CapsPtr Recorder::caps() const {
  std::lock_guard lock(mutex_);
  return CapsPtr(caps_ ? gst_caps_ref(caps_.get()) : nullptr);
}

std::size_t Recorder::segments() const {
  std::lock_guard lock(mutex_);
  return segments_;
}

bool Recorder::last_is(const Match& match) const {
  std::lock_guard lock(mutex_);
  return !pictures_.empty() && match(pictures_.back());
}

bool Recorder::wait_from(std::size_t first, const Match& match,
                         std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  std::size_t next = first;
  return changed_.wait_for(lock, deadline, [&] {
    for (; next < pictures_.size(); ++next)
      if (match(pictures_[next])) return true;
    return false;
  });
}

bool Recorder::wait_for(const Match& match, std::chrono::milliseconds deadline) const {
  return wait_from(0, match, deadline);
}

bool Recorder::wait_for_next(const Match& match, std::chrono::milliseconds deadline) const {
  return wait_from(count(), match, deadline);
}

bool Recorder::wait_for_more(std::size_t number, std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  const std::size_t enough = count_ + number;
  return changed_.wait_for(lock, deadline, [&] { return count_ >= enough; });
}

bool Recorder::wait_for_end(std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] { return has_ended_; });
}

void expect_gapless(const Pictures& pictures) {
  expect_no_gaps(pictures);
}

void expect_gapless(const Sound& sound) {
  expect_no_gaps(sound);
}

std::string text_of(const Pictures& pictures) {
  std::string text;
  std::string last;
  int times = 0;
  const auto end = [&] {
    if (times > 1) text += "x" + std::to_string(times);
  };
  for (const Shown& shown : pictures) {
    const std::string word =
        shown.mark ? std::to_string(shown.mark->tag) + "/" + std::to_string(shown.mark->frame)
                   : "-";
    if (word == last) {
      ++times;
      continue;
    }
    end();
    text += (text.empty() ? "" : " ") + word;
    last = word;
    times = 1;
  }
  end();
  return text;
}

Pictures part_of(const Pictures& pictures, int tag) {
  const auto is_of = [tag](const Shown& shown) { return shown.is_of(tag); };
  const auto first = std::find_if(pictures.begin(), pictures.end(), is_of);
  const auto last = std::find_if(pictures.rbegin(), pictures.rend(), is_of).base();
  Pictures part;
  for (auto shown = first; shown < last; ++shown) part.push_back(copy_of(*shown));
  return part;
}

void expect_whole(const Pictures& pictures, int tag, int frames) {
  const Pictures part = part_of(pictures, tag);
  SCOPED_TRACE(text_of(pictures));
  ASSERT_FALSE(part.empty()) << "the clip was not on";
  // Where the machine is too slow for some, the one before stands for their time.
  int next = 0;
  int standing = 0;
  int left_out = 0;
  for (const Shown& shown : part) {
    ASSERT_TRUE(shown.is_of(tag)) << "something else within the clip, before picture " << next;
    const int frame = shown.mark->frame;
    if (next > 0 && frame == next - 1) {
      ++standing;
      continue;
    }
    ASSERT_GE(frame, next);
    ASSERT_LE(frame, next + standing);
    left_out += frame - next;
    next = frame + 1;
    standing = 0;
  }
  EXPECT_GE(next + standing, frames);
  EXPECT_LE(left_out + frames - next, frames / 3);
}

std::vector<GstClockTime> bursts(const Sound& sound) {
  std::vector<GstClockTime> result;
  for (const Heard& heard : sound) {
    for (std::size_t i = 0; i < heard.samples.size(); ++i) {
      if (std::abs(heard.samples[i]) < 0.5F) continue;
      const GstClockTime time = heard.time_of(i);
      if (result.empty() || time > result.back() + burst_period / 2) result.push_back(time);
    }
  }
  return result;
}

double loudness(const Sound& sound, GstClockTime from, GstClockTime to) {
  double loudest = 0;
  for (const Heard& heard : sound) {
    if (heard.end() <= from || heard.pts >= to) continue;
    for (std::size_t i = 0; i < heard.samples.size(); ++i) {
      const GstClockTime time = heard.time_of(i);
      if (time >= from && time < to) {
        loudest = std::max(loudest, std::abs(static_cast<double>(heard.samples[i])));
      }
    }
  }
  return loudest;
}

void expect_in_sync(const Pictures& pictures, const Sound& sound, const ClipSpec& clip,
                    GstClockTime from, GstClockTime to) {
  constexpr auto tolerance = 20.0 * GST_MSECOND;
  const double frame_time = static_cast<double>(GST_SECOND) * clip.fps_d / clip.fps_n;
  const auto length = static_cast<GstClockTime>(frame_time * clip.frames);
  std::size_t number = 0;
  for (const GstClockTime burst : bursts(sound)) {
    if (burst < from || burst >= to) continue;
    const auto shown = std::find_if(pictures.begin(), pictures.end(), [&](const Shown& one) {
      return one.pts <= burst && burst < one.end();
    });
    ASSERT_NE(shown, pictures.end()) << "no picture at " << burst;
    ASSERT_TRUE(shown->is_of(clip.tag)) << "a burst beside the clip at " << burst;
    // The clip's time when this picture came on, as the sound has it.
    const double heard =
        static_cast<double>(number * burst_period) - static_cast<double>(burst - shown->pts);
    const double seen = frame_time * shown->mark->frame;
    EXPECT_GE(heard, seen - tolerance) << "burst " << number << " at " << burst;
    EXPECT_LE(heard, seen + frame_time + tolerance) << "burst " << number << " at " << burst;
    ++number;
  }
  EXPECT_EQ(number, (std::min(length, to - from) + burst_period - 1) / burst_period);
}

}  // namespace genpro::test
