// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <stop_token>
#include <variant>

#include "api/client.h"
#include "api/resources/resource.h"
#include "api/resources/upload.h"

namespace genpro::api {

// Sends a file to the address that the service names for it, with exactly the headers that it
// names, and without the key: that is another server. Blocks, on a thread that is no runtime's: a
// large file goes through GIO's asynchronous calls in a multitude of small steps, several times as
// slow. Ends early when it is stopped. `silence`: the longest wait for any byte.
Result<std::monostate, Failure> put_file(const Access& access, const Upload& upload,
                                         const DirectUpload& target,
                                         std::chrono::milliseconds silence,
                                         const std::stop_token& stopped);

}  // namespace genpro::api
