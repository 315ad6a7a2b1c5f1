// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/file/file_store.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string_view>

#include "ledger/file/schema.h"
#include "ledger/store/transfer.h"

namespace genpro::ledger {

namespace {

constexpr long fuse = 0x65735546;

// File systems that several machines share, by the number that statfs() gives them.
struct Network {
  long type;
  const char* name;
};
constexpr std::array networks = {
    Network{0x6969, "NFS"},          Network{0x517b, "SMB"},        Network{0xff534d42, "CIFS"},
    Network{0xfe534d42, "SMB2"},     Network{0x00c36400, "Ceph"},   Network{0x5346414f, "AFS"},
    Network{0x6b414653, "AFS"},      Network{0x01021997, "9P"},     Network{0x73757245, "Coda"},
    Network{0x564c, "NCP"},          Network{0x01161970, "GFS2"},   Network{0x7461636f, "OCFS2"},
    Network{0x0bd00bd0, "Lustre"},   Network{0x47504653, "GPFS"},   Network{0x19830326, "BeeGFS"},
    Network{0x20030528, "OrangeFS"}, Network{0x786f4256, "VBoxSF"},
};

// What is behind FUSE is a program, which may go anywhere. These keep to this machine.
constexpr std::array<std::string_view, 9> local_fuse = {
    "fuseblk",       "fuse.bindfs",  "fuse.cryfs",          "fuse.encfs",   "fuse.gocryptfs",
    "fuse.mergerfs", "fuse.ntfs-3g", "fuse.fuse-overlayfs", "fuse.unionfs",
};

// As the list of mounts has it; empty when it cannot be found.
std::string name_of_mount(dev_t device) {
  std::ifstream mounts("/proc/self/mountinfo");
  const std::string wanted = std::to_string(major(device)) + ":" + std::to_string(minor(device));
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string number;
    std::string parent;
    std::string its_device;
    fields >> number >> parent >> its_device;
    const std::size_t rest = line.find(" - ");
    if (its_device != wanted || rest == std::string::npos) continue;
    const std::string name = line.substr(rest + 3);
    return name.substr(0, name.find(' '));
  }
  return "";
}

}  // namespace

std::optional<FileId> file_id(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

std::optional<std::string> network_name(long type, const std::string& name) {
  // Some of the numbers are negative where they are kept in 32 bits.
  const auto bits = static_cast<std::uint32_t>(type);
  if (bits == static_cast<std::uint32_t>(fuse)) {
    const bool is_local = std::find(local_fuse.begin(), local_fuse.end(), name) != local_fuse.end();
    return is_local ? std::nullopt : std::optional(name.empty() ? "FUSE" : name);
  }
  for (const Network& network : networks) {
    if (bits == static_cast<std::uint32_t>(network.type)) return network.name;
  }
  return std::nullopt;
}

void check_is_local(const std::string& path) {
  struct statfs system {};
  struct stat info {};
  if (statfs(path.c_str(), &system) != 0 || stat(path.c_str(), &info) != 0) return;
  const bool is_fuse = static_cast<std::uint32_t>(system.f_type) == fuse;
  const auto name = network_name(system.f_type, is_fuse ? name_of_mount(info.st_dev) : "");
  if (!name) return;
  throw ForeignLedger("it is on a file system that other machines may share (" + *name +
                      "), where locks and the write-ahead log do not hold");
}

FileStore::FileStore(Opened opened, int busy_timeout_ms)
    : opened_(std::move(opened)), places_(opened_.locks), busy_timeout_ms_(busy_timeout_ms) {}

FileStore::~FileStore() {
  if (is_inherited()) connection().abandon();
}

bool FileStore::is_inherited() const {
  return opened_.process != getpid();
}

void FileStore::begin_call(bool is_report) {
  if (is_inherited()) {
    throw LostLedger("it was opened by the process that this one was forked from");
  }
  connection().limit_work(work_limit(connection(), is_report));
}

void FileStore::check_is_same() {
  const auto check = [](const std::string& name, const FileId& opened) {
    const auto now = file_id(name);
    if (now == opened) return;
    throw LostLedger(name + (now ? " was replaced" : " was removed or renamed") +
                     " after it had been opened");
  };
  check(opened_.asked, opened_.file);
  check(opened_.path, opened_.file);
  check(opened_.path + ".lock", opened_.locks->file());
  check(opened_.path + "-wal", opened_.log);
  check(opened_.path + "-shm", opened_.index);
}

void FileStore::check_is_open() {
  ledger::check_is_open(database());
}

// A transaction has the whole file.
void FileStore::hold_still() {
  connection().execute("PRAGMA cache_size=-65536");
}

std::int64_t FileStore::last_number() {
  return connection()
      .integer("SELECT seq FROM sqlite_sequence WHERE name = 'generations'")
      .value_or(0);
}

void FileStore::go_on_behind(std::int64_t last) {
  connection().run("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'generations'", last);
  if (connection().changes() > 0) return;
  connection().run("INSERT INTO sqlite_sequence (name, seq) VALUES ('generations', ?)", last);
}

void FileStore::complete_older_rows() {
  ledger::complete_older_rows(connection());
}

std::vector<std::string> FileStore::damages() {
  std::vector<std::string> lines;
  sqlite::Query query(connection(), "PRAGMA integrity_check(20)");
  while (query.step()) {
    std::string text = query.text(0);
    if (text != "ok") lines.push_back(std::move(text));
  }
  return lines;
}

void FileStore::allow_loss(bool is_allowed) noexcept {
  sqlite3_exec(connection().handle(),
               is_allowed ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", nullptr,
               nullptr, nullptr);
}

void FileStore::prepare_to_exit() {
  begin_call(false);
  // Without waiting for a process that reads: the exit must not hang on it.
  sqlite3_busy_timeout(connection().handle(), 0);
  connection().execute("PRAGMA wal_checkpoint(TRUNCATE)");
  sqlite3_busy_timeout(connection().handle(), busy_timeout_ms_);
  sqlite3_db_config(connection().handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace genpro::ledger
