// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A take by the timecode that the frames have behind the element.
#include <gst/video/video.h>

#include <algorithm>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr GstClockTime frame_time = GST_SECOND / 30;

// Gives the frames that leave a pad a timecode each, which begins at 10:00:00:00.
class Stamper {
 public:
  explicit Stamper(GstElement* bin)
      : pad_(PadPtr::adopt(gst_element_get_static_pad(bin, "video"))),
        next_(gst_video_time_code_new(30, 1, nullptr, GST_VIDEO_TIME_CODE_FLAGS_NONE, 10, 0, 0, 0,
                                      0)) {
    gst_pad_add_probe(
        pad_.get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          auto& next = *static_cast<Stamper*>(self)->next_;
          GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
          GST_PAD_PROBE_INFO_DATA(info) = buffer;
          gst_buffer_add_video_time_code_meta(buffer, &next);
          gst_video_time_code_increment_frame(&next);
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
  }

 private:
  PadPtr pad_;
  Owned<GstVideoTimeCode, gst_video_time_code_free> next_;
};

class TakeByTimecode : public testing::Test {
 protected:
  void make(const Settings& changes, const std::string& behind) {
    service.set_clip(clip_of(spec));
    Settings settings = {{"start-mode", "cue"}, {"framerate", "30/1"}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    studio =
        std::make_unique<Studio>(live_bin(service, settings), small_raster, plain_sound, Rect(),
                                 "%s ! " + behind +
                                     "fakesink sync=false enable-last-sample=false "
                                     "%s ! fakesink sync=false enable-last-sample=false");
  }
  GstElement* bin() { return studio->bin(); }
  std::string timecode() {
    char* text = nullptr;
    g_object_get(bin(), "take-at-timecode", &text, nullptr);
    const GCharPtr owned(text);
    return text != nullptr ? text : "";
  }
  bool warned_of(const std::string& text) {
    return studio->bus().wait_for([&](GstMessage* message) {
      if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_WARNING) return false;
      GError* raw = nullptr;
      gst_message_parse_warning(message, &raw, nullptr);
      const Owned<GError, g_error_free> error(raw);
      return std::string(error->message).find(text) != std::string::npos;
    });
  }
  // The number of the frame with which the clip begins.
  std::int64_t first_frame() {
    EXPECT_TRUE(studio->wait_for_picture({spec.tag, spec.frames - 1}));
    studio->stop();
    const Pictures pictures = studio->video().pictures();
    expect_gapless(pictures);
    expect_whole(pictures, spec.tag, spec.frames);
    const Pictures clip = part_of(pictures, spec.tag);
    if (clip.empty()) return -1;
    const GstClockTime from = clip.front().pts - pictures.front().pts;
    return static_cast<std::int64_t>((from + frame_time / 2) / frame_time);
  }

  ClipSpec spec{.frames = 30};
  LiveService service;
  std::optional<Stamper> stamper;
  std::unique_ptr<Studio> studio;  // after what its frames pass
};

TEST_F(TakeByTimecode, IsExactBehindATimecodestamper) {
  for (const char* mode : {"auto", "cue"}) {
    make({{"take-at-timecode", "00:00:02:10"}, {"start-mode", mode}},
         "queue ! timecodestamper ! identity ! ");
    studio->play();
    ASSERT_TRUE(studio->wait_for_clip(spec.tag));
    EXPECT_EQ(timecode(), "") << "it was taken";
    EXPECT_EQ(first_frame(), 70) << mode;
    studio->expect_quiet();
  }
}

// On the pads of what is behind the element.
int probes_behind(GstElement* pipeline) {
  int probes = 0;
  for (const char* name : {"first", "stamper", "last"}) {
    const auto element = ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(pipeline), name));
    for (const char* pad_name : {"sink", "src"}) {
      const auto pad = PadPtr::adopt(gst_element_get_static_pad(element.get(), pad_name));
      GST_OBJECT_LOCK(pad.get());
      probes += pad.get()->num_probes;
      GST_OBJECT_UNLOCK(pad.get());
    }
  }
  return probes;
}

TEST_F(TakeByTimecode, LooksAtOtherElementsOnlyUntilThereIsATimecode) {
  make({{"take-at-timecode", "00:00:01:00"}},
       "identity name=first ! timecodestamper name=stamper ! identity name=last ! ");
  studio->play();
  ASSERT_TRUE(studio->wait_for_clip(spec.tag));
  EXPECT_EQ(probes_behind(studio->pipeline()), 0);
}

TEST_F(TakeByTimecode, IsExactWhereTheApplicationStampsFrames) {
  make({}, "");
  stamper.emplace(bin());
  studio->play();
  set_property(bin(), "take-at-timecode", "10:00:03:05");
  EXPECT_EQ(timecode(), "10:00:03:05");
  EXPECT_EQ(first_frame(), 95);
  studio->expect_quiet();
}

TEST_F(TakeByTimecode, ThatHasPassedIsAtOnceAndTold) {
  make({}, "");
  stamper.emplace(bin());
  studio->play();
  set_property(bin(), "take-at-timecode", "09:00:00:00");
  EXPECT_TRUE(warned_of("later than it was taken for"));
  EXPECT_TRUE(studio->wait_for_clip(spec.tag));
}

TEST_F(TakeByTimecode, CanBeTakenBackAndReplaced) {
  make({{"take-at-timecode", "10:00:01:00"}}, "");
  studio->play();
  EXPECT_EQ(timecode(), "10:00:01:00") << "no frame has one";
  gboolean is_done = FALSE;
  g_signal_emit_by_name(bin(), "untake", &is_done);
  EXPECT_TRUE(is_done);
  EXPECT_EQ(timecode(), "");
  set_property(bin(), "take-at-timecode", "10:00:02:00");
  set_property(bin(), "take-at", std::to_string(4 * GST_SECOND));
  stamper.emplace(bin());
  EXPECT_EQ(timecode(), "");
  EXPECT_TRUE(studio->wait_for_clip(spec.tag));
  studio->stop();
  const Pictures clip = part_of(studio->video().pictures(), spec.tag);
  EXPECT_GE(clip.front().pts, 4 * GST_SECOND);
  EXPECT_LT(clip.front().pts, 4 * GST_SECOND + frame_time);
}

TEST_F(TakeByTimecode, WithoutAnyIsWarnedOf) {
  make({{"take-at-timecode", "10:00:01:00"}, {"start-mode", "auto"}}, "");
  studio->play();
  EXPECT_TRUE(warned_of("Put timecodestamper behind the pad"));
  // One that comes later counts.
  stamper.emplace(bin());
  EXPECT_TRUE(studio->wait_for_clip(spec.tag));
}

TEST_F(TakeByTimecode, ThatIsNoneIsRefused) {
  make({{"take-at-timecode", "10:00"}}, "");
  studio->set(GST_STATE_PLAYING);
  ASSERT_TRUE(studio->bus().wait_for_end());
  const Outcome outcome = studio->bus().outcome();
  ASSERT_EQ(outcome.errors.size(), 1U);
  EXPECT_NE(outcome.errors[0].text.find("take-at-timecode is \"10:00\""), std::string::npos)
      << outcome.errors[0].text;
  EXPECT_EQ(service.posts(), 0);

  make({}, "");
  stamper.emplace(bin());
  studio->play();
  set_property(bin(), "take-at-timecode", "a quarter past ten");
  EXPECT_TRUE(warned_of("take-at-timecode is \"a quarter past ten\""));
  set_property(bin(), "take-at-timecode", "10:30:00:30");
  EXPECT_TRUE(warned_of("The timecode 10:30:00:30 is none of the 30/1 frames a second"));
  EXPECT_EQ(timecode(), "");
}

}  // namespace
}  // namespace genpro::test
