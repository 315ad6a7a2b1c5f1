// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which files were uploaded, and what they are at the service.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/store/clock.h"

namespace genpro::ledger {

// Whose content resources: an API's and an agent's, however their address and id are written.
struct AssetScope {
  std::string base_url;
  std::string agent_id;
};

// A content resource, and what it was made of.
struct Asset {
  std::string id;
  std::string sha256;  // hexadecimal
  std::uint64_t size = 0;
  std::string content_type;
  std::string file_name;
  WallTime uploaded_at = 0;
};

// A file as it was when it was read: what holds another stamp may hold other bytes.
struct FileStamp {
  std::string path;
  std::int64_t device = 0;
  std::int64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};
struct FileDigest {
  std::string sha256;
  std::string content_type;
};

}  // namespace genpro::ledger
