// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/http_origin.h"

#include <future>
#include <mutex>
#include <set>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/sanitizer.h"

namespace genpro::test {

std::string Seen::header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::string Seen::dump() const {
  std::string text = method + " " + path + "?" + query + "\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\n";
  return text + "\n" + body;
}

// In the order in which they came, also where one comes meanwhile.
void Gate::open() {
  std::vector<std::function<void()>> actions;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(opens_, true)) return;
  }
  while (true) {
    {
      std::lock_guard lock(mutex_);
      open_ = actions_.empty();
      if (open_) return;
      actions.swap(actions_);
    }
    for (auto& action : actions) action();
    actions.clear();
  }
}

bool Gate::is_open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

void Gate::when_open(std::function<void()> action) {
  {
    std::lock_guard lock(mutex_);
    if (!open_) {
      actions_.push_back(std::move(action));
      return;
    }
  }
  action();
}

bool Wire::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t piece = std::min<std::size_t>(bytes.size(), 64 * 1024);
    const gssize sent = g_socket_send(socket_, bytes.data(), piece, cancellable_, nullptr);
    if (sent <= 0) return false;
    written_ += static_cast<std::size_t>(sent);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Wire::wait_until_client_leaves() {
  char buffer[4096];
  while (g_socket_receive(socket_, buffer, sizeof buffer, cancellable_, nullptr) > 0) {
  }
}

void Wire::close_with_reset() {
  const linger how{.l_onoff = 1, .l_linger = 0};
  setsockopt(g_socket_get_fd(socket_), SOL_SOCKET, SO_LINGER, &how, sizeof how);
}

bool Wire::wait(const std::shared_ptr<Gate>& gate) {
  auto opened = std::make_shared<std::promise<void>>();
  auto future = opened->get_future();
  gate->when_open([opened] { opened->set_value(); });
  while (future.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
    if (g_cancellable_is_cancelled(cancellable_)) return false;
  }
  return true;
}

Answer json_answer(int status, std::string text) {
  return Answer{.status = status, .body = std::move(text)};
}

Answer html_answer(int status, std::string text) {
  return Answer{.status = status, .body = std::move(text), .content_type = "text/html"};
}

Answer redirect_answer(int status, std::string location) {
  return Answer{.status = status, .headers = {{"Location", std::move(location)}}};
}

Answer silent_answer() {
  return Answer{.raw = [](Wire& wire) { wire.wait_until_client_leaves(); }};
}

Answer cut_answer(int status, std::string body, std::size_t sent) {
  return Answer{.raw = [status, body = std::move(body), sent](Wire& wire) {
    wire.write("HTTP/1.1 " + std::to_string(status) + " Cut\r\nContent-Type: application/json\r\n" +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
               body.substr(0, sent));
  }};
}

Answer closing_answer() {
  return Answer{.raw = [](Wire&) {}};
}

namespace {

int listen_on_any_port(SoupServer* server) {
  ErrorPtr error;
  if (!soup_server_listen_local(server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, error.out()))
    g_error("no loopback port for a test server: %s", error.message().c_str());
  GSList* uris = soup_server_get_uris(server);
  const int port = g_uri_get_port(static_cast<GUri*>(uris->data));
  g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
  return port;
}

// The tests of a program share a ledger, which knows a service by its address: one that comes after
// another at the same port would be taken for it, and its clips for those that were paid there.
int listen_on_new_port(SoupServer* server) {
  static std::mutex mutex;
  static std::set<int> given;
  for (;;) {
    const int port = listen_on_any_port(server);
    const std::lock_guard lock(mutex);
    if (given.insert(port).second) return port;
    soup_server_disconnect(server);
  }
}

}  // namespace

HttpOrigin::HttpOrigin(std::string name, Handler handler)
    : name_(std::move(name)),
      handler_(std::move(handler)),
      context_(g_main_context_new()),
      loop_(g_main_loop_new(context_.get(), FALSE)),
      cancellable_(ObjectPtr<GCancellable>::adopt(g_cancellable_new())),
      alive_(std::make_shared<bool>(true)) {
  std::promise<int> port;
  auto known = port.get_future();
  thread_ = std::thread([this, &port] {
    g_main_context_push_thread_default(context_.get());
    server_ = ObjectPtr<SoupServer>::adopt(soup_server_new("server-header", "test", nullptr));
    soup_server_add_handler(server_.get(), nullptr, on_request, this, nullptr);
    port.set_value(listen_on_new_port(server_.get()));
    serve();
    g_main_context_pop_thread_default(context_.get());
  });
  port_ = known.get();
}

HttpOrigin::~HttpOrigin() {
  g_cancellable_cancel(cancellable_.get());
  invoke(context_.get(), [this] { g_main_loop_quit(loop_.get()); });
  thread_.join();
  for (auto& thread : raw_threads_) thread.join();
}

std::string HttpOrigin::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

void HttpOrigin::serve() {
  g_main_loop_run(loop_.get());
  *alive_ = false;
  soup_server_disconnect(server_.get());
  // Closing the connections is itself asynchronous; what it needs is queued by now.
  while (g_main_context_iteration(context_.get(), FALSE)) {
  }
  server_.reset();
}

void HttpOrigin::invoke(GMainContext* context, std::function<void()> action) {
  using Action = std::function<void()>;
  // An idle source and not g_main_context_invoke(): the action must not run inside a callback of
  // the message it is about.
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  auto boxed = std::make_unique<Action>(std::move(action));
  ordered_before(boxed.get());
  g_source_set_callback(
      source,
      [](gpointer data) -> gboolean {
        ordered_after(data);
        (*static_cast<Action*>(data))();
        return G_SOURCE_REMOVE;
      },
      boxed.release(),
      [](gpointer data) {
        ordered_after(data);
        std::unique_ptr<Action>(static_cast<Action*>(data)).reset();
      });
  g_source_attach(source, context);
  g_source_unref(source);
}

void HttpOrigin::on_request(SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                            gpointer user_data) {
  auto* self = static_cast<HttpOrigin*>(user_data);
  GUri* uri = soup_server_message_get_uri(message);
  const char* query = g_uri_get_query(uri);
  SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
  SoupMessageBody* body = soup_server_message_get_request_body(message);

  Seen seen{.origin = self->name_,
            .method = soup_server_message_get_method(message),
            .path = g_uri_get_path(uri),
            .query = query != nullptr ? query : "",
            .headers = {},
            .body = {},
            .at = std::chrono::steady_clock::now()};
  soup_message_headers_foreach(
      headers,
      [](const char* name, const char* value, gpointer data) {
        GCharPtr lower(g_ascii_strdown(name, -1));
        auto& seen_value = (*static_cast<std::map<std::string, std::string>*>(data))[lower.get()];
        seen_value += (seen_value.empty() ? "" : ", ") + std::string(value);
      },
      &seen.headers);
  BytesPtr bytes(soup_message_body_flatten(body));
  gsize size = 0;
  if (const void* data = g_bytes_get_data(bytes.get(), &size); data != nullptr)
    seen.body.assign(static_cast<const char*>(data), size);

  // SoupServer would cut a 200 to the range by itself, whatever If-Range says.
  soup_message_headers_remove(headers, "Range");

  const Answer answer = self->handler_(seen);
  auto reference = ObjectPtr<SoupServerMessage>::ref(message);
  if (!answer.hold && !answer.raw) {
    self->deliver(reference, answer);
    return;
  }
  soup_server_message_pause(message);
  auto go_on = [self, reference, answer, alive = self->alive_] {
    if (!*alive) return;
    if (answer.raw) {
      self->deliver_raw(reference, answer);
    } else {
      self->deliver(reference, answer);
      soup_server_message_unpause(reference.get());
    }
  };
  // The gate may open when the origin is gone: then its context still exists, but runs no more.
  auto soon = [go_on, context = std::shared_ptr<GMainContext>(
                          g_main_context_ref(self->context_.get()), g_main_context_unref)] {
    invoke(context.get(), go_on);
  };
  if (answer.hold)
    answer.hold->when_open(soon);
  else
    soon();
}

void HttpOrigin::deliver(const ObjectPtr<SoupServerMessage>& message, const Answer& answer) {
  soup_server_message_set_status(message.get(), static_cast<guint>(answer.status), nullptr);
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message.get());
  if (!answer.body.empty()) {
    soup_message_body_append(soup_server_message_get_response_body(message.get()), SOUP_MEMORY_COPY,
                             answer.body.data(), answer.body.size());
  }
  if (!answer.content_type.empty())
    soup_message_headers_replace(headers, "Content-Type", answer.content_type.c_str());
  for (const auto& [name, value] : answer.headers)
    soup_message_headers_append(headers, name.c_str(), value.c_str());
}

void HttpOrigin::deliver_raw(const ObjectPtr<SoupServerMessage>& message, const Answer& answer) {
  auto socket = ObjectPtr<GSocket>::ref(soup_server_message_get_socket(message.get()));
  auto stream = ObjectPtr<GIOStream>::adopt(soup_server_message_steal_connection(message.get()));
  if (!socket || !stream) return;  // the client has left meanwhile
  ++raw_connections_;
  std::lock_guard lock(raw_mutex_);
  raw_threads_.emplace_back([this, socket, stream, raw = answer.raw] {
    g_socket_set_blocking(socket.get(), TRUE);
    Wire wire(socket.get(), cancellable_.get());
    raw(wire);
    g_socket_close(socket.get(), nullptr);
    --raw_connections_;
  });
}

}  // namespace genpro::test
