// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libFuzzer calls.
#include "fuzz.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  // A critical warning is a defect of whoever caused it. GLib's own way to end then is a
  // breakpoint, for which libFuzzer keeps no input.
  const GLogWriterFunc write = [](GLogLevelFlags level, const GLogField* fields, gsize count,
                                  gpointer data) {
    const GLogWriterOutput written = g_log_writer_default(level, fields, count, data);
    if ((level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) != 0) std::abort();
    return written;
  };
  g_log_set_writer_func(write, nullptr, nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  genpro::fuzz::test_one({reinterpret_cast<const char*>(data), size});
  return 0;
}
