// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/error.h"

namespace genpro::clip {

// What has been read of a clip, or some of it.
class Store {
 public:
  Store() = default;
  virtual ~Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The error when there is no room for them.
  virtual std::optional<Error> put(std::uint64_t offset, std::span<const unsigned char> bytes) = 0;
  // How many bytes from `offset` on it has put into `bytes`; 0 where it does not have them.
  virtual Result<std::size_t> get(std::uint64_t offset, std::span<unsigned char> bytes) = 0;
};

}  // namespace genpro::clip
