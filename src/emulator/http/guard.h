// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Keeps the pages of other sites out. A browser lets them send requests to this machine, also under
// a name of their own that was made to point here, so that it takes the attacker's page for ours.
#pragma once

#include <string>

#include "base/glib_ptr.h"
#include "emulator/http/message.h"

namespace genpro::emulator {

class OriginGuard {
 public:
  // `host`: what the emulator was told to listen on, an address or a name that is known to resolve.
  explicit OriginGuard(std::string host);

  // Throws ApiError 403. The Host of each request must be this machine or the host that was
  // configured; what changes something must not come from a page of another origin. On a wildcard
  // address, where a key is demanded, every Host is taken.
  void check(const Request& request) const;

 private:
  bool knows(const std::string& host) const;

  std::string host_;
  ObjectPtr<GInetAddress> address_;
};

}  // namespace genpro::emulator
