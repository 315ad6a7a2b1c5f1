// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ledger's file, its locks, and how a request becomes comparable.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/file/schema.h"
#include "ledger/identity/fingerprint.h"
#include "unit/ledger_fixture.h"

namespace genpro::ledger {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;
using sqlite::Query;
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
    add(*ledger, request(), pending("9040"));
    for (const char* folder : {"deep", "deep/er"}) EXPECT_EQ(mode_of(folder_.file(folder)), 0700U);
    for (const char* end : {"", "-wal", "-shm", ".lock"}) {
      EXPECT_EQ(mode_of(path_ + end), 0600U) << end;
    }
    Database database(path_, SQLITE_OPEN_READWRITE);
    EXPECT_EQ(database.integer("PRAGMA user_version"), schema_version);
    Query journal(database, "PRAGMA journal_mode");
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
  const auto begun = must(begin(*ledger, request()));
  for (const char* name : {"link.db", "folder/ledger.db", "./folder/../ledger.db"}) {
    const auto other = must(Ledger::open(folder_.file(name)));
    EXPECT_TRUE(other->is_followed(begun.entry.id)) << name;
    EXPECT_EQ(other->path(), ledger->path()) << name;
  }
}

TEST_F(LedgerFileTest, ANewerVersionIsLeftByteForByte) {
  add(*open(), request(), pending("9040"));
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
    add(*ledger, request(), pending("9040"));
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
  const Error error = ledger ? ask(**ledger, request()).error() : ledger.error();
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
  const std::int64_t id = add(*ledger, request(), pending("9040"));
  Database other(path_, SQLITE_OPEN_READWRITE);
  other.execute("BEGIN IMMEDIATE");
  other.execute("UPDATE generations SET cost = 7");
  const auto beside = open();
  EXPECT_EQ(must(beside->list({})).size(), 1U);
  EXPECT_EQ(row(*beside, id).cost, std::nullopt);
  const auto written = beside->note_bytes(id, 1);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::ledger_busy);
  EXPECT_NE(written.error().message.find("locked"), std::string::npos);
  other.execute("COMMIT");
  must(beside->note_bytes(id, 1));
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

TEST(FingerprintTest, DependsOnEachPartAndItsBorders) {
  // Of no bytes at all.
  EXPECT_EQ(fingerprint({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(fingerprint({"abc"}).size(), 64U);
  EXPECT_NE(fingerprint({"ab", "c"}), fingerprint({"a", "bc"}));
  EXPECT_NE(fingerprint({"ab", ""}), fingerprint({"ab"}));
  EXPECT_NE(fingerprint({"a", "b"}), fingerprint({"b", "a"}));
}

TEST(IdentityTest, IsTheSameHoweverTheCellIsWritten) {
  const auto identity = [](const char* base, const char* cell, const char* agent = "42") {
    return make_identity(base, cell, agent, "pika", 5, "{}", "-");
  };
  const auto usual = identity("https://api.gen.pro/v1", "autocontentengine/101/cells/501");
  for (const auto& same : {
           identity("https://api.gen.pro:443/v1", "autocontentengine/101/cells/501"),
           identity("https://API.gen.pro./v1/", "vidsheet/101/cells/501"),
           identity("https://api.gen.pro/v1", "vidsheet/0101/cells/00501", "042"),
       }) {
    EXPECT_EQ(same.place, usual.place);
    EXPECT_EQ(same.fingerprint, usual.fingerprint);
  }
  EXPECT_EQ(usual.base_url, "https://api.gen.pro/v1");
  EXPECT_EQ(usual.cell_path, "autocontentengine/101/cells/501");

  const auto here = identity("http://localhost:8000/v1", "a/1/cells/0");
  for (const char* base : {"http://127.0.0.1:8000/v1", "http://127.9.9.9:8000/v1",
                           "http://[::1]:8000/v1", "http://LOCALHOST:8000/v1/"}) {
    EXPECT_EQ(identity(base, "a/1/cells/000").place, here.place) << base;
  }
  EXPECT_EQ(identity("http://127.0.0.1:80", "a/1/cells/2").place,
            identity("http://localhost", "a/1/cells/2").place);
  for (const char* base : {"http://127.0.0.1:8001/v1", "https://127.0.0.1:8000/v1",
                           "http://127.0.0.1:8000/v2", "http://127.0.0.1:8000"}) {
    EXPECT_NE(identity(base, "a/1/cells/0").place, here.place) << base;
  }
  for (const char* cell :
       {"a/101/cells/5010", "a/1010/cells/501", "a/101/cells/501a", "a/101/cells/0501a"}) {
    EXPECT_NE(identity("https://api.gen.pro/v1", cell).place, usual.place) << cell;
  }
  EXPECT_NE(identity("https://api.gen.pro/v1", "a/101/cells/0501a").place,
            identity("https://api.gen.pro/v1", "a/101/cells/501a").place);
}

TEST(IdentityTest, DependsOnAgentAndRequestAndNotOnWhatTheyImply) {
  const auto identity = [](const char* agent, const char* request, const char* model = "pika",
                           const char* data = "-") {
    return make_identity("https://api.gen.pro/v1", "a/1/cells/2", agent, model, 5, request, data);
  };
  const auto usual = identity("42", "{}");
  EXPECT_NE(identity("43", "{}").fingerprint, usual.fingerprint);
  EXPECT_NE(identity("42", "[]").fingerprint, usual.fingerprint);
  EXPECT_EQ(identity("42", "{}", "veo").fingerprint, usual.fingerprint);
  EXPECT_EQ(identity("42", "{}", "pika", "other").fingerprint, usual.fingerprint);
  EXPECT_EQ(identity("43", "{}").place, usual.place);
}

TEST(LedgerPathTest, IsInTheStateFolder) {
  EXPECT_EQ(default_ledger_path(), std::string(g_get_user_state_dir()) + "/genpro/ledger.db");
}

}  // namespace
}  // namespace genpro::ledger
