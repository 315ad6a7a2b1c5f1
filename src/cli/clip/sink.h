// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>

namespace genpro::cli {

// Where a clip's bytes go, in order. Both functions throw std::runtime_error.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  virtual void write(std::span<const unsigned char> bytes) = 0;
  // That was all of it.
  virtual void commit() = 0;
};

}  // namespace genpro::cli
