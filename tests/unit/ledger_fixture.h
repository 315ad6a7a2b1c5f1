// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A ledger in a folder of its own, and what is written into it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include "job/ledger.h"
#include "job/ledger_schema.h"

namespace genpro::test {

// The value, or a failed test that says why there is none.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    ErrorPtr error;
    path_ = take_string(g_dir_make_tmp("genpro-ledger-XXXXXX", error.out()));
    if (path_.empty()) throw std::runtime_error(error.message());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Not for a file that a connection of this process has open: to close it again gives SQLite's locks
// back.
inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

class LedgerTest : public testing::Test {
 protected:
  // Each has its own locks, as another process would.
  std::unique_ptr<job::Ledger> open() { return must(job::Ledger::open(path_)); }

  static job::RequestIdentity request(const std::string& prompt = "A product",
                                      const std::string& cell = "3300",
                                      const std::string& agent = "42",
                                      const std::string& model = "pika") {
    api::RequestSettings settings;
    settings.sheet_id = "101";
    settings.cell_id = cell;
    settings.agent_id = agent;
    settings.prompt = prompt;
    settings.asset_ids = "501,502";
    settings.model = model;
    return job::identify(must(api::make_access("https://api.gen.pro/v1", "the_key")),
                         must(api::make_request(settings)));
  }

  static api::Generation generation(const std::string& id, api::Phase phase,
                                    std::optional<double> cost = std::nullopt) {
    api::Generation result;
    result.id = id;
    result.phase = phase;
    result.cost = cost;
    return result;
  }

  // A row of a request that was posted, with nobody at it any more.
  static std::int64_t add(job::Ledger& ledger, const job::RequestIdentity& identity,
                          std::optional<std::vector<std::string>> jobs = std::nullopt) {
    return must(ledger.begin(identity, std::move(jobs), 0)).entry.id;
  }
  static std::int64_t add(job::Ledger& ledger, const job::RequestIdentity& identity,
                          const api::Generation& generation, bool delivered = false) {
    const std::int64_t id = add(ledger, identity);
    must(ledger.note_generation(id, generation));
    if (delivered) must(ledger.note_delivery(id, 1000, true));
    return id;
  }

  static job::Entry row(job::Ledger& ledger, std::int64_t id) {
    auto entry = must(ledger.find(id));
    if (!entry) throw std::runtime_error("there is no row " + std::to_string(id));
    return std::move(*entry);
  }

  // What no function of the ledger does, such as letting time pass.
  void sql(const std::string& statement) {
    job::Database(path_, SQLITE_OPEN_READWRITE).execute(statement.c_str());
  }
  void age(std::int64_t id, job::WallTime by) {
    const std::string milliseconds = std::to_string(by);
    sql("UPDATE generations SET created_at = created_at - " + milliseconds +
        ", posted_at = posted_at - " + milliseconds + " WHERE id = " + std::to_string(id));
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("ledger.db");
};

inline constexpr job::WallTime hour = 3'600'000;

}  // namespace genpro::test
