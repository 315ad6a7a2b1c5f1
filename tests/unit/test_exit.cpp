// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <future>
#include <thread>

#include "job/ledger_thread.h"
#include "ledger_fixture.h"

namespace genpro {
namespace {

using namespace std::chrono_literals;
using job::LedgerThread;

// As a pipeline that is stopped right after its start by a program that ends then: the runtime is
// still at work while the process takes its statics down.
[[noreturn]] void exit_while_the_runtime_works(const std::string& path) {
  auto runtime = Runtime::acquire();
  auto thread = LedgerThread::acquire(path);
  runtime->post([path] {
    std::this_thread::sleep_for(100ms);
    LedgerThread::acquire(path + ".other")->post([](Result<ledger::Ledger*> ledger) {
      if (ledger) (void)(*ledger)->open_rows();
    });
    Runtime::acquire();
  });
  thread.reset();
  runtime.reset();
  std::exit(0);
}

TEST(Exit, MayComeWhileTheRuntimeIsAtWork) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const test::TemporaryFolder folder;
  EXPECT_EXIT(exit_while_the_runtime_works(folder.file("ledger.db")), testing::ExitedWithCode(0),
              "");
}

// A process that is to exit runs the test from its beginning, and finds the folder that is there.
class SharedFolder {
 public:
  SharedFolder() {
    if (const char* path = g_getenv(variable)) {
      path_ = path;
      return;
    }
    own_ = std::make_unique<test::TemporaryFolder>();
    path_ = own_->path();
    g_setenv(variable, path_.c_str(), TRUE);
  }
  ~SharedFolder() {
    if (own_) g_unsetenv(variable);
  }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  static constexpr const char* variable = "GENPRO_TEST_EXIT_FOLDER";
  std::unique_ptr<test::TemporaryFolder> own_;
  std::string path_;
};

// A note that is late: an empty file.
LedgerThread::Task note_of(const std::string& file) {
  return [file](const Result<ledger::Ledger*>&) { test::write_file(file, ""); };
}

bool exists(const std::string& file) {
  return std::filesystem::exists(file);
}

[[noreturn]] void note_and_exit(const std::string& path, const std::string& note) {
  LedgerThread::acquire(path)->post_late(note_of(note));
  std::exit(0);
}

// As an application that ends without a state change of its pipelines.
[[noreturn]] void note_and_exit_with_it(const std::string& path, const std::string& note) {
  static std::shared_ptr<LedgerThread>* held = nullptr;
  held = std::make_unique<std::shared_ptr<LedgerThread>>(LedgerThread::acquire(path)).release();
  (*held)->post_late(note_of(note));
  std::exit(0);
}

[[noreturn]] void note_and_be_killed(const std::string& path, const std::string& note,
                                     const std::string& reached) {
  LedgerThread::acquire(path)->post_late(note_of(note));
  test::write_file(reached, "");
  std::raise(SIGKILL);
  std::abort();
}

TEST(Exit, WritesWhatIsLate) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const SharedFolder folder;
  const std::string note = folder.file("note");
  EXPECT_EXIT(note_and_exit(folder.file("ledger.db"), note), testing::ExitedWithCode(0), "");
  EXPECT_TRUE(exists(note));
}

TEST(Exit, WritesWhatIsLateWhileTheLedgerIsHeld) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const SharedFolder folder;
  const std::string note = folder.file("note");
  EXPECT_EXIT(note_and_exit_with_it(folder.file("ledger.db"), note), testing::ExitedWithCode(0),
              "");
  EXPECT_TRUE(exists(note));
}

TEST(Exit, ByAKillLeavesWhatIsLate) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const SharedFolder folder;
  const std::string note = folder.file("note");
  EXPECT_EXIT(note_and_be_killed(folder.file("ledger.db"), note, folder.file("reached")),
              testing::KilledBySignal(SIGKILL), "");
  EXPECT_TRUE(exists(folder.file("reached")));
  EXPECT_FALSE(exists(note));
}

TEST(LedgerThread, DoesWhatIsLateBeforeTheNextTask) {
  const test::TemporaryFolder folder;
  const std::string note = folder.file("note");
  const auto thread = LedgerThread::acquire(folder.file("ledger.db"));
  std::promise<bool> found;
  thread->post_late(note_of(note));
  thread->post([&](const Result<ledger::Ledger*>&) { found.set_value(exists(note)); });
  EXPECT_TRUE(found.get_future().get());
}

TEST(LedgerThread, DoesWhatIsLateThoughNothingElseComes) {
  const test::TemporaryFolder folder;
  std::promise<void> done;
  LedgerThread::acquire(folder.file("ledger.db"))->post_late([&](const Result<ledger::Ledger*>&) {
    done.set_value();
  });
  EXPECT_EQ(done.get_future().wait_for(60s), std::future_status::ready);
}

}  // namespace
}  // namespace genpro
