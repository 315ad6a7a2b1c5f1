// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sheets, columns, rows, cells and global variables.
#include "emulator/store/store.h"
#include "emulator/util/json.h"

namespace genpro::emulator {

namespace {

#define SHEET_COLUMNS "id, title, uuid, is_default, created_at, updated_at"
#define COLUMN_COLUMNS "id, sheet, title, type, position, created_at, updated_at, attributes"
#define ROW_COLUMNS "id, sheet, position, created_at, updated_at, attributes"
#define CELL_COLUMNS \
  "id, sheet, row, \"column\", value, attributes, card, default_job, created_at, updated_at"

Sheet read_sheet(const Query& row) {
  return {row.text(0),         row.text(1),    row.text(2),
          row.integer(3) != 0, row.integer(4), row.integer(5)};
}

Column read_column(const Query& row) {
  return {row.integer(0), row.text(1),    row.text(2),    row.text(3),
          row.integer(4), row.integer(5), row.integer(6), row.text(7)};
}

Row read_row(const Query& row) {
  return {row.integer(0), row.text(1), row.integer(2), row.integer(3), row.integer(4), row.text(5)};
}

Cell read_cell(const Query& row) {
  Cell cell;
  cell.id = row.text(0);
  cell.sheet = row.text(1);
  cell.row = row.integer(2);
  cell.column = row.integer(3);
  cell.value = row.optional_text(4);
  cell.attributes = row.text(5);
  cell.card = row.text(6);
  cell.default_job = row.optional_integer(7);
  cell.created_at = row.integer(8);
  cell.updated_at = row.integer(9);
  return cell;
}

Variable read_variable(const Query& row) {
  return {row.text(0), row.text(1), row.integer(2)};
}

bool generates_by_itself(const Cell& cell) {
  if (cell.card.empty()) return false;
  const JsonNodePtr attributes = parse_json_object(cell.attributes);
  return json_is_true(json_member(json_node_get_object(attributes.get()), "autoGenerate"));
}

}  // namespace

void Store::save(const Sheet& sheet) {
  database_.run("INSERT OR REPLACE INTO sheets(" SHEET_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?)",
                sheet.id, sheet.title, sheet.uuid, sheet.is_default, sheet.created_at,
                sheet.updated_at);
}

std::optional<Sheet> Store::sheet(const std::string& id) {
  return database_.row(read_sheet, "SELECT " SHEET_COLUMNS " FROM sheets WHERE id = ?", id);
}

std::vector<Sheet> Store::sheets() {
  return database_.rows(read_sheet, "SELECT " SHEET_COLUMNS " FROM sheets ORDER BY created_at, id");
}

void Store::save(const Column& column) {
  database_.run("INSERT OR REPLACE INTO columns(" COLUMN_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                column.id, column.sheet, column.title, column.type, column.position,
                column.created_at, column.updated_at, column.attributes);
}

std::vector<Column> Store::columns(const std::string& sheet) {
  return database_.rows(
      read_column, "SELECT " COLUMN_COLUMNS " FROM columns WHERE sheet = ? ORDER BY position, id",
      sheet);
}

std::optional<Column> Store::column(const std::string& sheet, std::int64_t id) {
  return database_.row(
      read_column, "SELECT " COLUMN_COLUMNS " FROM columns WHERE sheet = ? AND id = ?", sheet, id);
}

void Store::remove_column(const Column& column) {
  Change change(*this);
  database_.run(
      "DELETE FROM layers WHERE sheet = ?1 AND cell IN"
      " (SELECT id FROM cells WHERE sheet = ?1 AND \"column\" = ?2)",
      column.sheet, column.id);
  database_.run("DELETE FROM cells WHERE sheet = ? AND \"column\" = ?", column.sheet, column.id);
  database_.run("DELETE FROM columns WHERE id = ?", column.id);
  change.commit();
}

std::optional<std::int64_t> Store::open_generation_of(const Column& column) {
  return database_.integer(
      "SELECT generations.id FROM generations JOIN cells"
      " ON cells.sheet = generations.sheet AND cells.id = generations.cell"
      " WHERE generations.status < 2 AND cells.sheet = ? AND cells.\"column\" = ?"
      " ORDER BY generations.id LIMIT 1",
      column.sheet, column.id);
}

void Store::save(const Row& row) {
  database_.run("INSERT OR REPLACE INTO rows(" ROW_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?)", row.id,
                row.sheet, row.position, row.created_at, row.updated_at, row.attributes);
}

std::optional<Row> Store::row(const std::string& sheet, std::int64_t id) {
  return database_.row(read_row, "SELECT " ROW_COLUMNS " FROM rows WHERE sheet = ? AND id = ?",
                       sheet, id);
}

std::vector<Row> Store::rows(const std::string& sheet) {
  return database_.rows(
      read_row, "SELECT " ROW_COLUMNS " FROM rows WHERE sheet = ? ORDER BY position, id", sheet);
}

std::int64_t Store::last_row_position(const std::string& sheet) {
  return database_.integer("SELECT max(position) FROM rows WHERE sheet = ?", sheet).value_or(0);
}

std::int64_t Store::last_column_position(const std::string& sheet) {
  return database_.integer("SELECT max(position) FROM columns WHERE sheet = ?", sheet).value_or(0);
}

void Store::save(const Cell& cell) {
  database_.run("INSERT OR REPLACE INTO cells(" CELL_COLUMNS
                ", watches) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                cell.id, cell.sheet, cell.row, cell.column, cell.value, cell.attributes, cell.card,
                cell.default_job, cell.created_at, cell.updated_at, generates_by_itself(cell));
}

std::optional<Cell> Store::cell(const std::string& sheet, const std::string& id) {
  return database_.row(read_cell, "SELECT " CELL_COLUMNS " FROM cells WHERE sheet = ? AND id = ?",
                       sheet, id);
}

std::vector<Cell> Store::cells_of_row(const std::string& sheet, std::int64_t row) {
  return database_.rows(read_cell, "SELECT " CELL_COLUMNS " FROM cells WHERE sheet = ? AND row = ?",
                        sheet, row);
}

std::vector<Cell> Store::watching_cells(const std::string& sheet) {
  return database_.rows(read_cell,
                        "SELECT " CELL_COLUMNS
                        " FROM cells WHERE sheet = ? AND watches ORDER BY row, \"column\"",
                        sheet);
}

std::optional<VariableSheet> Store::variables(const std::string& sheet) {
  const auto id = database_.integer("SELECT id FROM variable_sheets WHERE sheet = ?", sheet);
  if (!id) return {};
  return VariableSheet{
      *id, database_.rows(read_variable,
                          "SELECT key, value, id FROM variables WHERE sheet = ? ORDER BY position",
                          sheet)};
}

std::optional<std::string> Store::variable(const std::string& sheet, const std::string& key) {
  return database_.row([](const Query& row) { return row.text(0); },
                       "SELECT value FROM variables WHERE sheet = ? AND key = ?", sheet, key);
}

std::optional<Variable> Store::variable(const std::string& sheet, std::int64_t id) {
  return database_.row(
      read_variable, "SELECT key, value, id FROM variables WHERE sheet = ? AND id = ?", sheet, id);
}

std::int64_t Store::count_variables(const std::string& sheet) {
  return database_.integer("SELECT count(*) FROM variables WHERE sheet = ?", sheet).value_or(0);
}

void Store::set_variables(const std::string& sheet, const std::vector<Variable>& variables) {
  Change change(*this);
  if (!database_.integer("SELECT 1 FROM variable_sheets WHERE sheet = ?", sheet)) {
    database_.run("INSERT INTO variable_sheets(sheet, id) VALUES(?, ?)", sheet,
                  next_id(Sequence::variables));
  }
  database_.run("DELETE FROM variables WHERE sheet = ?", sheet);
  std::int64_t position = 0;
  for (const auto& variable : variables) {
    database_.run("INSERT INTO variables(sheet, key, value, position, id) VALUES(?, ?, ?, ?, ?)",
                  sheet, variable.key, variable.value, ++position, next_id(Sequence::variable));
  }
  change.commit();
}

Variable Store::add_variable(const std::string& sheet, Variable variable) {
  Change change(*this);
  if (!database_.integer("SELECT 1 FROM variable_sheets WHERE sheet = ?", sheet)) {
    set_variables(sheet, {});
  }
  variable.id = next_id(Sequence::variable);
  database_.run(
      "INSERT INTO variables(sheet, key, value, position, id) SELECT ?1, ?2, ?3,"
      " coalesce(max(position), 0) + 1, ?4 FROM variables WHERE sheet = ?1",
      sheet, variable.key, variable.value, variable.id);
  change.commit();
  return variable;
}

void Store::change_variable(const std::string& sheet, const Variable& variable) {
  database_.run("UPDATE variables SET key = ?, value = ? WHERE sheet = ? AND id = ?", variable.key,
                variable.value, sheet, variable.id);
}

void Store::remove_variable(const std::string& sheet, std::int64_t id) {
  database_.run("DELETE FROM variables WHERE sheet = ? AND id = ?", sheet, id);
}

}  // namespace genpro::emulator
