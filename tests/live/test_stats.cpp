// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an operator sees: `stats`, `genpro-stats`, and what is told when a machine does not keep up.
#include <set>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr int clip_frames = 90;

std::string text_in(const GstStructure* stats, const char* name) {
  const char* text = gst_structure_get_string(stats, name);
  return text == nullptr ? "none" : text;
}

std::uint64_t number_in(const GstStructure* stats, const char* name) {
  std::uint64_t number = 0;
  guint small = 0;
  if (gst_structure_get_uint(stats, name, &small)) return small;
  EXPECT_TRUE(gst_structure_get_uint64(stats, name, &number)) << name;
  return number;
}

StructurePtr stats_of(GstElement* bin) {
  GstStructure* stats = nullptr;
  g_object_get(bin, "stats", &stats, nullptr);
  return StructurePtr(stats);
}

BusListener::Match stats_with(const char* field, const std::string& value) {
  return [=](GstMessage* message) {
    return gst_message_has_name(message, "genpro-stats") &&
           text_in(gst_message_get_structure(message), field) == value;
  };
}

// How many frames of clips are among them.
std::size_t different(const Pictures& pictures) {
  std::set<int> numbers;
  for (const Shown& shown : pictures) {
    if (shown.mark) numbers.insert(shown.mark->frame);
  }
  return numbers.size();
}

TEST(Stats, AreThereBeforeARun) {
  const LiveService service;
  const ElementPtr bin = live_bin(service);
  const StructurePtr stats = stats_of(bin.get());
  ASSERT_TRUE(stats);
  EXPECT_EQ(text_in(stats.get(), "state"), "idle");
  EXPECT_EQ(text_in(stats.get(), "on-air"), "placeholder");
  for (const char* name : {"frames", "frames-shown", "frames-repeated", "frames-dropped",
                           "frames-skipped", "frames-late", "silent-samples", "starved"}) {
    EXPECT_EQ(number_in(stats.get(), name), 0U) << name;
  }
}

TEST(Stats, TellWhatIsOnAndCountItsFrames) {
  LiveService service;
  service.set_clip(clip_of({.frames = clip_frames}));
  service.hold_from(1);
  Studio studio(live_bin(service, {{"stats-interval", "20"}}));
  studio.play();
  ASSERT_TRUE(studio.bus().wait_for(stats_with("state", "processing")));
  EXPECT_EQ(text_in(stats_of(studio.bin()).get(), "on-air"), "placeholder");
  service.complete(1);
  ASSERT_TRUE(studio.bus().wait_for(stats_with("on-air", "clip")));
  ASSERT_TRUE(studio.bus().wait_for(stats_with("generation-id", "9041")));
  ASSERT_TRUE(studio.wait_for_picture({1, 10}));
  const StructurePtr during = stats_of(studio.bin());
  EXPECT_GT(number_in(during.get(), "buffered-frames"), 0U);
  EXPECT_GT(number_in(during.get(), "buffered-audio"), 0U);
  EXPECT_GT(number_in(during.get(), "latency"), 33 * GST_MSECOND);
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.wait_for_placeholder());
  studio.stop();
  const StructurePtr stats = stats_of(studio.bin());
  SCOPED_TRACE(take_string(gst_structure_to_string(stats.get())));
  EXPECT_EQ(text_in(stats.get(), "on-air"), "placeholder");
  const std::size_t shown = different(studio.video().pictures());
  EXPECT_EQ(number_in(stats.get(), "frames-shown"), shown);
  EXPECT_EQ(number_in(stats.get(), "frames-dropped"), clip_frames - shown);
  EXPECT_GE(number_in(stats.get(), "frames"), studio.video().count());
  EXPECT_LE(number_in(stats.get(), "frames"), studio.video().count() + 1);
  EXPECT_EQ(number_in(stats.get(), "starved"), 0U);
}

TEST(Stats, CountARepeatedFrameAndADroppedOne) {
  for (const auto& [rate, name] :
       {std::pair("60/1", "frames-repeated"), {"15/1", "frames-dropped"}}) {
    SCOPED_TRACE(rate);
    LiveService service;
    service.set_clip(clip_of({.frames = 30}));
    Studio studio(live_bin(service, {{"framerate", rate}}));
    studio.play();
    ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
    studio.stop();
    const std::uint64_t number = number_in(stats_of(studio.bin()).get(), name);
    EXPECT_GE(number, 12U);
    EXPECT_LE(number, 35U);
  }
}

TEST(Stats, AreNotPostedUnlessTheyAreAskedFor) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  EXPECT_TRUE(studio.bus().outcome().named("genpro-stats").empty());
  set_property(studio.bin(), "stats-interval", "10");
  EXPECT_TRUE(studio.bus().wait_for(stats_with("on-air", "placeholder")));
  studio.stop();
}

TEST(Stats, CountWhatAClipThatStandsStillLeavesSilent) {
  LiveService service;
  const std::string clip = clip_of({.frames = clip_frames, .index_first = true});
  service.set_clip(clip);
  const auto rest = std::make_shared<Gate>();
  service.fake().files().add_trouble(
      {.kind = Trouble::Kind::cut, .at = clip.size() / 2, .gate = rest});
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(eventually([&] { return number_in(stats_of(studio.bin()).get(), "starved") == 1; }));
  ASSERT_TRUE(studio.video().wait_for_more(10));
  const StructurePtr stats = stats_of(studio.bin());
  EXPECT_GT(number_in(stats.get(), "silent-samples"), 4800U);
  EXPECT_GE(number_in(stats.get(), "frames-repeated"), 10U);
  rest->open();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
}

// ---- A machine that is too slow ----

// A decoder that takes longer for a frame than it is shown.
struct SlowDecoder {
  GstBin parent;
};
struct SlowDecoderClass {
  GstBinClass parent;
};
GType slow_decoder_get_type();
G_DEFINE_TYPE(SlowDecoder, slow_decoder, GST_TYPE_BIN)

GstStaticPadTemplate slow_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-h264"));
GstStaticPadTemplate slow_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));

void slow_decoder_class_init(SlowDecoderClass* decoder_class) {
  GstElementClass* element_class = GST_ELEMENT_CLASS(decoder_class);
  gst_element_class_add_static_pad_template(element_class, &slow_sink);
  gst_element_class_add_static_pad_template(element_class, &slow_src);
  gst_element_class_set_static_metadata(element_class, "Slow", "Codec/Decoder/Video", "Is slow",
                                        "The gst-genpro developers");
}

void slow_decoder_init(SlowDecoder* decoder) {
  GstElement* const inner = gst_parse_bin_from_description_full(
      "avdec_h264 ! identity sleep-time=50000", TRUE, nullptr, GST_PARSE_FLAG_NONE, nullptr);
  gst_bin_add(GST_BIN(decoder), inner);
  for (const char* name : {"sink", "src"}) {
    const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(inner, name));
    gst_element_add_pad(GST_ELEMENT(decoder), gst_ghost_pad_new(name, pad.get()));
  }
}

class Overload : public testing::Test {
 protected:
  Overload() {
    EXPECT_TRUE(gst_element_register(nullptr, "slowh264dec", GST_RANK_PRIMARY + 1000,
                                     slow_decoder_get_type()));
  }
  ~Overload() override {
    const auto feature = ObjectPtr<GstPluginFeature>::adopt(
        gst_registry_lookup_feature(gst_registry_get(), "slowh264dec"));
    gst_registry_remove_feature(gst_registry_get(), feature.get());
  }
};

TEST_F(Overload, ShowsTheFrameOfTheTimeAndTells) {
  constexpr int number = 240;
  LiveService service;
  service.set_clip(clip_of({.frames = number}));
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  const Pictures clip = part_of(studio.video().pictures(), 1);
  ASSERT_FALSE(clip.empty());
  SCOPED_TRACE(text_of(clip));
  expect_gapless(clip);
  // Not stretched, and no frame older than it takes to leave some out, also on a machine with much
  // to do. Without that the last one would be 80 frames old.
  EXPECT_LE(clip.size(), number + 3U);
  int oldest = 0;
  std::uint64_t older = 0;
  for (const Shown& shown : clip) {
    const auto due =
        static_cast<int>((shown.pts - clip.front().pts + GST_MSECOND) * 30 / GST_SECOND);
    if (!shown.mark) continue;
    oldest = std::max(oldest, due - shown.mark->frame);
    if (due < number && due != shown.mark->frame) ++older;
  }
  EXPECT_LE(oldest, 75);
  EXPECT_GE(different(clip), 20U);
  const auto heard = bursts(studio.audio().sound());
  ASSERT_EQ(heard.size(), 16U);
  for (std::size_t at = 0; at < heard.size(); ++at) {
    EXPECT_NEAR(static_cast<double>(heard[at]),
                static_cast<double>(clip.front().pts + at * burst_period), 5.0 * GST_MSECOND);
  }
  const StructurePtr stats = stats_of(studio.bin());
  EXPECT_GT(number_in(stats.get(), "frames-late"), 15U);
  EXPECT_GE(number_in(stats.get(), "frames-late"), older);
  EXPECT_GT(number_in(stats.get(), "max-lateness"), 20 * GST_MSECOND);
  EXPECT_EQ(number_in(stats.get(), "frames-shown"), different(clip));
  EXPECT_EQ(number_in(stats.get(), "frames-dropped"), number - different(clip));
  EXPECT_EQ(number_in(stats.get(), "starved"), 0U);
  EXPECT_TRUE(studio.bus().wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_QOS; }));
  const Outcome outcome = studio.bus().outcome();
  EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.warnings[0].text.find("does not keep up"), std::string::npos)
      << outcome.warnings[0].text;
}

}  // namespace
}  // namespace genpro::test
