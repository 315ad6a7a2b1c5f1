// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ingredients: uploaded files and what is known of them, and the storage half of a direct
// upload. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "emulator/folders.h"
#include "emulator/store.h"

namespace genpro::emulator {

inline constexpr std::size_t max_multipart_file = std::size_t{50} * 1024 * 1024;
inline constexpr std::int64_t max_direct_file = std::int64_t{1024} * 1024 * 1024;

// A file announced by POST /direct_upload.
struct Blob {
  std::string token;      // of the PUT URL
  std::string signed_id;  // what the client hands back
  std::string file_name;
  std::int64_t byte_size = 0;
  std::string checksum;  // base64 of the MD5
  std::string content_type;
  std::string path;  // empty until the bytes have arrived
};

class Resources {
 public:
  Resources(Store& store, const Folders& folders) : store_(store), folders_(folders) {}

  // Takes over a finished file. Throws ApiError 422 when its bytes are no media.
  Resource add(NewFile& file, const std::string& file_name);
  // Copies a file of this machine in. Throws std::runtime_error with a sentence for its user.
  Resource add_local_file(const std::string& path);
  // Makes a resource of a direct upload. Throws ApiError.
  Resource add_blob(const std::string& signed_id);

  // Throw ApiError 404 content_resource_not_found.
  Resource get(std::int64_t id) const;
  Resource rename(std::int64_t id, const std::string& file_name);
  Resource remove(std::int64_t id);

  const Blob& announce(Blob blob);
  // Null when no such URL was given out. Good until the next announce().
  Blob* blob_by_token(const std::string& token);

 private:
  Store& store_;
  const Folders& folders_;
  std::deque<Blob> blobs_;  // oldest first
};

// Checks what add_local_file() will be given. Throws std::runtime_error with a sentence that says
// what is wrong with the file.
void check_local_ingredient(const std::string& path);

}  // namespace genpro::emulator
