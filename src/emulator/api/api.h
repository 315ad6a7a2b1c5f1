// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The routing: finds the handler of a method and path, and checks what the head of a request says.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/api/services.h"
#include "emulator/http/guard.h"

namespace genpro::emulator {

class Api final : public Handler {
 public:
  // Told of each exchange. Must not throw.
  using Observer =
      std::function<void(const Request& request, const std::string& body, const Reply& reply)>;

  // `host`: what the emulator listens on. `more`: routes behind those of the API.
  Api(Services services, std::string api_key, const std::string& host, std::vector<Route> more,
      Observer observer);

  // Finds the route and checks the key and the length of the body.
  Answer open(Exchange& exchange, std::int64_t announced_length, std::string& allowed) override;

 private:
  struct Entry {
    Route route;
    std::string method;
    std::vector<std::string_view> pattern;
  };

  // Never throws what a route does: that has become the reply.
  Reply handle(const Route& route, Exchange& exchange);
  void check_key(const Request& request) const;
  std::unique_ptr<BodyReader> reader_for(BodyKind kind, const Request& request,
                                         std::int64_t announced_length);

  Services services_;
  std::string api_key_;
  OriginGuard guard_;
  Observer observer_;
  std::vector<Entry> entries_;
};

}  // namespace genpro::emulator
