// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The endpoints: which path and method leads where, and what is checked and answered there.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "emulator/body.h"
#include "emulator/files.h"
#include "emulator/folders.h"
#include "emulator/generations.h"
#include "emulator/http.h"
#include "emulator/resources.h"
#include "emulator/store.h"

namespace genpro::emulator {

// What a route does with the body of a request.
enum class BodyKind { ignored, json, upload, blob };

class Api;

// One request on its way through the server.
struct Exchange {
  Request request;
  std::unique_ptr<BodyReader> body;  // null when the body is ignored

  // The received JSON text, empty when there is none.
  std::string json_text() const;
};

struct Route {
  const char* method;
  // Segments: words, {} for any text, and {sheet_route} for either word of sheet calls.
  const char* path;
  BodyKind body;
  Reply (Api::*handle)(Exchange&);
};

struct KnownIds {
  std::set<std::string> sheets{"101"};
  std::set<std::string> cells{"3300"};
  std::set<std::string> agents{"42"};
};

class Api {
 public:
  Api(Store& store, Resources& resources, Generations& generations, const Folders& folders,
      KnownIds known, std::string api_key);

  // Finds the route and checks what can be checked by the head alone: the key, the length of the
  // body. Fills in request.parameters and exchange.body. Throws ApiError; `allowed` then lists
  // the methods when the reason is 405.
  const Route& open(Exchange& exchange, std::int64_t announced_length, std::string& allowed);

 private:
  void check_key(const Request& request) const;
  void check_agent(const Request& request) const;
  void check_cell(const Request& request) const;
  std::unique_ptr<BodyReader> reader_for(BodyKind kind, const Request& request,
                                         std::int64_t announced_length);

  Reply generate(Exchange& exchange);
  Reply get_cell(Exchange& exchange);
  Reply get_generation(Exchange& exchange);
  Reply stop_generation(Exchange& exchange);
  Reply continue_generation(Exchange& exchange);
  Reply get_organization(Exchange& exchange);

  Reply create_resource(Exchange& exchange);
  Reply list_resources(Exchange& exchange);
  Reply get_resource(Exchange& exchange);
  Reply patch_resource(Exchange& exchange);
  Reply delete_resource(Exchange& exchange);
  Reply announce_upload(Exchange& exchange);
  Reply store_blob(Exchange& exchange);

  Reply serve_output(Exchange& exchange);
  Reply serve_thumbnail(Exchange& exchange);
  Reply serve_upload(Exchange& exchange);

  Generation generation_of(const Request& request) const;
  std::string generation_json(const Generation& generation, const Request& request) const;
  std::string resource_json(const Resource& resource, const Request& request) const;

  static const std::vector<Route>& routes();

  Store& store_;
  Resources& resources_;
  Generations& generations_;
  const Folders& folders_;
  KnownIds known_;
  std::string api_key_;
  FileServer files_;
};

}  // namespace genpro::emulator
