// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <csignal>

#include "support/test_file.h"

int main(int argc, char** argv) {
  // Ignored by nohup, and then by what the tests start.
  std::signal(SIGHUP, SIG_DFL);
  testing::InitGoogleTest(&argc, argv);
  genpro::test::select_file(argc, argv);
  return RUN_ALL_TESTS();
}
