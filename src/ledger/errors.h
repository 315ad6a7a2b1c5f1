// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The border that no exception of the storage crosses.
#pragma once

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/sqlite.h"
#include "ledger/postgresql/failure.h"
#include "ledger/store/store.h"

namespace genpro::ledger {

// What a row says cannot be.
class DamagedRow : public std::runtime_error {
 public:
  DamagedRow(std::int64_t row, const std::string& reason) : std::runtime_error(reason), row_(row) {}
  std::int64_t row() const { return row_; }

 private:
  std::int64_t row_;
};
// What is known of an uploaded file cannot be.
class DamagedAsset : public std::runtime_error {
 public:
  explicit DamagedAsset(std::string_view id)
      : std::runtime_error("what it knows of content resource " + std::string(id) + " is damaged") {
  }
};
// What is known of a batch's row cannot be.
class DamagedBatch : public std::runtime_error {
 public:
  explicit DamagedBatch(std::int64_t number)
      : std::runtime_error("what it knows of row " + std::to_string(number) +
                           " of the batch is damaged") {}
};
// There is no such row any more.
class MissingRow : public std::runtime_error {
 public:
  explicit MissingRow(std::int64_t row)
      : std::runtime_error("row " + std::to_string(row) + " was removed") {}
};

// `reason` as the library has it.
Error storage_error(const std::string& path, int sqlite_code, const std::string& reason);
Error server_error(const std::string& address, const ServerFailure& failure);
Error foreign_ledger_error(const std::string& path, const std::string& reason);
Error lost_ledger_error(const std::string& path, const std::string& reason);
Error moved_ledger_error(const std::string& path, const std::string& reason);
Error lost_place_error(const std::string& path, const std::string& reason);
Error damaged_row_error(const std::string& path, std::int64_t row, const std::string& reason);
Error damaged_asset_error(const std::string& path, const std::string& reason);
Error damaged_batch_error(const std::string& path, const std::string& reason);
Error missing_row_error(const std::string& path, const std::string& reason);
std::string advice_for_row(std::int64_t row);
std::string advice_for_asset();
std::string advice_for_file();

template <typename T, typename Work>
Result<T> attempt_on(const std::string& path, Work work) {
  try {
    return work();
  } catch (const sqlite::Failure& failure) {
    return storage_error(path, failure.code(), failure.what());
  } catch (const ServerFailure& failure) {
    return server_error(path, failure);
  } catch (const ForeignLedger& foreign) {
    return foreign_ledger_error(path, foreign.what());
  } catch (const LostLedger& lost) {
    return lost_ledger_error(path, lost.what());
  } catch (const MovedLedger& moved) {
    return moved_ledger_error(path, moved.what());
  } catch (const LostPlace& lost) {
    return lost_place_error(path, lost.what());
  } catch (const DamagedRow& damaged) {
    return damaged_row_error(path, damaged.row(), damaged.what());
  } catch (const DamagedAsset& damaged) {
    return damaged_asset_error(path, damaged.what());
  } catch (const DamagedBatch& damaged) {
    return damaged_batch_error(path, damaged.what());
  } catch (const MissingRow& missing) {
    return missing_row_error(path, missing.what());
  } catch (const std::system_error& error) {
    return storage_error(path, error.code().value() == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN,
                         error.what());
  } catch (const std::bad_alloc&) {
    // A damaged length asks for any amount.
    return storage_error(path, SQLITE_NOMEM, "out of memory");
  }
}

}  // namespace genpro::ledger
