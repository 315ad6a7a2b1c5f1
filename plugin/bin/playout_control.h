// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Controls a run of genprobin, from READY to PAUSED and back: has clips generated, gives them to
// the timeline, drops them, and reports what happens.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/guarded.h"
#include "bin/clip_diagnosis.h"
#include "bin/item_queue.h"
#include "bin/output/timecode.h"
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

// Of a generation's clip, whichever take.
inline std::string key_of(const Settings& settings, const std::string& generation_id) {
  return settings.api_base_url + ' ' + generation_id;
}

// One run of the element. Its thread alone calls the application: signals, notifications and bus
// messages, with a reference to the element and no lock held. A handler may therefore do anything,
// also stop the element, drop its last reference, and start it again. stop() does not wait for a
// thread that is in a handler: the run ends by itself then, and nothing of it reaches the element
// any more, but that its queue is empty. All that it works with is its own, so that it cannot
// disturb the next run.
//
// Threads: any. start() and stop() belong to state changes.
class PlayoutControl : public std::enable_shared_from_this<PlayoutControl> {
 public:
  // What to do with the element.
  using Call = std::function<void(GstElement*)>;

  static std::shared_ptr<PlayoutControl> create(GstElement* element, const Settings& settings,
                                                SharedItems items);
  // For create().
  class Access {
    friend class PlayoutControl;
    Access() = default;
  };
  PlayoutControl(Access access, GstElement* element, const Settings& settings, SharedItems items);
  PlayoutControl(const PlayoutControl&) = delete;
  PlayoutControl& operator=(const PlayoutControl&) = delete;
  ~PlayoutControl();

  const std::shared_ptr<Playout>& playout() { return playout_; }

  // Asks for the first generation, unless items are queued. Nothing comes of that until resume().
  void start(const Settings& settings);
  // The sources are in PAUSED. An error before that comes while gst-launch-1.0 cannot end yet,
  // which then goes on for ever.
  void resume();
  // Ends all that is under way. What the service has to be told goes on by itself.
  void stop();
  // Has a WARNING posted about settings.
  void warn(const std::string& text);
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
  // Of the clips that are asked for from now on.
  void set_preroll(Time preroll) { preroll_ = preroll; }
  // Of all clips, from now on.
  void set_fade(Time fade);
  void set_loudness_target(double target) { loudness_target_ = target; }
  // Empty for none.
  void set_image(const std::string& location);
  void set_raster(const Raster& raster);

  // Whether a run is on.
  bool is_running() { return queue_.lock()->runs; }
  // The clip that is waited for or the next one goes on air at that time, or with the frame that
  // has that timecode; none takes back whatever was asked for last. Read, none once it was taken.
  void take_at(std::optional<Time> time);
  std::optional<Time> taken_at();
  void take_at_timecode(const std::optional<Timecode>& timecode);
  std::string taken_at_timecode();

  // Nothing more will be on: the stream is over, or each output that is linked has ended, be it by
  // an EOS event or by an error of what follows.
  bool has_ended();
  // False when there is no clip for it; see Timeline.
  bool seek_cue(Time position);
  // Also of the one that is on.
  bool replay(Time time);
  // An image or a clip; empty for none.
  void set_fallback(const std::string& location);
  void set_needed_by(std::optional<Time> time);
  // The last one that was set has come.
  bool is_deadline_over() const { return is_deadline_over_; }

  // Those of this run, and not of the next one.
  bool has_queue(const SharedItems& items) const { return items_ == items; }
  // An item was added.
  void on_enqueued();
  // See ItemQueue.
  bool remove_item(unsigned number);
  bool move_item(unsigned number, unsigned position);
  // How many generations run ahead of what is on air.
  void set_prefetch(unsigned prefetch);

  // The latest generation, as the properties tell it.
  GenerationReport face() { return *face_.lock(); }

  // How the run stands, as the property has it; of null: as nothing has begun.
  static StructurePtr stats(PlayoutControl* control);
  // How often that is posted; none: never.
  void set_stats_interval(std::chrono::milliseconds interval);

 private:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;
  using SharedMessage = std::shared_ptr<GstMessage>;
  static constexpr Time no_deadline = std::numeric_limits<Time>::max();
  // Armed before the output's timecode is known.
  static constexpr Time time_to_come = std::numeric_limits<Time>::max() / 2;
  class Thread;
  struct Queue {
    std::deque<Task> tasks;
    std::optional<Settings> soon;
    Clock::time_point soon_due;
    bool runs = true;
    bool is_held = true;  // until the sources are in PAUSED
    bool has_ended = false;
    bool is_left_by_handler = false;  // it was stopped from within a call
    int calls = 0;                    // of the application that are under way
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
    bool has_starved = false;   // which was told
    bool is_repeat = false;     // it is played once more
    bool is_from_kept = false;  // and what tells of its delivery is not its source
    bool is_round = false;      // after itself, as what loops does
    bool was_cleared = false;
    unsigned item = 0;           // of the queue
    bool is_sequel = false;      // it has followed another one at its end
    bool was_at_risk = false;    // of missing its deadline, which was told
    std::optional<Time> late;    // how much later than it was taken for
    std::string path;            // of a file that is the fallback; empty for a generation's clip
    double loudness_target = 0;  // that it was begun with
    bool has_repeat = false;     // what follows it when it loops has been prepared
    Clock::time_point begun = Clock::now();
    std::uint64_t number = 0;

    // In logs.
    std::string name() const;
  };
  // What an operator knows a clip by.
  struct ClipName {
    std::string id;     // of its generation
    unsigned item = 0;  // of the queue
  };
  // What it takes to play a clip once more.
  struct Source {
    Settings settings;
    std::string id;
    std::shared_ptr<ClipFile> file;
    std::string path;
  };
  static Source source_of(const Clip& clip) {
    return {clip.settings, clip.id, clip.file, clip.path};
  }
  // Of the clips of a run, for another take. What loops is kept however large it is.
  static constexpr std::size_t most_kept = 4;
  static constexpr std::uint64_t most_kept_bytes = 512 * 1024 * 1024;
  // What was read of a clip, for another take.
  struct Kept {
    std::string key;
    std::shared_ptr<ClipFile> file;
  };

  bool post(Task task);
  // What has the thread call `handle` for a clip that is still there.
  template <typename Argument>
  std::function<void(Argument)> later_for(std::uint64_t number,
                                          void (PlayoutControl::*handle)(Clip&, const Argument&));
  // False when the element is not running any more, which `call` may have brought about.
  // `is_last`: it is called even so.
  bool call(const Call& call, bool is_last = false);
  void run();
  void run_tasks();
  // `goes_first`: items of the queue wait for it.
  void begin(const Settings& settings, bool goes_first);
  std::shared_ptr<Clip> add(Settings settings, std::shared_ptr<ClipFile> file, bool is_repeat,
                            const std::string& path = {});
  // Null when it cannot be played.
  std::shared_ptr<Clip> add_repeat(const Source& source);
  void start_clip(Clip& clip);
  // With those of other elements of the pipeline that show the same.
  void group_start(const Clip& clip, const std::string& generation_id);
  void remove(const std::shared_ptr<ClipDecoder>& decoder);
  static void note_delivery(Clip& clip);
  void keep(const Clip& clip);
  // Null when it is not there.
  std::shared_ptr<ClipFile> kept_file(const std::string& key);
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
                  const std::shared_ptr<ClipDecoder>& started, Time time);
  void on_starved(const std::shared_ptr<ClipDecoder>& decoder, bool is_starved);
  void on_cued(const std::shared_ptr<ClipDecoder>& decoder, Time position);
  void on_cued_past_end(const std::shared_ptr<ClipDecoder>& decoder);
  void on_late(const std::shared_ptr<ClipDecoder>& decoder, Time late);
  void on_missed_action(const char* action);
  void set_timecode_watch(std::shared_ptr<TimecodeWatch> watch);
  void on_timecode(const Timecode& wanted, Time time, const GstVideoTimeCode& seen);
  void on_deadline(const Timeline::Deadline& deadline);
  void look_at_deadline(Clip& clip, const polling::Progress& progress);
  void cue_again(Time position);
  void add_queue_events(Timeline::Events& events);
  void look_at_queue();
  void note_end_of_queue();
  void drop_removed_items();
  bool is_first_waiting();
  void begin_items();
  void begin_item(unsigned number, Settings settings);
  void hand_over_item();
  void set_item(const Clip& clip, const std::function<void(Item&)>& change);
  void note_item_failure(const Clip& clip, const std::string& reason, bool is_over);
  void note_item_change(const Clip* ended, const Clip* started);
  void give_item_back(const Clip& clip);
  void on_followed(const std::shared_ptr<ClipDecoder>& decoder, bool is_at_end);
  void load_fallback();
  static WarningReport about_fallback(const std::string& path, const std::string& reason);
  void add_cue_events(Timeline::Events& events);
  void log_what_follows(const Clip* ended);
  // A running time and the number of the output's frame, in logs.
  std::string moment(Time time);
  void load_image(const std::string& location);
  void look_at_image();
  void warn_of_image(const std::string& reason);
  void update_slate();
  void post_stats();
  std::shared_ptr<Clip> find(const std::shared_ptr<ClipDecoder>& decoder);
  std::shared_ptr<Clip> find(std::uint64_t number);
  Raster raster() { return *playout_->raster.lock(); }

  WeakElement element_;
  const std::string name_;  // of the element, in logs
  std::atomic<bool> errors_end_ = false;
  std::atomic<AtEnd> at_end_ = AtEnd::placeholder;
  std::atomic<Time> preroll_ = 0;
  std::atomic<Time> fade_ = 0;
  std::atomic<double> loudness_target_ = 0;
  std::atomic<bool> was_shown_ = false;  // a clip
  std::atomic<Time> needed_by_ = no_deadline;
  std::atomic<bool> is_deadline_over_ = false;
  std::atomic<unsigned> prefetch_ = 1;
  const SharedItems items_;
  Guarded<GenerationReport> face_;
  Guarded<ClipName> on_air_;  // the clip that is on
  Guarded<ClipName> cued_;    // and the one that was cued last
  Guarded<std::string> take_timecode_;
  Guarded<std::shared_ptr<TimecodeWatch>> timecode_watch_;
  Guarded<Queue> queue_;
  // What decodes now.
  Guarded<std::vector<std::weak_ptr<ClipDecoder>>> decoders_;
  // Number of the clip that a PROGRESS start without its end was posted for; 0: none.
  std::atomic<std::uint64_t> in_progress_ = 0;
  std::atomic<int> firsts_to_come_ = 0;  // that items of the queue wait for, and are still tasks
  std::unique_ptr<Thread> thread_;       // of state changes

  // Of the thread.
  std::vector<std::shared_ptr<Clip>> clips_;
  std::deque<Kept> kept_;  // the latest one last
  // Ids of generations that were shown, which a request for another one does not reuse.
  std::set<std::string> shown_;
  std::uint64_t newest_ = 0;  // number of the clip that was asked for last
  std::uint64_t first_ = 0;   // and of the one that items of the queue wait for
  std::uint64_t numbers_ = 0;
  bool is_queue_changed_ = false;  // which has not been notified
  std::string progress_;           // of the items, see progress_text()
  std::optional<Error> problem_;   // with the latest request or its clip
  SlateText slate_;                // as it was set last
  bool is_clip_shown_ = false;     // it has not ended
  std::chrono::milliseconds stats_interval_{0};
  Clock::time_point stats_due_ = Clock::time_point::max();
  std::optional<Source> last_;  // that was on
  std::string fallback_;        // its location
  std::shared_ptr<ClipDecoder> image_;
  std::string image_name_;

  std::shared_ptr<Playout> playout_;
};

}  // namespace genpro::bin
