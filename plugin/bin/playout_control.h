// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sees to the clips of a genprobin: has them generated, gives them to the timeline, gets rid of
// them, and tells what happens.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "bin/playout/playout.h"
#include "common/settings.h"
#include "job/job.h"

namespace genpro::bin {

// What an application hears of. Called on the control's thread, with no lock held.
class PlayoutListener {
 public:
  virtual ~PlayoutListener() = default;
  // To be posted on the bus as the element's own.
  virtual void post(MessagePtr message) = 0;
  virtual void generation_started(const std::string& id) = 0;
  virtual void generation_completed(const std::string& id) = 0;
  virtual void generation_failed(const std::string& id, const std::string& reason) = 0;
  virtual void clip_started(const std::string& id) = 0;
  virtual void clip_ended(const std::string& id) = 0;
  // `status`, `cost` or `generation-id` changed.
  virtual void changed() = 0;
};

// What a user can see of the latest generation.
struct GenerationStatus {
  job::Status status = job::Status::idle;
  std::string id;
  std::string model;
  double cost = -1;
};

// Threads: any. start() and stop() belong to state changes.
class PlayoutControl {
 public:
  // `element` is what messages come from, and outlives this.
  PlayoutControl(GstElement* element, PlayoutListener& listener);
  ~PlayoutControl();
  PlayoutControl(const PlayoutControl&) = delete;
  PlayoutControl& operator=(const PlayoutControl&) = delete;

  const std::shared_ptr<Playout>& playout() { return playout_; }

  // Asks for the first generation.
  void start(const Settings& settings);
  // Ends all that is under way. What the service has to be told goes on by itself.
  void stop();

  // A new generation, at once or when for half a second there has not been another call: what was
  // asked for and has not been on yet is given up.
  void generate(const Settings& settings);
  void generate_soon(const Settings& settings);

  void set_at_end(AtEnd at_end);
  // Whether a failure is an error of the element, or a warning and the placeholder.
  void set_errors_end(bool errors_end) { errors_end_ = errors_end; }
  // Empty for none.
  void set_image(const std::string& location);
  void set_raster(const Raster& raster);

  GenerationStatus face() { return *face_.lock(); }

 private:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;
  struct Queue {
    std::deque<Task> tasks;
    std::optional<Settings> soon;
    Clock::time_point soon_due;
    bool runs = false;
  };
  // A playing and what is known of it.
  struct Clip {
    std::shared_ptr<ClipDecoder> decoder;
    std::shared_ptr<ClipFile> file;
    Settings settings;
    std::string id;
    job::Status status = job::Status::idle;
    bool has_started = false;  // it has been on
    bool has_failed = false;
    bool is_round = false;     // it is played once more
    bool has_round = false;    // what follows it when it loops has been prepared
    bool in_progress = false;  // a PROGRESS start without its end
    Clock::time_point begun = Clock::now();
    std::uint64_t number = 0;
  };

  void post(Task task);
  void run();
  void begin(const Settings& settings);
  std::shared_ptr<Clip> add(Settings settings, ElementPtr source, std::shared_ptr<ClipFile> file,
                            bool is_round);
  void remove(const std::shared_ptr<ClipDecoder>& decoder);
  void prepare_round();
  void on_message(std::uint64_t number, const MessagePtr& message);
  void on_error(Clip& clip, GstMessage* message);
  void on_generation(Clip& clip, GstMessage* message);
  void on_started(const std::shared_ptr<ClipDecoder>& decoder);
  void on_ended(const std::shared_ptr<ClipDecoder>& decoder);
  void load_image(const std::string& location);
  void look_at_image();
  void warn_of_image(const std::string& reason);
  void update_slate();
  void report_failure(GstMessage* message);
  void forward(Clip& clip, GstMessage* message);
  Clip* find(const std::shared_ptr<ClipDecoder>& decoder);
  Clip* find(std::uint64_t number);
  Raster raster() { return *playout_->raster.lock(); }

  GstElement* const element_;
  PlayoutListener& listener_;
  std::atomic<bool> errors_end_ = false;
  std::atomic<AtEnd> at_end_ = AtEnd::placeholder;
  Guarded<GenerationStatus> face_;
  Guarded<Queue> queue_;
  Guarded<std::string> image_location_;
  std::thread thread_;

  // Of the thread.
  std::vector<std::shared_ptr<Clip>> clips_;
  // Ids of generations that have been on. Whoever asks for another one has seen them.
  std::set<std::string> shown_;
  std::uint64_t newest_ = 0;  // number of the clip that was asked for last
  std::uint64_t numbers_ = 0;
  std::shared_ptr<ClipDecoder> on_;  // the one that is on
  bool is_on_air_ = false;           // it has not ended
  std::shared_ptr<ClipDecoder> image_;
  std::string image_name_;

  // Last: its parts call back here.
  std::shared_ptr<Playout> playout_;
};

}  // namespace genpro::bin
