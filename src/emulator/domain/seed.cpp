// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/seed.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <system_error>

#include "emulator/domain/card.h"
#include "emulator/domain/sheets.h"
#include "emulator/domain/variables_import.h"
#include "emulator/domain/webhooks.h"
#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_seed = 16 * 1024 * 1024;
constexpr double max_credit = 1e9;

[[noreturn]] void refuse(const std::string& what) {
  throw std::runtime_error(what);
}

// Calls `take` with each element, which must be an object.
template <typename Take>
void each_object(JsonObject* object, const char* name, const Take& take) {
  JsonNode* node = json_member(object, name);
  if (node == nullptr) return;
  const auto elements = json_elements(node);
  if (!elements) refuse(std::string(name) + " must be an array");
  for (JsonNode* element : *elements) {
    JsonObject* taken = json_object_in(element);
    if (taken == nullptr) refuse(std::string(name) + " must hold objects");
    take(taken);
  }
}

std::string text_of(JsonObject* object, const char* name, const std::string& otherwise) {
  JsonNode* node = json_member(object, name);
  if (node == nullptr) return otherwise;
  if (!json_is_string(node)) refuse(std::string(name) + " must be a string");
  return json_text(node);
}

// An id as text; empty when there is none.
std::string id_of(JsonObject* object) {
  JsonNode* node = json_member(object, "id");
  if (node == nullptr) return {};
  std::string id;
  if (json_is_integer(node)) id = std::to_string(json_node_get_int(node));
  if (json_is_string(node)) id = json_text(node);
  for (const char c : id) {
    if (!g_ascii_isalnum(c) && c != '_' && c != '-') id.clear();
  }
  if (id.empty()) refuse("an id is a number, or made of letters, digits, _ and -");
  if (is_too_large_id(id)) {
    refuse("the id " + clean_label(id) + " is too large: the largest number is " +
           std::to_string(max_given_id));
  }
  return id;
}

std::int64_t number_of(JsonObject* object) {
  const std::string id = id_of(object);
  if (id.empty()) return 0;
  const auto number = parse_digits(id);
  if (!number || *number < 1) refuse("the ids of columns, rows and resources are numbers from 1");
  return *number;
}

class Seed {
 public:
  Seed(Store& store, Resources& resources, std::string folder)
      : store_(store), resources_(resources), folder_(std::move(folder)) {}

  void take(JsonObject* root, std::optional<MilliCredits> credit) {
    JsonNode* given = json_member(root, "credit");
    if (!credit && given != nullptr) {
      const double credits =
          JSON_NODE_HOLDS_VALUE(given) && !json_is_string(given) ? json_node_get_double(given) : -1;
      if (!(credits >= 0 && credits <= max_credit)) refuse("credit must be a number from 0");
      credit = static_cast<MilliCredits>(std::llround(credits * 1000));
    }
    store_.mark_filled(credit.value_or(default_credit));
    each_object(root, "agents", [this](JsonObject* agent) { take_agent(agent); });
    if (store_.agents().empty()) provide_agent(store_, "42", "Agent 42");
    reserve_ids(root);
    each_object(root, "resources", [this](JsonObject* resource) { take_resource(resource); });
    each_object(root, "sheets", [this](JsonObject* sheet) { take_sheet(sheet); });
  }

 private:
  void take_agent(JsonObject* object) {
    const std::string id = id_of(object);
    if (id.empty()) refuse("an agent has no id");
    provide_agent(store_, id, text_of(object, "name", "Agent " + id));
    for (const std::string kind : {"webhook", "callback"}) {
      const std::string name = kind + "_url";
      if (json_member(object, name.c_str()) == nullptr) continue;
      const std::string url = text_of(object, name.c_str(), "");
      if (!is_hook_url(url)) {
        refuse("the " + name + " of agent " + id + " must be an http or https URL");
      }
      store_.set_hook(id, kind, url);
    }
  }

  void take_resource(JsonObject* object) {
    const std::string file = text_of(object, "file", "");
    if (file.empty()) refuse("a resource has no file");
    resources_.add_local_file((std::filesystem::path(folder_) / file).string(), number_of(object));
  }

  // What gets its number on the way must not take one that is given to something later.
  void reserve_ids(JsonObject* root) {
    each_object(root, "resources", [this](JsonObject* resource) {
      reserve(Sequence::resource, number_of(resource), "resources");
    });
    each_object(root, "sheets", [this](JsonObject* sheet) {
      each_object(sheet, "columns", [this](JsonObject* column) {
        reserve(Sequence::column, number_of(column), "columns");
      });
      each_object(sheet, "rows", [this](JsonObject* row) {
        reserve(Sequence::row, number_of(row), "rows");
        JsonObject* cells = json_object_in(json_member(row, "cells"));
        if (cells == nullptr) return;
        for (const auto& [title, cell] : json_members(cells)) {
          if (!json_object_in(cell)) continue;
          const auto number = parse_digits(id_of(json_object_in(cell)));
          if (number) store_.reserve(Sequence::cell, *number);
        }
      });
    });
  }

  void reserve(Sequence sequence, std::int64_t id, const char* what) {
    if (id == 0) return;
    if (!given_.emplace(sequence, id).second) {
      refuse(std::string("two ") + what + " have the id " + std::to_string(id));
    }
    store_.reserve(sequence, id);
  }

  void take_sheet(JsonObject* object) {
    const std::string id = id_of(object);
    if (id.empty()) refuse("a sheet has no id");
    if (store_.sheet(id)) refuse("two sheets have the id " + id);
    if (const auto number = parse_digits(id)) store_.reserve(Sequence::sheet, *number);
    create_sheet(store_, id, text_of(object, "title", "Sheet " + id), false);
    std::map<std::string, std::int64_t> columns;
    each_object(object, "columns", [&](JsonObject* column) {
      const std::string title(trim(text_of(column, "title", "")));
      if (title.empty()) refuse("a column has no title");
      if (has_braces(title)) {
        refuse("the title \"" + clean_label(title) + "\" of a column holds braces");
      }
      const Column made =
          create_column(store_, id, title, text_of(column, "type", "text"), {}, number_of(column));
      if (!columns.emplace(title, made.id).second) refuse("two columns are called " + title);
    });
    each_object(object, "rows", [&](JsonObject* row) { take_row(id, columns, row); });
    if (JsonNode* variables = json_member(object, "variables")) {
      store_.set_variables(
          id, variables_from_json("{\"variables\":" + canonical_json(variables) + "}"));
    }
  }

  void take_row(const std::string& sheet, const std::map<std::string, std::int64_t>& columns,
                JsonObject* object) {
    std::map<std::int64_t, JsonNode*> given;
    std::map<std::int64_t, std::string> ids;
    if (JsonNode* cells = json_member(object, "cells")) {
      if (!json_object_in(cells)) refuse("cells must be an object by column titles");
      for (const auto& [title, cell] : json_members(json_object_in(cells))) {
        const auto column = columns.find(title);
        if (column == columns.end()) refuse("there is no column called " + title);
        given[column->second] = cell;
        if (!json_object_in(cell)) continue;
        const std::string id = id_of(json_object_in(cell));
        if (id.empty()) continue;
        if (store_.cell(sheet, id)) refuse("two cells of a sheet have the id " + id);
        ids[column->second] = id;
      }
    }
    const Row row = create_row(store_, sheet, {}, number_of(object), ids);
    for (auto& cell : store_.cells_of_row(sheet, row.id)) {
      const auto found = given.find(cell.column);
      if (found != given.end()) take_cell(cell, found->second);
    }
  }

  void take_cell(Cell& cell, JsonNode* node) {
    if (JsonObject* fields = json_object_in(node)) {
      if (JsonNode* value = json_member(fields, "value")) cell.value = value_of(value);
      if (JsonNode* attributes = json_member(fields, "additional_attributes")) {
        if (!json_object_in(attributes)) refuse("additional_attributes must be an object");
        check_attributes(json_object_in(attributes));
        cell.attributes = canonical_json(attributes);
      }
      if (JsonNode* card = json_member(fields, "card")) {
        if (!json_object_in(card)) refuse("card must be the body of a generate call");
        read_card(json_object_in(card));
        cell.card = canonical_json(card);
      }
    } else {
      cell.value = value_of(node);
    }
    store_.save(cell);
  }

  static std::optional<std::string> value_of(JsonNode* node) {
    if (JSON_NODE_HOLDS_NULL(node)) return {};
    if (!JSON_NODE_HOLDS_VALUE(node)) refuse("a cell's value must be a string or a number");
    return json_value_text(node);
  }

  Store& store_;
  Resources& resources_;
  std::string folder_;
  std::set<std::pair<Sequence, std::int64_t>> given_;
};

}  // namespace

void provide_agent(Store& store, const std::string& id, const std::string& name) {
  if (store.agent(id)) return;
  Agent agent;
  agent.id = id;
  agent.name = name;
  agent.created_at = now_milliseconds();
  store.save(agent);
}

void check_seed(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!error && std::filesystem::is_directory(status)) {
    error = std::make_error_code(std::errc::is_a_directory);
  } else if (!error && access(path.c_str(), R_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error)
    throw std::runtime_error("The seed " + path + " cannot be read: " + error.message() + ".");
}

void fill_from_seed(Store& store, Resources& resources, const std::string& path,
                    std::optional<MilliCredits> credit) {
  try {
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in && text.empty()) refuse("it cannot be read");
    if (text.size() > max_seed) refuse("it is larger than 16 MB");
    const JsonNodePtr root = parse_json_object(text);
    Store::Change change(store);
    Seed(store, resources, std::filesystem::path(path).parent_path().string())
        .take(json_node_get_object(root.get()), credit);
    change.commit();
  } catch (const StoreError&) {
    throw;
  } catch (const std::exception& failure) {
    std::string reason = failure.what();
    if (reason.ends_with('.')) reason.pop_back();
    throw std::runtime_error("The seed " + path + " cannot be used: " + reason +
                             ". See examples/seed.json for its form.");
  }
}

}  // namespace genpro::emulator
