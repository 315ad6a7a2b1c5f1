// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The clips that are being made or are kept, and what those of this run may cost.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/guarded.h"
#include "cli/serve/clip.h"

namespace genpro::cli {

// Threads: any.
class Clips {
 public:
  // Files that are kept besides those that are being read, and generations at a time.
  static constexpr std::size_t most_kept = 16;
  static constexpr std::size_t most_running = 16;

  explicit Clips(std::optional<double> max_cost) : budget_(Budget{.max_cost = max_cost}) {}
  // Ends what is under way, and waits for that.
  ~Clips();
  Clips(const Clips&) = delete;
  Clips& operator=(const Clips&) = delete;

  // The clip that is kept or being made; null: none.
  std::shared_ptr<Clip> find(const std::string& key) { return look_up(*shelf_.lock(), key); }
  // The generation of what was opened in this run; empty: none.
  std::string generation_of(const std::string& key);
  // As find(), else begins one. `key`: the same for what is the same clip. Throws HttpError when
  // none may be begun now.
  std::shared_ptr<Clip> open(const std::string& key, const std::string& name,
                             const Settings& settings);

 private:
  struct Kept {
    std::shared_ptr<Clip> clip;
    std::uint64_t used = 0;  // when, in uses of this object
    unsigned failures = 0;   // before it
  };
  using Map = std::map<std::string, Kept>;
  struct Shelf {
    Map clips;
    std::uint64_t uses = 0;
    std::map<std::string, std::string> generations;  // of clips that are no longer kept
  };
  // As genpro batch has it: what is being made, and what the service tells no cost of, counts as
  // much as the dearest one so far; as long as there is none, one is made at a time.
  struct Budget {
    std::optional<double> max_cost;
    double spent = 0;
    double dearest = 0;
    unsigned running = 0;
    // Keys of clips that may have been charged, at a cost that is not known.
    std::set<std::string> unknown;

    // Throws HttpError.
    void check(const std::string& key) const;
    void note(const std::string& key, const Fetched& fetched);
  };
  static std::shared_ptr<Clip> look_up(Shelf& shelf, const std::string& key);
  static void make_room(Shelf& shelf);

  // Locks: the shelf's, then the budget's.
  Guarded<Budget> budget_;
  Guarded<Shelf> shelf_;
};

}  // namespace genpro::cli
