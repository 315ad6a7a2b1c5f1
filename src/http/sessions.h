// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What requests to the API and for clips have in common: libsoup's sessions and messages, and
// bounds for what libsoup itself reads without end. Everything here belongs to a runtime's thread,
// since libsoup ties a session and its messages to the thread and main context that made them.
#pragma once

#include <libsoup/soup.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "base/threads/runtime.h"
#include "base/web/url.h"
#include "http/network.h"

namespace genpro::http {

enum class Purpose {
  api_read,
  // What is about money takes a new connection each time. In a session with others it would wait
  // until none of them does: libsoup gives a connection that gets free to those who can take it
  // over.
  api_write,
  clip,
};

// A runtime's sessions: `runtime.keep<Sessions>()`.
class Sessions : public Runtime::Kept {
 public:
  // The session for a request to `url` by this network. Sessions never decode bodies, and messages
  // are to be sent without following redirects. Reads of the API have few connections, since they
  // are short; the stop requests of a pipeline go out together, and a clip holds its connection for
  // minutes. A request to this machine takes no proxy: it is in the clear, and a proxy would see
  // the key.
  SoupSession* session(Purpose purpose, const Url& url, const Network& network);

  // To be called when something comes from a server.
  void note_answer(Purpose purpose, const Url& url);
  // How much longer a request that waits in the queue may do so, where the requests before it may
  // take `silence`; nothing when the server has not answered any of them for that time.
  std::optional<std::chrono::milliseconds> time_to_wait(Purpose purpose, const Url& url,
                                                        std::chrono::milliseconds silence) const;

  void abort() override;

 private:
  std::map<std::tuple<Purpose, bool, Network>, ObjectPtr<SoupSession>> sessions_;
  // When a server answered last, by its origin: monotonic, in microseconds.
  std::map<std::pair<Purpose, std::string>, gint64> answered_;
};

}  // namespace genpro::http
