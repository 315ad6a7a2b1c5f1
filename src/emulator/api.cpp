// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/api.h"

#include <algorithm>
#include <utility>

#include "emulator/api_error.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

bool is_sheet_route(const std::string& word) {
  return word == "autocontentengine" || word == "vidsheet";
}

// Whether `path` fits `pattern`; fills `parameters` with what stands for the {}.
bool fits(const std::vector<std::string>& path, const std::vector<std::string>& pattern,
          std::vector<std::string>& parameters) {
  if (path.size() != pattern.size()) return false;
  parameters.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "{}") {
      if (path[i].empty()) return false;
      parameters.push_back(path[i]);
    } else if (pattern[i] == "{sheet_route}") {
      if (!is_sheet_route(path[i])) return false;
    } else if (pattern[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string Exchange::json_text() const {
  const auto* json = dynamic_cast<const JsonBody*>(body.get());
  return json != nullptr ? json->text() : std::string();
}

const std::vector<Route>& Api::routes() {
  static const std::vector<Route> table{
      {"POST", "v1/{sheet_route}/{}/cells/{}/generate", BodyKind::json, &Api::generate},
      {"GET", "v1/{sheet_route}/{}/cells/{}", BodyKind::ignored, &Api::get_cell},
      {"GET", "v1/generations/{}", BodyKind::ignored, &Api::get_generation},
      {"POST", "v1/generations/{}/stop", BodyKind::ignored, &Api::stop_generation},
      {"POST", "v1/generations/{}/continue", BodyKind::ignored, &Api::continue_generation},
      {"GET", "v1/organizations/{}", BodyKind::ignored, &Api::get_organization},
      {"POST", "v1/content_resources", BodyKind::upload, &Api::create_resource},
      {"GET", "v1/content_resources", BodyKind::ignored, &Api::list_resources},
      {"GET", "v1/content_resources/{}", BodyKind::ignored, &Api::get_resource},
      {"PATCH", "v1/content_resources/{}", BodyKind::json, &Api::patch_resource},
      {"DELETE", "v1/content_resources/{}", BodyKind::ignored, &Api::delete_resource},
      {"POST", "v1/direct_upload", BodyKind::json, &Api::announce_upload},
      {"PUT", "storage/{}", BodyKind::blob, &Api::store_blob},
      {"GET", "outputs/{}", BodyKind::ignored, &Api::serve_output},
      {"GET", "thumbnails/{}", BodyKind::ignored, &Api::serve_thumbnail},
      {"GET", "uploads/{}", BodyKind::ignored, &Api::serve_upload},
  };
  return table;
}

Api::Api(Store& store, Resources& resources, Generations& generations, const Folders& folders,
         KnownIds known, std::string api_key)
    : store_(store),
      resources_(resources),
      generations_(generations),
      folders_(folders),
      known_(std::move(known)),
      api_key_(std::move(api_key)) {}

void Api::check_key(const Request& request) const {
  if (api_key_.empty()) return;
  const std::string given = request.header("x-api-key");
  if (given.empty()) {
    throw ApiError(401, "unauthorized",
                   "The X-API-Key header is missing. Send the key that the emulator was started "
                   "with.");
  }
  if (!equal_in_constant_time(given, api_key_)) {
    throw ApiError(401, "unauthorized",
                   "The X-API-Key header holds another key than the one that the emulator was "
                   "started with.");
  }
}

void Api::check_agent(const Request& request) const {
  const auto agent = request.query_value("agent_id");
  if (!agent || agent->empty()) {
    throw ApiError(422, "agent_not_found",
                   "The query parameter agent_id is missing. Add ?agent_id= to the URL.");
  }
  if (!known_.agents.contains(*agent)) {
    throw ApiError(422, "agent_not_found",
                   "There is no agent \"" + clean_file_name(*agent) +
                       "\". The emulator knows 42 and the ones given with --agent.");
  }
}

void Api::check_cell(const Request& request) const {
  if (!known_.sheets.contains(request.parameters.at(0))) {
    throw ApiError(404, "spreadsheet_not_found",
                   "There is no sheet \"" + clean_file_name(request.parameters[0]) +
                       "\". The emulator knows 101 and the ones given with --sheet.");
  }
  if (!known_.cells.contains(request.parameters.at(1))) {
    throw not_found("There is no cell \"" + clean_file_name(request.parameters[1]) +
                    "\". The emulator knows 3300 and the ones given with --cell.");
  }
  check_agent(request);
}

std::unique_ptr<BodyReader> Api::reader_for(BodyKind kind, const Request& request,
                                            std::int64_t announced_length) {
  switch (kind) {
    case BodyKind::ignored:
      return nullptr;
    case BodyKind::json:
      JsonBody::check_length(announced_length);
      return std::make_unique<JsonBody>();
    case BodyKind::upload:
      if (request.media_type() == "multipart/form-data") {
        UploadBody::check_length(announced_length);
        return std::make_unique<UploadBody>(request.header("content-type"), folders_);
      }
      // The rest is JSON, whatever it is called: clients are seen to forget the header.
      JsonBody::check_length(announced_length);
      return std::make_unique<JsonBody>();
    case BodyKind::blob:
      break;
  }
  Blob* blob = resources_.blob_by_token(request.parameters.at(0));
  if (blob == nullptr) {
    throw not_found("This upload URL was not given out. Ask POST /v1/direct_upload for one.");
  }
  if (announced_length > blob->byte_size) {
    throw ApiError(422, "file_size_exceeded",
                   "The request has " + std::to_string(announced_length) +
                       " bytes and byte_size said " + std::to_string(blob->byte_size) +
                       ". Announce the true size.");
  }
  if (request.header("content-type") != blob->content_type) {
    throw validation_error("The Content-Type must be \"" + blob->content_type +
                           "\", as it was announced. Send exactly the headers of direct_upload.");
  }
  if (request.header("content-md5") != blob->checksum) {
    throw validation_error(
        "The Content-MD5 header must hold the checksum that was announced. Send exactly the "
        "headers of direct_upload.");
  }
  return std::make_unique<BlobBody>(*blob, folders_);
}

const Route& Api::open(Exchange& exchange, std::int64_t announced_length, std::string& allowed) {
  Request& request = exchange.request;
  if (!request.path.empty() && request.path.front() == "v1") check_key(request);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::vector<std::string> parameters;
  for (const auto& route : routes()) {
    if (!fits(request.path, split(route.path, '/'), parameters)) continue;
    if (method != route.method) {
      if (!allowed.empty()) allowed += ", ";
      allowed += route.method;
      if (std::string(route.method) == "GET") allowed += ", HEAD";
      continue;
    }
    request.parameters = parameters;
    exchange.body = reader_for(route.body, request, announced_length);
    return route;
  }
  if (!allowed.empty()) {
    throw ApiError(405, "method_not_allowed",
                   "This path takes " + allowed + ", and the request was something else.");
  }
  throw not_found(
      "There is nothing at this path. The API's own paths start with /v1, as in "
      "/v1/generations/9040.");
}

}  // namespace genpro::emulator
