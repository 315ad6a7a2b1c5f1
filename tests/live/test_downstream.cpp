// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the elements within a genprobin and the pipeline around it agree on: contexts and memory.
#include <gst/video/gstvideopool.h>

#include <future>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

constexpr const char* context_type = "genpro.test.Display";

// A decoder that needs a context, as those of GPUs do, and posts one of its own when nobody has
// any.
struct Decoder {
  GstBin parent;
};
struct DecoderClass {
  GstBinClass parent_class;
};
G_DEFINE_TYPE(Decoder, decoder, GST_TYPE_BIN)

std::mutex contexts_mutex;
std::vector<std::string> contexts_seen;  // under contexts_mutex: the names that decoders were given

std::vector<std::string> contexts() {
  std::lock_guard lock(contexts_mutex);
  return contexts_seen;
}

using ContextPtr = MiniObjectPtr<GstContext>;

ContextPtr new_context(const char* name) {
  ContextPtr context(gst_context_new(context_type, TRUE));
  gst_structure_set(gst_context_writable_structure(context.get()), "name", G_TYPE_STRING, name,
                    nullptr);
  return context;
}

std::string name_of(GstContext* context) {
  return gst_structure_get_string(gst_context_get_structure(context), "name");
}

void set_context(GstElement* element, GstContext* context) {
  if (gst_context_has_context_type(context, context_type)) {
    std::lock_guard lock(contexts_mutex);
    contexts_seen.push_back(name_of(context));
  }
  GST_ELEMENT_CLASS(decoder_parent_class)->set_context(element, context);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  if (transition == GST_STATE_CHANGE_NULL_TO_READY) {
    ContextPtr known(gst_element_get_context(element, context_type));
    if (!known) {
      gst_element_post_message(element,
                               gst_message_new_need_context(GST_OBJECT(element), context_type));
      known.reset(gst_element_get_context(element, context_type));
    }
    if (!known) {
      const ContextPtr own = new_context("own");
      gst_element_set_context(element, own.get());
      gst_element_post_message(
          element, gst_message_new_have_context(GST_OBJECT(element), gst_context_ref(own.get())));
    }
  }
  return GST_ELEMENT_CLASS(decoder_parent_class)->change_state(element, transition);
}

void decoder_class_init(DecoderClass* decoder_class) {
  GstElementClass* element_class = GST_ELEMENT_CLASS(decoder_class);
  element_class->change_state = change_state;
  element_class->set_context = set_context;
  gst_element_class_set_static_metadata(element_class, "Test decoder", "Codec/Decoder/Video",
                                        "Needs a context", "The gst-genpro developers");
  add_pad_template(element_class, "sink", GST_PAD_SINK, "video/x-h264");
  add_pad_template(element_class, "src", GST_PAD_SRC, "video/x-raw");
}

void decoder_init(Decoder* self) {
  GstElement* inner = gst_element_factory_make("avdec_h264", nullptr);
  gst_bin_add(GST_BIN(self), inner);
  for (const char* name : {"sink", "src"}) {
    const PadPtr target = PadPtr::adopt(gst_element_get_static_pad(inner, name));
    gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new(name, target.get()));
  }
}

class Contexts : public testing::Test {
 protected:
  Contexts() {
    static const bool registered = gst_element_register(nullptr, "genprotestdecoder",
                                                        GST_RANK_PRIMARY + 100, decoder_get_type());
    EXPECT_TRUE(registered);
    std::lock_guard lock(contexts_mutex);
    contexts_seen.clear();
    service.set_clip(clip_of({.frames = 30}));
  }
  LiveService service;
};

bool is_request(GstMessage* message) {
  const char* type = nullptr;
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_NEED_CONTEXT &&
         gst_message_parse_context_type(message, &type) && std::string(type) == context_type;
}

// Called where the message is posted, as an application that shares its display answers.
GstBusSyncReply answer(GstBus*, GstMessage* message, gpointer) {
  if (is_request(message)) {
    const ContextPtr context = new_context("application's");
    gst_element_set_context(GST_ELEMENT(GST_MESSAGE_SRC(message)), context.get());
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

TEST_F(Contexts, AreAskedOfTheApplication) {
  Studio studio(live_bin(service));
  const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(studio.pipeline()));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  gst_bus_set_sync_handler(bus.get(), answer, nullptr, nullptr);
  studio.play();
  EXPECT_TRUE(studio.wait_for_clip(1));
  EXPECT_EQ(contexts(), std::vector<std::string>{"application's"});
  studio.stop();
}

// On a thread of the decoder's, which the pipeline that it stops is not to wait for.
TEST_F(Contexts, MayBeAnsweredByStopping) {
  struct Stop {
    GstElement* pipeline;
    std::promise<void> done;
    std::atomic<bool> begun = false;
  };
  Studio studio(live_bin(service));
  Stop stop{studio.pipeline(), {}};
  const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(studio.pipeline()));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  gst_bus_set_sync_handler(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer data) {
        auto* self = static_cast<Stop*>(data);
        if (is_request(message) && !self->begun.exchange(true)) {
          gst_element_set_state(self->pipeline, GST_STATE_NULL);
          self->done.set_value();
        }
        gst_message_unref(message);
        return GST_BUS_DROP;
      },
      &stop, nullptr);
  ASSERT_NE(studio.set(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(stop.done.get_future().wait_for(generous), std::future_status::ready);
  EXPECT_TRUE(eventually([] { return !contexts().empty(); })) << "the decoder goes on without";
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  studio.stop();
}

TEST_F(Contexts, OfTheElementComeDown) {
  Studio studio(live_bin(service, {{"at-end", "hold"}}));
  const ContextPtr before = new_context("before");
  gst_element_set_context(studio.bin(), before.get());
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  ASSERT_FALSE(contexts().empty());
  EXPECT_EQ(contexts().front(), "before");
  EXPECT_FALSE(studio.bus().wait_for(is_request, std::chrono::milliseconds(0)));
  // And when it decodes already.
  const ContextPtr later = new_context("later");
  gst_element_set_context(studio.pipeline(), later.get());
  EXPECT_EQ(contexts().back(), "later");
  studio.stop();
}

TEST_F(Contexts, OfADecoderAreSharedWithTheRest) {
  Studio studio(live_bin(service, {{"reuse", "never"}, {"at-end", "hold"}}));
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-started 9041"));
  EXPECT_TRUE(studio.bus().wait_for(
      [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_HAVE_CONTEXT; }));
  const ContextPtr kept(gst_element_get_context(studio.bin(), context_type));
  ASSERT_TRUE(kept);
  EXPECT_EQ(name_of(kept.get()), "own");
  studio.stop();
}

// What a sink of a GPU or a capture card offers: a pool of its own, with wider strides.
class OwnMemory {
 public:
  explicit OwnMemory(GstElement* bin) {
    const PadPtr source = PadPtr::adopt(gst_element_get_static_pad(bin, "video"));
    pad_ = PadPtr::adopt(gst_pad_get_peer(source.get()));
    gst_pad_add_probe(pad_.get(), GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, on_query, this, nullptr);
    gst_pad_add_probe(pad_.get(), GST_PAD_PROBE_TYPE_BUFFER, on_buffer, this, nullptr);
  }

  // As a sink does whose window has another size.
  void take_back() {
    std::lock_guard lock(mutex_);
    gst_buffer_pool_set_active(pool_.get(), FALSE);
  }
  void offer_again() { gst_pad_push_event(pad_.get(), gst_event_new_reconfigure()); }

  int queries() const { return queries_; }
  int own_buffers() const { return own_buffers_; }
  int other_buffers() const { return other_buffers_; }

 private:
  static GstPadProbeReturn on_query(GstPad*, GstPadProbeInfo* info, gpointer self) {
    GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
    static_cast<OwnMemory*>(self)->propose(query);
    return GST_PAD_PROBE_HANDLED;
  }
  void propose(GstQuery* query) {
    ++queries_;
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, caps)) return;
    std::lock_guard lock(mutex_);
    pool_ = ObjectPtr<GstBufferPool>::adopt(gst_video_buffer_pool_new());
    GstVideoAlignment alignment;
    gst_video_alignment_reset(&alignment);
    alignment.padding_right = 64;
    gst_video_info_align(&info, &alignment);
    GstStructure* config = gst_buffer_pool_get_config(pool_.get());
    gst_buffer_pool_config_set_params(config, caps, static_cast<guint>(info.size), 0, most_buffers);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    gst_buffer_pool_config_set_video_alignment(config, &alignment);
    gst_buffer_pool_set_config(pool_.get(), config);
    gst_query_add_allocation_pool(query, pool_.get(), static_cast<guint>(info.size), 0,
                                  most_buffers);
  }
  static GstPadProbeReturn on_buffer(GstPad*, GstPadProbeInfo* info, gpointer data) {
    auto* self = static_cast<OwnMemory*>(data);
    GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    const bool is_own = self->pool_ && buffer->pool == self->pool_.get();
    ++(is_own ? self->own_buffers_ : self->other_buffers_);
    return GST_PAD_PROBE_OK;
  }

  static constexpr guint most_buffers = 4;
  PadPtr pad_;
  std::mutex mutex_;
  ObjectPtr<GstBufferPool> pool_;  // changed by the streaming thread, under mutex_
  std::atomic<int> queries_ = 0;
  std::atomic<int> own_buffers_ = 0;
  std::atomic<int> other_buffers_ = 0;
};

TEST(Memory, IsThatOfWhatFollows) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, {{"fade", "100"}}));
  studio.video().keep_no_pictures();
  const OwnMemory memory(studio.bin());
  studio.play();
  ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  ASSERT_TRUE(studio.wait_for_placeholder());
  EXPECT_TRUE(studio.wait_for_picture({1, 29})) << "it is what it was";
  studio.stop();
  EXPECT_GT(memory.queries(), 0);
  EXPECT_GT(memory.own_buffers(), 30);
  EXPECT_EQ(memory.other_buffers(), 0);
  studio.expect_quiet();
}

TEST(Memory, MayBeTakenBack) {
  LiveService service;
  service.set_clip(clip_of({.frames = 30}));
  Studio studio(live_bin(service, {{"at-end", "hold"}}));
  studio.video().keep_no_pictures();
  OwnMemory memory(studio.bin());
  studio.play();
  ASSERT_TRUE(studio.wait_for_clip(1));
  memory.take_back();
  ASSERT_TRUE(eventually([&] { return memory.other_buffers() > 5; })) << "it goes on without";
  const int before = memory.own_buffers();
  memory.offer_again();
  EXPECT_TRUE(eventually([&] { return memory.own_buffers() > before + 5; }));
  EXPECT_TRUE(studio.wait_for_picture({1, 29}));
  studio.stop();
  expect_gapless(studio.video().pictures());
  studio.expect_quiet();
}

}  // namespace
}  // namespace genpro::test
