// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/resources/resource_client.h"

#include <algorithm>
#include <utility>

#include "api/client_call.h"
#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

namespace {

using Nothing = std::monostate;

const auto any_body = [](std::string_view) { return Result<Nothing, std::string>(Nothing()); };

std::string shown(const std::string& name) {
  return "\"" + one_line(name, 80) + "\"";
}

// A name and a value that can stand in a request, and nothing that ends them early.
bool is_header(const std::string& name, const std::string& value) {
  const bool is_token = std::ranges::all_of(
      name, [](char c) { return g_ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; });
  const bool is_line =
      std::ranges::all_of(value, [](char c) { return c == ' ' || g_ascii_isgraph(c); });
  return !name.empty() && is_token && is_line;
}

JsonObjectPtr wrap(const char* name, JsonObjectPtr content) {
  JsonObjectPtr body(json_object_new());
  json_object_set_object_member(body.get(), name, content.release());
  return body;
}

}  // namespace

bool is_gone(const Failure& failure) {
  const unsigned status = failure.error.http_status;
  return failure.is_api_error && !failure.is_redirected && (status == 404 || status == 410) &&
         failure.error.error_code != "agent_not_found";
}

std::shared_ptr<Client::Call> ResourceClient::make_call(const char* method,
                                                        const std::string& what) {
  return Client::make_call(method,
                           {what, what, "Check agent-id, and that the key is of its owner."});
}

void ResourceClient::create(const Upload& upload, const std::string& agent_id, ResourceDone done) {
  auto call = make_call("POST", "the upload of " + shown(upload.name));
  call->request.body = multipart_body(upload);
  call->done = reading(std::move(done), parse_resource);
  begin(call, "content_resources", agent_id);
}

void ResourceClient::announce(const Upload& upload,
                              std::function<void(Result<DirectUpload, Failure>)> done) {
  auto call = make_call("POST", "the direct upload of " + shown(upload.name));
  JsonObjectPtr blob(json_object_new());
  json_object_set_string_member(blob.get(), "filename", valid_utf8(upload.name).c_str());
  json_object_set_int_member(blob.get(), "byte_size", static_cast<gint64>(upload.size));
  json_object_set_string_member(blob.get(), "checksum", upload.md5.c_str());
  json_object_set_string_member(blob.get(), "content_type", upload.content_type.c_str());
  call->request.json_body = to_text(wrap("blob", std::move(blob)));
  call->done = reading(std::move(done), parse_direct_upload, [](const DirectUpload& target) {
    for (const auto& [name, value] : target.headers) {
      if (!is_header(name, value)) return "its header " + shown(name) + " cannot be sent";
    }
    return std::string();
  });
  begin(call, "direct_upload", {});
}

void ResourceClient::create_from(const std::string& signed_id, const std::string& name,
                                 const std::string& agent_id, ResourceDone done) {
  auto call = make_call("POST", "the upload of " + shown(name));
  JsonObjectPtr resource(json_object_new());
  json_object_set_string_member(resource.get(), "file", signed_id.c_str());
  call->request.json_body = to_text(wrap("content_resource", std::move(resource)));
  call->done = reading(std::move(done), parse_resource);
  begin(call, "content_resources", agent_id);
}

void ResourceClient::get(const std::string& id, const std::string& agent_id, ResourceDone done) {
  auto call = make_call("GET", "content resource " + one_line(id, 80));
  call->done = reading(std::move(done), parse_resource, [id](const Resource& resource) {
    const bool is_another = plain_id(resource.id) != plain_id(id);
    return is_another ? "it is about content resource " + resource.id : "";
  });
  if (!is_id(id)) return refuse(call, shown(id) + " is no id");
  begin(call, "content_resources/" + id, agent_id);
}

void ResourceClient::list(const ResourceFilter& filter, const std::string& agent_id,
                          ListDone done) {
  auto call = make_call("GET", "the list of content resources");
  call->done = reading(std::move(done), parse_resources);
  if (!filter.type.empty()) {
    if (!is_id(filter.type)) return refuse(call, shown(filter.type) + " is no type");
    call->query += "&type=" + filter.type;
  }
  for (const std::string& id : filter.ids) {
    if (!is_id(id)) return refuse(call, shown(id) + " is no id");
    call->query += "&ids%5B%5D=" + id;
  }
  if (filter.page > 0) call->query += "&page=" + std::to_string(filter.page);
  begin(call, "content_resources", agent_id);
}

void ResourceClient::remove(const std::string& id, const std::string& agent_id,
                            std::function<void(Result<Nothing, Failure>)> done) {
  auto call = make_call("DELETE", "content resource " + one_line(id, 80));
  call->done = reading<Nothing>(std::move(done), any_body);
  if (!is_id(id)) return refuse(call, shown(id) + " is no id");
  begin(call, "content_resources/" + id, agent_id);
}

}  // namespace genpro::api
