// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/message_watch.h"

#include <string_view>
#include <utility>

#include "base/callback.h"
#include "base/text.h"
#include "http/soup.h"

namespace genpro::http {

namespace {

// Servers send two at most.
constexpr unsigned max_interim_answers = 16;

// libsoup gives up after 64 KiB of headers (100 KiB in later versions), with the error of a
// connection that ended. No server means less than this for an answer's head.
constexpr guint64 endless_head_size = 32 * 1024;

// Of lengths of chunks, their extensions and trailers, between two bytes of the body or after them.
constexpr std::size_t max_framing_size = 64 * 1024;

// The signal of libsoup's own stream below a chunked body, with the number of bytes that it read.
constexpr const char* read_signal = "read-data";

// The stream that libsoup takes a chunked body from; null where it is built in another way.
GInputStream* find_framed_stream(GInputStream* body) {
  GInputStream* stream = body;
  while (G_IS_FILTER_INPUT_STREAM(stream)) {
    stream = g_filter_input_stream_get_base_stream(G_FILTER_INPUT_STREAM(stream));
    if (stream == nullptr) return nullptr;
    if (std::string_view(G_OBJECT_TYPE_NAME(stream)) == "SoupFilterInputStream" &&
        g_signal_lookup(read_signal, G_OBJECT_TYPE(stream)) != 0) {
      return stream;
    }
  }
  return nullptr;
}

// A connection's socket, kept at its stream for the messages after the first one.
constexpr const char* socket_key = "genpro-socket";

// The socket below a stream: as it was kept, else that of a stream without TLS.
ObjectPtr<GSocket> find_socket(GInputStream* framed) {
  if (gpointer kept = g_object_get_data(G_OBJECT(framed), socket_key)) {
    return ObjectPtr<GSocket>::ref(G_SOCKET(kept));
  }
  GInputStream* stream = g_filter_input_stream_get_base_stream(G_FILTER_INPUT_STREAM(framed));
  GObject* socket = nullptr;
  if (stream != nullptr &&
      g_object_class_find_property(G_OBJECT_GET_CLASS(stream), "socket") != nullptr) {
    g_object_get(stream, "socket", &socket, nullptr);
  }
  return ObjectPtr<GSocket>::adopt(G_IS_SOCKET(socket) ? G_SOCKET(socket) : nullptr);
}

}  // namespace

struct MessageWatch::State {
  using Weak = std::weak_ptr<State>;

  ObjectPtr<SoupMessage> message;
  ObjectPtr<GCancellable> cancellable;
  ObjectPtr<GSocket> socket;  // of the connection, where it is known
  std::function<void()> on_leaving_queue;
  std::function<bool()> may_leave;
  bool is_held_back = false;
  bool is_http2_forbidden = false;
  bool has_left_queue = false;
  bool is_sent = false;
  bool is_ending = false;         // the head is there, and the call has not told so yet
  ObjectPtr<GTlsConnection> tls;  // as of its handshake
  ObjectPtr<GTlsCertificate> distrusted;
  GTlsCertificateFlags distrust = G_TLS_CERTIFICATE_NO_FLAGS;
  unsigned interim_answers = 0;
  ObjectPtr<GInputStream> framed;
  gulong framed_handler = 0;
  std::size_t framing = 0;  // bytes since the latest byte of the body
  std::size_t max_framing = 0;

  void leave_queue() {
    if (std::exchange(has_left_queue, true)) return;
    const auto function = std::exchange(on_leaving_queue, nullptr);
    guard_c_callback("a request's turn", [&] { function(); });
  }

  static void on_network_event(SoupMessage*, GSocketClientEvent event, GIOStream* connection,
                               gpointer data) noexcept {
    const auto state = static_cast<Weak*>(data)->lock();
    if (!state) return;
    if (event == G_SOCKET_CLIENT_CONNECTED && G_IS_SOCKET_CONNECTION(connection)) {
      state->socket =
          ObjectPtr<GSocket>::ref(g_socket_connection_get_socket(G_SOCKET_CONNECTION(connection)));
    }
    if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING && G_IS_TLS_CONNECTION(connection)) {
      state->tls = ObjectPtr<GTlsConnection>::ref(G_TLS_CONNECTION(connection));
      if (state->is_http2_forbidden) {
        static const char* const protocols[] = {"http/1.1", nullptr};
        g_tls_connection_set_advertised_protocols(state->tls.get(), protocols);
      }
    }
    state->leave_queue();
  }

  // There is a connection, and nothing has been written to it yet.
  static void on_starting(SoupMessage*, gpointer data) noexcept {
    const auto state = static_cast<Weak*>(data)->lock();
    if (!state) return;
    if (state->may_leave) {
      state->is_held_back = true;
      guard_c_callback("sending", [&state] { state->is_held_back = !state->may_leave(); });
    }
    if (state->is_held_back) {
      // libsoup looks at it before it writes.
      g_cancellable_cancel(state->cancellable.get());
    } else {
      state->is_sent = true;
    }
    state->leave_queue();
  }

  // Never accepts what does not verify, as if nobody listened.
  static gboolean on_distrust(SoupMessage*, GTlsCertificate* certificate,
                              GTlsCertificateFlags errors, gpointer data) noexcept {
    if (const auto state = static_cast<Weak*>(data)->lock()) {
      state->distrusted = ObjectPtr<GTlsCertificate>::ref(certificate);
      state->distrust = errors;
    }
    return FALSE;
  }

  // A server may ask for a certificate and name the authorities that it takes, and then end the
  // handshake by an alert that does not tell why.
  bool wants_certificate(const GError* error) const {
    if (error == nullptr || error->domain != G_TLS_ERROR) return false;
    if (error->code == G_TLS_ERROR_CERTIFICATE_REQUIRED) return true;
    if (!tls || !G_IS_TLS_CLIENT_CONNECTION(tls.get())) return false;
    GList* const authorities =
        g_tls_client_connection_get_accepted_cas(G_TLS_CLIENT_CONNECTION(tls.get()));
    const bool is_named = authorities != nullptr;
    g_list_free_full(authorities, [](gpointer each) noexcept {
      g_byte_array_unref(static_cast<GByteArray*>(each));
    });
    return is_named;
  }

  static void on_interim_answer(SoupMessage*, gpointer data) noexcept {
    const auto state = static_cast<Weak*>(data)->lock();
    // libsoup looks at the cancellable before it reads more from the connection.
    if (state && ++state->interim_answers > max_interim_answers) {
      g_cancellable_cancel(state->cancellable.get());
    }
  }

  static void on_head(SoupMessage*, gpointer data) noexcept {
    if (const auto state = static_cast<Weak*>(data)->lock()) state->is_ending = true;
  }

  static void on_framed_read(GInputStream*, guint count, gpointer data) noexcept {
    const auto state = static_cast<Weak*>(data)->lock();
    if (!state) return;
    state->framing += count;
    // Here libsoup does not look at a cancellable.
    if (state->framing > state->max_framing && state->socket) {
      g_socket_close(state->socket.get(), nullptr);
    }
  }
};

namespace {

// Connects a handler that is given a weak pointer to the state.
template <typename State>
gulong connect(gpointer object, const char* signal, GCallback handler,
               const std::shared_ptr<State>& state) {
  using Weak = std::weak_ptr<State>;
  return g_signal_connect_data(
      object, signal, handler, std::make_unique<Weak>(state).release(),
      [](gpointer data, GClosure*) noexcept {
        const std::unique_ptr<Weak> owned(static_cast<Weak*>(data));
      },
      static_cast<GConnectFlags>(0));
}

}  // namespace

MessageWatch::MessageWatch(SoupMessage* message, GCancellable* cancellable,
                           std::function<void()> on_leaving_queue)
    : state_(std::make_shared<State>()) {
  state_->message = ObjectPtr<SoupMessage>::ref(message);
  state_->cancellable = ObjectPtr<GCancellable>::ref(cancellable);
  state_->on_leaving_queue = std::move(on_leaving_queue);
  // For a program that links libsoup, and has made the message without the table.
  soup::load();
  soup::message_add_flags(message, SOUP_MESSAGE_COLLECT_METRICS);
  connect(message, "network-event", G_CALLBACK(State::on_network_event), state_);
  connect(message, "starting", G_CALLBACK(State::on_starting), state_);
  connect(message, "accept-certificate", G_CALLBACK(State::on_distrust), state_);
  connect(message, "got-informational", G_CALLBACK(State::on_interim_answer), state_);
  connect(message, "got-headers", G_CALLBACK(State::on_head), state_);
}

MessageWatch::~MessageWatch() {
  // A connection that is kept outlives the message.
  if (state_->framed_handler != 0) {
    g_signal_handler_disconnect(state_->framed.get(), state_->framed_handler);
  }
}

void MessageWatch::cancel() {
  if (!state_->is_ending) g_cancellable_cancel(state_->cancellable.get());
}

void MessageWatch::forbid_http2() {
  state_->is_http2_forbidden = true;
}

void MessageWatch::ask_before_sending(std::function<bool()> may_leave) {
  state_->may_leave = std::move(may_leave);
}

bool MessageWatch::is_held_back() const {
  return state_->is_held_back;
}

bool MessageWatch::has_left_queue() const {
  return state_->has_left_queue;
}

bool MessageWatch::is_sent() const {
  return state_->is_sent;
}

void MessageWatch::watch_body(GInputStream* body, std::size_t largest_read) {
  state_->is_ending = false;
  GInputStream* framed = find_framed_stream(body);
  if (framed == nullptr) return;
  if (state_->socket) {
    g_object_set_data_full(G_OBJECT(framed), socket_key, g_object_ref(state_->socket.get()),
                           g_object_unref);
  }
  SoupMessageHeaders* headers = soup::message_get_response_headers(state_->message.get());
  if (soup::message_headers_get_encoding(headers) != SOUP_ENCODING_CHUNKED) return;
  state_->framed = ObjectPtr<GInputStream>::ref(framed);
  if (!state_->socket) state_->socket = find_socket(framed);
  // The bytes of the body themselves are read through it, too, before on_body_bytes() is called.
  state_->max_framing = max_framing_size + largest_read;
  state_->framed_handler = connect(framed, read_signal, G_CALLBACK(State::on_framed_read), state_);
}

void MessageWatch::on_body_bytes() {
  state_->framing = 0;
}

const char* MessageWatch::endless() const {
  if (state_->interim_answers > max_interim_answers) return "interim answers (HTTP 1xx)";
  if (state_->framed && state_->framing > state_->max_framing) {
    return "lengths of chunks or trailers";
  }
  SoupMessageMetrics* metrics = soup::message_get_metrics(state_->message.get());
  if (soup::message_get_status(state_->message.get()) == SOUP_STATUS_NONE && metrics != nullptr &&
      soup::message_metrics_get_response_header_bytes_received(metrics) >= endless_head_size) {
    return "headers";
  }
  return nullptr;
}

std::optional<Obstacle> MessageWatch::obstacle(const Network& network, const GError* error) const {
  const bool is_get = g_strcmp0(soup::message_get_method(state_->message.get()), "GET") == 0;
  if (state_->is_sent && !is_get) return std::nullopt;
  if (!state_->distrusted && state_->wants_certificate(error)) {
    return Obstacle{network.tls_interaction
                        ? "it wants another client's certificate than it was given"
                        : "it wants a client's certificate",
                    "Have the application give one that the server takes, by its GTlsInteraction."};
  }
  if (state_->is_sent) return std::nullopt;
  if (state_->distrusted) {
    const char* host = g_uri_get_host(soup::message_get_uri(state_->message.get()));
    return describe_distrust(state_->distrusted.get(), state_->distrust, host, network);
  }
  // An alert, or what is no TLS, as it would be at the next try. A break is another error.
  if (g_error_matches(error, G_TLS_ERROR, G_TLS_ERROR_MISC)) {
    return Obstacle{
        "it ends the TLS handshake (" + one_line(error->message, 120) + ")",
        "It may want a client's certificate, which the application gives by its "
        "GTlsInteraction, or it speaks no TLS, or no version of it that is known here."};
  }
  const unsigned status = soup::message_get_status(state_->message.get());
  if (status == SOUP_STATUS_NONE) return std::nullopt;
  return describe_proxy_answer(status, network);
}

}  // namespace genpro::http
