// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which path and method leads where, and what can be checked by the head of a request alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "emulator/api/services.h"
#include "emulator/http/guard.h"

namespace genpro::emulator {

class Api {
 public:
  // `host`: what the emulator listens on.
  Api(Services services, std::string api_key, const std::string& host);

  // Finds the route and checks the key and the length of the body. Fills in request.parameters and
  // exchange.body. Throws ApiError; `allowed` then lists the methods when the reason is 405.
  const Route& open(Exchange& exchange, std::int64_t announced_length, std::string& allowed);
  // Never throws what a handler does: that has become the reply.
  Reply handle(const Route& route, Exchange& exchange);

 private:
  struct Entry {
    Route route;
    std::vector<std::string> pattern;
  };

  void check_key(const Request& request) const;
  std::unique_ptr<BodyReader> reader_for(BodyKind kind, const Request& request,
                                         std::int64_t announced_length);

  Services services_;
  std::string api_key_;
  PageGuard guard_;
  std::vector<Entry> entries_;
};

}  // namespace genpro::emulator
