// SPDX-License-Identifier: LGPL-2.1-or-later
//
// For ThreadSanitizer, which does not see that GLib orders what happens in two threads: GLib's
// locks are futexes in a library that was built without it. Nothing in any other build.
#pragma once

#include "base/sanitizer.h"

#if defined(GENPRO_THREAD_SANITIZER)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace genpro {

// All that this thread did so far comes before what the thread does that calls ordered_after() for
// the same address. To be called where GLib guarantees that, and nowhere else.
inline void ordered_before([[maybe_unused]] void* address) {
#if defined(GENPRO_THREAD_SANITIZER)
  __tsan_release(address);
#endif
}

inline void ordered_after([[maybe_unused]] void* address) {
#if defined(GENPRO_THREAD_SANITIZER)
  __tsan_acquire(address);
#endif
}

}  // namespace genpro
