// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the server asks of whoever knows what requests are about.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "emulator/http/body.h"
#include "emulator/http/message.h"

namespace genpro::emulator {

// One request on its way through the server.
struct Exchange {
  Request request;
  std::unique_ptr<BodyReader> body;  // null when the body is ignored

  // The received JSON text, empty when there is none.
  std::string json_text() const {
    const auto* json = dynamic_cast<const TextBody*>(body.get());
    return json != nullptr ? json->text() : std::string();
  }
};

class Handler {
 public:
  using Answer = std::function<Reply(Exchange& exchange)>;

  virtual ~Handler() = default;
  // Looks at the head of a request: fills in exchange.request.parameters and exchange.body, and
  // returns what answers once the body is there. Throws ApiError; `allowed` then lists the methods
  // when the reason is 405.
  virtual Answer open(Exchange& exchange, std::int64_t announced_length, std::string& allowed) = 0;
};

}  // namespace genpro::emulator
