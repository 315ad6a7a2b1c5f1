// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A local file on its way to the service.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/exchange.h"
#include "base/file_descriptor.h"

namespace genpro::api {

// Above the first, a file is uploaded directly: announced, put to where the service says, and made
// a content resource. Above the second, not at all. The service's limits are 50 MB and 1 GB; of
// what either may mean by that, the smaller one sends more files directly, the larger one refuses
// fewer.
inline constexpr std::uint64_t max_multipart_size = 50 * 1000 * 1000;
inline constexpr std::uint64_t max_upload_size = std::uint64_t{1} << 30;

struct Upload {
  std::shared_ptr<const FileDescriptor> file;  // read by position, never moved
  std::uint64_t size = 0;
  std::string name;          // without folders, as the service is to know it
  std::string content_type;  // "image/png"
  std::string md5;           // base64; of a direct upload alone
  // The bytes that have left; called on the thread that sends.
  std::function<void(std::uint64_t)> on_sent;
};

// The form with the file, and the file alone. A file that turns out shorter is an error of the
// stream, so that the request breaks off.
// Such errors are of this domain, whoever hands them on.
GQuark file_error_domain();
StreamedBody multipart_body(const Upload& upload);
StreamedBody file_body(const Upload& upload);

}  // namespace genpro::api
