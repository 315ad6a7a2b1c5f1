// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/render_spec.h"

#include <json-glib/json-glib.h>

#include <cstdint>

#include "base/glib_ptr.h"

namespace genpro::emulator::render {
namespace {

constexpr int kMinSide = 16;
constexpr int kMaxSide = 4096;
constexpr int kMaxFps = 120;
constexpr int kMaxDuration = 600;
constexpr int kMaxStallTimeout = 3600;

// Reads members of one JSON object; the first that has the wrong type is remembered.
class Members {
 public:
  Members(JsonObject* object, std::string prefix, std::string* error)
      : object_(object), prefix_(std::move(prefix)), error_(error) {}

  void read(const char* name, std::string* value) {
    JsonNode* node = find(name);
    if (node == nullptr) return;
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING) {
      fail(name, "must be a string");
    } else {
      *value = json_node_get_string(node);
    }
  }
  void read(const char* name, int* value, int min, int max) {
    JsonNode* node = find(name);
    if (node == nullptr) return;
    const bool integer =
        JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64;
    const std::int64_t number = integer ? json_node_get_int(node) : 0;
    if (!integer || number < min || number > max) {
      fail(name, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max));
    } else {
      *value = static_cast<int>(number);
    }
  }
  void read(const char* name, bool* value) {
    JsonNode* node = find(name);
    if (node == nullptr) return;
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN) {
      fail(name, "must be true or false");
    } else {
      *value = json_node_get_boolean(node) != FALSE;
    }
  }
  JsonNode* find(const char* name) {
    return ok_ && json_object_has_member(object_, name) ? json_object_get_member(object_, name)
                                                        : nullptr;
  }
  void fail(const std::string& name, const std::string& what) {
    ok_ = false;
    *error_ = "the render specification's member \"" + prefix_ + name + "\" " + what;
  }
  bool ok() const { return ok_; }

 private:
  JsonObject* object_;
  std::string prefix_;
  std::string* error_;
  bool ok_ = true;
};

bool read_ingredients(JsonNode* node, std::vector<RenderIngredient>* ingredients,
                      std::string* error) {
  if (!JSON_NODE_HOLDS_ARRAY(node)) {
    *error = "the render specification's member \"ingredients\" must be an array";
    return false;
  }
  JsonArray* array = json_node_get_array(node);
  for (guint i = 0; i < json_array_get_length(array); ++i) {
    const std::string name = "ingredients[" + std::to_string(i) + "]";
    JsonNode* element = json_array_get_element(array, i);
    if (!JSON_NODE_HOLDS_OBJECT(element)) {
      *error = "the render specification's member \"" + name + "\" must be an object";
      return false;
    }
    RenderIngredient ingredient;
    Members members(json_node_get_object(element), name + ".", error);
    members.read("path", &ingredient.path);
    members.read("content_type", &ingredient.content_type);
    members.read("file_name", &ingredient.file_name);
    if (members.ok() && ingredient.path.empty()) members.fail("path", "is missing");
    if (!members.ok()) return false;
    ingredients->push_back(std::move(ingredient));
  }
  return true;
}

void add(JsonObject* object, const char* name, const std::string& value) {
  // A prompt that is not UTF-8 would make the whole file unreadable.
  const GCharPtr valid(g_utf8_make_valid(value.data(), static_cast<gssize>(value.size())));
  json_object_set_string_member(object, name, valid.get());
}

}  // namespace

bool RenderSpec::parse(const std::string& json, RenderSpec* spec, std::string* error) {
  const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
  ErrorPtr parse_error;
  if (!json_parser_load_from_data(parser.get(), json.data(), static_cast<gssize>(json.size()),
                                  parse_error.out())) {
    *error = "the render specification is not JSON: " + parse_error.message();
    return false;
  }
  JsonNode* root = json_parser_get_root(parser.get());
  if (root == nullptr || !JSON_NODE_HOLDS_OBJECT(root)) {
    *error = "the render specification must be a JSON object";
    return false;
  }
  *spec = RenderSpec();
  Members members(json_node_get_object(root), "", error);
  members.read("output", &spec->output);
  members.read("thumbnail", &spec->thumbnail);
  members.read("width", &spec->width, kMinSide, kMaxSide);
  members.read("height", &spec->height, kMinSide, kMaxSide);
  members.read("fps", &spec->fps, 1, kMaxFps);
  members.read("duration", &spec->duration, 1, kMaxDuration);
  members.read("prompt", &spec->prompt);
  members.read("model", &spec->model);
  members.read("generation_id", &spec->generation_id);
  members.read("audio", &spec->audio);
  members.read("moov_at_end", &spec->moov_at_end);
  members.read("stall_timeout", &spec->stall_timeout, 1, kMaxStallTimeout);
  if (members.ok() && spec->output.empty()) members.fail("output", "is missing");
  // 4:2:0 pictures have half as many colour samples either way.
  if (members.ok() && spec->width % 2 != 0) members.fail("width", "must be even");
  if (members.ok() && spec->height % 2 != 0) members.fail("height", "must be even");
  if (JsonNode* node = members.find("ingredients")) {
    if (!read_ingredients(node, &spec->ingredients, error)) return false;
  }
  return members.ok();
}

bool RenderSpec::load(const std::string& path, RenderSpec* spec, std::string* error) {
  char* contents = nullptr;
  gsize length = 0;
  ErrorPtr read_error;
  if (!g_file_get_contents(path.c_str(), &contents, &length, read_error.out())) {
    *error = "the render specification cannot be read: " + read_error.message();
    return false;
  }
  const GCharPtr owned(contents);
  return parse(std::string(contents, length), spec, error);
}

std::string RenderSpec::to_json() const {
  const Owned<JsonNode, json_node_unref> root(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(root.get(), json_object_new());
  JsonObject* object = json_node_get_object(root.get());
  add(object, "output", output);
  add(object, "thumbnail", thumbnail);
  json_object_set_int_member(object, "width", width);
  json_object_set_int_member(object, "height", height);
  json_object_set_int_member(object, "fps", fps);
  json_object_set_int_member(object, "duration", duration);
  add(object, "prompt", prompt);
  add(object, "model", model);
  add(object, "generation_id", generation_id);
  json_object_set_boolean_member(object, "audio", audio);
  json_object_set_boolean_member(object, "moov_at_end", moov_at_end);
  json_object_set_int_member(object, "stall_timeout", stall_timeout);
  JsonArray* array = json_array_new();
  json_object_set_array_member(object, "ingredients", array);
  for (const RenderIngredient& ingredient : ingredients) {
    JsonObject* item = json_object_new();
    json_array_add_object_element(array, item);
    add(item, "path", ingredient.path);
    add(item, "content_type", ingredient.content_type);
    add(item, "file_name", ingredient.file_name);
  }
  return take_string(json_to_string(root.get(), TRUE));
}

bool RenderSpec::save(const std::string& path, std::string* error) const {
  const std::string json = to_json();
  ErrorPtr write_error;
  if (!g_file_set_contents(path.c_str(), json.data(), static_cast<gssize>(json.size()),
                           write_error.out())) {
    *error = "the render specification cannot be written: " + write_error.message();
    return false;
  }
  return true;
}

}  // namespace genpro::emulator::render
