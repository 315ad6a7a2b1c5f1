// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The records as the contract's JSON.
#pragma once

#include <string>

#include "emulator/faults/faults.h"
#include "emulator/store/store.h"
#include "emulator/util/json.h"

namespace genpro::emulator {

// What the live service calls the place of a generation.
const char* container_of(const Generation& generation);
// Milliseconds since 1970 as "2026-03-01T12:00:00.000Z".
std::string iso_time(std::int64_t milliseconds);

// An array of what `write` makes of each of the things.
template <typename Things, typename Write>
std::string json_array(const Things& things, const Write& write) {
  JsonWriter json;
  json.begin_array();
  for (const auto& thing : things) json.raw(write(thing));
  return json.end_array().text();
}

// Writes the records of a store for one client. `origin`: where files are had, such as
// "http://127.0.0.1:8787".
class Views {
 public:
  Views(Store& store, std::string origin, Faults& faults)
      : store_(store), origin_(std::move(origin)), faults_(faults) {}

  std::string generation(const Generation& generation) const;
  // The members of its object, for one that has more.
  void write(JsonWriter& json, const Generation& generation) const;
  // Members that the service itself does not tell: for what it was, and what is rendered.
  static void write_request(JsonWriter& json, const Generation& generation);
  static void write_settings(JsonWriter& json, const GenerationSettings& settings);
  std::string resource(const Resource& resource) const;
  void write(JsonWriter& json, const Resource& resource) const;
  std::string layer(const Layer& layer) const;
  std::string cell(const Cell& cell) const;
  std::string column(const Column& column) const;
  // `with_cost`: with what the row's completed generations cost.
  std::string row(const Row& row, bool with_cost) const;
  // Arrays, by position.
  std::string rows(const std::string& sheet, bool with_cost) const;
  std::string columns(const std::string& sheet) const;
  // With columns, rows and global variables.
  std::string sheet(const Sheet& sheet, bool with_cost) const;
  // Without what is in it, as in a list.
  std::string sheet_head(const Sheet& sheet) const;
  // null when there never were any.
  std::string variables(const std::string& sheet) const;
  std::string variable(const Variable& variable) const;

 private:
  // The reference's and the SDK's names for what is in a sheet.
  enum class Names { reference, sdk, both };
  struct FilledRow {
    Row row;
    std::string cells;  // JSON
    std::optional<MilliCredits> cost;
  };
  FilledRow fill(const Row& row, const std::vector<Column>& columns, bool with_cost) const;
  std::vector<FilledRow> filled_rows(const std::string& sheet, bool with_cost) const;
  static std::string row_under(const FilledRow& filled, Names names);
  static std::string rows_under(const std::vector<FilledRow>& rows, Names names);
  void write_head(JsonWriter& json, const Sheet& sheet) const;
  std::string cell_of_type(const Cell& cell, const std::string& column_type,
                           MilliCredits* cost = nullptr) const;

  Store& store_;
  std::string origin_;
  Faults& faults_;
};

}  // namespace genpro::emulator
