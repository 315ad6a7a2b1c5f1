// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How processes share the rows of a batch out: by places and rows of the ledger that all of them
// use. Who makes a row holds its place, which dies with the process. Who asks for a generation
// holds the cell's place besides, until the ledger knows which generation the row has: the next row
// of the cell, whosever it is, passes over that one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "cli/batch/plan.h"
#include "ledger/ledger.h"

namespace genpro::cli {

// All functions throw std::runtime_error when the ledger cannot be used. Threads: any.
class Sharing {
 public:
  // `batch`: a digest, the same for all who share.
  Sharing(const std::string& ledger, std::string batch, const std::string& base_url);

  // A place that is held as long as the object lives, which is not longer than the Sharing.
  class Place {
   public:
    Place() = default;
    Place(Sharing& sharing, ledger::LifeLock lock) : sharing_(&sharing), lock_(std::move(lock)) {}
    Place(Place&& other) noexcept = default;
    Place& operator=(Place&& other) noexcept;
    ~Place() { release(); }
    explicit operator bool() const { return static_cast<bool>(lock_); }
    void release() noexcept;

   private:
    Sharing* sharing_ = nullptr;
    ledger::LifeLock lock_;
  };
  // Nothing: another one holds it.
  std::optional<Place> take_row(const Task& task);
  std::optional<Place> take_cell(const Task& task);
  // To be held while it is decided whether a row may be begun, as costs go.
  std::optional<Place> take_turn() { return take("turn"); }

  struct Known {
    ledger::BatchRow row;
    bool is_held = false;  // begun, and a living process is at it
  };
  std::vector<Known> known_rows();
  std::optional<ledger::BatchRow> find(const Task& task);
  // False: the generation is another row's.
  bool note(const Task& task, ledger::BatchRow row);
  // Whether the clip of the generation was written somewhere, as far as the ledger knows.
  bool is_delivered(const std::string& generation_id);
  // The clip of the generation is in a file.
  void note_delivery(const std::string& generation_id, std::uint64_t bytes);

  // When this process began, by the ledger's clock.
  ledger::WallTime began() const { return began_; }
  // Of the ledger, and of the batch in it.
  std::string name();

 private:
  using Ledger = std::unique_ptr<ledger::Ledger>;
  std::optional<Place> take(const std::string& part);

  const std::string batch_;
  const std::string service_;
  const std::string host_;
  Guarded<Ledger> ledger_;
  ledger::WallTime began_ = 0;
};

}  // namespace genpro::cli
