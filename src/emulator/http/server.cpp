// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/callback.h"
#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

// After so many bytes of one transfer the others get their turn.
constexpr std::size_t turn_size = 1024 * 1024;

// The library moves a body for as long as the socket is ready, which with a fast peer is until its
// end. Pausing and resuming sends it through the main loop once.
void take_turns(SoupServerMessage* message, std::size_t& moved, std::size_t size) {
  moved += size;
  if (moved < turn_size) return;
  moved = 0;
  soup_server_message_pause(message);
  soup_server_message_unpause(message);
}

void send(SoupServerMessage* message, const Reply& reply) {
  const BytesPtr bytes(reply.bytes ? g_bytes_ref(reply.bytes.get())
                                   : g_bytes_new(reply.text.data(), reply.text.size()));
  const std::size_t size = g_bytes_get_size(bytes.get());
  put_head(message, reply, size);
  SoupMessageBody* body = soup_server_message_get_response_body(message);
  if (size > 0) soup_message_body_append_bytes(body, bytes.get());
  soup_message_body_complete(body);
}

bool is_host(const std::string& text) {
  if (text.empty() || text.size() > 255) return false;
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
         std::string::npos;
}

void log_request(SoupServerMessage* message, gpointer) {
  GUri* uri = soup_server_message_get_uri(message);
  const char* method = soup_server_message_get_method(message);
  std::string path = uri != nullptr ? g_uri_get_path(uri) : "?";
  // The URL of a direct upload is a key of its own.
  if (path.starts_with("/storage/")) path = "/storage/...";
  std::fprintf(stderr, "%s %s %u\n", method != nullptr ? method : "?", path.c_str(),
               soup_server_message_get_status(message));
}

constexpr const char* pending_key = "genpro-pending";

// What the library answers by itself, for a request it cannot parse, has no body: this is it.
void put_default_body(SoupServerMessage* message) {
  const Reply reply =
      error_reply(400, "bad_request", "The request is not well-formed HTTP, or it ends too early.");
  soup_message_headers_replace(soup_server_message_get_response_headers(message), "Content-Type",
                               reply.content_type.c_str());
  SoupMessageBody* body = soup_server_message_get_response_body(message);
  const BytesPtr bytes(g_bytes_new(reply.text.data(), reply.text.size()));
  soup_message_body_truncate(body);
  soup_message_body_append_bytes(body, bytes.get());
}

}  // namespace

struct Server::Pending {
  Exchange exchange;
  Handler::Answer answer;
  std::optional<Reply> refusal;
  goffset announced = -1;  // bytes of the body, -1: not known
  goffset total = 0;       // bytes of the body so far
  bool verbose = false;
  bool given_up = false;     // the rest of the body is not read
  std::size_t received = 0;  // in this turn, as is `sent`
  std::size_t sent = 0;
  std::optional<DisturbedBody> disturbed;
  Timer loss;

  // So little of a refused body is read to its end, and the connection serves the next request.
  bool has_much_to_come() const { return announced < 0 || announced - total > 64 * 1024; }
};

Server::Server(Handler& handler, const std::string& host, std::uint16_t port, bool verbose,
               const ConnectionTimes& times)
    : handler_(handler),
      verbose_(verbose),
      still_context_(g_main_context_new()),
      connections_(times),
      server_(ObjectPtr<SoupServer>::adopt(
          soup_server_new("raw-paths", TRUE, "server-header", "genpro-emulator", nullptr))),
      listener_(host, port, [this](GSocket* connection) { accept(connection); }) {
  g_signal_connect(server_.get(), "request-started", G_CALLBACK(&Server::on_started), this);
  soup_server_add_early_handler(server_.get(), nullptr, &Server::on_headers, this, nullptr);
  soup_server_add_handler(server_.get(), nullptr, &Server::on_body, this, nullptr);
  keep_connections();
}

// A SoupServer without a listener of its own closes each connection after one request, and one with
// a listener accepts by itself. So it gets the socket, on a main context that never runs.
void Server::keep_connections() {
  ErrorPtr error;
  g_main_context_push_thread_default(still_context_.get());
  const gboolean listening = soup_server_listen_socket(
      server_.get(), listener_.socket(), static_cast<SoupServerListenOptions>(0), error.out());
  g_main_context_pop_thread_default(still_context_.get());
  if (!listening) throw std::runtime_error("The server cannot be set up: " + error.message());
}

Server::~Server() {
  connections_.shut();
  // Unfinished messages may outlive the server by a turn of the loop; they must not call back.
  g_signal_handlers_disconnect_by_data(server_.get(), this);
  soup_server_remove_handler(server_.get(), nullptr);
  soup_server_disconnect(server_.get());
}

void Server::accept(GSocket* connection) {
  const auto local =
      ObjectPtr<GSocketAddress>::adopt(g_socket_get_local_address(connection, nullptr));
  const auto remote =
      ObjectPtr<GSocketAddress>::adopt(g_socket_get_remote_address(connection, nullptr));
  // Without a remote address the client has gone already.
  if (!local || !remote) return;
  // Small replies go out at once.
  g_socket_set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1, nullptr);
  const auto stream = connections_.add(connection, remote.get());
  ErrorPtr error;
  soup_server_accept_iostream(server_.get(), stream.get(), local.get(), remote.get(), error.out());
}

Request Server::read_request(SoupServerMessage* message) const {
  Request request;
  request.method = soup_server_message_get_method(message);
  SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
  SoupMessageHeadersIter iter;
  soup_message_headers_iter_init(&iter, headers);
  const char* name = nullptr;
  const char* value = nullptr;
  std::size_t head_size = 0;
  while (soup_message_headers_iter_next(&iter, &name, &value)) {
    head_size += std::strlen(name) + std::strlen(value);
    std::string& text = request.headers[to_lower(name)];
    if (!text.empty()) text += ", ";
    text += value;
  }
  const std::string host = request.header("host");
  GUri* uri = soup_server_message_get_uri(message);
  request.target = g_uri_get_path(uri);
  if (const char* query = g_uri_get_query(uri)) request.target += std::string("?") + query;
  head_size += request.target.size();
  if (head_size > max_head) throw head_too_large(request.target.size() > max_head);
  request.origin = is_host(host) ? "http://" + host : origin();
  if (const char* query = g_uri_get_query(uri)) {
    auto pairs = split_query(query);
    if (!pairs) {
      throw ApiError(400, "bad_request",
                     "The query of the request is malformed: an escape is broken, or stands for "
                     "something that is no text.");
    }
    request.query = std::move(*pairs);
  }
  auto path = split_path(g_uri_get_path(uri));
  if (!path) throw not_found("The path of the request is malformed.");
  request.path = std::move(*path);
  return request;
}

void Server::on_started(SoupServer*, SoupServerMessage* message, gpointer data) {
  put_default_body(message);
  g_signal_connect(message, "got-chunk", G_CALLBACK(&Server::on_chunk), nullptr);
  g_signal_connect(message, "wrote-body-data", G_CALLBACK(&Server::on_written), nullptr);
  g_signal_connect(message, "got-body", G_CALLBACK(&Server::on_answering), nullptr);
  g_signal_connect(message, "wrote-headers", G_CALLBACK(&Server::on_answering), nullptr);
  g_signal_connect(message, "finished", G_CALLBACK(&Server::on_finished), nullptr);
  if (Connection* connection = Connection::of(message)) connection->started(message);
  auto* self = static_cast<Server*>(data);
  if (self->verbose_) g_signal_connect(message, "finished", G_CALLBACK(&log_request), nullptr);
}

void Server::on_headers(SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                        gpointer data) {
  guard_c_callback("reading a request", [&] {
    if (Connection* connection = Connection::of(message)) connection->head_read();
    auto owned = std::make_unique<Pending>();
    Pending& pending = *owned;
    g_object_set_data_full(G_OBJECT(message), pending_key, owned.release(), [](gpointer p) {
      const std::unique_ptr<Pending> last(static_cast<Pending*>(p));
    });
    auto* self = static_cast<Server*>(data);
    pending.verbose = self->verbose_;
    self->read_head(message, pending);
  });
}

void Server::read_head(SoupServerMessage* message, Pending& pending) {
  // Bodies are read as they come; the library must not collect them as well.
  soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
  SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
  const bool waits =
      (soup_message_headers_get_expectations(headers) & SOUP_EXPECTATION_CONTINUE) != 0;
  const auto encoding = soup_message_headers_get_encoding(headers);
  const bool announced = encoding == SOUP_ENCODING_CONTENT_LENGTH;
  const goffset length = announced ? soup_message_headers_get_content_length(headers) : -1;
  pending.announced = encoding == SOUP_ENCODING_NONE ? 0 : length;
  std::string allowed;
  auto refusal = refusal_of([&] {
    // The library takes it for a number.
    if (announced && length < 0) {
      throw ApiError(400, "bad_request", "The Content-Length of the request is negative.");
    }
    pending.exchange.request = read_request(message);
    pending.answer = handler_.open(pending.exchange, length, allowed);
  });
  soup_message_headers_remove(headers, "Range");
  if (!refusal) return;
  if (refusal->status == 405) refusal->headers.emplace_back("Allow", allowed);
  // A client that waits for leave to send its body may send it or not: only the end of the
  // connection is safe to tell where the next request starts. So it is with a wrong length.
  const bool unsafe = waits || (announced && length < 0);
  if (unsafe) refusal->headers.emplace_back("Connection", "close");
  pending.exchange.body.reset();
  if (!unsafe && pending.has_much_to_come()) {
    pending.refusal = std::move(refusal);
    refuse_now(message, pending);
  } else {
    send(message, *refusal);
  }
}

void Server::on_chunk(SoupServerMessage* message, GBytes* chunk, gpointer) {
  auto* pending = static_cast<Pending*>(g_object_get_data(G_OBJECT(message), pending_key));
  if (pending == nullptr || pending->given_up) return;
  guard_c_callback("reading a body", [&] {
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(chunk, &size));
    pending->total += static_cast<goffset>(size);
    // An answer that is set already waits only for the end of the body.
    const bool reads = !pending->refusal && soup_server_message_get_status(message) == 0;
    if (reads) {
      pending->refusal = refusal_of([&] {
        if (pending->exchange.body) {
          pending->exchange.body->feed({data, size});
        } else {
          TextBody::check_length(pending->total);
        }
      });
      // What has been received of a refused body is of no use any more.
      if (pending->refusal) pending->exchange.body.reset();
      if (pending->refusal && pending->has_much_to_come()) {
        refuse_now(message, *pending);
        return;
      }
    }
    // "100 Continue" has cleared it.
    if (soup_server_message_get_status(message) == 0 &&
        soup_server_message_get_response_body(message)->length == 0) {
      put_default_body(message);
    }
    take_turns(message, pending->received, size);
  });
}

// Not at once: the library is in the middle of reading.
void Server::refuse_now(SoupServerMessage* message, Pending& pending) {
  pending.given_up = true;
  soup_server_message_pause(message);
  pending.loss.start(0, [message, &pending] {
    Connection* connection = Connection::of(message);
    if (connection == nullptr) return;
    const Reply refusal = std::move(*pending.refusal);
    soup_server_message_set_status(message, refusal.status, nullptr);
    if (pending.verbose) log_request(message, nullptr);
    connection->end(&refusal);
  });
}

void Server::on_answering(SoupServerMessage* message, gpointer) {
  if (Connection* connection = Connection::of(message)) connection->answering();
}

void Server::on_body(SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                     gpointer data) {
  auto* pending = static_cast<Pending*>(g_object_get_data(G_OBJECT(message), pending_key));
  if (pending == nullptr || (!pending->answer && !pending->refusal)) return;
  guard_c_callback("answering a request",
                   [&] { static_cast<Server*>(data)->answer(message, *pending); });
}

void Server::answer(SoupServerMessage* message, Pending& pending) {
  Reply reply;
  if (!pending.refusal) {
    pending.refusal = refusal_of([&] {
      if (pending.exchange.body) pending.exchange.body->finish();
      reply = pending.answer(pending.exchange);
    });
  }
  if (!pending.refusal && reply.later) {
    answer_later(message, reply);
    return;
  }
  if (!pending.refusal && reply.stream) {
    reply.stream(MessageStream::begin(message, reply));
    return;
  }
  pending.exchange.body.reset();
  if (!pending.refusal && reply.fate != Reply::Fate::sent) {
    lose_answer(message, pending, reply.fate == Reply::Fate::silent);
    return;
  }
  deliver(message, pending, pending.refusal ? *pending.refusal : reply);
}

void Server::deliver(SoupServerMessage* message, Pending& pending, const Reply& reply) {
  if (!reply.bytes || (!reply.cut_after && !reply.bytes_per_second)) {
    send(message, reply);
    return;
  }
  put_head(message, reply, g_bytes_get_size(reply.bytes.get()));
  pending.disturbed.emplace(message, reply.bytes.get(), reply.cut_after, reply.bytes_per_second,
                            [this, owner = std::weak_ptr<bool>(alive_), message] {
                              if (!owner.expired()) end_connection(message, false);
                            });
}

// Not at once: the library is in the middle of reading. The message keeps `pending`, and with it
// the timer, until its connection is taken.
void Server::lose_answer(SoupServerMessage* message, Pending& pending, bool silent) {
  soup_server_message_pause(message);
  pending.loss.start(0, [this, owner = std::weak_ptr<bool>(alive_), message, silent] {
    if (!owner.expired()) end_connection(message, silent);
  });
}

void Server::end_connection(SoupServerMessage* message, bool silent) {
  if (verbose_) log_request(message, nullptr);
  Connection* connection = Connection::of(message);
  if (connection == nullptr) return;
  if (silent) {
    connection->fall_silent();
  } else {
    connection->end();
  }
}

void Server::answer_later(SoupServerMessage* message, const Reply& reply) {
  soup_server_message_pause(message);
  reply.later([owner = std::weak_ptr<bool>(alive_),
               waiting = ObjectPtr<SoupServerMessage>::ref(message)](const Reply& answer) {
    // A client that has gone is found out when its answer is written.
    if (owner.expired()) return;
    send(waiting.get(), answer);
    soup_server_message_unpause(waiting.get());
  });
}

void Server::on_written(SoupServerMessage* message, guint size, gpointer) {
  auto* pending = static_cast<Pending*>(g_object_get_data(G_OBJECT(message), pending_key));
  if (pending == nullptr) return;
  guard_c_callback("writing an answer", [&] {
    take_turns(message, pending->sent, size);
    if (pending->disturbed) pending->disturbed->written(size);
  });
}

// The connection keeps the message until the next one comes, which may be long: not so what hangs
// on it.
void Server::on_finished(SoupServerMessage* message, gpointer) {
  g_object_set_data(G_OBJECT(message), pending_key, nullptr);
  if (Connection* connection = Connection::of(message)) connection->finished();
}

}  // namespace genpro::emulator
