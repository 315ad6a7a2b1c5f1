// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Content resources, the ingredients that the service holds.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace genpro::api {

struct Resource {
  std::string id;
  // Empty where the answer has none.
  std::string url;  // as it stands there, of any scheme
  std::string file_name;
  std::string content_type;  // "image/png"
};

// Where a direct upload goes, and what becomes a resource then.
struct DirectUpload {
  std::string signed_id;
  std::string url;  // as it stands there
  std::vector<std::pair<std::string, std::string>> headers;
};

// Read the answers; wrapped in `content_resource` or not. The error is a fragment that says what is
// wrong.
Result<Resource, std::string> parse_resource(std::string_view body);
Result<std::vector<Resource>, std::string> parse_resources(std::string_view body);
Result<DirectUpload, std::string> parse_direct_upload(std::string_view body);

}  // namespace genpro::api
