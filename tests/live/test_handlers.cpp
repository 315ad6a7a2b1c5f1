// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an application may do from a handler of a signal or of a bus message: anything.
#include <algorithm>
#include <future>
#include <thread>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

using Action = std::function<void(GstElement* pipeline)>;

// A handler of a genprobin, by what it is called for: a signal's name, or "message " and a bus
// message's type or structure's name, which is seen in a sync handler.
class Application {
 public:
  // The first call of the handler runs `action`, once release() was called.
  Application(LiveService& service, const std::string& called_for, Action action,
              const Settings& changes = {})
      : called_for_(called_for), action_(std::move(action)) {
    const ElementPtr bin = live_bin(service, changes);
    gst_object_set_name(GST_OBJECT(bin.get()), "bin");
    g_weak_ref_init(&bin_, bin.get());
    pipeline_ = sink_ref(gst_pipeline_new(nullptr));
    gst_bin_add(GST_BIN(pipeline_.get()), bin.get());
    for (const char* pad : {"video", "audio"}) {
      GstElement* sink = gst_element_factory_make("fakesink", nullptr);
      g_object_set(sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, nullptr);
      gst_bin_add(GST_BIN(pipeline_.get()), sink);
      gst_element_link_pads(bin.get(), pad, sink, "sink");
      if (called_for != "message error") continue;
      const PadPtr broken = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
      gst_pad_add_probe(broken.get(), GST_PAD_PROBE_TYPE_BUFFER, refuse, nullptr, nullptr);
    }
    constexpr std::string_view message = "message ";
    if (called_for_.starts_with(message)) {
      called_for_.erase(0, message.size());
      const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
      gst_bus_set_sync_handler(bus.get(), on_message, this, nullptr);
    } else if (called_for_ == "generation-failed") {
      g_signal_connect(bin.get(), called_for_.c_str(), G_CALLBACK(on_failed), this);
    } else {
      g_signal_connect(bin.get(), called_for_.c_str(), G_CALLBACK(on_signal), this);
    }
  }
  ~Application() {
    if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    g_weak_ref_clear(&bin_);
  }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  void play() {
    ASSERT_NE(gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  }
  // From now on `action` owns the pipeline's only reference.
  void give_away() { released_.set_value(pipeline_.release()); }
  // `action` gets the pipeline while this keeps it.
  void lend() { released_.set_value(pipeline_.get()); }
  GstElement* pipeline() const { return pipeline_.get(); }

  std::string status() {
    const auto bin = ElementPtr::adopt(static_cast<GstElement*>(g_weak_ref_get(&bin_)));
    return get_property(bin.get(), "status");
  }
  bool has_begun() const { return acted_; }
  // That the element has told that it asks for nothing more.
  bool was_refused() const { return refused_; }
  bool has_returned() { return done_.get_future().wait_for(std::chrono::seconds(0)) == ready; }
  bool wait_for_handler() { return done_.get_future().wait_for(generous) == ready; }
  bool wait_until_gone() {
    return eventually([this] {
      return !ObjectPtr<GObject>::adopt(static_cast<GObject*>(g_weak_ref_get(&bin_)));
    });
  }

 private:
  static constexpr auto ready = std::future_status::ready;

  static GstPadProbeReturn refuse(GstPad*, GstPadProbeInfo* info, gpointer) {
    gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
    return GST_PAD_PROBE_HANDLED;
  }
  static void on_signal(GstElement*, gpointer, gpointer self) {
    static_cast<Application*>(self)->act();
  }
  static void on_failed(GstElement*, const char*, const char*, gpointer self) {
    static_cast<Application*>(self)->act();
  }
  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer data) {
    auto* self = static_cast<Application*>(data);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
      ErrorPtr warning;
      gst_message_parse_warning(message, warning.out(), nullptr);
      if (warning.message().find("the output has ended") != std::string::npos) {
        self->refused_ = true;
      }
    }
    if (self->called_for_ == GST_MESSAGE_TYPE_NAME(message) ||
        gst_message_has_name(message, self->called_for_.c_str())) {
      self->act();
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
  }
  void act() {
    if (acted_.exchange(true)) return;
    auto released = released_.get_future();
    if (released.wait_for(generous) == ready) action_(released.get());
    done_.set_value();
  }

  std::string called_for_;
  const Action action_;
  GWeakRef bin_{};
  ElementPtr pipeline_;
  std::promise<GstElement*> released_;
  std::promise<void> done_;
  std::atomic<bool> acted_ = false;
  std::atomic<bool> refused_ = false;
};

class Handlers : public testing::TestWithParam<const char*> {
 protected:
  Handlers() {
    const std::string called_for = GetParam();
    service.set_clip(clip_of({.frames = 15}));
    if (called_for == "generation-failed" || called_for == "message warning") {
      service.fail(1, "The model refused");
    }
  }
  LiveService service;
};

TEST_P(Handlers, MayStopAndDropThePipeline) {
  Application application(service, GetParam(), [](GstElement* pipeline) {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  });
  application.play();
  application.give_away();
  ASSERT_TRUE(application.wait_for_handler());
  EXPECT_TRUE(application.wait_until_gone());
}

TEST_P(Handlers, MaySendAnEndWhileAnotherThreadStops) {
  const MiniObjectPtr<GstEvent> end(gst_event_new_eos());
  {
    Application application(service, GetParam(), [&](GstElement* pipeline) {
      // The target is set with the state lock held, which sending an event waits for.
      EXPECT_TRUE(eventually([&] { return GST_STATE_TARGET(pipeline) == GST_STATE_NULL; }));
      gst_element_send_event(pipeline, gst_event_ref(end.get()));
    });
    application.play();
    application.lend();
    EXPECT_TRUE(eventually([&] { return application.has_begun(); }));
    EXPECT_TRUE(stops_in_time(application.pipeline()));
    EXPECT_TRUE(application.wait_for_handler());
  }
  EXPECT_TRUE(eventually([&] { return GST_MINI_OBJECT_REFCOUNT_VALUE(end.get()) == 1; }))
      << "an end that came too late is dropped";
}

TEST_P(Handlers, MayChangeAllSettingsAndAskForMore) {
  const auto change = [](GstElement* pipeline) {
    const ElementPtr bin = child(pipeline, "bin");
    set_property(bin.get(), "reuse", "never");
    set_property(bin.get(), "width", "320");
    set_property(bin.get(), "placeholder", "slate");
    set_property(bin.get(), "at-end", "hold");
    set_property(bin.get(), "auto-generate", "true");
    set_property(bin.get(), "prompt", "Another one");
    EXPECT_NE(get_property(bin.get(), "status"), "");
    g_signal_emit_by_name(bin.get(), "generate");
  };
  Application application(service, GetParam(), [&](GstElement* pipeline) {
    change(pipeline);
    // The same from another thread, which the handler waits for.
    std::async(std::launch::async, change, pipeline).get();
  });
  application.play();
  application.lend();
  ASSERT_TRUE(application.wait_for_handler());
  // After an error the output ends, and nothing that is asked for then could be on any more.
  EXPECT_TRUE(eventually([&] {
    if (application.was_refused()) return std::string(GetParam()) == "message error";
    const auto bodies = service.bodies();
    return std::any_of(bodies.begin(), bodies.end(), [](const std::string& body) {
      return body.find("Another one") != std::string::npos;
    });
  }));
  EXPECT_TRUE(stops_in_time(application.pipeline()));
}

TEST_P(Handlers, MayPlayAgain) {
  Application application(service, GetParam(),
                          [](GstElement* pipeline) {
                            gst_element_set_state(pipeline, GST_STATE_NULL);
                            gst_element_set_state(pipeline, GST_STATE_PLAYING);
                          },
                          {{"reuse", "never"}});
  application.play();
  application.lend();
  ASSERT_TRUE(application.wait_for_handler());
  EXPECT_TRUE(eventually([&] {
    return application.status() == "done" || application.status() == "failed";
  })) << application.status();
  EXPECT_TRUE(stops_in_time(application.pipeline()));
}

// Who hears of an error, and stops, may call gst_deinit() next.
TEST_P(Handlers, HaveReturnedWhenAnotherThreadHasStopped) {
  Application application(service, GetParam(), [](GstElement* pipeline) {
    EXPECT_TRUE(eventually([&] { return GST_STATE_TARGET(pipeline) == GST_STATE_NULL; }));
    // What a handler takes, while the other thread stops.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  application.play();
  application.lend();
  EXPECT_TRUE(eventually([&] { return application.has_begun(); }));
  EXPECT_TRUE(stops_in_time(application.pipeline()));
  EXPECT_TRUE(application.has_returned());
}

// It is posted by whoever stops the element, with the state lock held, as any message about a state
// is.
TEST(Stopping, MayBeAnsweredByAnotherState) {
  LiveService service;
  service.hold_from(1);
  for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
    Studio studio(live_bin(service));
    studio.play();
    ASSERT_TRUE(studio.bus().wait_for(
        [](GstMessage* message) { return GST_MESSAGE_TYPE(message) == GST_MESSAGE_PROGRESS; }));
    struct Answer {
      GstElement* pipeline;
      GstState state;
      std::atomic<int> answers = 0;
    } answer{studio.pipeline(), state};
    const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(studio.pipeline()));
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
    gst_bus_set_sync_handler(
        bus.get(),
        [](GstBus*, GstMessage* message, gpointer data) {
          auto* self = static_cast<Answer*>(data);
          if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_PROGRESS && ++self->answers == 1) {
            gst_element_set_state(self->pipeline, self->state);
          }
          gst_message_unref(message);
          return GST_BUS_DROP;
        },
        &answer, nullptr);
    EXPECT_TRUE(changes_in_time(studio.pipeline(), GST_STATE_READY));
    EXPECT_GE(answer.answers, 1);
    EXPECT_TRUE(stops_in_time(studio.pipeline()));
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  }
}

std::string event_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  for (char& letter : name)
    if (!g_ascii_isalnum(letter)) letter = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Of, Handlers,
                         testing::Values("generation-started", "generation-completed",
                                         "generation-failed", "clip-started", "clip-ended",
                                         "notify::status", "notify::cost", "notify::generation-id",
                                         "message genpro-generation", "message genpro-clip",
                                         "message progress", "message warning", "message error"),
                         event_name);

}  // namespace
}  // namespace genpro::test
