// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/api/api.h"

#include <utility>

#include "emulator/api/uploads.h"

namespace genpro::emulator {

namespace {

bool is_sheet_route(const std::string& word) {
  // spreadsheets is an older name of vidsheet.
  return word == "autocontentengine" || word == "vidsheet" || word == "spreadsheets";
}

// Whether `path` fits `pattern`; fills `parameters` with what stands for the {}.
bool fits(const std::vector<std::string>& path, const std::vector<std::string_view>& pattern,
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

Api::Api(Services services, std::string api_key, const std::string& host, std::vector<Route> more,
         Observer observer)
    : services_(std::move(services)),
      api_key_(std::move(api_key)),
      guard_(host),
      observer_(std::move(observer)) {
  for (const auto& table : {action_routes(), variable_routes(), generation_routes(), cell_routes(),
                            sheet_routes(), resource_routes(), account_routes(), price_routes(),
                            agent_routes(), fault_routes(), more}) {
    for (Route route : table) {
      if (route.endpoint == Endpoint::other && !std::string_view(route.path).starts_with("v1/")) {
        route.endpoint = Endpoint::own;
      }
      for (const auto method : split(route.method, ' ')) {
        entries_.push_back({route, std::string(method), split(route.path, '/')});
      }
    }
  }
}

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

std::unique_ptr<BodyReader> Api::reader_for(BodyKind kind, const Request& request,
                                            std::int64_t announced_length) {
  switch (kind) {
    case BodyKind::ignored:
      return nullptr;
    case BodyKind::json:
      TextBody::check_length(announced_length);
      return std::make_unique<TextBody>();
    case BodyKind::fields:
      TextBody::check_length(announced_length);
      if (request.media_type() == "multipart/form-data") {
        return std::make_unique<FieldsBody>(request.header("content-type"));
      }
      return std::make_unique<TextBody>();
    case BodyKind::upload:
    case BodyKind::variables:
      if (request.media_type() == "multipart/form-data") {
        UploadBody::check_length(announced_length);
        return std::make_unique<UploadBody>(
            request.header("content-type"), services_.folders,
            kind == BodyKind::upload ? "content_resource[file]" : "file");
      }
      // The rest is JSON or CSV, whatever it is called: clients are seen to forget the header.
      TextBody::check_length(announced_length);
      return std::make_unique<TextBody>();
    case BodyKind::file:
      // A gigabyte for an agent that is not there need not come first.
      agent_of(services_, request);
      FileBody::check_length(announced_length);
      return std::make_unique<FileBody>(services_.folders);
    case BodyKind::blob:
      break;
  }
  const auto blob = services_.store.blob_by_token(request.parameters.at(0));
  if (!blob) {
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
  return std::make_unique<BlobBody>(*blob, services_.folders);
}

Handler::Answer Api::open(Exchange& exchange, std::int64_t announced_length, std::string& allowed) {
  Request& request = exchange.request;
  guard_.check(request);
  const std::string first = request.path.empty() ? std::string() : request.path.front();
  if (first == "v1" || first == "_emulator") check_key(request);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::vector<std::string> parameters;
  const std::string word = request.path.size() > 1 ? request.path[1] : "";
  if (services_.dialect == Dialect::today && word == "autocontentengine") {
    throw not_found("This emulator speaks today's dialects, whose sheets are below /v1/vidsheet.");
  }
  for (const auto& [route, known, pattern] : entries_) {
    if (!fits(request.path, pattern, parameters)) continue;
    if (method != known) {
      // A word such as mass_update also fits where an id is expected.
      if ((", " + allowed + ",").find(" " + known + ",") != std::string::npos) continue;
      if (!allowed.empty()) allowed += ", ";
      allowed += known == "GET" ? "GET, HEAD" : known;
      continue;
    }
    request.parameters = parameters;
    exchange.body = reader_for(route.body, request, announced_length);
    return [this, &route = route](Exchange& opened) { return handle(route, opened); };
  }
  if (!allowed.empty()) {
    throw ApiError(405, "method_not_allowed",
                   "This path takes " + allowed + ", and the request was something else.");
  }
  throw not_found(
      "There is nothing at this path. The API's own paths start with /v1, as in "
      "/v1/generations/9040.");
}

Reply Api::handle(const Route& route, Exchange& exchange) {
  Reply reply = answer_of([&] {
    if (auto refusal = services_.faults.refusal(route.endpoint)) return std::move(*refusal);
    Reply served = route.handle(services_, exchange);
    services_.faults.disturb(route.endpoint, exchange.request, served);
    return served;
  });
  observer_(exchange.request, exchange.json_text(), reply);
  return reply;
}

}  // namespace genpro::emulator
