// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of genprobin share: a service that makes a different clip at each request, and a
// live pipeline around the element whose output is recorded.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "element/element_fixture.h"
#include "live/clips.h"
#include "live/recorder.h"
#include "support/bus.h"
#include "support/fake_service.h"
#include "support/process.h"

namespace genpro::test {

#ifdef SANITIZER_RUNTIME
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

// For the class of an element that a test makes.
void add_pad_template(gpointer element_class, const char* name, GstPadDirection direction,
                      const char* caps);

// Generation 1 has the id 9041, and so on. Unless told otherwise, each is complete when it is asked
// for, and has the clip that was set for all. All methods may be called from any thread.
class LiveService {
 public:
  LiveService();

  FakeService& fake() { return fake_; }
  std::string api_base() const { return fake_.api_base(); }
  static std::string id(int number) { return std::to_string(9040 + number); }

  void set_clip(const std::string& bytes);
  void set_clip(int number, Clip clip);
  static Clip plain_clip(const std::string& bytes) { return Clip{.bytes = bytes}; }
  // Those from `number` on are in progress until they are completed or fail.
  void hold_from(int number);
  void complete(int number);
  void fail(int number, const std::string& reason);
  // Instead of taking requests for generations; nothing: as before.
  void set_post(std::optional<Answer> answer);
  // Instead of telling how a generation stands.
  void set_poll(std::optional<Answer> answer);
  // The file server is not there any more.
  void lose_clips();

  int posts() const;
  bool wait_for_posts(int number, std::chrono::milliseconds deadline = generous) const;
  // That the service was told to stop that one.
  bool wait_for_stop(int number, std::chrono::milliseconds deadline = generous) const;
  bool was_stopped(int number) const;
  // Of all requests for generations, in order.
  std::vector<std::string> bodies() const;
  // A ledger of its own, so that no test sees another's generations.
  std::string ledger() const { return folder_.file("ledger.db"); }

 private:
  std::optional<Answer> answer(const Seen& seen);
  Answer state_of(int number);
  static std::string path_of(int number);

  std::mutex mutex_;
  // Under mutex_:
  int made_ = 0;
  int held_from_ = 1'000'000;
  std::map<int, std::string> ends_;  // "completed" or why it failed
  std::map<int, bool> stopped_;
  std::map<int, bool> has_own_clip_;
  std::string clip_;
  std::optional<Answer> post_;
  std::optional<Answer> poll_;
  std::atomic<bool> is_lost_ = false;
  const TempDir folder_;

  FakeService fake_;  // last: it calls back here
};

// One clip a specification, made once in this process.
const std::string& clip_of(const ClipSpec& spec);

// The published example's settings, and the service's own ledger.
Settings live_settings(const LiveService& service);

// What this process holds. Sockets do not count: the test's own server keeps those whose client has
// gone.
struct Held {
  int threads = thread_count();
  int files = fd_count() - socket_count();
};
// That this process holds as much again, but for one or two that GStreamer opens at some later use.
void expect_no_more_than(const Held& before);
// Makes the ledger's generations take so long.
void set_durations(const std::string& ledger, int seconds);
// A genprobin with these settings and then `changes`.
ElementPtr live_bin(const LiveService& service, const Settings& changes = {});

// The element's signals as words: "started 9041", "completed 9041", "failed 9041",
// "clip-started 9041", "clip-ended 9041".
class Signals {
 public:
  explicit Signals(GstElement* bin);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  std::vector<std::string> words() const;
  std::string text() const;
  bool wait_for(const std::string& word, std::size_t times = 1,
                std::chrono::milliseconds deadline = generous) const;

 private:
  struct Handler {
    Signals* self;
    const char* word;
  };
  static void on_signal(GstElement* bin, const char* id, gpointer handler);
  static void on_failed(GstElement* bin, const char* id, const char* reason, gpointer handler);
  void add(const char* word, const char* id);

  ElementPtr bin_;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::vector<gulong> connections_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> words_;  // under mutex_
};

// What is logged by categories of the elements at that threshold, while it lives.
class LogListener {
 public:
  explicit LogListener(const char* threshold);
  ~LogListener();
  LogListener(const LogListener&) = delete;
  LogListener& operator=(const LogListener&) = delete;

  std::vector<std::string> lines() const;
  // That one of them has this part, also one of the past.
  bool wait_for(const std::string& part, std::chrono::milliseconds deadline = generous) const;

 private:
  static void on_line(GstDebugCategory* category, GstDebugLevel, const char*, const char*, int,
                      GObject*, GstDebugMessage* message, gpointer self);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> lines_;  // under mutex_
};

inline constexpr const char* small_raster = "video/x-raw,format=I420,width=192,height=108";
inline constexpr const char* plain_sound =
    "audio/x-raw,format=F32LE,rate=48000,channels=2,layout=interleaved";

// genprobin, and what follows each of its pads: sinks that do not wait for the clock, since what
// comes out comes in time by itself, or what gst-launch-1.0 makes of `behind`, in which %s and %s
// are to take the video and the audio.
class Studio {
 public:
  explicit Studio(const ElementPtr& bin, const std::string& video_caps = small_raster,
                  const std::string& audio_caps = plain_sound, Rect part = {},
                  const std::string& behind =
                      "%s ! fakesink sync=false enable-last-sample=false "
                      "%s ! fakesink sync=false enable-last-sample=false");
  ~Studio();
  Studio(const Studio&) = delete;
  Studio& operator=(const Studio&) = delete;

  GstElement* pipeline() const { return pipeline_.get(); }
  GstElement* bin() const { return bin_.get(); }
  Recorder& video() { return *video_; }
  Recorder& audio() { return *audio_; }
  BusListener& bus() { return *bus_; }
  Signals& signals() { return *signals_; }

  GstStateChangeReturn set(GstState state) { return gst_element_set_state(pipeline_.get(), state); }
  // To PLAYING; the first picture is out when it returns.
  void play();
  // To NULL, in time.
  void stop();
  void generate() { g_signal_emit_by_name(bin_.get(), "generate"); }

  bool wait_for_clip(int tag) {
    return video_->wait_for([tag](const Shown& shown) { return shown.is_of(tag); });
  }
  bool wait_for_picture(Mark mark) {
    return video_->wait_for([mark](const Shown& shown) { return shown.mark == mark; });
  }
  // That from now on a picture is none of a clip.
  bool wait_for_placeholder() {
    return video_->wait_for_next([](const Shown& shown) { return !shown.mark; });
  }
  // Until sound has gone out for all pictures up to now.
  bool wait_for_sound();
  // What was told, but for the warning of a machine that is too slow.
  Outcome outcome();
  // That no error and no warning was, but for that.
  void expect_quiet();

 private:
  Running pipeline_;
  ElementPtr bin_;
  std::unique_ptr<BusListener> bus_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<Recorder> video_;
  std::unique_ptr<Recorder> audio_;
};

}  // namespace genpro::test
