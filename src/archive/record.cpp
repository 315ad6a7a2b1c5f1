// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive/record.h"

#include <json-glib/json-glib.h>

#include "base/glib_ptr.h"

namespace genpro::archive {

namespace {

constexpr std::size_t sha256_length = 64;
constexpr gint64 milliseconds = 1000;

std::string iso_text(std::int64_t time) {
  const DateTimePtr moment(g_date_time_new_from_unix_utc(time / milliseconds));
  return moment ? take_string(g_date_time_format_iso8601(moment.get())) : std::string();
}

std::int64_t time_in(const std::string& text) {
  const Owned<GTimeZone, g_time_zone_unref> utc(g_time_zone_new_utc());
  const DateTimePtr moment(g_date_time_new_from_iso8601(text.c_str(), utc.get()));
  return moment ? g_date_time_to_unix(moment.get()) * milliseconds : 0;
}

JsonNode* value_of(JsonObject* object, const char* name) {
  JsonNode* node = json_object_get_member(object, name);
  return node != nullptr && JSON_NODE_HOLDS_VALUE(node) ? node : nullptr;
}

std::string text_of(JsonObject* object, const char* name) {
  JsonNode* node = value_of(object, name);
  const bool is_text = node != nullptr && json_node_get_value_type(node) == G_TYPE_STRING;
  return is_text ? json_node_get_string(node) : "";
}

std::optional<double> number_of(JsonObject* object, const char* name) {
  JsonNode* node = value_of(object, name);
  const GType type = node != nullptr ? json_node_get_value_type(node) : G_TYPE_INVALID;
  if (type != G_TYPE_DOUBLE && type != G_TYPE_INT64) return std::nullopt;
  return json_node_get_double(node);
}

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == sha256_length &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string to_json(const Record& record) {
  const auto builder = ObjectPtr<JsonBuilder>::adopt(json_builder_new());
  json_builder_begin_object(builder.get());
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    json_builder_set_member_name(builder.get(), name);
    json_builder_add_string_value(builder.get(), value.c_str());
  };
  add("service", record.service);
  add("generation-id", record.generation_id);
  add("sha256", record.sha256);
  json_builder_set_member_name(builder.get(), "size");
  json_builder_add_int_value(builder.get(), static_cast<gint64>(record.size));
  add("model", record.model);
  if (record.cost) {
    json_builder_set_member_name(builder.get(), "cost");
    json_builder_add_double_value(builder.get(), *record.cost);
  }
  add("fingerprint", record.fingerprint);
  add("prompt", record.prompt);
  if (record.requested_at > 0) add("requested-at", iso_text(record.requested_at));
  add("kept-at", iso_text(record.kept_at));
  json_builder_end_object(builder.get());
  const Owned<JsonNode, json_node_unref> root(json_builder_get_root(builder.get()));
  return take_string(json_to_string(root.get(), TRUE)) + "\n";
}

std::optional<Record> read_record(const std::string& path) {
  const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
  if (!json_parser_load_from_file(parser.get(), path.c_str(), nullptr)) return std::nullopt;
  JsonNode* root = json_parser_get_root(parser.get());
  if (root == nullptr || !JSON_NODE_HOLDS_OBJECT(root)) return std::nullopt;
  JsonObject* object = json_node_get_object(root);
  Record record;
  record.service = text_of(object, "service");
  record.generation_id = text_of(object, "generation-id");
  record.model = text_of(object, "model");
  record.cost = number_of(object, "cost");
  record.fingerprint = text_of(object, "fingerprint");
  record.prompt = text_of(object, "prompt");
  record.requested_at = time_in(text_of(object, "requested-at"));
  record.kept_at = time_in(text_of(object, "kept-at"));
  record.sha256 = text_of(object, "sha256");
  const auto size = number_of(object, "size");
  if (size && *size > 0 && *size < 1e15) record.size = static_cast<std::uint64_t>(*size);
  if (record.generation_id.empty() || !is_sha256(record.sha256)) return std::nullopt;
  return record;
}

}  // namespace genpro::archive
