// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One generation of an element: its job, how it stands, and what the element says of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "common/messages.h"
#include "common/settings.h"
#include "job/job.h"

namespace genpro {

// Threads: any, but one at a time calls what tells something. The lock is not held then.
class Generation {
 public:
  // What the element has to say. Called on the thread that has called a function below.
  using Tell = std::function<void(Report)>;
  // See JobSettings.
  using OnUpdate = std::function<void(job::Update)>;

  // `name`: of the element, in logs.
  Generation(Settings settings, std::string name, Tell tell);
  ~Generation() { shut_down_later({}); }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Starts the job. False when the settings are no good, which is told; nothing is sent then.
  bool start(OnUpdate on_update = {});
  // Tells what an update of the job means.
  void handle(const job::Update& update);
  // Tells how far it is, when that is due: every few seconds until there is a clip.
  using Clock = std::chrono::steady_clock;
  void tell_progress();
  Clock::time_point progress_due() { return state_.lock()->progress_due; }
  // Tells of the clip's delivery.
  void set_status(job::Status status) { set_state(status, nullptr); }
  void warn(GstResourceError code, const std::string& text) { tell_(WarningReport{code, text}); }
  void fail(Error error);
  // Tells the end of the progress, if it has not been told.
  void end_progress(GstProgressType type, const std::string& text);
  // Job::shut_down(), which waits and is told of; the other one does neither, and only the end of
  // the process waits for it. The first one that is called counts.
  void shut_down(const job::Delivery& delivery);
  void shut_down_later(const job::Delivery& delivery);

  const Settings& settings() const { return settings_; }
  const std::string& name() const { return name_; }
  // Empty for one that is attached to.
  const std::string& prompt() const { return prompt_; }
  std::string model() const;
  // Null before the start and after the end.
  std::shared_ptr<job::Job> job() { return state_.lock()->job; }
  // Where it is, once that is known.
  std::optional<job::FinishedClip> clip() { return state_.lock()->clip; }
  GenerationReport report() { return state_.lock()->report; }
  // Until half of such generations that get this far have ended; nothing where that is not known,
  // or there is a clip.
  std::optional<std::chrono::seconds> time_left();

 private:
  struct State {
    std::shared_ptr<job::Job> job;
    std::optional<job::FinishedClip> clip;
    GenerationReport report;
    bool is_in_progress = false;  // a PROGRESS start without its end was told
    Clock::time_point progress_due;
    std::string progress;  // how it stands, in words
    std::optional<job::Expectation> expectation;
    int percent = -1;  // the most that was told
  };

  void set_state(job::Status status, const job::Update* update);
  // Makes the report of how far it is.
  ProgressReport progress(GstProgressType type, std::string text);
  // Nothing is read any more.
  std::shared_ptr<job::Job> take_job();
  bool is_attached() const { return !settings_.generation_id.empty(); }

  Settings settings_;  // never changed after construction
  std::optional<Error> problem_;
  const std::string name_;
  const Tell tell_;
  const Clock::time_point started_ = Clock::now();
  std::string prompt_;
  Guarded<State> state_;
};

}  // namespace genpro
