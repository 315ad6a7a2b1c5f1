// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Copies of rows, columns, layers and sheets.
#include "emulator/domain/sheets.h"
#include "emulator/util/json.h"

namespace genpro::emulator {

namespace {

// What spends money is not switched on by copying.
std::string without_auto_generate(const std::string& attributes) {
  const JsonNodePtr node = parse_json_object(attributes);
  JsonObject* object = json_node_get_object(node.get());
  if (!json_is_true(json_member(object, "autoGenerate"))) return attributes;
  json_object_set_boolean_member(object, "autoGenerate", FALSE);
  return canonical_json(node.get());
}

void copy_content(Store& store, const Cell& original, Cell cell) {
  cell.value = original.value;
  cell.attributes = without_auto_generate(original.attributes);
  cell.card = original.card;
  store.save(cell);
  for (Layer layer : store.layers(original.sheet, original.id)) {
    layer.id = store.next_id(Sequence::layer);
    layer.sheet = cell.sheet;
    layer.cell = cell.id;
    layer.created_at = layer.updated_at = now_milliseconds();
    store.save(layer);
  }
}

std::map<std::int64_t, Cell> cells_by_column(Store& store, const Row& row) {
  std::map<std::int64_t, Cell> cells;
  for (auto& cell : store.cells_of_row(row.sheet, row.id)) cells[cell.column] = std::move(cell);
  return cells;
}

// `columns`: which column of the copy stands for which one of the original.
void copy_cells(Store& store, const Row& original, const Row& copy,
                const std::map<std::int64_t, std::int64_t>& columns) {
  const auto cells = cells_by_column(store, copy);
  for (const auto& [column, cell] : cells_by_column(store, original)) {
    const auto counterpart = columns.find(column);
    if (counterpart == columns.end()) continue;
    const auto target = cells.find(counterpart->second);
    if (target != cells.end()) copy_content(store, cell, target->second);
  }
}

}  // namespace

Row duplicate_row(Store& store, const Row& row) {
  Store::Change change(store);
  const Row copy = create_row(store, row.sheet, row.position + 1, 0, {}, row.attributes);
  std::map<std::int64_t, std::int64_t> columns;
  for (const auto& column : store.columns(row.sheet)) columns[column.id] = column.id;
  copy_cells(store, row, copy, columns);
  change.commit();
  return copy;
}

Column duplicate_column(Store& store, const Column& column) {
  Store::Change change(store);
  const Column copy = create_column(store, column.sheet, column.title, column.type,
                                    column.position + 1, 0, column.attributes);
  for (const auto& row : store.rows(column.sheet)) {
    copy_cells(store, row, row, {{column.id, copy.id}});
  }
  change.commit();
  return copy;
}

Layer duplicate_layer(Store& store, const Cell& cell, const Layer& layer) {
  return create_layer(store, cell, layer.name, layer.type, layer.position + 1, layer.attributes);
}

Sheet clone_sheet(Store& store, const Sheet& sheet) {
  Store::Change change(store);
  const Sheet copy = create_sheet(store, {}, sheet.title, false);
  std::map<std::int64_t, std::int64_t> columns;
  for (const auto& column : store.columns(sheet.id)) {
    columns[column.id] =
        create_column(store, copy.id, column.title, column.type, {}, 0, column.attributes).id;
  }
  for (const auto& row : store.rows(sheet.id)) {
    copy_cells(store, row, create_row(store, copy.id, {}, 0, {}, row.attributes), columns);
  }
  if (const auto variables = store.variables(sheet.id)) {
    store.set_variables(copy.id, variables->variables);
  }
  change.commit();
  return copy;
}

}  // namespace genpro::emulator
