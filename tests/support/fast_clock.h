// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// How much faster the boot clock goes in a program that is linked with the fast clock. Such a
// program calls this, or the library would be left out.
extern "C" int genpro_test_clock_factor();

// Sets the wall clock of this process to so many seconds later than it is, or earlier.
extern "C" void genpro_test_set_wall_clock(long long seconds_later);

// In the environment of a child with the fast clock: how much faster it goes there, for what
// compares it with another clock, ...
inline constexpr const char* clock_factor_variable = "GENPRO_TEST_CLOCK_FACTOR";
// ... by how many seconds the wall clock is later, ...
inline constexpr const char* wall_clock_variable = "GENPRO_TEST_WALL_CLOCK";
// ... and the boot's id, when the machine has been booted since: the boot clock has begun anew when
// the child starts.
inline constexpr const char* boot_id_variable = "GENPRO_TEST_BOOT_ID";
