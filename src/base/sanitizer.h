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
