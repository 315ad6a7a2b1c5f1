// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <utility>

#include "base/glib_ptr.h"

namespace genpro {

// Writes that an exception reached a C callback, and which.
void report_exception(const char* where, const char* what) noexcept;

// Runs `function`, keeping every exception from unwinding into C code, which would be undefined.
template <typename Function>
void guard_c_callback(const char* where, Function&& function) noexcept {
  try {
    std::forward<Function>(function)();
  } catch (const std::exception& exception) {
    report_exception(where, exception.what());
  } catch (...) {
    report_exception(where, "unknown exception");
  }
}

}  // namespace genpro
