// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Serves finished files like a CDN: entity tags, ranges, conditions. The bytes are mapped, never
// copied; one mapping serves all who read the file.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "emulator/http/message.h"

namespace genpro::emulator {

class FileServer {
 public:
  // Answers a GET or HEAD for the file `name` in `folder`. `type_of`: the content type by the
  // extension of a name. Files are complete before they get
  // their name and never change under it. Throws ApiError 404.
  Reply serve(const Request& request, const std::string& folder, const std::string& name,
              const char* (*type_of)(std::string_view extension));

 private:
  struct Entry {
    BytesPtr bytes;
    std::string tag;
    std::int64_t modified = 0;
  };
  const Entry& entry(const std::string& path);

  std::map<std::string, Entry> entries_;
};

}  // namespace genpro::emulator
