// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When a clip counts as delivered: until then the next run gets the same one without paying.
#include <algorithm>
#include <functional>

#include "fault/fault_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

ElementPtr make(const char* factory) {
  ElementPtr element = sink_ref(gst_element_factory_make(factory, nullptr));
  if (!element) throw std::runtime_error(std::string("no element ") + factory);
  return element;
}

ElementPtr file_sink(const std::string& path) {
  ElementPtr sink = make("filesink");
  g_object_set(sink.get(), "location", path.c_str(), nullptr);
  return sink;
}

// A pipeline of the source and these elements.
class Chain {
 public:
  Chain(ElementPtr src, std::vector<ElementPtr> others)
      : pipeline_(sink_ref(gst_pipeline_new(nullptr))), src_(std::move(src)) {
    gst_bin_add(GST_BIN(pipeline_.get()), src_.get());
    GstElement* last = src_.get();
    for (ElementPtr& other : others) {
      gst_bin_add(GST_BIN(pipeline_.get()), other.get());
      EXPECT_TRUE(gst_element_link(last, other.get()));
      last = other.get();
    }
    sink_ = ElementPtr::ref(last);
  }

  GstElement* pipeline() const { return pipeline_.get(); }
  GstElement* src() const { return src_.get(); }
  GstElement* sink() const { return sink_.get(); }

 private:
  Running pipeline_;
  ElementPtr src_;
  ElementPtr sink_;
};

// The next run gets the same clip, and nothing more is paid.
testing::AssertionResult is_picked_up(Bench& bench) {
  bench.service.behave({});
  const testing::AssertionResult charge = one_charge(bench, bench.run());
  if (!charge || bench.books().posts.size() == 1) return charge;
  return testing::AssertionFailure() << "asked for again: " << bench.books().text();
}

// The next run pays for another one.
testing::AssertionResult is_delivered(const Bench& bench) {
  const Streamed streamed = bench.run();
  const auto charged = bench.books().charged();
  if (streamed.outcome.eos && charged.size() == 2 &&
      streamed.bytes == bench.service.clip(charged[1].id)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << streamed.outcome.summary() << "\n" << bench.books().text();
}

// What the sink does with the buffers that it gets.
void on_buffers(GstElement* sink, std::function<GstFlowReturn(GstBuffer*)> function) {
  using Function = std::function<GstFlowReturn(GstBuffer*)>;
  const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
  const auto probe = [](GstPad*, GstPadProbeInfo* info, gpointer user_data) {
    const GstFlowReturn flow =
        (*static_cast<Function*>(user_data))(GST_PAD_PROBE_INFO_BUFFER(info));
    if (flow == GST_FLOW_OK) return GST_PAD_PROBE_OK;
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    info->data = nullptr;
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = flow;
    return GST_PAD_PROBE_HANDLED;
  };
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, probe,
                    std::make_unique<Function>(std::move(function)).release(),
                    [](gpointer user_data) {
                      const std::unique_ptr<Function> owned(static_cast<Function*>(user_data));
                    });
}

// Fails with the buffer that has the clip's last byte.
void fail_at(GstElement* sink, std::size_t clip_size) {
  on_buffers(sink, [clip_size, seen = std::size_t{0}](GstBuffer* buffer) mutable {
    seen += gst_buffer_get_size(buffer);
    return seen < clip_size ? GST_FLOW_OK : GST_FLOW_ERROR;
  });
}

// An error, and what is in it, of an element that has nothing to do with the clip.
void post_error(GstElement* element) {
  GST_ELEMENT_ERROR(element, RESOURCE, FAILED, ("Something else went wrong"), ("a test"));
}

constexpr std::size_t clip_size = 100'000;

TEST(Delivered, AClipThatIsInAFileIs) {
  for (const bool has_queue : {false, true}) {
    Bench bench;
    {
      std::vector<ElementPtr> others;
      if (has_queue) others.push_back(make("queue"));
      others.push_back(file_sink(bench.file()));
      const Chain chain(bench.src(), std::move(others));
      const Outcome outcome = run(chain.pipeline());
      EXPECT_TRUE(outcome.eos) << outcome.summary();
    }
    EXPECT_TRUE(one_charge_in_file(bench, bench.file()));
    EXPECT_TRUE(is_delivered(bench)) << has_queue;
  }
}

TEST(Delivered, AClipWhoseLastBufferFailsIsNot) {
  for (const bool has_queue : {false, true}) {
    Bench bench;
    {
      std::vector<ElementPtr> others;
      if (has_queue) others.push_back(make("queue"));
      others.push_back(make("fakesink"));
      const Chain chain(bench.src(), std::move(others));
      fail_at(chain.sink(), clip_size);
      const Outcome outcome = run(chain.pipeline());
      EXPECT_EQ(outcome.errors.size(), 1U) << outcome.summary();
    }
    EXPECT_TRUE(is_picked_up(bench)) << has_queue;
  }
}

// Behind the queue the disk is found full when everything was pushed; without one filesink keeps
// the last bytes until the end.
TEST(Delivered, AClipForWhichTheDiskIsFullIsNot) {
  for (const bool has_queue : {false, true}) {
    for (const std::size_t size : {0, 50'000, 500'000}) {
      Bench bench({.clip_size = size});
      {
        std::vector<ElementPtr> others;
        if (has_queue) others.push_back(make("queue"));
        others.push_back(file_sink("/dev/full"));
        const Chain chain(bench.src(), std::move(others));
        const Outcome outcome = run(chain.pipeline());
        EXPECT_FALSE(outcome.errors.empty()) << outcome.summary();
      }
      EXPECT_TRUE(is_picked_up(bench)) << has_queue << " " << size;
    }
  }
}

TEST(Delivered, AClipAtWhoseEndTheSinkFailsIsNot) {
  Bench bench;
  {
    const Chain chain(bench.src(), {make("fakesink")});
    const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(chain.sink(), "sink"));
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        [](GstPad*, GstPadProbeInfo* info, gpointer sink) {
          if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS) {
            return GST_PAD_PROBE_OK;
          }
          post_error(static_cast<GstElement*>(sink));
          return GST_PAD_PROBE_DROP;
        },
        chain.sink(), nullptr);
    const Outcome outcome = run(chain.pipeline());
    EXPECT_EQ(outcome.errors.size(), 1U) << outcome.summary();
  }
  EXPECT_TRUE(is_picked_up(bench));
}

TEST(Delivered, AClipInAPipelineThatFailsAfterwardsIsNot) {
  // Of a pipeline with the source in a bin of it, and of one with the source in the pipeline.
  for (const bool is_nested : {false, true}) {
    Bench bench;
    {
      Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
      GstElement* bin = pipeline.get();
      if (is_nested) {
        bin = gst_bin_new(nullptr);
        gst_bin_add(GST_BIN(pipeline.get()), bin);
      }
      ElementPtr src = bench.src();
      GstElement* sink = gst_element_factory_make("fakesink", nullptr);
      GstElement* stranger = gst_element_factory_make("identity", nullptr);
      gst_bin_add_many(GST_BIN(bin), src.get(), sink, nullptr);
      gst_bin_add(GST_BIN(pipeline.get()), stranger);
      ASSERT_TRUE(gst_element_link(src.get(), sink));
      BusListener listener(pipeline.get());
      gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
      ASSERT_TRUE(listener.wait_for_end());
      EXPECT_TRUE(listener.outcome().eos) << listener.outcome().summary();
      post_error(stranger);
      ASSERT_TRUE(stops_in_time(pipeline.get()));
    }
    EXPECT_TRUE(is_picked_up(bench)) << is_nested;
  }
}

// Nor does a pipeline that is used again suffer from what went wrong in an earlier run of it.
TEST(Delivered, AnErrorOfAnotherPipelineOrRunIsNoConcern) {
  Bench bench;
  {
    const Chain chain(bench.src(), {make("fakesink")});
    const Running other(sink_ref(gst_pipeline_new(nullptr)));
    // Out of NULL, so that its bus is emptied in the end.
    EXPECT_TRUE(changes_in_time(other.get(), GST_STATE_READY));
    post_error(chain.sink());
    EXPECT_TRUE(changes_in_time(chain.pipeline(), GST_STATE_READY));
    post_error(chain.sink());
    BusListener listener(chain.pipeline());
    gst_element_set_state(chain.pipeline(), GST_STATE_PLAYING);
    EXPECT_TRUE(listener.wait_for_end());
    EXPECT_TRUE(listener.outcome().eos) << listener.outcome().summary();
    post_error(other.get());
    EXPECT_TRUE(stops_in_time(chain.pipeline()));
  }
  EXPECT_TRUE(is_delivered(bench));
}

// The watch is on the bus along with whatever the application has there.
TEST(Delivered, TheBusStaysTheApplications) {
  Bench bench;
  const Chain chain(bench.src(), {make("fakesink")});
  const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(chain.pipeline()));
  std::atomic<int> handled = 0;
  gst_bus_set_sync_handler(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer count) {
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
          ++*static_cast<std::atomic<int>*>(count);
        }
        return GST_BUS_PASS;
      },
      &handled, nullptr);
  gst_element_set_state(chain.pipeline(), GST_STATE_PLAYING);
  const auto wait = [&](GstMessageType type) {
    return MessagePtr(gst_bus_timed_pop_filtered(
        bus.get(), std::chrono::duration_cast<std::chrono::nanoseconds>(generous).count(), type));
  };
  EXPECT_TRUE(wait(GST_MESSAGE_EOS));
  post_error(chain.sink());
  EXPECT_EQ(handled, 1);
  EXPECT_TRUE(wait(GST_MESSAGE_ERROR));
  EXPECT_TRUE(changes_in_time(chain.pipeline(), GST_STATE_READY));
  EXPECT_EQ(g_signal_handler_find(bus.get(), G_SIGNAL_MATCH_ID,
                                  g_signal_lookup("sync-message", GST_TYPE_BUS), 0, nullptr,
                                  nullptr, nullptr),
            0U)
      << "it goes on watching";
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  EXPECT_TRUE(is_picked_up(bench));
}

// Its own knowledge decides where there is no bus.
TEST(Delivered, WithoutABusTheFlowDecides) {
  for (const bool fails : {false, true}) {
    Bench bench;
    {
      const Running bin(sink_ref(gst_bin_new(nullptr)));
      ElementPtr src = bench.src();
      GstElement* sink = gst_element_factory_make("fakesink", nullptr);
      g_object_set(sink, "sync", FALSE, nullptr);
      gst_bin_add_many(GST_BIN(bin.get()), src.get(), sink, nullptr);
      ASSERT_TRUE(gst_element_link(src.get(), sink));
      if (fails) fail_at(sink, clip_size);
      auto ended = std::make_shared<Gate>();
      const PadPtr pad = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
      gst_pad_add_probe(
          pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
          [](GstPad*, GstPadProbeInfo* info, gpointer gate) {
            if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS) {
              static_cast<Gate*>(gate)->open();
            }
            return GST_PAD_PROBE_OK;
          },
          ended.get(), nullptr);
      gst_element_set_state(bin.get(), GST_STATE_PLAYING);
      ASSERT_TRUE(eventually([&] { return ended->is_open(); }));
      ASSERT_TRUE(stops_in_time(bin.get()));
    }
    if (fails) {
      EXPECT_TRUE(is_picked_up(bench));
    } else {
      EXPECT_TRUE(is_delivered(bench));
    }
  }
}

// Everything that there is was pushed, but nobody has come to its end.
TEST(Delivered, AnEndThatTheApplicationSetsIsNone) {
  const std::vector<std::pair<const char*, std::function<void(Chain&)>>> ends = {
      {"num-buffers", [](Chain& chain) { g_object_set(chain.src(), "num-buffers", 1, nullptr); }},
      {"stop",
       [](Chain& chain) {
         gst_element_send_event(
             chain.src(), gst_event_new_seek(1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_NONE,
                                             GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, 50'000));
       }},
  };
  for (const auto& [name, set] : ends) {
    Bench bench;
    {
      Chain chain(bench.src(), {make("fakesink")});
      set(chain);
      const Outcome outcome = run(chain.pipeline());
      EXPECT_TRUE(outcome.eos) << outcome.summary();
    }
    EXPECT_TRUE(is_picked_up(bench)) << name;
  }
}

// The application ends the stream while the last buffer is on its way.
TEST(Delivered, AnEndThatTheApplicationSendsIsNone) {
  Bench bench;
  {
    const Chain chain(bench.src(), {make("fakesink")});
    on_buffers(chain.sink(), [src = chain.src()](GstBuffer*) {
      gst_element_send_event(src, gst_event_new_eos());
      return GST_FLOW_OK;
    });
    const Outcome outcome = run(chain.pipeline());
    EXPECT_TRUE(outcome.eos) << outcome.summary();
  }
  EXPECT_TRUE(is_picked_up(bench));
}

// A demuxer with all that it needs ends the stream, as does one behind it.
TEST(Delivered, AClipThatWasTakenWithoutAnyErrorIs) {
  Bench bench;
  {
    const Chain chain(bench.src(), {make("fakesink")});
    on_buffers(chain.sink(), [seen = std::size_t{0}](GstBuffer* buffer) mutable {
      seen += gst_buffer_get_size(buffer);
      return seen < clip_size ? GST_FLOW_OK : GST_FLOW_EOS;
    });
    const Outcome outcome = run(chain.pipeline());
    EXPECT_TRUE(outcome.eos) << outcome.summary();
  }
  EXPECT_TRUE(is_delivered(bench));
}

// In pieces and out of order: first the second half, to its end, then the rest up to what was
// there.
TEST(Delivered, AClipThatWasReadInPiecesIs) {
  constexpr std::size_t size = 4'000'000;
  for (const bool reads_all : {true, false}) {
    Bench bench({.clip_size = size});
    {
      Production production(bench.src());
      Collector& collector = production.collector();
      const auto ends = [&] {
        const Outcome outcome = collector.listener().outcome();
        return std::count(outcome.order.begin(), outcome.order.end(), "eos");
      };
      ASSERT_TRUE(collector.preroll());
      ASSERT_TRUE(collector.seek(size / 2));
      production.play();
      ASSERT_TRUE(eventually([&] { return ends() == 1; }));
      ASSERT_TRUE(collector.seek(reads_all ? 0 : 1'000'000));
      ASSERT_TRUE(eventually([&] { return ends() == 2; }));
      ASSERT_TRUE(production.stop());
    }
    if (reads_all) {
      EXPECT_TRUE(is_delivered(bench));
    } else {
      EXPECT_TRUE(is_picked_up(bench));
    }
  }
}

// Sound and no video.
std::string sound_only() {
  const TempDir folder;
  const Outcome outcome = run_launch(
      "audiotestsrc num-buffers=20 ! avenc_alac ! mp4mux ! filesink location=" + folder.file("a"));
  EXPECT_TRUE(outcome.eos) << outcome.summary();
  return read_file(folder.file("a"));
}

// What cannot be decoded, and what has no picture, has not been shown, although all of it was
// taken.
TEST(Delivered, AClipThatALiveProductionCannotShowIsNot) {
  for (const std::string& clip :
       {small_clip().substr(0, 32) + std::string(50'000, 'x'), sound_only()}) {
    Bench bench;
    PaidService service(clip);
    service.behave({.clip_size = 0});
    const Settings settings =
        bench.settings({{"api-base-url", service.api_base()}, {"on-error", "error"}});
    for (int i = 0; i < 2; ++i) {
      Running pipeline(sink_ref(gst_pipeline_new(nullptr)));
      ElementPtr bin = make("genprobin");
      for (const auto& [name, value] : settings) set_property(bin.get(), name, value);
      GstElement* sink = gst_element_factory_make("fakesink", nullptr);
      gst_bin_add_many(GST_BIN(pipeline.get()), bin.get(), sink, nullptr);
      ASSERT_TRUE(gst_element_link_pads(bin.get(), "video", sink, "sink"));
      BusListener listener(pipeline.get());
      gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
      ASSERT_TRUE(listener.wait_for_end());
      EXPECT_FALSE(listener.outcome().errors.empty()) << listener.outcome().summary();
      ASSERT_TRUE(stops_in_time(pipeline.get()));
    }
    EXPECT_EQ(service.books().posts.size(), 1U) << service.books().text();
  }
}

}  // namespace
}  // namespace genpro::test
