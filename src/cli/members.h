// SPDX-License-Identifier: LGPL-2.1-or-later
//
// JSON documents for programs: snake_case names that stay, times as ISO 8601 in UTC, null for what
// is not known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/json.h"
#include "ledger/store/clock.h"

namespace genpro::cli {

// An object, whose members stand in the order in which they are set.
class Members {
 public:
  void set(const char* name, api::JsonNodePtr value);
  void set(const char* name, const std::string& text);
  void set(const char* name, double number);
  void set(const char* name, bool value);
  void set(const char* name, std::int64_t number);
  // A pointer would be taken for a bool.
  void set(const char* name, const char* text) { set(name, std::string(text)); }
  template <typename T>
  void set(const char* name, const std::optional<T>& value) {
    value ? set(name, *value) : set(name, api::JsonNodePtr(json_node_new(JSON_NODE_NULL)));
  }
  // Null for an empty text, and for 0.
  void set_or_null(const char* name, const std::string& text);
  void set_time(const char* name, ledger::WallTime time);

  api::JsonNodePtr take() { return api::to_node(std::move(object_)); }

 private:
  api::JsonObjectPtr object_{json_object_new()};
};

// What `describe` makes of each.
template <typename Item, typename Describe>
api::JsonNodePtr array_of(const std::vector<Item>& items, Describe describe) {
  api::JsonArrayPtr array(json_array_new());
  for (const Item& item : items) json_array_add_element(array.get(), describe(item).release());
  return api::to_node(std::move(array));
}

}  // namespace genpro::cli
