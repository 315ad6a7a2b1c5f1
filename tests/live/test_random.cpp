// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever an application does, in any order, from several threads and from handlers at once:
// nothing hangs, no library complains, which ends the program, and afterwards the element plays a
// clip as on the first day.
//
// GENPRO_DRIVER_SEED repeats a run's choices, GENPRO_DRIVER_SECONDS has it take longer.
#include <fstream>
#include <future>
#include <iostream>
#include <random>
#include <thread>

#include "live/live_fixture.h"

namespace genpro::test {
namespace {

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* text = g_getenv(variable);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::stoul(text));
}

// The choices of one thread.
class Random {
 public:
  Random(unsigned seed, unsigned stream) : engine_(seed * 1000U + stream) {}
  unsigned below(unsigned number) { return static_cast<unsigned>(engine_()) % number; }
  bool once_in(unsigned number) { return below(number) == 0; }
  template <typename Choice>
  const Choice& of(const std::vector<Choice>& choices) {
    return choices[below(static_cast<unsigned>(choices.size()))];
  }

 private:
  std::mt19937 engine_;
};

const char* fallback_file() {
  static const TempDir folder;
  static const std::string file = [] {
    std::ofstream(folder.file("clip.mp4")) << clip_of({.frames = 15});
    return folder.file("clip.mp4");
  }();
  return file.c_str();
}

const std::vector<std::pair<const char*, std::vector<const char*>>>& settings() {
  static const std::vector<std::pair<const char*, std::vector<const char*>>> all = {
      {"prompt", {"A boat", "A lake", ""}},
      {"width", {"0", "192", "320"}},
      {"height", {"0", "108", "180"}},
      {"framerate", {"25", "30/1", "no rate"}},
      {"format", {"auto", "I420", "BGRA"}},
      {"placeholder", {"black", "transparent", "slate", "image"}},
      {"placeholder-location", {"", "/no/such/image.png"}},
      {"at-end", {"placeholder", "hold", "loop"}},
      {"on-starve", {"hold", "placeholder"}},
      {"on-error", {"placeholder", "error"}},
      {"start-mode", {"auto", "cue"}},
      {"take-at", {"0", "500000000", "18446744073709551615"}},
      {"take-at-timecode", {"", "00:00:01:00", "10:00"}},
      {"needed-by", {"300000000", "1000000000", "18446744073709551615"}},
      {"fallback-location", {"", "/no/such/clip.mp4", fallback_file()}},
      {"late-clip", {"drop", "cue", "take"}},
      {"fade", {"0", "100"}},
      {"prefetch", {"1", "3"}},
      {"loudness-target", {"0", "-20"}},
      {"stats-interval", {"0", "5"}},
      {"auto-generate", {"false", "true"}},
      {"reuse", {"never", "in-flight", "completed"}},
      {"on-shutdown", {"stop", "detach"}},
      {"retries", {"0", "1"}},
  };
  return all;
}

// One pipeline, and what is done to it.
class Driver {
 public:
  Driver(LiveService& service, unsigned seed)
      : bin_(live_bin(service, {{"reuse", "never"}})),
        pipeline_(sink_ref(gst_pipeline_new(nullptr))),
        seed_(seed),
        in_handlers_(seed, 0) {
    gst_bin_add(GST_BIN(pipeline_.get()), bin_.get());
    for (const char* pad : {"video", "audio"}) {
      GstElement* sink = gst_element_factory_make("fakesink", pad);
      g_object_set(sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, nullptr);
      gst_bin_add(GST_BIN(pipeline_.get()), sink);
      // A sink that waits in PAUSED, with a buffer or with an end, blocks whoever takes its source
      // out and stops it, which is so for any source.
      const PadPtr taken = PadPtr::adopt(gst_element_get_static_pad(sink, "sink"));
      constexpr int data = GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM;
      gst_pad_add_probe(taken.get(), static_cast<GstPadProbeType>(data), drop, nullptr, nullptr);
    }
    link();
    for (const char* name : {"generation-started", "generation-completed", "clip-started",
                             "clip-ended", "notify::status", "notify::queue", "notify::cost",
                             "notify::generation-id", "notify::prompt"}) {
      g_signal_connect(bin_.get(), name, G_CALLBACK(on_signal), this);
    }
    g_signal_connect(bin_.get(), "generation-failed", G_CALLBACK(on_failed), this);
    g_signal_connect(bin_.get(), "clip-cued", G_CALLBACK(on_cued), this);
    const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_set_sync_handler(bus.get(), on_message, this, nullptr);
  }
  ~Driver() {
    is_over_ = true;
    EXPECT_TRUE(eventually([this] { return handlers_ == 0; })) << "a handler hangs";
    EXPECT_NE(gst_element_set_state(pipeline_.get(), GST_STATE_NULL), GST_STATE_CHANGE_FAILURE);
    g_signal_handlers_disconnect_by_data(bin_.get(), this);
    const auto bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
    gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
    EXPECT_TRUE(eventually([this] { return handlers_ == 0; })) << "a handler hangs";
  }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  void run(std::chrono::steady_clock::time_point until) {
    std::vector<std::future<void>> threads;
    for (unsigned stream = 1; stream <= 3; ++stream) {
      threads.push_back(std::async(std::launch::async, [this, until, stream] {
        Random random(seed_, stream);
        while (std::chrono::steady_clock::now() < until) {
          if (stream == 1) {
            change_pipeline(random);
          } else {
            act(random);
          }
          g_usleep(random.below(20'000));
        }
      }));
    }
    const auto deadline = until + generous;
    for (const auto& thread : threads) {
      if (thread.wait_until(deadline) == std::future_status::ready) continue;
      std::cerr << "It hangs. GENPRO_DRIVER_SEED=" << seed_ << std::endl;
      std::abort();
    }
  }

 private:
  static GstPadProbeReturn drop(GstPad*, GstPadProbeInfo* info, gpointer) {
    const bool is_buffer = (info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0;
    const bool is_taken =
        !is_buffer && GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS;
    return is_taken ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  }
  void link() {
    for (const char* pad : {"video", "audio"}) {
      const auto sink = ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), pad));
      gst_element_link_pads(bin_.get(), pad, sink.get(), "sink");
    }
  }
  void set_state(Random& random) {
    static const std::vector<GstState> states = {GST_STATE_PLAYING, GST_STATE_PLAYING,
                                                 GST_STATE_PLAYING, GST_STATE_PAUSED,
                                                 GST_STATE_READY,   GST_STATE_NULL};
    gst_element_set_state(pipeline_.get(), random.of(states));
  }
  // From the next PLAYING on.
  void use_other_clock(Random& random) {
    const auto clock = ObjectPtr<GstClock>::adopt(static_cast<GstClock*>(g_object_new(
        GST_TYPE_SYSTEM_CLOCK, "clock-type",
        random.once_in(2) ? GST_CLOCK_TYPE_REALTIME : GST_CLOCK_TYPE_MONOTONIC, nullptr)));
    gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock.get());
  }
  // What only one thread does at a time.
  void change_pipeline(Random& random) {
    switch (random.below(11)) {
      case 8:
        return use_other_clock(random);
      case 9:
        return gst_element_set_start_time(pipeline_.get(), random.below(100) * 100 * GST_MSECOND);
      case 10:
        return gst_pipeline_set_latency(GST_PIPELINE(pipeline_.get()),
                                        random.below(3) * 500 * GST_MSECOND);
      case 0: {
        // Out of the running pipeline, and back.
        gst_bin_remove(GST_BIN(pipeline_.get()), bin_.get());
        gst_element_set_state(bin_.get(), GST_STATE_NULL);
        gst_bin_add(GST_BIN(pipeline_.get()), bin_.get());
        link();
        gst_element_sync_state_with_parent(bin_.get());
        return;
      }
      case 1: {
        const PadPtr pad = PadPtr::adopt(
            gst_element_get_static_pad(bin_.get(), random.once_in(2) ? "video" : "audio"));
        const PadPtr peer = PadPtr::adopt(gst_pad_get_peer(pad.get()));
        if (!peer) return;
        gst_pad_unlink(pad.get(), peer.get());
        gst_pad_link(pad.get(), peer.get());
        return;
      }
      default:
        return set_state(random);
    }
  }
  // What any thread and any handler does at any time.
  void act(Random& random) {
    const auto& [name, values] = random.of(settings());
    switch (random.below(12)) {
      case 10:
      case 11:
        return act_on_queue(random);
      case 8:
      case 9: {
        static const std::vector<const char*> actions = {"take",   "clear",    "replay",
                                                         "freeze", "unfreeze", "seek-cue"};
        gboolean is_done = FALSE;
        if (random.once_in(8)) return g_signal_emit_by_name(bin_.get(), "untake", &is_done);
        const guint64 time =
            random.once_in(2) ? GST_CLOCK_TIME_NONE : random.below(2000) * GST_MSECOND;
        return g_signal_emit_by_name(bin_.get(), random.of(actions), time, &is_done);
      }
      case 0:
        return g_signal_emit_by_name(bin_.get(), "generate");
      case 1:
        return set_state(random);
      case 2:
        gst_element_send_event(pipeline_.get(), gst_event_new_eos());
        return;
      case 3:
        (void)get_property(bin_.get(), random.once_in(2) ? "status" : name);
        (void)get_property(bin_.get(), "queue");
        return;
      case 4: {
        gint64 position = 0;
        gst_element_query_position(pipeline_.get(), GST_FORMAT_TIME, &position);
        return;
      }
      default:
        return set_property(bin_.get(), name, random.of(values));
    }
  }
  void act_on_queue(Random& random) {
    gboolean is_done = FALSE;
    const guint item = newest_ - std::min<guint>(newest_, random.below(6));
    switch (random.below(8)) {
      case 0:
      case 1:
        return g_signal_emit_by_name(bin_.get(), "remove", item, &is_done);
      case 2:
        return g_signal_emit_by_name(bin_.get(), "move", item, random.below(4), &is_done);
      case 3:
        return g_signal_emit_by_name(bin_.get(), "skip", &is_done);
      default: {
        static const std::vector<const char*> items = {
            "{}", R"({"prompt": "A boat"})", "item, prompt=\"A lake\", reuse=completed", "{"};
        guint number = 0;
        g_signal_emit_by_name(bin_.get(), "enqueue", random.of(items), &number);
        if (number > 0) newest_ = number;
      }
    }
  }
  void act_in_handler() {
    ++handlers_;
    const bool acts = [this] {
      std::lock_guard lock(mutex_);
      return !is_over_ && in_handlers_.once_in(4);
    }();
    if (acts) {
      Random random = [this] {
        std::lock_guard lock(mutex_);
        return Random(seed_, 1000 + in_handlers_.below(1000));
      }();
      act(random);
    }
    --handlers_;
  }
  static void on_signal(GstElement*, gpointer, gpointer self) {
    static_cast<Driver*>(self)->act_in_handler();
  }
  static void on_failed(GstElement*, const char*, const char*, gpointer self) {
    static_cast<Driver*>(self)->act_in_handler();
  }
  static void on_cued(GstElement*, const char*, guint64, gpointer self) {
    static_cast<Driver*>(self)->act_in_handler();
  }
  // Messages of other elements come on streaming threads, which must not stop themselves.
  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer data) {
    auto* self = static_cast<Driver*>(data);
    constexpr int own =
        GST_MESSAGE_ELEMENT | GST_MESSAGE_PROGRESS | GST_MESSAGE_BUFFERING | GST_MESSAGE_WARNING;
    if (GST_MESSAGE_SRC(message) == GST_OBJECT(self->bin_.get()) &&
        (GST_MESSAGE_TYPE(message) & own) != 0) {
      self->act_in_handler();
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
  }

  const ElementPtr bin_;
  const ElementPtr pipeline_;
  const unsigned seed_;
  std::mutex mutex_;
  Random in_handlers_;             // under mutex_
  std::atomic<guint> newest_ = 0;  // number of the item that was queued last
  std::atomic<bool> is_over_ = false;
  std::atomic<int> handlers_ = 0;
};

TEST(RandomCalls, FromSeveralThreadsAndHandlers) {
  const unsigned seed = number_from("GENPRO_DRIVER_SEED", std::random_device()() % 1'000'000);
  std::cout << "GENPRO_DRIVER_SEED=" << seed << std::endl;
  const std::string clip = clip_of({.frames = 15, .index_first = true});
  LiveService service;
  service.set_clip(clip);
  for (int number = 1; number < 200; number += 5) {
    service.set_clip(number, LiveService::plain_clip(clip.substr(0, clip.size() / 2)));
    service.fail(number + 1, "The model refused");
  }
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::seconds(number_from("GENPRO_DRIVER_SECONDS", 5));
  for (unsigned round = 0; std::chrono::steady_clock::now() < until; ++round) {
    Driver driver(service, seed + round);
    driver.run(std::min(until, std::chrono::steady_clock::now() + std::chrono::seconds(2)));
  }

  LiveService fresh;
  fresh.set_clip(clip);
  Studio studio(live_bin(fresh));
  studio.play();
  EXPECT_TRUE(studio.signals().wait_for("clip-ended 9041"));
  studio.stop();
}

}  // namespace
}  // namespace genpro::test
