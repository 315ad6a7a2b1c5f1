// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// How much faster the boot clock goes in a program that is linked with the fast clock. Such a
// program calls this, or the library would be left out.
extern "C" int genpro_test_clock_factor();
