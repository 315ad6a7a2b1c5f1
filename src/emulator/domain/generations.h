// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The life of generations: charged, pending, processing, and one end. Each step is in the store
// before it shows, so that a new process goes on where the last one ended, whatever ended it. One
// thread: the one whose default main context is current when this is made.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/domain/resources.h"
#include "emulator/faults/faults.h"
#include "emulator/media/render_queue.h"
#include "emulator/store/folders.h"
#include "emulator/store/store.h"

namespace genpro::emulator {

// What is asked for.
struct Order {
  std::string agent;
  std::string sheet;
  std::string cell;
  std::optional<std::int64_t> layer;
  std::string request;  // the JSON body
  GenerationSettings settings;
};

class Generations {
 public:
  // `latency`: seconds from pending to completed, as long as rendering does not take longer and no
  // fault says otherwise.
  Generations(Store& store, const Resources& resources, const Folders& folders,
              RendererSettings renderer, double latency, Faults& faults);
  ~Generations();

  // Starts anew what an earlier process left unfinished. It has been paid for.
  void recover();

  // Charges the price, and starts when the current changes of the store are kept. Throws ApiError:
  // an unknown ingredient, not enough credit.
  Generation create(const Order& order);
  // Notes that something could not be started, for an owner who did not ask for it in person.
  void create_failed(const Order& order, const std::string& reason);
  // Throw ApiError 404 for an unknown id.
  Generation get(std::int64_t id) const;
  // How far one that runs has come, from 0 to 1; nothing when it does not run.
  std::optional<double> progress(std::int64_t id) const;
  // Those that run.
  std::vector<std::int64_t> running() const;
  // Refunds, unless a fault says otherwise. 422 job_cannot_be_stopped when it has ended.
  Generation stop(std::int64_t id);
  // Charges again; 422 unless it has failed or was stopped.
  Generation resume(std::int64_t id);

 private:
  struct Attempt;

  void charge(Generation& generation);
  void refund(Generation& generation);
  void check_media(const GenerationSettings& settings) const;
  void begin(const Generation& generation);
  std::string write_spec(const Generation& generation, const std::string& folder) const;
  void advance(std::int64_t id);
  void take_steps(std::int64_t id);
  void complete(Generation generation);
  void fail(Generation generation, const std::string& reason);
  // Saves a change of status, of which an end is the end of the attempt, too.
  void keep(Generation& generation, Status status);
  void end_attempt(std::int64_t id);

  Store& store_;
  const Resources& resources_;
  const Folders& folders_;
  double latency_;
  Faults& faults_;
  unsigned next_attempt_ = 1;
  std::map<std::int64_t, std::unique_ptr<Attempt>> attempts_;
  // Last, so that it goes first: its children call back into the rest.
  RenderQueue renders_;
};

}  // namespace genpro::emulator
