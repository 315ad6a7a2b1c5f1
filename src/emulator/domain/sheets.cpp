// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/sheets.h"

#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

Cell create_cell(Store& store, const std::string& sheet, std::int64_t row, std::int64_t column,
                 const std::string& id = {}) {
  Cell cell;
  cell.sheet = sheet;
  cell.id = id;
  // A number that was given by name may be taken.
  while (cell.id.empty() || (id.empty() && store.cell(sheet, cell.id))) {
    cell.id = std::to_string(store.next_id(Sequence::cell));
  }
  cell.row = row;
  cell.column = column;
  cell.created_at = cell.updated_at = now_milliseconds();
  store.save(cell);
  return cell;
}

// Gives them their places, and saves those whose position has changed.
template <typename Thing>
void arrange(Store& store, const std::vector<Thing>& things, const std::vector<Place>& wanted) {
  Store::Change change(store);
  std::int64_t position = 0;
  for (Thing thing : put_in_order(things, wanted)) {
    if (thing.position == ++position) continue;
    thing.position = position;
    store.save(thing);
  }
  change.commit();
}

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

Sheet create_sheet(Store& store, const std::string& id, const std::string& title, bool is_default) {
  Sheet sheet;
  sheet.id = id;
  while (sheet.id.empty() || (id.empty() && store.sheet(sheet.id))) {
    sheet.id = std::to_string(store.next_id(Sequence::sheet));
  }
  sheet.title = title;
  sheet.uuid = take_string(g_uuid_string_random());
  sheet.is_default = is_default;
  sheet.created_at = sheet.updated_at = now_milliseconds();
  store.save(sheet);
  return sheet;
}

Column create_column(Store& store, const std::string& sheet, const std::string& title,
                     const std::string& type, std::optional<std::int64_t> position, std::int64_t id,
                     const std::string& attributes) {
  Store::Change change(store);
  Column column;
  column.id = id != 0 ? id : store.next_id(Sequence::column);
  store.reserve(Sequence::column, column.id);
  column.sheet = sheet;
  column.title = title;
  column.type = type;
  column.attributes = attributes;
  column.position = store.last_column_position(sheet) + 1;
  column.created_at = column.updated_at = now_milliseconds();
  store.save(column);
  for (const auto& row : store.rows(sheet)) create_cell(store, sheet, row.id, column.id);
  if (position) {
    arrange_columns(store, sheet, {{column.id, *position}});
    column = store.column(sheet, column.id).value();
  }
  change.commit();
  return column;
}

Row create_row(Store& store, const std::string& sheet, std::optional<std::int64_t> position,
               std::int64_t id, const std::map<std::int64_t, std::string>& cell_ids,
               const std::string& attributes) {
  Store::Change change(store);
  Row row;
  row.id = id != 0 ? id : store.next_id(Sequence::row);
  store.reserve(Sequence::row, row.id);
  row.sheet = sheet;
  row.attributes = attributes;
  row.position = store.last_row_position(sheet) + 1;
  row.created_at = row.updated_at = now_milliseconds();
  store.save(row);
  for (const auto& column : store.columns(sheet)) {
    const auto given = cell_ids.find(column.id);
    create_cell(store, sheet, row.id, column.id,
                given != cell_ids.end() ? given->second : std::string());
  }
  if (position) {
    arrange_rows(store, sheet, {{row.id, *position}});
    row = store.row(sheet, row.id).value();
  }
  change.commit();
  return row;
}

Layer create_layer(Store& store, const Cell& cell, const std::string& name, const std::string& type,
                   std::optional<std::int64_t> position, const std::string& attributes) {
  Store::Change change(store);
  Layer layer;
  layer.id = store.next_id(Sequence::layer);
  layer.sheet = cell.sheet;
  layer.cell = cell.id;
  layer.name = name;
  layer.type = type;
  layer.attributes = attributes;
  layer.created_at = layer.updated_at = now_milliseconds();
  layer.position = static_cast<std::int64_t>(store.layers(cell.sheet, cell.id).size()) + 1;
  store.save(layer);
  if (position) {
    arrange_layers(store, cell, {{layer.id, *position}});
    layer = store.layer(layer.id).value();
  }
  change.commit();
  return layer;
}

void arrange_columns(Store& store, const std::string& sheet, const std::vector<Place>& wanted) {
  arrange(store, store.columns(sheet), wanted);
}

void arrange_rows(Store& store, const std::string& sheet, const std::vector<Place>& wanted) {
  arrange(store, store.rows(sheet), wanted);
}

void arrange_layers(Store& store, const Cell& cell, const std::vector<Place>& wanted) {
  arrange(store, store.layers(cell.sheet, cell.id), wanted);
}

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

void provide_cell(Store& store, const std::string& sheet, const std::string& cell) {
  if (store.cell(sheet, cell)) return;
  Store::Change change(store);
  std::int64_t column = 0;
  for (const auto& existing : store.columns(sheet)) {
    if (column == 0 && existing.type == "video") column = existing.id;
  }
  if (column == 0) column = create_column(store, sheet, "Video", "video", {}).id;
  create_row(store, sheet, {}, 0, {{column, cell}});
  change.commit();
}

SheetChange::SheetChange(Store& store, Generations& generations, std::string sheet,
                         std::string agent)
    : store_(store),
      generations_(generations),
      sheet_(std::move(sheet)),
      agent_(std::move(agent)),
      change_(store) {
  for (const auto& cell : store.watching_cells(sheet_)) {
    const JsonNodePtr body = parse_json_object(cell.card);
    Watcher watcher{cell.id, read_card(json_node_get_object(body.get())), {}};
    watcher.before = values_of(cell, watcher.card);
    watchers_.push_back(std::move(watcher));
  }
}

std::map<std::string, std::optional<std::string>> SheetChange::values_of(const Cell& cell,
                                                                         const Card& card) {
  std::map<std::string, std::optional<std::string>> values;
  Variables variables(store_, cell);
  for (const auto& name : names_in(card, variables)) values[name] = variables.find(name);
  return values;
}

void SheetChange::commit() {
  // A change may have switched one off.
  std::map<std::string, Cell> watching;
  for (auto& cell : store_.watching_cells(sheet_)) watching[cell.id] = std::move(cell);
  for (const auto& watcher : watchers_) {
    const auto found = watching.find(watcher.cell);
    if (found == watching.end()) continue;
    const Cell& cell = found->second;
    if (values_of(cell, watcher.card) == watcher.before) continue;
    Order order;
    order.agent = agent_;
    order.sheet = sheet_;
    order.cell = cell.id;
    order.request = cell.card;
    try {
      Variables variables(store_, cell);
      order.settings.prompt = watcher.card.prompt;
      order.settings = resolve_settings(watcher.card, cell.attributes, variables);
      generations_.create(order);
    } catch (const ApiError& refusal) {
      generations_.create_failed(order, refusal.what());
    }
  }
  change_.commit();
}

}  // namespace genpro::emulator
