// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service remembers. Records go in and out as copies, so that the records can lie
// anywhere; files are named here and kept by others. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace genpro::emulator {

// Money in thousandths of a credit: sums of prices stay exact.
using MilliCredits = std::int64_t;

struct Resource {
  std::int64_t id = 0;
  std::string file_name;     // shown, never a path
  std::string stored_name;   // the file in uploads/
  std::string content_type;  // what the bytes are
  std::string kind;          // image, video, audio, zip, safe_tensors
};

struct ResourceFilter {
  std::string kind;               // empty: all
  std::vector<std::int64_t> ids;  // empty: all
  std::size_t skip = 0;
  std::size_t limit = 20;
};

enum class Status { pending, processing, completed, failed, stopped };

struct GenerationSettings {
  std::string prompt;
  std::string prompt_var;
  std::vector<std::int64_t> asset_ids;
  std::string model = "pika";
  std::string aspect_ratio = "16:9";
  int duration = 5;
};

struct Output {
  std::int64_t id = 0;
  std::string name;  // "vid_ingredients_001": with .mp4 in outputs/, with .jpg in thumbnails/
};

struct Generation {
  std::int64_t id = 0;
  std::string sheet;
  std::string cell;
  GenerationSettings settings;
  Status status = Status::pending;
  std::string failed_reason;  // empty: none
  std::optional<Output> output;
  MilliCredits charged = 0;  // what is charged at the moment; 0 after a refund
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};

// The answer to a POST with an Idempotency-Key.
struct RememberedAnswer {
  std::string fingerprint;  // of the request
  std::string body;
  std::int64_t at = 0;  // seconds
};

enum class Sequence { resource, generation, output };

class Store {
 public:
  virtual ~Store() = default;

  // The next unused id: resources from 501, generations from 9040, outputs from 1900.
  virtual std::int64_t next_id(Sequence sequence) = 0;

  virtual void save(const Resource& resource) = 0;
  virtual std::optional<Resource> resource(std::int64_t id) const = 0;
  virtual std::vector<Resource> resources(const ResourceFilter& filter) const = 0;  // newest first
  virtual void remove_resource(std::int64_t id) = 0;

  virtual void save(const Generation& generation) = 0;
  virtual std::optional<Generation> generation(std::int64_t id) const = 0;
  // Oldest first.
  virtual std::vector<Generation> generations(const std::string& sheet,
                                              const std::string& cell) const = 0;

  virtual MilliCredits credit() const = 0;
  virtual void add_credit(MilliCredits amount) = 0;

  virtual void remember(const std::string& key, const RememberedAnswer& answer) = 0;
  // Answers from before `since` are forgotten.
  virtual std::optional<RememberedAnswer> remembered(const std::string& key,
                                                     std::int64_t since) = 0;
};

// Keeps everything in memory.
std::unique_ptr<Store> make_memory_store(MilliCredits credit);

}  // namespace genpro::emulator
