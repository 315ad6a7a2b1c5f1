// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sees to the clips of a genprobin from READY to PAUSED and back: has them generated, gives them to
// the timeline, gets rid of them, and tells what happens.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/guarded.h"
#include "bin/clip_diagnosis.h"
#include "bin/playout/playout.h"
#include "common/generation.h"

namespace genpro::bin {

// An element that may be gone.
class WeakElement {
 public:
  explicit WeakElement(GstElement* element) { g_weak_ref_init(&ref_, element); }
  ~WeakElement() { g_weak_ref_clear(&ref_); }
  WeakElement(const WeakElement&) = delete;
  WeakElement& operator=(const WeakElement&) = delete;

  ElementPtr get() { return ElementPtr::adopt(static_cast<GstElement*>(g_weak_ref_get(&ref_))); }

 private:
  GWeakRef ref_{};
};

inline bool is_under_way(job::Status status) {
  return status == job::Status::submitting || status == job::Status::pending ||
         status == job::Status::processing || status == job::Status::streaming;
}

// One run of the element. Its thread alone calls the application: signals, notifications and bus
// messages, with a reference to the element and no lock held. A handler may therefore do anything,
// also stop the element, drop its last reference, and start it again. stop() does not wait for a
// thread that is in a handler: the run ends by itself then, and nothing of it reaches the element
// any more. All that it works with is its own, so that it cannot disturb the next run.
//
// Threads: any. start() and stop() belong to state changes.
class PlayoutControl : public std::enable_shared_from_this<PlayoutControl> {
 public:
  // What to do with the element.
  using Call = std::function<void(GstElement*)>;

  static std::shared_ptr<PlayoutControl> create(GstElement* element, const Settings& settings);
  // For create().
  class Access {
    friend class PlayoutControl;
    Access() = default;
  };
  PlayoutControl(Access access, GstElement* element, const Settings& settings);
  PlayoutControl(const PlayoutControl&) = delete;
  PlayoutControl& operator=(const PlayoutControl&) = delete;
  ~PlayoutControl();

  const std::shared_ptr<Playout>& playout() { return playout_; }

  // Asks for the first generation.
  void start(const Settings& settings);
  // Ends all that is under way. What the service has to be told goes on by itself.
  void stop();
  // Has the thread call; false when it has been stopped.
  bool call_later(Call call);
  // For all that decodes now; what begins later asks the element.
  void set_context(GstContext* context);

  // A new generation, at once or when for half a second there has not been another call: what was
  // asked for and has not been shown yet is given up.
  void generate(const Settings& settings);
  void generate_soon(const Settings& settings);

  void set_at_end(AtEnd at_end);
  // Whether a failure is an error of the element, or a warning and the placeholder.
  void set_errors_end(bool errors_end) { errors_end_ = errors_end; }
  // Empty for none.
  void set_image(const std::string& location);
  void set_raster(const Raster& raster);

  // The latest generation, as the properties tell it.
  GenerationReport face() { return *face_.lock(); }

 private:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;
  using SharedMessage = std::shared_ptr<GstMessage>;
  class Thread;
  struct Queue {
    std::deque<Task> tasks;
    std::optional<Settings> soon;
    Clock::time_point soon_due;
    bool runs = true;
    bool has_ended = false;
    int calls = 0;  // of the application that are under way
  };
  // A clip that is waited for or decoded, and what is known of it.
  struct Clip {
    std::shared_ptr<Generation> generation;  // none for one that is read from its file
    std::shared_ptr<ClipDecoder> decoder;    // starts when there is a clip
    std::shared_ptr<ClipFile> file;
    ClipDiagnosis diagnosis;
    Settings settings;
    std::string id;
    bool has_started = false;  // its first frame was shown
    bool has_failed = false;
    bool is_repeat = false;   // it is played once more
    bool has_repeat = false;  // what follows it when it loops has been prepared
    Clock::time_point begun = Clock::now();
    std::uint64_t number = 0;

    // In logs.
    std::string name() const;
  };

  bool post(Task task);
  // What has the thread call `handle` for a clip that is still there.
  template <typename Argument>
  std::function<void(Argument)> later_for(std::uint64_t number,
                                          void (PlayoutControl::*handle)(Clip&, const Argument&));
  // False when the element is not running any more, which `call` may have brought about.
  bool call(const Call& call);
  bool is_running() { return queue_.lock()->runs; }
  void run();
  void run_tasks();
  void begin(const Settings& settings);
  std::shared_ptr<Clip> add(Settings settings, std::shared_ptr<ClipFile> file, bool is_repeat);
  void start_clip(Clip& clip);
  void remove(const std::shared_ptr<ClipDecoder>& decoder);
  void prepare_repeat();
  bool prepare_decoder(const std::shared_ptr<ClipDecoder>& decoder);
  bool pass_on_context(GstMessage* message);
  void on_message(Clip& clip, const SharedMessage& message);
  void on_update(Clip& clip, const job::Update& update);
  void on_report(Clip& clip, const Report& report);
  void on_generation(Clip& clip, const GenerationReport& report);
  // `post` tells of it as the element's own error or warning.
  void fail(Clip& clip, const std::string& reason, const Call& post);
  void notify_status();
  void emit(const char* signal, const std::string& id);
  void on_changed(const std::shared_ptr<ClipDecoder>& ended,
                  const std::shared_ptr<ClipDecoder>& started);
  void log_what_follows(const Clip* ended);
  void load_image(const std::string& location);
  void look_at_image();
  void warn_of_image(const std::string& reason);
  void update_slate();
  std::shared_ptr<Clip> find(const std::shared_ptr<ClipDecoder>& decoder);
  std::shared_ptr<Clip> find(std::uint64_t number);
  Raster raster() { return *playout_->raster.lock(); }

  WeakElement element_;
  const std::string name_;  // of the element, in logs
  std::atomic<bool> errors_end_ = false;
  std::atomic<AtEnd> at_end_ = AtEnd::placeholder;
  Guarded<GenerationReport> face_;
  Guarded<Queue> queue_;
  // What decodes now.
  Guarded<std::vector<std::weak_ptr<ClipDecoder>>> decoders_;
  // Number of the clip that a PROGRESS start without its end was posted for; 0: none.
  std::atomic<std::uint64_t> in_progress_ = 0;
  std::unique_ptr<Thread> thread_;  // of state changes

  // Of the thread.
  std::vector<std::shared_ptr<Clip>> clips_;
  // Ids of generations that were shown, which a request for another one does not reuse.
  std::set<std::string> shown_;
  std::uint64_t newest_ = 0;  // number of the clip that was asked for last
  std::uint64_t numbers_ = 0;
  std::shared_ptr<ClipDecoder> on_;  // the one that is shown
  bool is_clip_shown_ = false;       // it has not ended
  std::shared_ptr<ClipDecoder> image_;
  std::string image_name_;

  std::shared_ptr<Playout> playout_;
};

}  // namespace genpro::bin
