// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Uploads several files at the same time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "assets/uploader.h"

namespace genpro::assets {

// At once.
inline constexpr std::size_t most_uploads = 4;
inline constexpr std::size_t most_looks = 16;

// What is told meanwhile, on any thread and by several at once, and not any more once upload_all()
// has returned. Both may be empty.
struct UploadsTold {
  // How much of all contents is at the service, in bytes. A try that is repeated takes back what
  // it had sent.
  std::function<void(std::uint64_t done, std::uint64_t all)> progress;
  // A file, by its place, is this resource; `is_new`: it was sent now.
  std::function<void(std::size_t file, const std::string& id, bool is_new)> done;
};

struct Uploads {
  std::vector<Result<std::string>> ids;  // one for each file, in their order
  std::optional<std::size_t> failed;     // the file whose upload failed first
};

enum class OnFailure { stop_others, go_on };

// Uploader::upload() for each of the files, which have been read; equal contents are uploaded once.
// Those that the ledger remembers are looked for first, more of them at once than are uploaded: a
// look is short, and most of it is waiting. What others have uploaded by the time one fails is
// remembered by the ledger. Blocks, until all have ended or are stopped.
Uploads upload_all(const UploaderSettings& settings, const std::vector<File>& files,
                   OnFailure on_failure, const UploadsTold& told, const std::stop_token& stopped);

}  // namespace genpro::assets
