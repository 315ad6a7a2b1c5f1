// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger that cannot be kept ends in one clear error before any money is spent.
#include <filesystem>
#include <fstream>
#include <thread>

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/fault_fixture.h"

namespace genpro::test {
namespace fs = std::filesystem;
namespace {

using Connection = Owned<sqlite3, sqlite3_close>;

Connection open_database(const std::string& path) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  sqlite3_busy_timeout(database, 10'000);
  return Connection(database);
}

testing::AssertionResult execute(const Connection& database, const char* statement) {
  if (sqlite3_exec(database.get(), statement, nullptr, nullptr, nullptr) == SQLITE_OK)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << statement << ": " << sqlite3_errmsg(database.get());
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777U;
}

// A small file system of its own, where that is allowed.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    fs::create_directories(path_);
    mounted_ = mount("none", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  explicit operator bool() const { return mounted_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  bool make_read_only() const {
    return mount("none", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m") == 0;
  }
  void fill() const {
    std::ofstream file(path_ + "/filler", std::ios::binary);
    const std::string block(512, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void free() const { fs::remove(path_ + "/filler"); }

 private:
  const std::string path_;
  bool mounted_ = false;
};

constexpr const char* no_mount = "this needs a file system of its own, which only root may mount";

class BadLedger : public testing::Test {
 protected:
  // One error about this ledger, and not one POST more than there were.
  void expect_refused(const std::string& ledger, std::vector<std::string> mentions = {}) {
    const std::size_t before = bench.books().posts.size();
    mentions.push_back(ledger);
    const Streamed streamed = bench.run({{"ledger", ledger}});
    expect_one_error(streamed.outcome, {.mentions = mentions});
    EXPECT_EQ(bench.books().posts.size(), before) << bench.books().text();
    EXPECT_TRUE(streamed.bytes.empty());
    ASSERT_FALSE(streamed.outcome.errors.empty());
    // The one who reads it has to know which file, not only the one who reads the debug text; and
    // what to do, which here is always to choose another one, among other things.
    const std::string& text = streamed.outcome.errors[0].text;
    EXPECT_NE(text.find(ledger), std::string::npos) << text;
    EXPECT_GE(std::count(text.begin(), text.end(), '.'), 2) << "no advice: " << text;
  }
  // A ledger with one delivered generation in it, which no process has open any more.
  void make_ledger(const std::string& path = "") {
    const auto child = bench.start("first.mp4", {{"ledger", path.empty() ? bench.ledger : path}});
    ASSERT_TRUE(ended_well(*child));
    ASSERT_TRUE(one_charge_in_file(bench, bench.file("first.mp4")));
  }

  Bench bench;
};

TEST_F(BadLedger, FolderAndFileAreMadeForTheirOwnerOnly) {
  const mode_t before = umask(0);
  bench.service.behave({.polls = never});
  Production production(bench.src());
  production.play();
  EXPECT_TRUE(bench.wait_for(polls(1)));
  for (const auto& entry : fs::directory_iterator(fs::path(bench.ledger).parent_path())) {
    if (entry.is_regular_file()) {
      EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
    }
  }
  EXPECT_EQ(mode_of(bench.ledger), 0600U);
  EXPECT_EQ(mode_of(fs::path(bench.ledger).parent_path()), 0700U);
  EXPECT_TRUE(production.stop());
  umask(before);
}

TEST_F(BadLedger, TheDefaultIsInTheStateFolder) {
  Settings settings = bench.settings();
  std::erase_if(settings, [](const auto& setting) { return setting.first == "ledger"; });
  const auto child = bench.launch(settings, "clip.mp4", "-q",
                                  {{"XDG_STATE_HOME", bench.folder.file("home/state")}});
  EXPECT_TRUE(ended_well(*child));
  EXPECT_TRUE(one_charge_in_file(bench, bench.file()));
  EXPECT_EQ(mode_of(bench.folder.file("home/state/genpro/ledger.db")), 0600U);
}

TEST_F(BadLedger, AnEmptyFileIsANewLedger) {
  const std::string path = bench.folder.file("empty.db");
  write_file(path, "");
  EXPECT_TRUE(one_charge(bench, bench.run({{"ledger", path}})));
}

TEST_F(BadLedger, OverwrittenWithin) {
  make_ledger();
  std::string bytes = read_file(bench.ledger);
  ASSERT_GT(bytes.size(), 4096U);
  // The first hundred bytes still say that it is a database.
  for (std::size_t i = 100; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
  for (const char* beside : {"-wal", "-shm"}) fs::remove(bench.ledger + beside);
  write_file(bench.ledger, bytes);
  expect_refused(bench.ledger);
  EXPECT_EQ(read_file(bench.ledger), bytes);
}

TEST_F(BadLedger, CutShort) {
  make_ledger();
  for (const char* beside : {"-wal", "-shm"}) fs::remove(bench.ledger + beside);
  fs::resize_file(bench.ledger, 4096 + 100);
  expect_refused(bench.ledger);
}

TEST_F(BadLedger, NotADatabase) {
  const std::string path = bench.folder.file("notes.txt");
  std::string notes;
  while (notes.size() < 20'000) notes += "These are notes of mine. ";
  write_file(path, notes);
  expect_refused(path);
  EXPECT_EQ(read_file(path), notes);
}

// Somebody else's database is no place for an account.
TEST_F(BadLedger, ADatabaseOfAnotherProgram) {
  const std::string path = bench.folder.file("photos.db");
  EXPECT_TRUE(execute(open_database(path),
                      "CREATE TABLE photos (id INTEGER PRIMARY KEY); PRAGMA application_id=77"));
  const std::string before = read_file(path);
  expect_refused(path);
  EXPECT_EQ(read_file(path), before);
}

TEST_F(BadLedger, AFolderInItsPlace) {
  const std::string path = bench.folder.file("folder.db");
  fs::create_directory(path);
  expect_refused(path);
}

TEST_F(BadLedger, BelowAFile) {
  write_file(bench.folder.file("file"), "x");
  expect_refused(bench.folder.file("file/ledger.db"));
}

TEST_F(BadLedger, InAFolderThatCannotBeMade) {
  expect_refused("/proc/genpro/ledger.db");
}

TEST_F(BadLedger, WithoutPermission) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  make_ledger();
  fs::permissions(bench.ledger, fs::perms::owner_read);
  expect_refused(bench.ledger);
  fs::permissions(bench.ledger, fs::perms::none);
  expect_refused(bench.ledger);
}

TEST_F(BadLedger, OnAReadOnlyFileSystem) {
  SmallDisk disk(bench.folder.file("disk"));
  if (!disk) GTEST_SKIP() << no_mount;
  make_ledger(disk.file("ledger.db"));
  ASSERT_TRUE(disk.make_read_only());
  expect_refused(disk.file("ledger.db"));
  expect_refused(disk.file("new.db"));
}

TEST_F(BadLedger, OfANewerVersionIsLeftAsItIs) {
  make_ledger();
  {
    const Connection database = open_database(bench.ledger);
    EXPECT_TRUE(execute(database, "PRAGMA user_version=9999"));
    EXPECT_TRUE(execute(database, "PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  const std::string before = read_file(bench.ledger);
  expect_refused(bench.ledger, {"newer"});
  EXPECT_TRUE(read_file(bench.ledger) == before);
}

TEST_F(BadLedger, LockedByAnotherProgram) {
  make_ledger();
  const Connection database = open_database(bench.ledger);
  ASSERT_TRUE(execute(database, "BEGIN EXCLUSIVE"));
  expect_refused(bench.ledger);
  ASSERT_TRUE(execute(database, "ROLLBACK"));
  EXPECT_TRUE(bench.run().outcome.eos);
}

TEST_F(BadLedger, LockedForAMomentIsWaitedFor) {
  make_ledger();
  const Connection database = open_database(bench.ledger);
  ASSERT_TRUE(execute(database, "BEGIN EXCLUSIVE"));
  std::thread releaser([&] {
    // Whether it is there before or after this, it gets its turn.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_TRUE(execute(database, "ROLLBACK"));
  });
  const Streamed streamed = bench.run();
  releaser.join();
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
}

TEST_F(BadLedger, LockedDoesNotHoldTheWayToNull) {
  make_ledger();
  const Connection database = open_database(bench.ledger);
  ASSERT_TRUE(execute(database, "BEGIN EXCLUSIVE"));
  Production production(bench.src());
  production.play();
  EXPECT_TRUE(production.stop());
  std::printf("to NULL: %lld ms\n", static_cast<long long>(production.took().count()));
  EXPECT_EQ(bench.books().posts.size(), 1U);
}

// Whether others follow it cannot be seen; what matters is that nobody waits for that.
TEST_F(BadLedger, LockedDuringTheGenerationDoesNotHoldTheWayToNull) {
  bench.service.behave({.polls = never});
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(polls(2)));
  const Connection database = open_database(bench.ledger);
  ASSERT_TRUE(execute(database, "BEGIN EXCLUSIVE"));
  EXPECT_TRUE(production.stop());
  std::printf("to NULL: %lld ms\n", static_cast<long long>(production.took().count()));
  ASSERT_TRUE(execute(database, "ROLLBACK"));
  bench.service.behave({});
  EXPECT_TRUE(one_charge(bench, bench.run()));
}

TEST_F(BadLedger, OnAFullDisk) {
  SmallDisk disk(bench.folder.file("disk"));
  if (!disk) GTEST_SKIP() << no_mount;
  disk.fill();
  expect_refused(disk.file("ledger.db"));
}

TEST_F(BadLedger, OnADiskThatIsFullByNow) {
  SmallDisk disk(bench.folder.file("disk"));
  if (!disk) GTEST_SKIP() << no_mount;
  make_ledger(disk.file("ledger.db"));
  disk.fill();
  expect_refused(disk.file("ledger.db"));
  disk.free();
  EXPECT_TRUE(bench.run({{"ledger", disk.file("ledger.db")}}).outcome.eos);
}

// Too late to refuse: the intention was written, the outcome cannot be. Nothing is paid twice.
TEST_F(BadLedger, OnADiskThatFillsDuringThePost) {
  SmallDisk disk(bench.folder.file("disk"));
  if (!disk) GTEST_SKIP() << no_mount;
  auto gate = std::make_shared<Gate>();
  bench.service.behave({.honours_keys = false, .post_gate = gate});
  {
    Production production(bench.src({{"ledger", disk.file("ledger.db")}, {"stall-timeout", "30"}}));
    production.play();
    ASSERT_TRUE(bench.wait_for(posts(1)));
    disk.fill();
    bench.service.behave({.honours_keys = false});
    gate->open();
    const Outcome outcome = production.finish();
    EXPECT_TRUE(outcome.eos || outcome.errors.size() == 1U) << outcome.summary();
    ASSERT_TRUE(production.stop());
  }
  disk.free();
  const Streamed streamed = bench.run({{"ledger", disk.file("ledger.db")}, {"reuse", "completed"}});
  EXPECT_TRUE(one_charge(bench, streamed));
}

// The same for those who may not mount: no file may grow beyond what the ledger needs.
TEST_F(BadLedger, WithoutRoomForIt) {
  const auto child = bench.launch(bench.settings(), "clip.mp4", "-q", {},
                                  {"sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"});
  ASSERT_TRUE(child->wait());
  EXPECT_GT(child->exit_code(), 0) << child->output();
  EXPECT_TRUE(says(*child, bench.ledger));
  EXPECT_TRUE(bench.books().posts.empty()) << bench.books().text();
}

}  // namespace
}  // namespace genpro::test
