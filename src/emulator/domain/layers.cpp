// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/layers.h"

#include "emulator/media/sniff.h"
#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

// Each of them is brought into the video's format as a file of its own.
constexpr std::size_t max_layers = 8;

std::optional<std::int64_t> resource_in(const std::string& attributes) {
  const JsonNodePtr node = parse_json_object(attributes);
  JsonObject* object = json_node_get_object(node.get());
  JsonObject* data = json_object_in(json_member(object, "data"));
  for (JsonObject* place : {object, data}) {
    if (place == nullptr) continue;
    if (JsonNode* id = json_member(place, "content_resource_id")) return json_whole_number(id);
    const auto ids = json_elements(json_member(place, "asset_resource_ids"));
    if (ids && !ids->empty()) return json_whole_number(ids->front());
  }
  return {};
}

std::optional<LayerMedia> media_of(Store& store, const Folders& folders, const Layer& layer) {
  const auto generations = store.generations_of_layer(layer.id);
  for (auto generation = generations.rbegin(); generation != generations.rend(); ++generation) {
    if (!generation->output) continue;
    const char* extension = extension_of(generation->settings.kind);
    return LayerMedia{folders.outputs(generation->output->name + extension),
                      content_type_of_extension(extension + 1), layer.name};
  }
  const auto id = resource_in(layer.attributes);
  const auto resource = id ? store.resource(*id) : std::nullopt;
  if (!resource) return {};
  return LayerMedia{folders.uploads(resource->stored_name), resource->content_type, layer.name};
}

}  // namespace

const char* extension_of(Kind kind) {
  return kind == Kind::remove_background ? ".mov" : ".mp4";
}

std::vector<LayerMedia> media_of_layers(Store& store, const Folders& folders,
                                        const std::string& sheet, const std::string& cell) {
  std::vector<LayerMedia> media;
  const auto layers = store.layers(sheet, cell);
  if (layers.size() > max_layers) {
    throw validation_error("Cell " + clean_label(cell) + " has " + std::to_string(layers.size()) +
                           " layers, and at most " + std::to_string(max_layers) +
                           " are rendered here. Delete some.");
  }
  for (const Layer& layer : layers) {
    auto one = media_of(store, folders, layer);
    if (!one) {
      throw validation_error("Layer " + std::to_string(layer.id) + " \"" + clean_label(layer.name) +
                             "\" of cell " + clean_label(cell) +
                             " has neither a clip nor a content resource. Generate in it, give it "
                             "asset_resource_ids in its additional_attributes, or delete it.");
    }
    media.push_back(std::move(*one));
  }
  if (media.empty()) {
    throw validation_error("Cell " + clean_label(cell) +
                           " has no layers. Make one, and generate in it or give it "
                           "asset_resource_ids in its additional_attributes.");
  }
  return media;
}

}  // namespace genpro::emulator
