// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/resources/put.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/text.h"
#include "http/message_watch.h"
#include "http/sessions.h"
#include "http/soup.h"

namespace genpro::api {

namespace {

// libsoup's own timers go where nothing runs them, in place of the application's main loop.
class OwnContext {
 public:
  OwnContext() : context_(g_main_context_new()) {
    g_main_context_push_thread_default(context_.get());
  }
  ~OwnContext() { g_main_context_pop_thread_default(context_.get()); }
  OwnContext(const OwnContext&) = delete;
  OwnContext& operator=(const OwnContext&) = delete;

 private:
  const MainContextPtr context_;
};

// libsoup sends a body in pieces of 8 KiB, each with several system calls. So nearly all of it is
// sent here, in larger ones, between the head and the rest, which is libsoup's.
struct Sending {
  static constexpr std::uint64_t rest = 64 * 1024;

  const std::function<void(std::uint64_t)>& on_sent;
  const std::uint64_t size;
  const bool is_secure;
  const ObjectPtr<GInputStream> body;
  const ObjectPtr<GCancellable> cancellable;
  ObjectPtr<GIOStream> connection;
  std::uint64_t sent = 0;
  ErrorPtr unread = {};  // why the file cannot be read

  void note(std::uint64_t bytes) {
    sent += bytes;
    if (on_sent) on_sent(sent);
  }
  void send() {
    std::vector<char> buffer(256 * 1024);
    GOutputStream* out = g_io_stream_get_output_stream(connection.get());
    while (size - sent > rest) {
      const gsize wanted = std::min<std::uint64_t>(buffer.size(), size - sent - rest);
      const gssize read =
          g_input_stream_read(body.get(), buffer.data(), wanted, nullptr, unread.out());
      gsize written = 0;
      // The connection is of no use any more then, and libsoup finds that.
      if (read <= 0 || g_output_stream_write_all(out, buffer.data(), static_cast<gsize>(read),
                                                 &written, cancellable.get(), nullptr) == FALSE) {
        g_io_stream_close(connection.get(), nullptr, nullptr);
        return;
      }
      note(written);
    }
  }

  static void on_event(SoupMessage*, GSocketClientEvent event, GIOStream* stream,
                       gpointer data) noexcept {
    auto* self = static_cast<Sending*>(data);
    const bool is_ready = self->is_secure ? event == G_SOCKET_CLIENT_TLS_HANDSHAKED
                                          : event == G_SOCKET_CLIENT_CONNECTED;
    if (is_ready && (!self->is_secure || G_IS_TLS_CONNECTION(stream))) {
      self->connection = ObjectPtr<GIOStream>::ref(stream);
    }
  }
  static void on_head(SoupMessage*, gpointer data) noexcept {
    auto* self = static_cast<Sending*>(data);
    if (self->connection) guard_c_callback("sending", [self] { self->send(); });
  }
  static void on_wrote(SoupMessage*, guint bytes, gpointer data) noexcept {
    guard_c_callback("sending", [&] { static_cast<Sending*>(data)->note(bytes); });
  }
};

// Of a server that is not the API's: what it writes into the body may be a page, or name what
// nobody should see.
std::string reason_of(unsigned status) {
  switch (status) {
    case 401:
    case 403:
      return "it refuses the address, which may have expired";
    case 404:
    case 410:
      return "there is nothing at the address";
    case 408:
      return "it waited too long";
    case 411:
    case 413:
      return "the file is too large for it";
    case 429:
      return "it has too many requests";
    default:
      if (status >= 500) return "it has a problem of its own";
      return status < 400 ? "it names another address" : "it refuses the file";
  }
}

// S3's words for a connection that was too slow, an address that expired and bytes that were lost
// on the way, all of which come as 400.
constexpr std::array<std::string_view, 5> transient_codes = {
    "RequestTimeout", "ExpiredToken", "RequestExpired", "BadDigest", "IncompleteBody"};

// The one of them that the answer has; empty: none.
std::string_view transient_code(GInputStream* answer, GCancellable* cancellable) {
  std::string text(4096, '\0');
  gsize size = 0;
  g_input_stream_read_all(answer, text.data(), text.size(), &size, cancellable, nullptr);
  text.resize(size);
  const auto* found = std::ranges::find_if(transient_codes, [&](std::string_view code) {
    return text.find("<Code>" + std::string(code) + "</Code>") != std::string::npos;
  });
  return found != transient_codes.end() ? *found : std::string_view();
}

// Each attempt has an address of its own, so that one that expired is worth another.
bool is_transient(unsigned status) {
  return status == 401 || status == 403 || status == 408 || status == 429 || status >= 500;
}

}  // namespace

Result<std::monostate, Failure> put_file(const Access& access, const Upload& upload,
                                         const DirectUpload& target,
                                         std::chrono::milliseconds silence,
                                         const std::stop_token& stopped) {
  const auto fail = [&](const std::string& where, const std::string& reason, bool retryable) {
    Failure failure;
    failure.retryable = retryable;
    failure.error.kind = ErrorKind::open_read;
    failure.error.debug = where + ": " + one_line(redact(reason, access.key), 300);
    while (failure.error.debug.ends_with('.')) failure.error.debug.pop_back();
    failure.error.message =
        "The server that the GEN API names for the upload of \"" + one_line(upload.name, 80) +
        "\" did not take it, " + failure.error.debug + ". " +
        (retryable ? "Try again later." : "Should that happen again, tell the service's support.");
    return failure;
  };
  const auto url = parse_url(target.url);
  std::string wrong = url ? "" : url.error();
  if (url && url->reaches_this_machine() && !access.base.reaches_this_machine()) {
    wrong = "it is on this machine, and the API is not";
  }
  if (!wrong.empty()) {
    return fail(one_line(address_for_log(redact(target.url, access.key)), 120), wrong, false);
  }
  const std::string where = one_line(redact(url->without_query(), access.key), 200);

  if (const auto obstacle = soup::load()) {
    return fail(where, obstacle->reason + ". " + obstacle->advice, false);
  }
  const OwnContext context;
  http::Sessions sessions;
  SoupSession* session = sessions.session(http::Purpose::api_write, *url, access.network);
  soup::session_set_timeout(
      session, static_cast<guint>(std::chrono::ceil<std::chrono::seconds>(silence).count()));
  const UriPtr uri(
      g_uri_parse(url->text.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), nullptr));
  const auto message = ObjectPtr<SoupMessage>::adopt(soup::message_new_from_uri("PUT", uri.get()));
  soup::message_set_flags(
      message.get(),
      static_cast<SoupMessageFlags>(SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_NEW_CONNECTION));
  const auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  Sending sending{upload.on_sent,           upload.size, url->scheme == "https",
                  file_body(upload).open(), cancellable, {}};
  soup::message_set_request_body(message.get(), nullptr, sending.body.get(),
                                 static_cast<gssize>(upload.size));
  for (const auto& [name, value] : target.headers) {
    soup::message_headers_replace(soup::message_get_request_headers(message.get()), name.c_str(),
                                  value.c_str());
  }
  g_signal_connect(message.get(), "network-event", G_CALLBACK(Sending::on_event), &sending);
  g_signal_connect(message.get(), "wrote-headers", G_CALLBACK(Sending::on_head), &sending);
  g_signal_connect(message.get(), "wrote-body-data", G_CALLBACK(Sending::on_wrote), &sending);
  const std::stop_callback cancel(stopped, [&] { g_cancellable_cancel(cancellable.get()); });
  http::MessageWatch watch(message.get(), cancellable.get(), [] {});
  watch.forbid_http2();
  ErrorPtr error;
  const auto stream = ObjectPtr<GInputStream>::adopt(
      soup::session_send(session, message.get(), cancellable.get(), error.out()));
  if (const auto obstacle = watch.obstacle(access.network, error.get())) {
    return fail(where, obstacle->reason + ". " + obstacle->advice, false);
  }
  // The last of it is read by libsoup.
  if (error && error->domain == file_error_domain()) sending.unread = std::move(error);
  if (sending.unread) {
    return Failure{settings_error("\"" + one_line(upload.name, 80) +
                                  "\" cannot be read: " + one_line(sending.unread.message()) +
                                  ". Check the disk that it is on.")};
  }
  if (!stream) return fail(where, error.message(), true);
  const unsigned status = soup::message_get_status(message.get());
  if (status >= 200 && status < 300) return std::monostate();
  const std::string_view code =
      status == 400 ? transient_code(stream.get(), cancellable.get()) : std::string_view();
  Failure failure = fail(where,
                         "HTTP " + std::to_string(status) + ": " +
                             (code.empty() ? reason_of(status) : std::string(code)),
                         is_transient(status) || !code.empty());
  failure.error.http_status = status;
  return failure;
}

}  // namespace genpro::api
