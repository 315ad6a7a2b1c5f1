// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tests of a suite are one program, of which Meson runs the tests of one file at a time.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

namespace genpro::test {

// `--file=NAME`: of what is to run only the tests of test_NAME.cpp. Call it after InitGoogleTest().
inline void select_file(int argc, char** argv) {
  constexpr std::string_view option = "--file=";
  if (argc < 2 || !std::string_view(argv[1]).starts_with(option)) return;
  const std::string name = "test_" + std::string(argv[1] + option.size());
  std::string in_file;
  std::string in_others;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    const bool is_in_file = std::filesystem::path(suite.GetTestInfo(0)->file()).stem() == name;
    (is_in_file ? in_file : in_others) += std::string(suite.name()) + ".*:";
  }
  if (in_file.empty()) {
    std::cerr << "There is no test in a file " << name << ".cpp.\n";
    std::exit(EXIT_FAILURE);
  }
  const std::string asked = GTEST_FLAG_GET(filter);
  const bool excludes = asked.find('-') != std::string::npos;
  GTEST_FLAG_SET(filter, asked == "*" ? in_file : asked + (excludes ? ":" : "-") + in_others);
}

}  // namespace genpro::test
