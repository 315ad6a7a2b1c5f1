// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Content resources, direct uploads, and the files that play the CDN.
#include <set>

#include "emulator/api.h"
#include "emulator/api_error.h"
#include "emulator/json.h"
#include "emulator/sniff.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t page_size = 20;

std::int64_t resource_id(const Request& request) {
  const auto id = parse_digits(request.parameters.at(0));
  if (!id) {
    throw ApiError(404, "content_resource_not_found",
                   "There is no content resource \"" + clean_file_name(request.parameters[0]) +
                       "\". Use the id of the answer to the upload.");
  }
  return *id;
}

// The object under `name` in the body, or the body itself: clients are seen to leave the wrapping
// out.
JsonObject* wrapped_object(JsonNode* body, const char* name) {
  JsonObject* outer = json_node_get_object(body);
  JsonNode* inner = json_member(outer, name);
  if (inner == nullptr) return outer;
  if (!JSON_NODE_HOLDS_OBJECT(inner)) {
    throw validation_error(std::string(name) + " must be an object.");
  }
  return json_node_get_object(inner);
}

std::string required_text(JsonObject* object, const char* name, const std::string& shown) {
  JsonNode* node = json_member(object, name);
  if (node == nullptr || !json_is_string(node) || trim(json_text(node)).empty()) {
    throw validation_error(shown + " must be a string that is not empty.");
  }
  return json_text(node);
}

// Whether `text` is the base64 form of an MD5.
bool is_md5(const std::string& text) {
  if (text.size() != 24) return false;
  gsize length = 0;
  const Owned<guchar, g_free> bytes(g_base64_decode(text.c_str(), &length));
  return length == 16 && take_string(g_base64_encode(bytes.get(), length)) == text;
}

}  // namespace

std::string Api::resource_json(const Resource& resource, const Request& request) const {
  const std::string url = request.origin + "/uploads/" + resource.stored_name;
  JsonWriter json;
  json.begin_object().key("id").integer(resource.id).key("url").string(url);
  json.key("thumbnail_url");
  // A picture is its own thumbnail.
  if (resource.kind == "image") {
    json.string(url);
  } else {
    json.null();
  }
  json.key("file_name").string(resource.file_name);
  json.key("content_type").string(resource.content_type);
  return json.end_object().text();
}

Reply Api::create_resource(Exchange& exchange) {
  check_agent(exchange.request);
  Resource resource;
  if (auto* upload = dynamic_cast<UploadBody*>(exchange.body.get())) {
    resource = resources_.add(upload->file(), upload->file_name());
  } else {
    const JsonNodePtr body = parse_json_object(exchange.json_text());
    JsonObject* fields = wrapped_object(body.get(), "content_resource");
    resource =
        resources_.add_blob(required_text(fields, "file", "content_resource.file (a signed_id)"));
  }
  JsonWriter json;
  json.begin_object().key("content_resource").raw(resource_json(resource, exchange.request));
  json.key("generator").null().end_object();
  return Reply::json(201, json.text());
}

Reply Api::list_resources(Exchange& exchange) {
  static const std::set<std::string> kinds{"image", "video", "audio", "zip", "safe_tensors"};
  const Request& request = exchange.request;
  check_agent(request);
  ResourceFilter filter;
  filter.limit = page_size;
  bool filtered = false;
  for (const auto& [name, value] : request.query) {
    if (name == "type" && !value.empty()) {
      if (!kinds.contains(value)) {
        throw validation_error("type must be one of image, video, audio, zip, safe_tensors.");
      }
      filter.kind = value;
    } else if (name == "ids[]" || name == "ids") {
      filtered = true;
      for (const auto& part : split(value, ',')) {
        if (const auto id = parse_digits(trim(part))) filter.ids.push_back(*id);
      }
    } else if (name == "page" && !value.empty()) {
      const auto page = parse_digits(value);
      if (!page || *page > 1'000'000) {
        throw validation_error("page must be a whole number, 0 for the first page.");
      }
      filter.skip = static_cast<std::size_t>(*page) * page_size;
    }
  }
  JsonWriter json;
  json.begin_array();
  // Ids that cannot exist match nothing, unlike no ids at all.
  if (!filtered || !filter.ids.empty()) {
    for (const auto& resource : store_.resources(filter)) {
      json.raw(resource_json(resource, request));
    }
  }
  return Reply::json(200, json.end_array().text());
}

Reply Api::get_resource(Exchange& exchange) {
  check_agent(exchange.request);
  const Resource resource = resources_.get(resource_id(exchange.request));
  return Reply::json(200, resource_json(resource, exchange.request));
}

Reply Api::patch_resource(Exchange& exchange) {
  check_agent(exchange.request);
  const auto id = resource_id(exchange.request);
  resources_.get(id);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = wrapped_object(body.get(), "content_resource");
  const Resource resource =
      resources_.rename(id, required_text(fields, "filename", "content_resource.filename"));
  return Reply::json(200, resource_json(resource, exchange.request));
}

Reply Api::delete_resource(Exchange& exchange) {
  check_agent(exchange.request);
  const Resource resource = resources_.remove(resource_id(exchange.request));
  return Reply::json(200, resource_json(resource, exchange.request));
}

Reply Api::announce_upload(Exchange& exchange) {
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = wrapped_object(body.get(), "blob");
  Blob blob;
  blob.file_name = clean_file_name(required_text(fields, "filename", "blob.filename"));
  JsonNode* size = json_member(fields, "byte_size");
  std::optional<std::int64_t> bytes;
  if (size != nullptr && json_is_integer(size)) bytes = json_node_get_int(size);
  if (size != nullptr && json_is_string(size)) bytes = parse_digits(json_text(size));
  if (!bytes || *bytes < 1) {
    throw validation_error("blob.byte_size must be the size of the file in bytes, at least 1.");
  }
  if (*bytes > max_direct_file) {
    throw ApiError(422, "file_size_exceeded",
                   "The file is larger than 1 GB, which is the limit of direct uploads.");
  }
  blob.byte_size = *bytes;
  blob.checksum = required_text(fields, "checksum", "blob.checksum");
  if (!is_md5(blob.checksum)) {
    throw validation_error("blob.checksum must be the MD5 of the file in base64 (24 characters).");
  }
  blob.content_type = required_text(fields, "content_type", "blob.content_type");
  // It comes back in a header of the client and in one of ours.
  for (const char c : blob.content_type) {
    if (!g_ascii_isprint(c)) throw validation_error("blob.content_type must be plain ASCII text.");
  }
  const Blob& announced = resources_.announce(std::move(blob));
  JsonWriter json;
  json.begin_object().key("signed_id").string(announced.signed_id);
  json.key("filename").string(announced.file_name);
  json.key("content_type").string(announced.content_type);
  json.key("byte_size").integer(announced.byte_size);
  json.key("checksum").string(announced.checksum);
  json.key("direct_upload").begin_object();
  json.key("url").string(exchange.request.origin + "/storage/" + announced.token);
  json.key("headers").begin_object();
  json.key("Content-Type").string(announced.content_type);
  json.key("Content-MD5").string(announced.checksum).end_object().end_object().end_object();
  return Reply::json(201, json.text());
}

Reply Api::store_blob(Exchange& exchange) {
  // Looked up again: other announcements may have come between.
  Blob* blob = resources_.blob_by_token(exchange.request.parameters.at(0));
  auto* upload = dynamic_cast<BlobBody*>(exchange.body.get());
  if (blob == nullptr || upload == nullptr) {
    throw not_found("This upload URL is no longer valid. Ask POST /v1/direct_upload for one.");
  }
  const std::string path = folders_.unfinished();
  upload->file().move_to(path);
  blob->path = path;
  return Reply::json(200, "{}");
}

Reply Api::serve_output(Exchange& exchange) {
  return files_.serve(exchange.request, folders_.root() + "/outputs",
                      exchange.request.parameters.at(0));
}

Reply Api::serve_thumbnail(Exchange& exchange) {
  return files_.serve(exchange.request, folders_.root() + "/thumbnails",
                      exchange.request.parameters.at(0));
}

Reply Api::serve_upload(Exchange& exchange) {
  return files_.serve(exchange.request, folders_.root() + "/uploads",
                      exchange.request.parameters.at(0));
}

}  // namespace genpro::emulator
