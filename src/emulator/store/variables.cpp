// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Global variables.
#include "emulator/store/store.h"

namespace genpro::emulator {

namespace {

Variable read_variable(const Query& row) {
  return {row.text(0), row.text(1), row.integer(2)};
}

}  // namespace

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
