// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"

#include <atomic>

namespace genpro::log {

namespace {

std::atomic<const Sink*> current = nullptr;

}  // namespace

void set_sink(const Sink* sink) noexcept {
  current = sink;
}

const Sink* sink_for(Category category, Level level) noexcept {
  const Sink* sink = current.load(std::memory_order_acquire);
  return sink != nullptr && sink->wants(category, level) ? sink : nullptr;
}

}  // namespace genpro::log
