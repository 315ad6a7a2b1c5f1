// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A client that has nothing to do with the project: plain libsoup, and plain sockets.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gio/gio.h>

namespace genpro::test {

struct Reply {
  int status = 0;
  std::string body;
  std::string error;
  std::map<std::string, std::string> headers;
};

using RequestHeaders = std::vector<std::pair<std::string, std::string>>;

Reply send(const char* method, const std::string& url, const RequestHeaders& headers = {},
           const std::string& body = "", GCancellable* cancellable = nullptr);

// Everything the server sends on a plain connection, up to its end.
std::string send_plain(const std::string& origin, const std::string& path);

}  // namespace genpro::test
