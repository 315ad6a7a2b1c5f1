// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The main function of the ledger's tests, which see no more than the ledger does.
#include "support/test_main.h"

int main(int argc, char** argv) {
  return genpro::test::run_all_tests(argc, argv);
}
