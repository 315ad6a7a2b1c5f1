// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the main functions of test programs share.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <system_error>

#include "base/glib_ptr.h"
#include "support/test_file.h"

namespace genpro::test {

// Runs the tests, apart from what the person who does so has set and keeps.
inline int run_all_tests(int argc, char** argv, void (*init)(int*, char***) = nullptr) {
  // It must not send a test to the real service.
  for (const char* name :
       {"GEN_API_BASE_URL", "GEN_API_KEY", "GEN_API_KEY_FILE", "GEN_AGENT_ID", "GEN_SHEET_ID",
        "GEN_CELL_ID", "GEN_ARCHIVE", "http_proxy", "https_proxy", "all_proxy"})
    g_unsetenv(name);
  // A critical warning is a defect of whoever caused it, and the test that did ends here.
  g_log_set_always_fatal(static_cast<GLogLevelFlags>(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK));
  testing::InitGoogleTest(&argc, argv);
  select_file(argc, argv);
  // Nor may a test read or write the ledger and the configuration of who runs it.
  const std::filesystem::path state = take_string(g_dir_make_tmp("genpro-test-XXXXXX", nullptr));
  g_setenv("XDG_STATE_HOME", state.c_str(), TRUE);
  g_setenv("XDG_CONFIG_HOME", (state / "config").c_str(), TRUE);
  if (init != nullptr) init(&argc, &argv);
  const int result = RUN_ALL_TESTS();
  std::error_code ignored;
  std::filesystem::remove_all(state, ignored);
  return result;
}

}  // namespace genpro::test
