// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ingredients: uploaded files and what is known of them, and the storage half of a direct
// upload. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "emulator/store/folders.h"
#include "emulator/store/store.h"
#include "emulator/util/file.h"

namespace genpro::emulator {

inline constexpr std::size_t max_multipart_file = std::size_t{50} * 1024 * 1024;
inline constexpr std::int64_t max_direct_file = std::int64_t{1024} * 1024 * 1024;

class Resources {
 public:
  Resources(Store& store, const Folders& folders) : store_(store), folders_(folders) {}

  // Takes over a finished file. Throws ApiError 422 when its bytes are no media.
  Resource add(NewFile& file, const std::string& file_name);
  // Copies a file of this machine in, unless an earlier start has done so. `id`: 0 for the next
  // free one. Throws std::runtime_error with a sentence for its user.
  Resource add_local_file(const std::string& path, std::int64_t id = 0);
  // Makes a resource of a direct upload. Throws ApiError; an upload that is no media is gone then.
  Resource add_blob(const std::string& signed_id);

  // Throw ApiError 404 content_resource_not_found.
  Resource get(std::int64_t id) const;
  Resource rename(std::int64_t id, const std::string& file_name);
  // With its bytes; the last resource of a direct upload takes that along.
  Resource remove(std::int64_t id);

  Blob announce(Blob blob);
  // The bytes of an announced upload have arrived in `file`.
  void keep_blob(Blob blob, NewFile& file);

  // Removes files that belong to no record: what was arriving when an earlier process died.
  void remove_strays();

 private:
  void forget_blob(const std::string& token);

  Store& store_;
  const Folders& folders_;
  // Two equal files given at one start are two resources.
  std::vector<std::int64_t> taken_at_start_;
};

// Checks what add_local_file() will be given. Throws std::runtime_error with a sentence that says
// what is wrong with the file.
void check_local_ingredient(const std::string& path);

}  // namespace genpro::emulator
