// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <libsoup/soup.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "base/glib_ptr.h"
#include "http/network.h"

namespace genpro::http {

// A message's way from the queue to its end. libsoup reads interim answers (1xx), and what frames a
// chunked body, in loops that do not come back to the main loop as long as there is more to read: a
// server that sends them without end would keep the thread for itself. Here both have a bound. All
// that comes in an HTTP/2 connection is read in such a loop, which has none.
class MessageWatch {
 public:
  // `cancellable` is that of the call that sends the message, and is cancelled when a bound is
  // reached. `on_leaving_queue` is called once, when the request has its turn: a connection is
  // being made for it, or is there.
  MessageWatch(SoupMessage* message, GCancellable* cancellable,
               std::function<void()> on_leaving_queue);
  ~MessageWatch();
  MessageWatch(const MessageWatch&) = delete;
  MessageWatch& operator=(const MessageWatch&) = delete;

  // Cancels the call, unless it is about to end by itself: libsoup from 3.4 to 3.6 releases a
  // message once too often whose call is cancelled between the end of the answer's head and its
  // callback, which follows at once. Then the callback gets a stream, and has to drop it.
  void cancel();

  // A connection that is made for the message will not be one of HTTP/2.
  void forbid_http2();

  // Asked once, when a connection is there and not a byte of the request has left: where it says
  // no, none does, and the call ends as cancelled.
  void ask_before_sending(std::function<bool()> may_leave);
  bool is_held_back() const;

  bool has_left_queue() const;
  // A connection is there, and the request is being written. Until then not a byte of it left.
  bool is_sent() const;

  // To be called when the call has brought the body, which is read with at most `largest_read`
  // bytes at once.
  void watch_body(GInputStream* body, std::size_t largest_read);
  // To be called after each read that brought bytes of the body.
  void on_body_bytes();

  // What the answer has without end, after a call or a read that failed: "interim answers (HTTP
  // 1xx)", "headers", "lengths of chunks or trailers". Null when it failed for another reason.
  const char* endless() const;

  // What ended the request before a byte of it was sent, by this network: the server's certificate,
  // that it wants the client's, that it ends the TLS handshake, or what a proxy answered instead of
  // making a connection. To be asked after the call, with its error, if any. With TLS 1.3 a GET may
  // have been sent to a server that wants a certificate.
  std::optional<Obstacle> obstacle(const Network& network, const GError* error) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace genpro::http
