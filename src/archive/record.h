// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is kept of a generation beside its clip.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace genpro::archive {

// Holds no key and no signed address.
struct Record {
  std::string service;  // its API's address
  std::string generation_id;
  std::string model;              // empty: the cell's
  std::optional<double> cost;     // credits
  std::string fingerprint;        // of the request; empty: not known
  std::string prompt;             // empty: not known
  std::int64_t requested_at = 0;  // milliseconds since 1970; 0: not known
  std::int64_t kept_at = 0;       // the same
  std::string sha256;             // of the clip's bytes, hexadecimal
  std::uint64_t size = 0;         // of the clip, bytes
};

bool is_sha256(std::string_view text);

// A JSON object, with a line break at the end.
std::string to_json(const Record& record);
// Of a file. Nothing where that cannot be read, or names no clip of a generation.
std::optional<Record> read_record(const std::string& path);

}  // namespace genpro::archive
