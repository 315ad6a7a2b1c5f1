// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/item_settings.h"

#include <optional>
#include <tuple>
#include <vector>

#include "api/json.h"
#include "base/text.h"
#include "bin/bin_settings.h"
#include "gst/gst_ptr.h"
#include "settings/job_settings.h"
#include "settings/profile.h"
#include "settings/table.h"

namespace genpro::bin {

namespace {

using Pairs = std::vector<std::pair<std::string, std::optional<std::string>>>;

// Nothing for what is no value of a setting.
std::optional<std::string> value_of(JsonNode* node) {
  if (api::as_object(node) != nullptr) return api::canonical_json(node);
  JsonArray* const array = api::as_array(node);
  if (array == nullptr) return api::as_text(node);
  std::vector<std::string> parts;
  for (guint i = 0; i < json_array_get_length(array); ++i) {
    const auto part = api::as_text(json_array_get_element(array, i));
    if (!part) return std::nullopt;
    parts.push_back(*part);
  }
  return join(parts, ",");
}

std::optional<std::string> value_of(const GValue* value) {
  if (G_VALUE_HOLDS_STRING(value)) {
    const char* const text = g_value_get_string(value);
    return text == nullptr ? "" : text;
  }
  if (G_VALUE_HOLDS_BOOLEAN(value)) return g_value_get_boolean(value) ? "true" : "false";
  if (G_VALUE_HOLDS_DOUBLE(value)) return number_text(g_value_get_double(value));
  const GCharPtr text(gst_value_serialize(value));
  return text ? std::optional<std::string>(text.get()) : std::nullopt;
}

Result<Pairs> pairs_of(const std::string& text) {
  Pairs pairs;
  if (trim(text).starts_with('{')) {
    const auto object = api::parse_exact_json_object(text);
    if (!object) return settings_error("An item of the queue is no JSON object: " + object.error());
    for (const auto& [name, value] : api::members(object->get())) {
      pairs.emplace_back(name, value_of(value));
    }
    return pairs;
  }
  const StructurePtr fields(gst_structure_from_string(text.c_str(), nullptr));
  if (!fields) {
    return settings_error(
        "An item of the queue is neither a JSON object nor a GstStructure. Give its settings as "
        "{\"prompt\": \"A boat\", \"duration\": 8}, for example.");
  }
  for (int i = 0; i < gst_structure_n_fields(fields.get()); ++i) {
    const char* const name = gst_structure_nth_field_name(fields.get(), static_cast<guint>(i));
    pairs.emplace_back(name, value_of(gst_structure_get_value(fields.get(), name)));
  }
  return pairs;
}

// Where the generation would be another one, or another service's.
bool is_elsewhere(const Settings& one, const Settings& other) {
  const auto place = [](const Settings& s) {
    return std::tie(s.sheet_id, s.cell_id, s.layer_id, s.agent_id, s.api_base_url);
  };
  return place(one) != place(other);
}

}  // namespace

Result<Settings> item_settings(Settings defaults, const std::string& text) {
  const auto pairs = pairs_of(text);
  if (!pairs) return pairs.error();
  Settings item = defaults;
  bool is_attached = false;
  for (const auto& [name, value] : *pairs) {
    const Setting* const setting = find_setting(name);
    if (setting != nullptr && setting->is_of_bytes) {
      return settings_error(name + " has no meaning for an item of the queue. Leave it out.");
    }
    if (!value) {
      return settings_error(one_line(name, 80) +
                            " of an item of the queue has a value that is none of a setting. Give "
                            "it as a string.");
    }
    if (auto error = set(item, name, *value)) return *std::move(error);
    is_attached = is_attached || name == "generation-id";
  }
  // What asks for something of its own is not the generation that the element attaches to.
  const bool is_another = asks_for_another(defaults, item) || is_elsewhere(defaults, item);
  if (!is_attached && is_another) item.generation_id.clear();
  Settings complete_item = item;
  if (auto error = complete(complete_item)) return *std::move(error);
  if (auto job = make_job_settings(complete_item); !job) return std::move(job.error());
  return item;
}

}  // namespace genpro::bin
