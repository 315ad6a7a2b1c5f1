// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Faults, switched while the emulator runs.
#include <algorithm>

#include "emulator/api/services.h"
#include "emulator/faults/faults.h"

namespace genpro::emulator {

namespace {

constexpr const char* shape =
    "Send {\"name\": …, \"value\": …} to switch a fault on, {\"name\": …, \"enabled\": false} to "
    "switch it off, or several of these as {\"faults\": […]}; \"seed\" may stand beside.";

void check_members(JsonObject* object, const std::vector<std::string>& known) {
  for (const auto& [name, value] : json_members(object)) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw validation_error("There is no member \"" + clean_label(name) + "\". " + shape);
    }
  }
}

std::optional<std::string> value_of(JsonObject* object) {
  JsonNode* node = json_member(object, "value");
  if (node == nullptr) return {};
  // A number of bytes or a status, from a client that knows it as a number.
  if (json_is_string(node) || json_is_integer(node)) return json_value_text(node);
  throw validation_error("value must be a string or a whole number.");
}

// Whether the fault is to be on.
bool wants(JsonObject* object) {
  JsonNode* node = json_member(object, "enabled");
  if (node == nullptr) return true;
  if (!json_is_boolean(node)) throw validation_error("enabled must be true or false.");
  return json_is_true(node);
}

void apply(Faults& faults, JsonObject* object, const std::vector<std::string>& known) {
  check_members(object, known);
  const std::string name = required_text(object, "name", "name (of a fault)");
  const bool enabled = wants(object);
  const auto value = value_of(object);
  if (enabled || value) faults.set(name, value);
  if (!enabled) faults.switch_off(name);
}

void apply_seed(Faults& faults, JsonObject* object) {
  const auto seed = optional_number(object, "seed", "seed");
  if (!seed) return;
  if (*seed < 0 || *seed > max_fault_seed) {
    throw validation_error("seed must be a whole number from 0 to " +
                           std::to_string(max_fault_seed) + ".");
  }
  faults.set_seed(*seed);
}

void apply_all(Faults& faults, JsonObject* body) {
  apply_seed(faults, body);
  JsonNode* list = json_member(body, "faults");
  if (list == nullptr) {
    // The seed may come alone.
    if (json_member(body, "name") != nullptr || json_member(body, "seed") == nullptr) {
      apply(faults, body, {"name", "value", "enabled", "seed"});
    } else {
      check_members(body, {"seed"});
    }
    return;
  }
  check_members(body, {"faults", "seed"});
  const auto elements = json_elements(list);
  if (!elements) throw validation_error("faults must be a list.");
  for (JsonNode* element : *elements) {
    JsonObject* object = json_object_in(element);
    if (object == nullptr) {
      throw validation_error(std::string("faults must be a list of objects. ") + shape);
    }
    apply(faults, object, {"name", "value", "enabled"});
  }
}

Reply list_faults(Services& services, Exchange&) {
  return Reply::json(200, services.faults.json());
}

Reply set_faults(Services& services, Exchange& exchange) {
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  // All of it or nothing.
  Faults changed = services.faults;
  try {
    apply_all(changed, json_node_get_object(body.get()));
  } catch (const FaultError& error) {
    throw validation_error(error.what());
  }
  services.faults = std::move(changed);
  return list_faults(services, exchange);
}

Reply remove_fault(Services& services, Exchange& exchange) {
  try {
    services.faults.remove(exchange.request.parameters.at(0));
  } catch (const FaultError& error) {
    throw not_found(error.what());
  }
  return list_faults(services, exchange);
}

Reply remove_faults(Services& services, Exchange& exchange) {
  services.faults.remove_all();
  return list_faults(services, exchange);
}

}  // namespace

std::vector<Route> fault_routes() {
  return {
      {"GET", "_emulator/faults", BodyKind::ignored, &list_faults},
      {"POST", "_emulator/faults", BodyKind::json, &set_faults},
      {"DELETE", "_emulator/faults", BodyKind::ignored, &remove_faults},
      {"DELETE", "_emulator/faults/{}", BodyKind::ignored, &remove_fault},
  };
}

}  // namespace genpro::emulator
