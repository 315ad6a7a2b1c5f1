// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger's file, its locks, and how a request becomes comparable.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job/fingerprint.h"
#include "unit/ledger_fixture.h"

namespace genpro::job {
namespace {

namespace fs = std::filesystem;
using api::Phase;
using test::must;
using test::read_file;
using test::write_file;

unsigned mode_of(const std::string& path) {
  return static_cast<unsigned>(fs::status(path).permissions()) & 0777U;
}

class LedgerFileTest : public test::LedgerTest {
 protected:
  // The error of opening it, and that nothing about the file has changed.
  Error refused() {
    const std::string before = read_file(path_);
    const unsigned mode = mode_of(path_);
    auto ledger = Ledger::open(path_);
    EXPECT_FALSE(ledger);
    Error error = ledger ? Error() : ledger.error();
    if (ledger) ledger->reset();
    EXPECT_EQ(read_file(path_), before);
    EXPECT_EQ(mode_of(path_), mode);
    EXPECT_NE(error.message.find(path_), std::string::npos) << error.message;
    return error;
  }
};

TEST_F(LedgerFileTest, IsMadeForItsUserAlone) {
  const mode_t mask = umask(0);
  path_ = folder_.file("deep/er/ledger.db");
  {
    const auto ledger = open();
    add(*ledger, request(), generation("9040", Phase::pending));
    for (const char* folder : {"deep", "deep/er"}) EXPECT_EQ(mode_of(folder_.file(folder)), 0700U);
    for (const char* end : {"", "-wal", "-shm", ".lock"}) {
      EXPECT_EQ(mode_of(path_ + end), 0600U) << end;
    }
    Database database(path_, SQLITE_OPEN_READWRITE);
    EXPECT_EQ(database.integer("PRAGMA user_version"), 2);
    Statement journal(database, "PRAGMA journal_mode");
    ASSERT_TRUE(journal.step());
    EXPECT_EQ(journal.text(0), "wal");
  }
  umask(mask);
  // What was closed is whole without its log.
  EXPECT_FALSE(fs::exists(path_ + "-wal"));
  EXPECT_EQ(must(open()->list({})).size(), 1U);
}

TEST_F(LedgerFileTest, AFileThatOthersCouldReadIsMadePrivate) {
  open();
  fs::permissions(path_, fs::perms(0644));
  const auto ledger = open();
  add(*ledger, request());
  for (const char* end : {"", "-wal", "-shm", ".lock"}) EXPECT_EQ(mode_of(path_ + end), 0600U);
}

TEST_F(LedgerFileTest, TwoNamesAreOneLedger) {
  const auto ledger = open();
  fs::create_symlink(path_, folder_.file("link.db"));
  fs::create_directory_symlink(folder_.path(), folder_.file("folder"));
  const auto begun = must(ledger->begin(request(), std::nullopt, 0));
  for (const char* name : {"link.db", "folder/ledger.db", "./folder/../ledger.db"}) {
    const auto other = must(Ledger::open(folder_.file(name)));
    EXPECT_TRUE(other->is_followed(begun.entry.id)) << name;
    EXPECT_EQ(other->path(), ledger->path()) << name;
  }
}

TEST_F(LedgerFileTest, ANewerVersionIsLeftByteForByte) {
  add(*open(), request(), generation("9040", Phase::pending));
  sql("PRAGMA user_version = 99");
  fs::permissions(path_, fs::perms(0640));
  const Error error = refused();
  EXPECT_EQ(error.kind, ErrorKind::ledger);
  EXPECT_NE(error.message.find("newer version"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("Upgrade"), std::string::npos) << error.message;
}

TEST_F(LedgerFileTest, ANewerVersionStaysInItsLogToo) {
  open();
  // Whoever wrote it was killed: its log is not in the file yet.
  const std::string copy = folder_.file("copy.db");
  {
    Database writer(path_, SQLITE_OPEN_READWRITE);
    writer.execute("PRAGMA user_version = 99");
    writer.execute("CREATE TABLE extra (x)");
    // Another name: the connection's locks are not on it.
    fs::copy_file(path_, copy);
    fs::copy_file(path_ + "-wal", copy + "-wal");
  }
  path_ = copy;
  const std::string log = read_file(copy + "-wal");
  ASSERT_FALSE(log.empty());
  EXPECT_NE(refused().message.find("newer version"), std::string::npos);
  EXPECT_EQ(read_file(copy + "-wal"), log);
}

TEST_F(LedgerFileTest, AnotherProgramsDatabaseIsRefused) {
  {
    Database database(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    database.execute("CREATE TABLE bookmarks (url TEXT)");
  }
  fs::permissions(path_, fs::perms(0644));
  const Error error = refused();
  EXPECT_EQ(error.kind, ErrorKind::ledger);
  EXPECT_NE(error.message.find("another program"), std::string::npos) << error.message;
}

TEST_F(LedgerFileTest, WhatIsNoDatabaseIsRefused) {
  write_file(path_, std::string(5000, 'x'));
  EXPECT_NE(refused().message.find("damaged"), std::string::npos);
}

TEST_F(LedgerFileTest, ADamagedHeadIsRefusedWhateverTheLogHolds) {
  open();
  const std::string copy = folder_.file("copy.db");
  {
    const auto ledger = open();
    add(*ledger, request(), generation("9040", Phase::pending));
    fs::copy_file(path_, copy);
    fs::copy_file(path_ + "-wal", copy + "-wal");
  }
  path_ = copy;
  std::string bytes = read_file(copy);
  bytes.replace(0, 64, std::string(64, '\xff'));
  write_file(copy, bytes);
  const Error error = refused();
  EXPECT_EQ(error.kind, ErrorKind::ledger);
  EXPECT_NE(error.message.find("damaged"), std::string::npos) << error.message;
}

TEST_F(LedgerFileTest, ADamagedBodyEndsInAnError) {
  {
    const auto ledger = open();
    for (int number = 0; number < 50; ++number) add(*ledger, request(std::to_string(number)));
  }
  std::string bytes = read_file(path_);
  bytes.replace(4096, bytes.size() - 4096, std::string(bytes.size() - 4096, '\xff'));
  write_file(path_, bytes);
  auto ledger = Ledger::open(path_);
  const Error error =
      ledger ? (*ledger)->claim(request(), Reuse::in_flight, {}).error() : ledger.error();
  EXPECT_EQ(error.kind, ErrorKind::ledger);
  EXPECT_NE(error.message.find("damaged"), std::string::npos) << error.message;
}

TEST_F(LedgerFileTest, WhatCannotBeAFileIsRefused) {
  for (const std::string& path :
       {folder_.path(), std::string("/proc/none/ledger.db"), std::string("/dev/null/ledger.db")}) {
    const auto ledger = Ledger::open(path);
    ASSERT_FALSE(ledger) << path;
    EXPECT_EQ(ledger.error().kind, ErrorKind::ledger);
    EXPECT_NE(ledger.error().message.find(path), std::string::npos) << ledger.error().message;
  }
}

TEST_F(LedgerFileTest, AnEmptyFileBecomesALedger) {
  write_file(path_, "");
  add(*open(), request());
  EXPECT_EQ(must(open()->list({})).size(), 1U);
}

TEST_F(LedgerFileTest, AnotherOnesWriteLockIsWaitedForAndReadingGoesOn) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request(), generation("9040", Phase::pending));
  Database other(path_, SQLITE_OPEN_READWRITE);
  other.execute("BEGIN IMMEDIATE");
  other.execute("UPDATE generations SET cost = 7");
  const auto beside = open();
  EXPECT_EQ(must(beside->list({})).size(), 1U);
  EXPECT_EQ(row(*beside, id).cost, std::nullopt);
  const auto written = beside->note_delivery(id, 1, false);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::ledger_busy);
  EXPECT_NE(written.error().message.find("locked"), std::string::npos);
  other.execute("COMMIT");
  must(beside->note_delivery(id, 1, false));
  EXPECT_EQ(row(*beside, id).cost, 7);
}

TEST(LifeLockTest, APlaceIsSharedOrOnesOwn) {
  const test::TemporaryFolder folder;
  const auto first = LockFile::open(folder.file("lock"));
  const auto second = LockFile::open(folder.file("lock"));
  EXPECT_FALSE(first->is_held(1));
  auto shared = first->share(1);
  auto also_shared = first->share(1);
  auto elsewhere = second->share(1);
  ASSERT_TRUE(shared && also_shared && elsewhere);
  for (const auto& file : {first, second}) {
    EXPECT_TRUE(file->is_held(1));
    EXPECT_FALSE(file->take(1));
    EXPECT_TRUE(file->take(2));
    EXPECT_FALSE(file->is_held(2));
  }
  elsewhere->release();
  shared->release();
  shared->release();
  EXPECT_TRUE(second->is_held(1));
  EXPECT_FALSE(second->take(1));
  also_shared.reset();
  EXPECT_FALSE(second->is_held(1));
  const auto own = second->take(1);
  ASSERT_TRUE(own);
  for (const auto& file : {first, second}) {
    EXPECT_FALSE(file->share(1));
    EXPECT_FALSE(file->take(1));
    EXPECT_TRUE(file->is_held(1));
  }
  EXPECT_EQ(mode_of(folder.file("lock")), 0600U);
  EXPECT_EQ(fs::file_size(folder.file("lock")), 0U);
}

TEST(LifeLockTest, MovesAndOutlivesItsFileObject) {
  const test::TemporaryFolder folder;
  auto file = LockFile::open(folder.file("lock"));
  const auto other = LockFile::open(folder.file("lock"));
  constexpr std::int64_t far = (std::int64_t{1} << 62) + 12345;
  LifeLock lock = std::move(*file->take(far));
  file.reset();
  EXPECT_TRUE(lock);
  EXPECT_TRUE(other->is_held(far));
  LifeLock moved = std::move(lock);
  EXPECT_FALSE(lock);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(other->is_held(far));
  moved = std::move(*other->take(5));
  EXPECT_FALSE(other->is_held(far));
  EXPECT_TRUE(other->is_held(5));
  moved = LifeLock();
  EXPECT_FALSE(other->is_held(5));
}

// Opening and closing the file elsewhere in the process takes nothing away.
TEST(LifeLockTest, StaysWhenTheFileIsOpenedAndClosedBeside) {
  const test::TemporaryFolder folder;
  const auto file = LockFile::open(folder.file("lock"));
  const auto lock = file->share(1);
  read_file(folder.file("lock"));
  EXPECT_TRUE(LockFile::open(folder.file("lock"))->is_held(1));
  EXPECT_FALSE(LockFile::open(folder.file("lock"))->take(1));
}

TEST(FingerprintTest, EqualValuesHaveOneText) {
  EXPECT_EQ(canonical_json(R"( {"b": [2, {"y": null, "x": true}], "a": "é\u0041\n", "c": 2.5} )"),
            R"({"a":"éA\n","b":[2,{"x":true,"y":null}],"c":2.5})");
  EXPECT_EQ(canonical_json(R"({"b":1,"a":2})"), canonical_json("{ \"a\" : 2,\n\"b\" : 1 }"));
  EXPECT_NE(canonical_json("[1,2]"), canonical_json("[2,1]"));
  EXPECT_NE(canonical_json(R"({"a":1})"), canonical_json(R"({"a":"1"})"));
  EXPECT_EQ(canonical_json("no JSON"), "no JSON");
}

TEST(FingerprintTest, DependsOnEachPartAndItsBorders) {
  // Of no bytes at all.
  EXPECT_EQ(fingerprint({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(fingerprint({"abc"}).size(), 64U);
  EXPECT_NE(fingerprint({"ab", "c"}), fingerprint({"a", "bc"}));
  EXPECT_NE(fingerprint({"ab", ""}), fingerprint({"ab"}));
  EXPECT_NE(fingerprint({"a", "b"}), fingerprint({"b", "a"}));
}

TEST(FingerprintTest, ARequestsIdentityHoldsNoKeyAndNoOrder) {
  api::RequestSettings settings{.sheet_id = "101", .cell_id = "3300", .agent_id = "42"};
  settings.prompt = "A product";
  settings.asset_ids = "501";
  settings.extra_data = R"({"x": 1, "y": 2})";
  const auto identity = [&](const char* base, const char* key) {
    return identify(must(api::make_access(base, key)), must(api::make_request(settings)));
  };
  const auto first = identity("https://api.gen.pro/v1", "a_secret");
  EXPECT_EQ(first.request.find("a_secret"), std::string::npos);
  EXPECT_EQ(first.fingerprint, identity("https://api.gen.pro/v1/", "another").fingerprint);
  settings.extra_data = R"({"y": 2, "x": 1})";
  EXPECT_EQ(first.fingerprint, identity("https://api.gen.pro/v1", "a_secret").fingerprint);
  EXPECT_NE(first.fingerprint, identity("https://api.gen.pro/v2", "a_secret").fingerprint);
  settings.sheet_route = "vidsheet";
  EXPECT_NE(first.fingerprint, identity("https://api.gen.pro/v1", "a_secret").fingerprint);
}

TEST(LedgerPathTest, IsInTheStateFolder) {
  EXPECT_EQ(default_ledger_path(), std::string(g_get_user_state_dir()) + "/genpro/ledger.db");
}

}  // namespace
}  // namespace genpro::job
