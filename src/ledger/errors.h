// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The border that no exception of the storage crosses.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/error.h"

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
std::string advice_for_row(std::int64_t row);
std::string advice_for_asset();
std::string advice_for_file();

// Runs `work`; what it threw, as an error that names `path`.
std::optional<Error> run_on(const std::string& path, const std::function<void()>& work);

template <typename T, typename Work>
Result<T> attempt_on(const std::string& path, Work work) {
  std::optional<T> value;
  if (auto error = run_on(path, [&] { value.emplace(work()); })) return std::move(*error);
  return std::move(*value);
}

}  // namespace genpro::ledger
