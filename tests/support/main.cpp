// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The main function of every test program that links the support library.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/glib_ptr.h"
#include "support/test_file.h"

int main(int argc, char** argv) {
  // What the person who runs the tests has set must not send a test to the real service.
  for (const char* name : {"GEN_API_BASE_URL", "GEN_API_KEY", "GEN_API_KEY_FILE", "GEN_AGENT_ID",
                           "GEN_SHEET_ID", "GEN_CELL_ID", "http_proxy", "https_proxy", "all_proxy"})
    g_unsetenv(name);
  // A critical warning is a defect of whoever caused it, and the test that did ends here.
  g_log_set_always_fatal(static_cast<GLogLevelFlags>(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK));
  testing::InitGoogleTest(&argc, argv);
  genpro::test::select_file(argc, argv);
  // Nor may a test read or write the ledger and the configuration of who runs it.
  const std::filesystem::path state =
      genpro::take_string(g_dir_make_tmp("genpro-test-XXXXXX", nullptr));
  g_setenv("XDG_STATE_HOME", state.c_str(), TRUE);
  g_setenv("XDG_CONFIG_HOME", (state / "config").c_str(), TRUE);
  gst_init(&argc, &argv);
  const int result = RUN_ALL_TESTS();
  std::error_code ignored;
  std::filesystem::remove_all(state, ignored);
  return result;
}
