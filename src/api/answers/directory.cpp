// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/answers/directory.h"

#include <algorithm>

#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

namespace {

// The first member of these names that is a list.
JsonArray* list_member(JsonObject* object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (JsonArray* list = as_array(member(object, name))) return list;
  }
  return nullptr;
}

JsonArray* only_list(JsonNode* root) {
  if (JsonArray* list = as_array(root)) return list;
  JsonArray* only = nullptr;
  for (const auto& [name, value] : members(as_object(root))) {
    JsonArray* list = as_array(value);
    if (list != nullptr && only != nullptr) return nullptr;
    if (list != nullptr) only = list;
  }
  return only;
}

std::string id_of(JsonObject* object) {
  std::string id = as_id(member(object, "id")).value_or("");
  return is_id(id) ? id : "";
}

std::string text_of(JsonObject* object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto text = as_text(member(object, name));
    if (text && !trim(*text).empty()) return *text;
  }
  return "";
}

std::vector<JsonObject*> objects(JsonArray* list) {
  std::vector<JsonObject*> found;
  for (JsonNode* element : elements(list)) {
    if (JsonObject* object = as_object(element)) found.push_back(object);
  }
  return found;
}

struct Column {
  std::string title;
  bool is_video = false;
};

// By its id, or by its place where the cell does not tell that.
Column column_of(JsonObject* cell, std::size_t place, const std::vector<JsonObject*>& columns) {
  const std::string id = text_of(cell, {"spreadsheet_column_id", "column_id"});
  const auto known = std::ranges::find(columns, id, &id_of);
  JsonObject* column = nullptr;
  if (!id.empty() && known != columns.end()) {
    column = *known;
  } else if (place < columns.size()) {
    column = columns[place];
  }
  const bool is_video = text_of(cell, {"cell_role"}).find("video") != std::string::npos ||
                        text_of(column, {"type"}).find("video") != std::string::npos;
  return {text_of(column, {"title", "temp_title"}), is_video};
}

}  // namespace

Result<std::vector<Named>, std::string> parse_names(std::string_view body) {
  const auto root = parse_json(body);
  if (!root) return root.error();
  JsonArray* list = only_list(root->get());
  if (list == nullptr) return std::string("it is no list");
  std::vector<Named> names;
  for (JsonObject* entry : objects(list)) {
    Named named{id_of(entry), text_of(entry, {"name", "title"})};
    if (named.id.empty()) return std::string("an entry of it has no id");
    names.push_back(std::move(named));
  }
  return names;
}

Result<std::vector<SheetCell>, std::string> parse_sheet_cells(std::string_view body) {
  const auto root = parse_json_object(body);
  if (!root) return root.error();
  const auto columns = objects(list_member(root->get(), {"columns", "spreadsheet_columns"}));
  JsonArray* rows = list_member(root->get(), {"rows", "spreadsheet_rows"});
  if (rows == nullptr) return std::string("it has no list of rows");
  std::vector<SheetCell> cells;
  unsigned number = 0;
  for (JsonObject* row : objects(rows)) {
    ++number;
    const auto row_cells = objects(list_member(row, {"cells", "spreadsheet_cells"}));
    std::string label;
    for (JsonObject* cell : row_cells) {
      if (label.empty()) label = text_of(cell, {"value"});
    }
    for (std::size_t place = 0; place < row_cells.size(); ++place) {
      const std::string id = id_of(row_cells[place]);
      if (id.empty()) return std::string("a cell of it has no id");
      Column column = column_of(row_cells[place], place, columns);
      cells.push_back({id, std::move(column.title), number, label, column.is_video});
    }
  }
  if (std::ranges::any_of(cells, &SheetCell::is_video)) {
    std::erase_if(cells, [](const SheetCell& cell) { return !cell.is_video; });
  }
  return cells;
}

}  // namespace genpro::api
