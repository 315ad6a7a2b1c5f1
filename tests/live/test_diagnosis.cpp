// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A clip that cannot be shown is a failure that tells its reason.
#include <cstdint>
#include <initializer_list>

#include "live/case_clips.h"
#include "live/live_fixture.h"
#include "support/media.h"

namespace genpro::test {
namespace {

using namespace std::string_literals;

bool is_failure(GstMessage* message) {
  return (GST_MESSAGE_TYPE(message) & (GST_MESSAGE_WARNING | GST_MESSAGE_ERROR)) != 0;
}

// What is told of a clip that is not shown: as a WARNING, the placeholder goes on.
BusError failure_of(const std::string& clip) {
  LiveService service;
  service.set_clip(clip);
  Studio studio(live_bin(service));
  studio.play();
  EXPECT_TRUE(studio.bus().wait_for(is_failure));
  EXPECT_TRUE(studio.signals().wait_for("failed 9041"));
  EXPECT_TRUE(studio.wait_for_placeholder());
  EXPECT_TRUE(studio.video().wait_for_more(5));
  studio.stop();
  Outcome outcome = studio.outcome();
  EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
  EXPECT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_EQ(studio.signals().text().find("clip-started"), std::string::npos);
  return outcome.warnings.empty() ? BusError{} : std::move(outcome.warnings[0]);
}

// Without the decoders of a media type, as long as this lives.
class WithoutDecoders {
 public:
  explicit WithoutDecoders(const char* media) {
    const CapsPtr caps(gst_caps_new_empty_simple(media));
    GList* all =
        gst_element_factory_list_get_elements(GST_ELEMENT_FACTORY_TYPE_DECODER, GST_RANK_MARGINAL);
    GList* list = gst_element_factory_list_filter(all, caps.get(), GST_PAD_SINK, FALSE);
    for (GList* each = list; each != nullptr; each = each->next) {
      removed_.push_back(
          ObjectPtr<GstPluginFeature>::ref(static_cast<GstPluginFeature*>(each->data)));
      gst_registry_remove_feature(gst_registry_get(), removed_.back().get());
    }
    gst_plugin_feature_list_free(list);
    gst_plugin_feature_list_free(all);
  }
  ~WithoutDecoders() {
    for (const auto& feature : removed_) {
      gst_registry_add_feature(gst_registry_get(), feature.get());
    }
  }
  WithoutDecoders(const WithoutDecoders&) = delete;
  WithoutDecoders& operator=(const WithoutDecoders&) = delete;

 private:
  std::vector<ObjectPtr<GstPluginFeature>> removed_;
};

TEST(Diagnosis, OfAnEncryptedClip) {
  const BusError failure = failure_of(case_clip("encrypted"));
  EXPECT_TRUE(failure.is(GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT)) << failure.name();
  EXPECT_NE(failure.text.find("is encrypted"), std::string::npos) << failure.text;
}

TEST(Diagnosis, OfAClipWithoutVideo) {
  const BusError failure = failure_of(clip_of({.video = false}));
  EXPECT_NE(failure.text.find("has no video"), std::string::npos) << failure.text;
}

TEST(Diagnosis, OfVideoThatTheDemuxerPassesOver) {
  const TempDir folder;
  const Outcome made = run_launch(
      "videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=64,height=64,framerate=30/1"
      " ! x264enc ! h264parse ! queue ! mux. audiotestsrc num-buffers=90 ! avenc_alac ! queue"
      " ! mux. mp4mux name=mux ! filesink location=" +
      folder.file("made.mp4"));
  ASSERT_TRUE(made.eos) << made.summary();
  const BusError failure = failure_of(read_file(folder.file("made.mp4")));
  EXPECT_NE(failure.text.find("a fifth of the clip"), std::string::npos) << failure.text;
}

TEST(Diagnosis, OfAnIndexWithoutAFrameOfTheVideo) {
  std::string clip = case_clip("last_gop3");
  const std::size_t table = clip.find("stsz");  // of the first track
  ASSERT_NE(table, std::string::npos);
  clip.replace(table + 12, 4, 4, '\0');
  const BusError failure = failure_of(clip);
  EXPECT_NE(failure.text.find("lists no frame"), std::string::npos) << failure.text;
}

TEST(Diagnosis, IsAnErrorWhereThatIsWanted) {
  LiveService service;
  service.set_clip(case_clip("encrypted"));
  Studio studio(live_bin(service, {{"on-error", "error"}}));
  studio.play();
  EXPECT_TRUE(studio.bus().wait_for(is_failure));
  studio.stop();
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.errors.size(), 1U) << outcome.summary();
  EXPECT_TRUE(outcome.errors[0].is(GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT));
  EXPECT_TRUE(outcome.warnings.empty()) << outcome.summary();
}

TEST(Diagnosis, OfAMissingDecoder) {
  const std::string clip = clip_of({});
  const WithoutDecoders without("video/x-h264");
  LiveService service;
  service.set_clip(clip);
  Studio studio(live_bin(service));
  studio.play();
  EXPECT_TRUE(studio.bus().wait_for(is_failure));
  EXPECT_TRUE(studio.signals().wait_for("failed 9041"));
  studio.stop();
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  const BusError& failure = outcome.warnings[0];
  EXPECT_TRUE(failure.is(GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND)) << failure.name();
  EXPECT_NE(failure.text.find("no H.264"), std::string::npos) << failure.text;
  EXPECT_NE(failure.text.find("gstreamer1.0-libav"), std::string::npos) << failure.text;
  EXPECT_EQ(outcome.named("missing-plugin").size(), 1U) << "applications can install it";
}

TEST(Diagnosis, OfSoundThatCannotBeDecoded) {
  const std::string clip = clip_of({});
  const WithoutDecoders without("audio/x-alac");
  LiveService service;
  service.set_clip(clip);
  Studio studio(live_bin(service));
  studio.play();
  ASSERT_TRUE(studio.wait_for_picture({1, 20}));
  studio.stop();
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_NE(outcome.warnings[0].text.find("in silence"), std::string::npos);
  EXPECT_NE(outcome.warnings[0].text.find("Apple Lossless"), std::string::npos)
      << outcome.warnings[0].text;
}

TEST(Diagnosis, OfSoundThatIsDamaged) {
  const TempDir folder;
  const Outcome made = run_launch(
      "videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=64,height=64,framerate=30/1"
      " ! x264enc ! h264parse ! queue ! mux. fakesrc num-buffers=47 sizetype=fixed sizemax=200"
      " filltype=zero datarate=9375 format=time ! audio/mpeg,mpegversion=4,stream-format=raw,"
      "framed=true,rate=48000,channels=2,codec_data=(buffer)1190 ! queue ! mux."
      " mp4mux name=mux ! filesink location=" +
      folder.file("made.mp4"));
  ASSERT_TRUE(made.eos) << made.summary();
  LiveService service;
  service.set_clip(read_file(folder.file("made.mp4")));
  Studio studio(live_bin(service));
  studio.play();
  EXPECT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
  const Outcome outcome = studio.outcome();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  EXPECT_TRUE(outcome.warnings[0].is(GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE));
  EXPECT_NE(outcome.warnings[0].text.find("in silence"), std::string::npos)
      << outcome.warnings[0].text;
}

TEST(Diagnosis, TellsWhereAClipIsDamaged) {
  std::string clip = clip_of({.audio = false});
  const std::size_t data = box_position(clip, "mdat") + 16;
  const std::size_t end = box_position(clip, "moov");
  ASSERT_LT(data, end);
  for (std::size_t at = data; at < end; ++at) clip[at] = static_cast<char>(0xff);
  const BusError failure = failure_of(clip);
  const std::size_t place = failure.text.find("byte ");
  ASSERT_NE(place, std::string::npos) << failure.text;
  const std::size_t byte = std::stoul(failure.text.substr(place + 5));
  EXPECT_GT(byte, data) << failure.text;
  EXPECT_LE(byte, clip.size()) << failure.text;
}

// With nothing that is known in place of that frame after the key frame. `clip` has no audio.
std::string with_damaged_frame(std::string clip, int number) {
  constexpr unsigned char slice = 1;  // type of the NAL unit
  std::size_t at = box_position(clip, "mdat") + 8;
  while (true) {
    std::size_t size = 0;
    for (std::size_t byte = 0; byte < 4; ++byte) {
      size = size << 8U | static_cast<unsigned char>(clip.at(at + byte));
    }
    at += 4;
    const bool is_frame = (static_cast<unsigned char>(clip.at(at)) & 31U) == slice;
    if (is_frame && --number == 0) return clip.replace(at, size, size, '\xff');
    at += size;
  }
}

TEST(Diagnosis, TellsOnceThatFramesAreLost) {
  LiveService service;
  service.set_clip(with_damaged_frame(clip_of({.audio = false}), 15));
  Studio studio(live_bin(service, {{"at-end", "loop"}}));
  studio.play();
  EXPECT_TRUE(studio.signals().wait_for("clip-started 9041", 3));
  studio.stop();
  const Outcome outcome = studio.outcome();
  EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
  ASSERT_EQ(outcome.warnings.size(), 1U) << outcome.summary();
  const BusError& warning = outcome.warnings[0];
  EXPECT_TRUE(warning.is(GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE)) << warning.name();
  EXPECT_EQ(warning.detail("frames-lost"), "1");
  EXPECT_EQ(warning.detail("first-lost"), "500000000");
}

std::string numbers(std::initializer_list<std::uint32_t> values) {
  std::string text;
  for (const std::uint32_t value : values) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  }
  return text;
}

std::string box(const std::string& type, const std::string& content) {
  return numbers({static_cast<std::uint32_t>(8 + content.size())}) + type + content;
}

// `samples` of `size` bytes without a picture, all at one place in a file that is no larger.
std::string clip_without_picture(std::uint32_t samples, std::uint32_t size) {
  const std::string type = box("ftyp", "qt  " + numbers({0}) + "qt  ");
  const auto index = [&](std::uint32_t place) {
    std::string places;
    for (std::uint32_t i = 0; i < samples; ++i) places += numbers({place});
    const std::string entry =
        box("cvid", numbers({0, 1, 0, 0, 0, 0, 64U << 16U | 64U, 72U << 16U, 72U << 16U, 0}) +
                        std::string("\0\1", 2) + std::string(32, '\0') + "\0\x18\xff\xff"s);
    const std::string table =
        box("stsd", numbers({0, 1}) + entry) + box("stts", numbers({0, 1, samples, 1})) +
        box("stsc", numbers({0, 1, 1, 1, 1})) + box("stsz", numbers({0, size, samples})) +
        box("stco", numbers({0, samples}) + places);
    const std::string media = box("mdhd", numbers({0, 0, 0, 25, samples, 0})) +
                              box("hdlr", numbers({0, 0}) + "vide" + std::string(13, '\0')) +
                              box("minf", box("stbl", table));
    const std::string header =
        box("tkhd",
            numbers({7, 0, 0, 1,         0, samples, 0, 0,         0,          0,         1U << 16U,
                     0, 0, 0, 1U << 16U, 0, 0,       0, 1U << 30U, 64U << 16U, 64U << 16U}));
    return box("moov",
               box("mvhd", numbers({0, 0, 0, 25, samples}) + std::string(76, '\0') + numbers({2})) +
                   box("trak", header + box("mdia", media)));
  };
  const auto place = static_cast<std::uint32_t>(type.size() + index(0).size() + 8);
  return type + index(place) + box("mdat", std::string(size, '\0'));
}

TEST(Diagnosis, OfAClipOfWhichMuchIsReadWithoutAPicture) {
  const BusError failure = failure_of(clip_without_picture(80, 4U << 20U));
  EXPECT_NE(failure.text.find("gives no video frame"), std::string::npos) << failure.text;
  const std::size_t place = failure.text.find("read of it, ");
  ASSERT_NE(place, std::string::npos) << failure.text;
  EXPECT_GE(std::stoul(failure.text.substr(place + 12)), 256U << 20U) << failure.text;
}

// A decoder that keeps what it gets, until it is stopped.
struct StuckDecoder {
  GstElement parent;
  GMutex mutex;
  GCond changed;
  gboolean is_stopped;  // under mutex
};

GstFlowReturn keep(GstPad*, GstObject* parent, GstBuffer* buffer) {
  const BufferPtr kept(buffer);
  auto& decoder = *reinterpret_cast<StuckDecoder*>(parent);
  g_mutex_lock(&decoder.mutex);
  while (!decoder.is_stopped) g_cond_wait(&decoder.changed, &decoder.mutex);
  g_mutex_unlock(&decoder.mutex);
  return GST_FLOW_FLUSHING;
}

GstStateChangeReturn change_stuck(GstElement* element, GstStateChange transition) {
  auto& decoder = *reinterpret_cast<StuckDecoder*>(element);
  g_mutex_lock(&decoder.mutex);
  decoder.is_stopped = transition == GST_STATE_CHANGE_PAUSED_TO_READY;
  g_cond_broadcast(&decoder.changed);
  g_mutex_unlock(&decoder.mutex);
  return GST_ELEMENT_CLASS(g_type_class_peek(GST_TYPE_ELEMENT))->change_state(element, transition);
}

void init_class(gpointer instance_class, gpointer) {
  auto* type = static_cast<GstElementClass*>(instance_class);
  add_pad_template(type, "sink", GST_PAD_SINK, "video/x-h264");
  add_pad_template(type, "src", GST_PAD_SRC, "video/x-raw");
  gst_element_class_set_static_metadata(type, "Stuck", "Codec/Decoder/Video", "Keeps all", "-");
  type->change_state = change_stuck;
}

void init(GTypeInstance* instance, gpointer instance_class) {
  auto* decoder = reinterpret_cast<StuckDecoder*>(instance);
  g_mutex_init(&decoder->mutex);
  g_cond_init(&decoder->changed);
  for (const char* name : {"sink", "src"}) {
    GstPad* pad = gst_pad_new_from_template(
        gst_element_class_get_pad_template(GST_ELEMENT_CLASS(instance_class), name), name);
    if (GST_PAD_IS_SINK(pad)) gst_pad_set_chain_function(pad, keep);
    gst_element_add_pad(GST_ELEMENT(instance), pad);
  }
}

TEST(Diagnosis, OfAClipThatStandsStill) {
  const std::string clip = clip_of({});
  const WithoutDecoders without("video/x-h264");
  const GType type =
      g_type_register_static_simple(GST_TYPE_ELEMENT, "StuckDecoder", sizeof(GstElementClass),
                                    init_class, sizeof(StuckDecoder), init, GTypeFlags{});
  ASSERT_TRUE(gst_element_register(nullptr, "stuckdecoder", GST_RANK_PRIMARY, type));
  const BusError failure = failure_of(clip);
  EXPECT_NE(failure.text.find("cannot be played on"), std::string::npos) << failure.text;
  const auto feature = ObjectPtr<GstPluginFeature>::adopt(
      GST_PLUGIN_FEATURE(gst_element_factory_find("stuckdecoder")));
  gst_registry_remove_feature(gst_registry_get(), feature.get());
}

}  // namespace
}  // namespace genpro::test
