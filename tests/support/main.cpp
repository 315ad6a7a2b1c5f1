// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The main function of every test program that links the support library.
#include <gst/gst.h>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  // What the person who runs the tests has set must not send a test to the real service.
  for (const char* name : {"GEN_API_BASE_URL", "GEN_API_KEY", "GEN_API_KEY_FILE", "http_proxy",
                           "https_proxy", "all_proxy"})
    g_unsetenv(name);
  // A critical warning is a defect of whoever caused it, and the test that did ends here.
  g_log_set_always_fatal(static_cast<GLogLevelFlags>(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK));
  testing::InitGoogleTest(&argc, argv);
  gst_init(&argc, &argv);
  return RUN_ALL_TESTS();
}
