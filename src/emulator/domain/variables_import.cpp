// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/variables_import.h"

#include <glib.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>

#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

ApiError wrong_csv(const std::string& what) {
  return validation_error("The variables cannot be imported: " + what +
                          ". The file must be UTF-8 text with the first line key,value.");
}

// The records of a CSV text.
std::vector<std::vector<std::string>> read_csv(std::string_view text) {
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> record;
  std::string field;
  std::size_t at = 0;
  bool quoted = false;
  const auto end_field = [&] {
    record.push_back(quoted ? field : std::string(trim(field)));
    field.clear();
    quoted = false;
  };
  const auto end_record = [&] {
    end_field();
    if (record.size() > 1 || !record.front().empty()) records.push_back(record);
    record.clear();
  };
  while (at < text.size()) {
    const char c = text[at++];
    if (c == '"' && trim(field).empty() && !quoted) {
      quoted = true;
      field.clear();
      for (;; ++at) {
        if (at >= text.size()) throw wrong_csv("a quoted field does not end");
        if (text[at] != '"') {
          field += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
          field += text[++at];
        } else {
          break;
        }
      }
      ++at;
    } else if (c == ',') {
      end_field();
    } else if (c == '\n' || c == '\r') {
      if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
      end_record();
    } else if (!quoted) {
      field += c;
    } else if (c != ' ' && c != '\t') {
      throw wrong_csv("text follows a quoted field");
    }
  }
  if (!field.empty() || !record.empty() || quoted) end_record();
  return records;
}

void add(std::vector<Variable>& variables, std::set<std::string>& keys, std::string_view key,
         std::string value) {
  std::string name;
  try {
    name = variable_key(key);
  } catch (const std::invalid_argument& problem) {
    throw wrong_csv(problem.what());
  }
  if (!keys.insert(name).second) {
    throw wrong_csv("the key \"" + clean_label(name) + "\" is there twice");
  }
  if (variables.size() >= max_variables) throw wrong_csv("there are more than 10000");
  variables.push_back({std::move(name), std::move(value)});
}

std::string value_text(JsonNode* node) {
  if (node == nullptr || JSON_NODE_HOLDS_NULL(node)) return {};
  if (!JSON_NODE_HOLDS_VALUE(node)) {
    throw validation_error("The value of a variable must be a string, a number or a boolean.");
  }
  return json_value_text(node);
}

}  // namespace

bool has_braces(std::string_view name) {
  return name.find_first_of("{}") != std::string_view::npos;
}

std::string variable_key(std::string_view key) {
  std::string name(trim(key));
  if (name.empty()) throw std::invalid_argument("a variable has no key");
  if (has_braces(name)) {
    throw std::invalid_argument("the key \"" + clean_label(name) +
                                "\" holds braces; leave them out");
  }
  return name;
}

std::vector<Variable> variables_from_csv(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!g_utf8_validate_len(text.data(), text.size(), nullptr)) throw wrong_csv("it is no UTF-8");
  const auto records = read_csv(text);
  if (records.empty()) throw wrong_csv("it is empty");
  std::optional<std::size_t> key;
  std::optional<std::size_t> value;
  for (std::size_t i = 0; i < records.front().size(); ++i) {
    const std::string title = to_lower(trim(records.front()[i]));
    if (title == "key" && !key) key = i;
    if (title == "value" && !value) value = i;
  }
  if (!key || !value) throw wrong_csv("its first line does not name the columns key and value");
  std::vector<Variable> variables;
  std::set<std::string> keys;
  for (std::size_t i = 1; i < records.size(); ++i) {
    const auto& record = records[i];
    if (std::ranges::all_of(record, &std::string::empty)) continue;
    add(variables, keys, *key < record.size() ? record[*key] : std::string(),
        *value < record.size() ? record[*value] : std::string());
  }
  return variables;
}

std::vector<Variable> variables_from_json(std::string_view text) {
  const JsonNodePtr root = parse_json(text);
  JsonNode* list = root.get();
  if (json_object_in(list)) {
    JsonNode* inner = json_object_get_member(json_object_in(list), "variables");
    // Not a variable of that name: an import replaces all of them, and a slip would be the end of
    // them.
    if (inner != nullptr && !json_object_in(inner) && !JSON_NODE_HOLDS_ARRAY(inner)) {
      throw validation_error(
          "variables must be an object or an array, {\"variables\": {}} to have none. Nothing was "
          "changed.");
    }
    if (inner != nullptr) list = inner;
  }
  std::vector<Variable> variables;
  std::set<std::string> keys;
  if (JsonObject* object = json_object_in(list)) {
    for (const auto& [name, value] : json_members(object)) {
      add(variables, keys, name, value_text(value));
    }
    return variables;
  }
  const ApiError wrong = validation_error(
      "The body must be {\"variables\": [{\"key\": …, \"value\": …}]}, or CSV with the first line "
      "key,value.");
  const auto elements = json_elements(list);
  if (!elements) throw ApiError(wrong);
  for (JsonNode* element : *elements) {
    JsonObject* entry = json_object_in(element);
    JsonNode* key = entry != nullptr ? json_member(entry, "key") : nullptr;
    if (!json_is_string(key)) throw ApiError(wrong);
    add(variables, keys, json_text(key), value_text(json_member(entry, "value")));
  }
  return variables;
}

std::vector<Variable> variables_from_text(std::string_view text) {
  const std::string_view start = trim(text);
  if (start.starts_with('{') || start.starts_with('[')) return variables_from_json(text);
  return variables_from_csv(text);
}

}  // namespace genpro::emulator
