// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A folder that keeps paid clips: finds the clip of a generation, and checks it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "archive/record.h"
#include "base/error.h"

namespace genpro::archive {

struct Found {
  std::string file;    // path of the clip; empty: there is none
  std::string damage;  // a sentence on one that was there and is not its generation's any more
};

// How a clip's bytes are now.
struct Check {
  enum class State { whole, damaged, missing, unreadable } state = State::missing;
  std::string reason;  // of one that cannot be read
};

// Called after each piece of a clip that was read.
using Tick = std::function<void()>;

// Threads: any. All functions wait for the disk.
class Archive {
 public:
  explicit Archive(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  // Makes the folder where there is none.
  std::optional<Error> make_folder() const;
  // Reads all of the clip. One whose bytes are others now is moved aside. One of another request is
  // none: a service may count its generations anew. `fingerprint`: empty where it is not known.
  // Ends early, with nothing, when told to stop.
  Found find(const std::string& service, const std::string& generation_id,
             const std::string& fingerprint, const std::stop_token& stopped = {},
             const Tick& tick = {}) const;
  // Reads all of the clip, and changes nothing.
  Check check(const std::string& sha256, const std::stop_token& stopped = {},
              const Tick& tick = {}) const;

  std::string clip_path(const std::string& sha256) const;
  std::string record_path(const std::string& service, const std::string& generation_id) const;

 private:
  std::string folder_;
};

}  // namespace genpro::archive
