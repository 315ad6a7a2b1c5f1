// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>

#include "base/text.h"
#include "ledger/errors.h"
#include "ledger/identity/fingerprint.h"
#include "ledger/rows.h"
#include "ledger/store/transfer.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;
using sql::Transaction;

namespace {

constexpr const char* asset_columns =
    "SELECT id, sha256, size, content_type, file_name, uploaded_at FROM assets ";

// More than anybody uses again.
constexpr std::int64_t most_files = 10'000;

std::string agent_of(const AssetScope& scope) {
  return std::string(plain_id(scope.agent_id));
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct AssetRow {
  Asset asset;
  bool is_sound = false;
};

std::optional<AssetRow> read_asset(Query& query) {
  if (!query.step()) return std::nullopt;
  AssetRow row;
  row.asset = {query.text(0), query.text(1), static_cast<std::uint64_t>(query.integer(2)),
               query.text(3), query.text(4), query.integer(5)};
  const std::string& type = row.asset.content_type;
  row.is_sound = is_id(row.asset.id) && is_digest(row.asset.sha256) && query.integer(2) > 0 &&
                 is_utf8(type) && type.find('/') != std::string::npos;
  return row;
}

}  // namespace

std::vector<std::string> damaged_assets(Database& database) {
  Query query(database, asset_columns);
  std::vector<std::string> ids;
  while (const auto row = read_asset(query)) {
    if (!row->is_sound) ids.push_back(row->asset.id);
  }
  return ids;
}

Result<std::optional<Asset>> Ledger::find_asset(const AssetScope& scope,
                                                const std::string& sha256) {
  return attempt<std::optional<Asset>>(false, [&](Database& database) {
    Query query(database,
                std::string(asset_columns) +
                    "WHERE sha256 = ? AND service = ? AND agent = ? AND is_gone = 0 "
                    "ORDER BY uploaded_at DESC LIMIT 1",
                sha256, service_of(scope.base_url), agent_of(scope));
    // What a damaged row says is not believed: such a file is uploaded once more.
    const auto row = read_asset(query);
    return row && row->is_sound ? std::optional(row->asset) : std::nullopt;
  });
}

Result<std::vector<std::optional<Asset>>> Ledger::assets_of(const AssetScope& scope,
                                                            const std::vector<std::string>& ids) {
  return attempt<std::vector<std::optional<Asset>>>(false, [&](Database& database) {
    std::vector<std::optional<Asset>> assets;
    for (const std::string& id : ids) {
      Query query(database,
                  std::string(asset_columns) + "WHERE service = ? AND agent = ? AND id = ?",
                  service_of(scope.base_url), agent_of(scope), plain_id(id));
      const auto row = read_asset(query);
      // Without it the same request would be another one, and be paid again.
      if (row && !row->is_sound) throw DamagedAsset(plain_id(id));
      assets.push_back(row ? std::optional(row->asset) : std::nullopt);
    }
    return assets;
  });
}

Result<std::monostate> Ledger::note_asset(const AssetScope& scope, const Asset& asset) {
  return attempt<std::monostate>(false, [&](Database& database) {
    database.run(
        "INSERT INTO assets (service, agent, id, sha256, size, content_type, file_name, "
        "uploaded_at, is_gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (service, agent, id) "
        "DO UPDATE SET sha256 = excluded.sha256, size = excluded.size, content_type = "
        "excluded.content_type, file_name = excluded.file_name, uploaded_at = "
        "excluded.uploaded_at, is_gone = 0",
        service_of(scope.base_url), agent_of(scope), plain_id(asset.id), asset.sha256, asset.size,
        asset.content_type, asset.file_name, asset.uploaded_at);
    return std::monostate();
  });
}

Result<std::monostate> Ledger::note_asset_gone(const AssetScope& scope, const std::string& id) {
  return attempt<std::monostate>(false, [&](Database& database) {
    // What it was made of stays: a request that names it is still the same one.
    database.run("UPDATE assets SET is_gone = 1 WHERE service = ? AND agent = ? AND id = ?",
                 service_of(scope.base_url), agent_of(scope), plain_id(id));
    return std::monostate();
  });
}

Result<std::optional<LifeLock>> Ledger::lock_asset(const AssetScope& scope,
                                                   const std::string& sha256) {
  return attempt<std::optional<LifeLock>>(false, [&](Database& database) {
    check_is_open(database);
    return store_->places()->take(
        lock_of_asset(service_of(scope.base_url), agent_of(scope), sha256));
  });
}

Result<std::vector<std::optional<FileDigest>>> Ledger::digests_of(
    const std::vector<FileStamp>& files) {
  return attempt<std::vector<std::optional<FileDigest>>>(false, [&](Database& database) {
    std::vector<std::optional<FileDigest>> digests;
    for (const FileStamp& file : files) {
      Query query(database,
                  "SELECT sha256, content_type FROM files WHERE path = ? AND device = ? AND "
                  "inode = ? AND size = ? AND modified_ns = ? AND changed_ns = ?",
                  file.path, file.device, file.inode, file.size, file.modified_ns, file.changed_ns);
      const bool is_known = query.step() && is_digest(query.view(0));
      digests.push_back(is_known ? std::optional(FileDigest{query.text(0), query.text(1)})
                                 : std::nullopt);
    }
    return digests;
  });
}

Result<std::monostate> Ledger::note_digests(
    const std::vector<std::pair<FileStamp, FileDigest>>& files) {
  return attempt<std::monostate>(false, [&](Database& database) {
    Transaction transaction(database);
    for (const auto& [file, digest] : files) {
      database.run("DELETE FROM files WHERE path = ?", file.path);
      database.run(
          "INSERT INTO files (path, device, inode, size, modified_ns, changed_ns, "
          "sha256, content_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          file.path, file.device, file.inode, file.size, file.modified_ns, file.changed_ns,
          digest.sha256, digest.content_type);
    }
    // Those that were noted first. One that is not known any more is read once more.
    database.run(
        "DELETE FROM files WHERE rowid IN (SELECT rowid FROM files ORDER BY rowid LIMIT "
        "max(0, (SELECT count(*) FROM files) - ?))",
        most_files);
    transaction.commit();
    return std::monostate();
  });
}

}  // namespace genpro::ledger
