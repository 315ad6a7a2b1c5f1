// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/store/store.h"

namespace genpro::emulator {

namespace {

#define RESOURCE_COLUMNS "id, file_name, stored_name, content_type, kind, digest"
#define BLOB_COLUMNS "token, signed_id, file_name, byte_size, checksum, content_type, arrived"

Resource read_resource(const Query& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)};
}

Blob read_blob(const Query& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3),
          row.integer(4), row.text(5), row.text(6), row.integer(7) != 0};
}

}  // namespace

void Store::save(const Resource& resource) {
  database_.run("INSERT OR REPLACE INTO resources(" RESOURCE_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?)",
                resource.id, resource.file_name, resource.stored_name, resource.content_type,
                resource.kind, resource.digest);
}

std::optional<Resource> Store::resource(std::int64_t id) {
  return database_.row(read_resource, "SELECT " RESOURCE_COLUMNS " FROM resources WHERE id = ?",
                       id);
}

std::vector<Resource> Store::resources(const ResourceFilter& filter) {
  return database_.rows(read_resource,
                        "SELECT " RESOURCE_COLUMNS
                        " FROM resources WHERE (?1 = '' OR kind = ?1)"
                        " AND (?2 = '[]' OR id IN (SELECT value FROM json_each(?2)))"
                        " AND (?3 = '' OR instr(lower(file_name), lower(?3)) > 0)"
                        " ORDER BY id DESC LIMIT ?4 OFFSET ?5",
                        filter.kind, "[" + ids_text(filter.ids) + "]", filter.search,
                        static_cast<std::int64_t>(filter.limit),
                        static_cast<std::int64_t>(filter.skip));
}

std::vector<Resource> Store::resources_with_digest(const std::string& digest,
                                                   const std::string& file_name) {
  return database_.rows(read_resource,
                        "SELECT " RESOURCE_COLUMNS
                        " FROM resources WHERE digest = ? AND file_name = ? ORDER BY id",
                        digest, file_name);
}

bool Store::knows_upload(const std::string& stored_name) {
  return database_.integer("SELECT 1 FROM resources WHERE stored_name = ?", stored_name)
      .has_value();
}

void Store::save(const Blob& blob) {
  database_.run("INSERT INTO blobs(" BLOB_COLUMNS
                ") VALUES(?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT(token) DO UPDATE SET arrived = excluded.arrived",
                blob.token, blob.signed_id, blob.file_name, blob.byte_size, blob.checksum,
                blob.content_type, blob.arrived);
}

std::optional<Blob> Store::blob_by_token(const std::string& token) {
  return database_.row(read_blob, "SELECT number, " BLOB_COLUMNS " FROM blobs WHERE token = ?",
                       token);
}

std::optional<Blob> Store::blob_by_signed_id(const std::string& signed_id) {
  return database_.row(read_blob, "SELECT number, " BLOB_COLUMNS " FROM blobs WHERE signed_id = ?",
                       signed_id);
}

void Store::remove_blob(const std::string& token) {
  database_.run("DELETE FROM blobs WHERE token = ?", token);
}

std::vector<std::string> Store::forget_old_blobs(std::int64_t keep) {
  return database_.rows([](const Query& row) { return row.text(0); },
                        "DELETE FROM blobs WHERE number <= (SELECT max(number) FROM blobs) - ?"
                        " RETURNING token",
                        keep);
}

}  // namespace genpro::emulator
