// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "base/temporary_file.h"
#include "clip/storage/store.h"

namespace genpro::clip {

// All of a clip that is read from its first byte on: in memory up to a limit, and beyond that in a
// file without a name.
class Spool : public Store {
 public:
  static constexpr std::size_t memory_limit = 8 * 1024 * 1024;

  std::optional<Error> put(std::uint64_t offset, std::span<const unsigned char> bytes) override;
  Result<std::size_t> get(std::uint64_t offset, std::span<unsigned char> bytes) override;

 private:
  bool write(std::span<const unsigned char> bytes);

  std::uint64_t size_ = 0;
  std::vector<unsigned char> memory_;  // empty once there is the file
  std::unique_ptr<TemporaryFile> file_;
};

}  // namespace genpro::clip
