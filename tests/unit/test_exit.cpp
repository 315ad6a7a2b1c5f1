// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <thread>

#include "job/bookkeeper.h"
#include "ledger_fixture.h"

namespace genpro {
namespace {

using namespace std::chrono_literals;
using job::Bookkeeper;

// As a pipeline that is stopped right after its start by a program that ends then: the runtime is
// still at work while the process takes its statics down.
[[noreturn]] void exit_while_the_runtime_works(const std::string& path) {
  auto runtime = Runtime::acquire();
  auto books = Bookkeeper::acquire(path);
  runtime->post([path] {
    std::this_thread::sleep_for(100ms);
    Bookkeeper::acquire(path + ".other")->post([](Result<job::Ledger*> ledger) {
      if (ledger) (void)(*ledger)->open_rows();
    });
    Runtime::acquire();
  });
  books.reset();
  runtime.reset();
  std::exit(0);
}

TEST(Exit, MayComeWhileTheRuntimeIsAtWork) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const test::TemporaryFolder folder;
  EXPECT_EXIT(exit_while_the_runtime_works(folder.file("ledger.db")), testing::ExitedWithCode(0),
              "");
}

}  // namespace
}  // namespace genpro
