// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The main function of every test program that links the support library.
#include <gst/gst.h>

#include "support/test_main.h"

int main(int argc, char** argv) {
  return genpro::test::run_all_tests(argc, argv, gst_init);
}
