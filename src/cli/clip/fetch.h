// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From settings to a clip in a file or elsewhere: what genprosrc ! filesink does, without a
// pipeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "cli/clip/sink.h"
#include "job/job.h"
#include "settings/settings.h"

namespace genpro::cli {

struct Progress {
  job::Status status = job::Status::idle;
  std::string text;  // for a person, without a full stop
  std::string generation_id;
  std::optional<double> cost;
  std::uint64_t bytes = 0;            // of the clip, written
  std::optional<std::uint64_t> size;  // of the clip
  // Of a generation that goes on, once such ones were seen.
  std::optional<job::Expectation> expectation;
};

struct Fetched {
  std::string generation_id;
  std::optional<double> cost;
  std::uint64_t bytes = 0;
  bool is_earlier = false;  // an earlier run's generation: nothing was charged by this one
  bool is_done = false;     // the clip is in the sink
  std::optional<Error> error;
  // Of one that is interrupted: what becomes of the generation. A sentence.
  std::string summary;
};

// Callbacks of fetch(), on the thread that calls it.
struct Watch {
  std::function<void(const Progress&)> on_progress;
  std::function<void(const std::string&)> on_warning;
  // The clip is whole, and the file about to be there.
  std::function<void(const Fetched&)> before_commit;
};

// Waits. When interrupted, a generation that is unfinished is stopped, as `on-shutdown` says.
// What the sink throws is the error; the next run picks the clip up then.
Fetched fetch(const Settings& settings, Sink& sink, const Watch& watch,
              const std::stop_token& interrupted);

// What went wrong, for a program.
const char* to_word(ErrorKind kind);

}  // namespace genpro::cli
