// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "support/test_file.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  genpro::test::select_file(argc, argv);
  gst_init(&argc, &argv);
  return RUN_ALL_TESTS();
}
