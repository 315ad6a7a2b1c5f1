// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/render_spec.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "emulator/media/render/reporter.h"
#include "emulator/util/json.h"

namespace genpro::emulator::render {
namespace {

constexpr int kMinSide = 16;
constexpr int kMaxSide = 4096;
constexpr int kMaxFps = 120;
constexpr int kMaxDuration = 600;
constexpr int kMaxStallTimeout = 3600;

[[noreturn]] void fail(const std::string& what) {
  throw RenderError("Nothing was rendered: the render specification" + what + ".");
}

[[noreturn]] void fail(const std::string& member, const std::string& what) {
  fail("'s member \"" + member + "\" " + what);
}

// Reads members of one JSON object.
class Members {
 public:
  // `prefix`: of the members' names in messages.
  Members(JsonObject* object, std::string prefix) : object_(object), prefix_(std::move(prefix)) {}

  void read(const char* name, std::string& value) const {
    JsonNode* node = json_member(object_, name);
    if (node == nullptr) return;
    if (!json_is_string(node)) fail(prefix_ + name, "must be a string");
    value = json_text(node);
  }
  void read(const char* name, int& value, int min, int max) const {
    JsonNode* node = json_member(object_, name);
    if (node == nullptr) return;
    const std::int64_t number = json_is_integer(node) ? json_node_get_int(node) : min - 1;
    if (number < min || number > max) {
      fail(prefix_ + name,
           "must be an integer from " + std::to_string(min) + " to " + std::to_string(max));
    }
    value = static_cast<int>(number);
  }
  void read(const char* name, bool& value) const {
    JsonNode* node = json_member(object_, name);
    if (node == nullptr) return;
    if (!json_is_boolean(node)) fail(prefix_ + name, "must be true or false");
    value = json_is_true(node);
  }

 private:
  JsonObject* object_;
  std::string prefix_;
};

Kind kind_of(const std::string& word) {
  constexpr std::array words{"ingredients", "image", "lipsync", "layers", "matte"};
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) fail("kind", "must be the name of a kind");
  return static_cast<Kind>(found - words.begin());
}

std::vector<RenderIngredient> read_ingredients(JsonNode* node) {
  const auto elements = json_elements(node);
  if (!elements) fail("ingredients", "must be an array");
  std::vector<RenderIngredient> ingredients;
  for (JsonNode* element : *elements) {
    const std::string name = "ingredients[" + std::to_string(ingredients.size()) + "]";
    if (json_object_in(element) == nullptr) fail(name, "must be an object");
    RenderIngredient& ingredient = ingredients.emplace_back();
    const Members members(json_object_in(element), name + ".");
    members.read("path", ingredient.path);
    members.read("content_type", ingredient.content_type);
    members.read("file_name", ingredient.file_name);
    if (ingredient.path.empty()) fail(name + ".path", "is missing");
  }
  return ingredients;
}

}  // namespace

RenderSpec RenderSpec::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) fail(" \"" + path + "\" cannot be read");
  if (const auto problem = json_problem(text)) fail(" is not JSON: " + *problem);
  const JsonNodePtr root = find_json_object(text);
  if (!root) fail(" must be a JSON object");
  RenderSpec spec;
  const Members members(json_node_get_object(root.get()), "");
  std::string kind = "ingredients";
  members.read("kind", kind);
  spec.kind = kind_of(kind);
  members.read("output", spec.output);
  members.read("thumbnail", spec.thumbnail);
  members.read("width", spec.width, kMinSide, kMaxSide);
  members.read("height", spec.height, kMinSide, kMaxSide);
  members.read("fps", spec.fps, 1, kMaxFps);
  const bool has_own_length = spec.kind != Kind::ingredients && spec.kind != Kind::image;
  members.read("duration", spec.duration, has_own_length ? 0 : 1, kMaxDuration);
  members.read("prompt", spec.prompt);
  members.read("model", spec.model);
  members.read("generation_id", spec.generation_id);
  members.read("audio", spec.audio);
  members.read("moov_at_end", spec.moov_at_end);
  members.read("stall_timeout", spec.stall_timeout, 1, kMaxStallTimeout);
  if (spec.output.empty()) fail("output", "is missing");
  // 4:2:0 images have half as many colour samples either way.
  if (spec.width % 2 != 0) fail("width", "must be even");
  if (spec.height % 2 != 0) fail("height", "must be even");
  if (JsonNode* node = json_member(json_node_get_object(root.get()), "ingredients")) {
    spec.ingredients = read_ingredients(node);
  }
  return spec;
}

}  // namespace genpro::emulator::render
