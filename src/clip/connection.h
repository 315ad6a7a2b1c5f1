// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "base/text.h"
#include "clip/fetcher.h"
#include "http/message_watch.h"
#include "http/soup.h"

namespace genpro::clip {

// One request and its answer. A connection that is not the current one any more reports back to
// nobody: each callback compares.
struct Fetcher::Connection {
  SoupSession* session = nullptr;  // of the runtime
  ObjectPtr<SoupMessage> message;
  std::optional<http::MessageWatch> watch;
  ObjectPtr<GInputStream> stream;
  AttachedSourcePtr ready;  // while bytes are waited for
  BlockPool::Memory buffer;
  std::size_t filled = 0;  // bytes of the buffer

  std::chrono::steady_clock::time_point started_at;
  Wanted wanted;
  std::uint64_t first = 0;           // in the clip, of the body's first byte
  std::uint64_t position = 0;        // of its next one
  std::optional<std::uint64_t> end;  // of what the answer announces, in the clip
  std::uint64_t delivered = 0;       // bytes
  bool is_alive = true;              // something came that starts the time without a byte over
  bool is_decoded = false;           // the body, of an encoding
  bool is_paused = false;            // nothing is read, since the read-ahead is full

  // By a length below 0, as some servers tell that they do not know it. libsoup takes the end of
  // such a body for a break.
  bool ends_with_connection() const {
    SoupMessageHeaders* headers = soup::message_get_response_headers(message.get());
    return soup::message_headers_get_encoding(headers) == SOUP_ENCODING_CONTENT_LENGTH &&
           soup::message_headers_get_content_length(headers) < 0;
  }
  std::string header(const char* name) const {
    const char* value =
        soup::message_headers_get_list(soup::message_get_response_headers(message.get()), name);
    return value != nullptr ? std::string(trim(value)) : std::string();
  }
};

}  // namespace genpro::clip
