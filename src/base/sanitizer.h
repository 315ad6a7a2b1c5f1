// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which sanitizer this is built with: GCC has macros that say so, Clang features.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define GENPRO_ADDRESS_SANITIZER 1
#elif defined(__SANITIZE_THREAD__)
#define GENPRO_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GENPRO_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer)
#define GENPRO_THREAD_SANITIZER 1
#endif
#endif

#if defined(GENPRO_THREAD_SANITIZER)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace genpro {

// For ThreadSanitizer, which does not see that GLib orders what happens in two threads: GLib's
// locks are futexes in a library that was built without it. Nothing in any other build.
//
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
