// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the service remembers, record by record. Times are milliseconds since 1970, texts UTF-8.
// Ids of agents, sheets and cells are texts, since clients use words as well; the rest are numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genpro::emulator {

// Money in thousandths of a credit: sums of prices stay exact.
using MilliCredits = std::int64_t;
inline double credits(MilliCredits amount) {
  return static_cast<double>(amount) / 1000.0;
}

struct Resource {
  std::int64_t id = 0;
  std::string file_name;     // shown, never a path
  std::string stored_name;   // the file in uploads/
  std::string content_type;  // what the bytes are
  std::string kind;          // image, video, audio, zip, safe_tensors
  std::string digest;        // SHA-256 of the bytes, of files taken in at the start only
};

struct ResourceFilter {
  std::string kind;               // empty: all
  std::vector<std::int64_t> ids;  // empty: all
  std::string search;             // a part of the file's name; empty: all
  std::size_t skip = 0;
  std::size_t limit = 20;
};

// A file announced by POST /direct_upload.
struct Blob {
  std::int64_t number = 0;  // counts up; 0: not saved yet
  std::string token;        // of the PUT URL
  std::string signed_id;    // what the client hands back
  std::string file_name;
  std::int64_t byte_size = 0;
  std::string checksum;  // base64 of the MD5
  std::string content_type;
  bool arrived = false;  // the bytes are in blobs/, under the token
};

// Stored by their numbers.
enum class Status { pending = 0, processing = 1, completed = 2, failed = 3, stopped = 4 };

inline bool has_ended(Status status) {
  return status != Status::pending && status != Status::processing;
}

// "pending" and so on.
const char* status_word(Status status);

// What a clip is made of.
enum class Kind { ingredients, text, image, lipsync, render, remove_background };

// The contract's word, "video_from_ingredients" and so on.
const char* kind_word(Kind kind);
std::optional<Kind> kind_named(std::string_view word);

// What is rendered: variables and defaults are filled in.
struct GenerationSettings {
  Kind kind = Kind::ingredients;
  std::string prompt;
  std::vector<std::int64_t> asset_ids;
  std::string model = "pika";
  std::string aspect_ratio = "16:9";
  int duration = 5;           // seconds; of no meaning where media decide
  std::string resolution;     // "720p"; empty: as the model makes it
  std::optional<bool> audio;  // none: as the model makes it
};

struct Output {
  std::int64_t id = 0;
  // "vid_ingredients_001-" and the random token of its addresses: with .mp4 or, of a clip with
  // alpha, .mov in outputs/, with .jpg in thumbnails/.
  std::string name;
};

struct Generation {
  std::int64_t id = 0;
  std::string agent;
  std::string sheet;
  std::string cell;
  std::optional<std::int64_t> layer;  // of the cell; none: the cell itself
  std::string request;                // the JSON body that asked for it
  GenerationSettings settings;
  Status status = Status::pending;
  std::string failed_reason;  // empty: none
  std::optional<Output> output;
  MilliCredits charged = 0;    // what is charged at the moment; 0 after a refund
  std::string credit_outcome;  // "charged", "refunded", "not_charged"; empty: not told
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};

// A change of the credit.
struct Booking {
  std::int64_t id = 0;
  std::int64_t generation = 0;
  MilliCredits amount = 0;  // positive: it came back
  std::string reason;
  std::int64_t at = 0;
};

// One change of a generation. Ids count up over all generations.
struct Event {
  std::int64_t id = 0;
  std::int64_t generation = 0;
  std::string sheet;
  std::string cell;
  Status status = Status::pending;
  std::int64_t at = 0;
};

struct Sheet {
  std::string id;
  std::string title;
  std::string uuid;
  bool is_default = false;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};

struct Column {
  std::int64_t id = 0;
  std::string sheet;
  std::string title;  // also the name of the variable that its cells hold
  std::string type;   // text, video, …
  std::int64_t position = 0;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string attributes = "{}";  // a JSON object
};

struct Row {
  std::int64_t id = 0;
  std::string sheet;
  std::int64_t position = 0;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string attributes = "{}";  // a JSON object
};

struct Cell {
  std::string id;  // unique in its sheet
  std::string sheet;
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::optional<std::string> value;
  std::string attributes = "{}";  // a JSON object
  std::string card;               // the body of the last request; empty: none yet
  std::optional<std::int64_t> default_job;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};

struct Layer {
  std::int64_t id = 0;
  std::string sheet;
  std::string cell;
  std::string name;
  std::string type;
  std::int64_t position = 0;
  std::string attributes = "{}";  // a JSON object
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
};

struct Variable {
  std::string key;
  std::string value;
  std::int64_t id = 0;  // 0: not stored yet
  bool operator==(const Variable&) const = default;
};

// The global variables of a sheet, in the order in which they came.
struct VariableSheet {
  std::int64_t id = 0;
  std::vector<Variable> variables;
};

struct Agent {
  std::string id;
  std::string name;
  bool polling_enabled = true;
  std::int64_t created_at = 0;
  std::optional<std::string> description;
  std::optional<std::string> time_zone;
};

// An address that changes of an agent's generations are sent to.
struct Hook {
  std::string agent;
  std::string kind;  // "webhook": each change; "callback": ends only
  std::string url;
  std::int64_t cursor = 0;  // the last event that was delivered
};

// The answer to a request with an Idempotency-Key.
struct RememberedAnswer {
  std::string fingerprint;  // of the request
  unsigned status = 0;
  std::string body;
  std::int64_t at = 0;
};

}  // namespace genpro::emulator
