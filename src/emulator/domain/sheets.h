// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The grid: each row has one cell for each column. And what follows when a variable changes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "emulator/domain/card.h"
#include "emulator/domain/generations.h"
#include "emulator/domain/order.h"
#include "emulator/store/store.h"

namespace genpro::emulator {

// `id` empty: the next free one.
Sheet create_sheet(Store& store, const std::string& id, const std::string& title, bool is_default);
// With a cell in each row of the sheet. `position` counts from 1; none: at the end. `id` 0: the
// next free one.
Column create_column(Store& store, const std::string& sheet, const std::string& title,
                     const std::string& type, std::optional<std::int64_t> position,
                     std::int64_t id = 0, const std::string& attributes = "{}");
// With a cell for each column of the sheet; `cell_ids` names the cells of some columns.
Row create_row(Store& store, const std::string& sheet, std::optional<std::int64_t> position,
               std::int64_t id = 0, const std::map<std::int64_t, std::string>& cell_ids = {},
               const std::string& attributes = "{}");
Layer create_layer(Store& store, const Cell& cell, const std::string& name, const std::string& type,
                   std::optional<std::int64_t> position, const std::string& attributes);

// Gives what is named in `wanted` its place, and all of them positions without a gap.
void arrange_columns(Store& store, const std::string& sheet, const std::vector<Place>& wanted);
void arrange_rows(Store& store, const std::string& sheet, const std::vector<Place>& wanted);
void arrange_layers(Store& store, const Cell& cell, const std::vector<Place>& wanted);

// Copies have the values, attributes, cards and layers of their originals, under new ids, and none
// of their generations. Their cells do not generate by themselves, also where the original ones do.
// All but that of a sheet come right after the original.
Row duplicate_row(Store& store, const Row& row);
// With the same title: of two columns with one title the first that holds something counts, so that
// no variable changes by it.
Column duplicate_column(Store& store, const Column& column);
Layer duplicate_layer(Store& store, const Cell& cell, const Layer& layer);
// With its global variables. The sheets of an emulator belong to all of its agents.
Sheet clone_sheet(Store& store, const Sheet& sheet);

// Makes sure that the sheet has this cell, in a row of its own, under a column of type video.
void provide_cell(Store& store, const std::string& sheet, const std::string& cell);

// A change of what is in a sheet, all or nothing. What generates by itself, and sees another value
// than before, starts with it.
class SheetChange {
 public:
  SheetChange(Store& store, Generations& generations, std::string sheet, std::string agent);

  // Also starts one generation in each cell with autoGenerate of which a variable has changed.
  // Those that cannot be started, as when the credit does not suffice, are noted as failed in their
  // cells.
  void commit();

 private:
  struct Watcher {
    std::string cell;
    Card card;
    std::map<std::string, std::optional<std::string>> before;
  };
  std::map<std::string, std::optional<std::string>> values_of(const Cell& cell, const Card& card);

  Store& store_;
  Generations& generations_;
  std::string sheet_;
  std::string agent_;
  Store::Change change_;
  std::vector<Watcher> watchers_;
};

}  // namespace genpro::emulator
