// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/resources/resource.h"

#include "api/json.h"

namespace genpro::api {

namespace {

std::string text_member(JsonObject* object, const char* name) {
  return as_string(member(object, name)).value_or("");
}

Result<Resource, std::string> read_resource(JsonObject* object) {
  auto id = as_id(member(object, "id"));
  if (!id || id->empty()) return std::string("it has no id");
  return Resource{std::move(*id), text_member(object, "url"), text_member(object, "file_name"),
                  text_member(object, "content_type")};
}

// Adds the headers of an upload; false when they are none.
bool read_headers(JsonNode* node, DirectUpload& upload) {
  JsonObject* headers = as_object(node);
  if (headers == nullptr) return node == nullptr;
  for (const auto& [name, value] : members(headers)) {
    auto text = as_text(value);
    if (!text) return false;
    upload.headers.emplace_back(name, std::move(*text));
  }
  return true;
}

}  // namespace

Result<Resource, std::string> parse_resource(std::string_view body) {
  const auto object = parse_json_object(body);
  if (!object) return object.error();
  JsonObject* wrapped = as_object(member(object->get(), "content_resource"));
  return read_resource(wrapped != nullptr ? wrapped : object->get());
}

Result<std::vector<Resource>, std::string> parse_resources(std::string_view body) {
  const auto root = parse_json(body);
  if (!root) return root.error();
  JsonObject* object = as_object(root->get());
  JsonArray* list = as_array(object != nullptr ? member(object, "content_resources") : root->get());
  if (list == nullptr) return std::string("it is no list of content resources");
  std::vector<Resource> resources;
  for (JsonNode* element : elements(list)) {
    JsonObject* entry = as_object(element);
    if (entry == nullptr) return std::string("an entry of it is no content resource");
    auto resource = read_resource(entry);
    if (!resource) return "an entry of it cannot be read: " + resource.error();
    resources.push_back(std::move(*resource));
  }
  return resources;
}

Result<DirectUpload, std::string> parse_direct_upload(std::string_view body) {
  const auto object = parse_json_object(body);
  if (!object) return object.error();
  DirectUpload upload;
  upload.signed_id = text_member(object->get(), "signed_id");
  if (upload.signed_id.empty()) return std::string("it has no signed_id");
  JsonObject* target = as_object(member(object->get(), "direct_upload"));
  if (target == nullptr) target = object->get();
  upload.url = text_member(target, "url");
  if (upload.url.empty()) return std::string("it has no url for the upload");
  if (!read_headers(member(target, "headers"), upload)) {
    return std::string("its headers for the upload are no texts");
  }
  return upload;
}

}  // namespace genpro::api
