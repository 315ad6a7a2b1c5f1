// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Content resources, direct uploads, and the files that play the CDN.
#include <algorithm>
#include <set>

#include "emulator/api/services.h"
#include "emulator/api/uploads.h"
#include "emulator/media/sniff.h"

namespace genpro::emulator {

namespace {

constexpr std::int64_t default_page_size = 20;
constexpr std::int64_t max_page_size = 100;

std::int64_t resource_id(const Request& request) {
  const auto id = parse_digits(request.parameters.at(0));
  if (!id) {
    throw ApiError(404, "content_resource_not_found",
                   "There is no content resource \"" + clean_file_name(request.parameters[0]) +
                       "\". Use the id of the answer to the upload.");
  }
  return *id;
}

// Whether `text` is the base64 form of an MD5.
bool is_md5(const std::string& text) {
  if (text.size() != 24) return false;
  gsize length = 0;
  const Owned<guchar, g_free> bytes(g_base64_decode(text.c_str(), &length));
  return length == 16 && take_string(g_base64_encode(bytes.get(), length)) == text;
}

Reply created(Services& services, const Exchange& exchange, const Resource& resource) {
  JsonWriter json;
  json.begin_object().key("content_resource").raw(views_of(services, exchange).resource(resource));
  json.key("generator").null().end_object();
  return Reply::json(201, json.text());
}

// Some of the service's clients look for the resource in its wrapping, others for its members.
Reply detail(Services& services, const Exchange& exchange, const Resource& resource) {
  const Views views = views_of(services, exchange);
  JsonWriter json;
  json.begin_object().key("content_resource").raw(views.resource(resource));
  json.key("generator").null();
  views.write(json, resource);
  return Reply::json(200, json.end_object().text());
}

Reply create_resource(Services& services, Exchange& exchange) {
  agent_of(services, exchange);
  Resource resource;
  if (auto* upload = dynamic_cast<UploadBody*>(exchange.body.get())) {
    resource = services.resources.add(upload->file(), upload->file_name());
  } else {
    const auto [body, fields] = wrapped_body(exchange, "content_resource");
    resource = services.resources.add_blob(
        required_text(fields, "file", "content_resource.file (a signed_id)"));
  }
  return created(services, exchange, resource);
}

// What the page sends: the file is the whole body, its name is in the query. A browser has no MD5
// for a direct upload, and a form is for small files.
Reply create_from_page(Services& services, Exchange& exchange) {
  agent_of(services, exchange);
  auto& upload = dynamic_cast<FileBody&>(*exchange.body);
  const std::string name = exchange.request.query_value("file_name").value_or("");
  return created(services, exchange, services.resources.add(upload.file(), name));
}

// Empty: the first one.
std::size_t page_number(const std::string& text) {
  const auto page = text.empty() ? std::optional<std::int64_t>(0) : parse_digits(text);
  if (!page || *page > 1'000'000) {
    throw validation_error("page must be a whole number, 0 for the first page.");
  }
  return static_cast<std::size_t>(*page);
}

Reply list_resources(Services& services, Exchange& exchange) {
  static const std::set<std::string> kinds{"image", "video", "audio", "zip", "safe_tensors"};
  agent_of(services, exchange);
  ResourceFilter filter;
  filter.limit = default_page_size;
  bool filtered = false;
  for (const auto& [name, value] : exchange.request.query) {
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
      filter.skip = page_number(value) * filter.limit;
    }
  }
  // Ids that cannot exist match nothing, unlike no ids at all.
  if (filtered && filter.ids.empty()) return Reply::json(200, "[]");
  const Views views = views_of(services, exchange);
  return Reply::json(200, json_array(services.store.resources(filter),
                                     [&](const Resource& one) { return views.resource(one); }));
}

// The resources once more, as an asset library without folders.
Reply list_assets(Services& services, Exchange& exchange) {
  static const std::set<std::string> types{"image", "video", "audio", "folder"};
  agent_of(services, exchange);
  const auto text = [&exchange](const char* name) {
    return exchange.request.query_value(name).value_or("");
  };
  if (const std::string folder = text("folder_id"); !folder.empty()) {
    throw not_found("There is no asset folder \"" + clean_label(folder) +
                    "\": the emulator has none. Leave folder_id out to see all files.");
  }
  ResourceFilter filter;
  filter.kind = text("asset_type");
  if (!filter.kind.empty() && !types.contains(filter.kind)) {
    throw validation_error("asset_type must be one of image, video, audio, folder.");
  }
  // Newest first is the only order there is.
  if (const std::string order = text("order"); !order.empty() && order != "recent") {
    throw validation_error("order must be recent.");
  }
  filter.search = text("search");
  const std::string size = text("page_size");
  const auto wanted =
      size.empty() ? std::optional<std::int64_t>(default_page_size) : parse_digits(size);
  if (!wanted || *wanted < 1 || *wanted > max_page_size) {
    throw validation_error("page_size must be a whole number from 1 to " +
                           std::to_string(max_page_size) + ".");
  }
  filter.limit = static_cast<std::size_t>(*wanted);
  filter.skip = page_number(text("page")) * filter.limit;
  const Views views = views_of(services, exchange);
  // Of the kind "folder" there is none.
  return Reply::json(200, json_array(services.store.resources(filter), [&](const Resource& one) {
                       JsonWriter json;
                       json.begin_object().key("type").string("ContentResource");
                       views.write(json, one);
                       return json.end_object().text();
                     }));
}

Reply get_resource(Services& services, Exchange& exchange) {
  agent_of(services, exchange);
  return detail(services, exchange, services.resources.get(resource_id(exchange.request)));
}

Reply patch_resource(Services& services, Exchange& exchange) {
  agent_of(services, exchange);
  const auto id = resource_id(exchange.request);
  services.resources.get(id);
  const auto [body, fields] = wrapped_body(exchange, "content_resource");
  const Resource resource =
      services.resources.rename(id, required_text(fields, "filename", "content_resource.filename"));
  return detail(services, exchange, resource);
}

Reply delete_resource(Services& services, Exchange& exchange) {
  agent_of(services, exchange);
  const Resource resource = services.resources.remove(resource_id(exchange.request));
  return Reply::json(200, views_of(services, exchange).resource(resource));
}

Reply announce_upload(Services& services, Exchange& exchange) {
  const auto [body, fields] = wrapped_body(exchange, "blob");
  Blob blob;
  blob.file_name = clean_file_name(required_text(fields, "filename", "blob.filename"));
  const auto bytes = json_whole_number(json_member(fields, "byte_size"));
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
  const Blob announced = services.resources.announce(std::move(blob));
  const std::string url = exchange.request.origin + "/storage/" + announced.token;
  JsonWriter json;
  const auto write_target = [&] {
    json.key("url").string(url).key("headers").begin_object();
    json.key("Content-Type").string(announced.content_type);
    json.key("Content-MD5").string(announced.checksum).end_object();
  };
  json.begin_object().key("id").integer(announced.number).key("key").string(announced.token);
  json.key("filename").string(announced.file_name);
  json.key("content_type").string(announced.content_type);
  json.key("byte_size").integer(announced.byte_size);
  json.key("checksum").string(announced.checksum);
  json.key("signed_id").string(announced.signed_id);
  json.key("direct_upload").begin_object();
  write_target();
  json.end_object();
  // So that a client finds them where its documents have them.
  write_target();
  return Reply::json(200, json.end_object().text());
}

Reply store_blob(Services& services, Exchange& exchange) {
  // Looked up again: other announcements may have come between.
  const auto blob = services.store.blob_by_token(exchange.request.parameters.at(0));
  auto* upload = dynamic_cast<BlobBody*>(exchange.body.get());
  if (!blob || upload == nullptr) {
    throw not_found("This upload URL is no longer valid. Ask POST /v1/direct_upload for one.");
  }
  services.resources.keep_blob(*blob, upload->file());
  return Reply::json(200, "{}");
}

// A file of the folder that the path names.
Reply serve(Services& services, Exchange& exchange) {
  const auto& path = exchange.request.path;
  const auto& parameters = exchange.request.parameters;
  std::string name = parameters.back();
  // The token is part of the file's name, so that a wrong one leads to no file.
  if (parameters.size() > 1) {
    name.insert(std::min(name.rfind('.'), name.size()), "-" + parameters[0]);
  }
  return services.files.serve(exchange.request,
                              services.folders.root() + "/" + path.at(path.size() - 2), name,
                              &content_type_of_extension);
}

Reply serve_output(Services& services, Exchange& exchange) {
  services.faults.check_link(exchange.request);
  return serve(services, exchange);
}

}  // namespace

std::vector<Route> resource_routes() {
  return {
      {"POST", "v1/content_resources", BodyKind::upload, &create_resource, Endpoint::upload},
      {"GET", "v1/content_resources", BodyKind::ignored, &list_resources},
      {"GET", "v1/content_resources/{}", BodyKind::ignored, &get_resource},
      {"PATCH", "v1/content_resources/{}", BodyKind::json, &patch_resource},
      {"DELETE", "v1/content_resources/{}", BodyKind::ignored, &delete_resource},
      {"POST", "_emulator/content_resources", BodyKind::file, &create_from_page, Endpoint::upload},
      {"GET", "v1/asset_libraries", BodyKind::ignored, &list_assets},
      {"POST", "v1/direct_upload", BodyKind::json, &announce_upload, Endpoint::upload},
      {"PUT", "storage/{}", BodyKind::blob, &store_blob, Endpoint::upload},
      {"GET", "outputs/{}", BodyKind::ignored, &serve_output, Endpoint::download},
      {"GET", "cdn/{}/outputs/{}", BodyKind::ignored, &serve_output, Endpoint::download},
      {"GET", "cdn/{}/thumbnails/{}", BodyKind::ignored, &serve},
      {"GET", "thumbnails/{}", BodyKind::ignored, &serve},
      {"GET", "uploads/{}", BodyKind::ignored, &serve},
  };
}

}  // namespace genpro::emulator
