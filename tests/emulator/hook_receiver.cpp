// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hook_receiver.h"

#include <stdexcept>

namespace genpro::emulator::test {

HookReceiver::HookReceiver(unsigned port)
    : context_(g_main_context_new()), loop_(g_main_loop_new(context_.get(), FALSE)) {
  thread_ = std::thread([this, port] { serve(port); });
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [this] { return started_; });
  if (port_ != 0) return;
  lock.unlock();
  thread_.join();
  throw std::runtime_error("The receiver of webhooks has no port");
}

HookReceiver::~HookReceiver() {
  g_main_context_invoke(
      context_.get(),
      [](gpointer loop) -> gboolean {
        g_main_loop_quit(static_cast<GMainLoop*>(loop));
        return G_SOURCE_REMOVE;
      },
      loop_.get());
  thread_.join();
}

void HookReceiver::serve(unsigned port) {
  g_main_context_push_thread_default(context_.get());
  {
    const auto server = ObjectPtr<SoupServer>::adopt(soup_server_new(nullptr, nullptr));
    soup_server_add_handler(server.get(), nullptr, &HookReceiver::on_request, this, nullptr);
    const bool listening =
        soup_server_listen_local(server.get(), port, SOUP_SERVER_LISTEN_IPV4_ONLY, nullptr);
    {
      const std::lock_guard lock(mutex_);
      if (listening) {
        GSList* uris = soup_server_get_uris(server.get());
        port_ = static_cast<unsigned>(g_uri_get_port(static_cast<GUri*>(uris->data)));
        g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
      }
      started_ = true;
    }
    ready_.notify_all();
    if (listening) g_main_loop_run(loop_.get());
    soup_server_disconnect(server.get());
  }
  while (g_main_context_iteration(context_.get(), FALSE)) {
  }
  g_main_context_pop_thread_default(context_.get());
}

void HookReceiver::on_request(SoupServer*, SoupServerMessage* message, const char*, GHashTable*,
                              gpointer data) {
  auto* self = static_cast<HookReceiver*>(data);
  const SoupMessageBody* body = soup_server_message_get_request_body(message);
  const std::lock_guard lock(self->mutex_);
  self->bodies_.emplace_back(body->data != nullptr ? body->data : "",
                             static_cast<std::size_t>(body->length));
  soup_message_headers_foreach(
      soup_server_message_get_request_headers(message),
      [](const char* name, const char* value, gpointer list) {
        static_cast<std::vector<std::string>*>(list)->push_back(std::string(name) + ": " + value);
      },
      &self->headers_);
  if (self->status_ >= 300 && self->status_ < 400) {
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Location",
                                 "/elsewhere");
  }
  soup_server_message_set_status(message, self->status_, nullptr);
}

void HookReceiver::answer_with(unsigned status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
}

std::vector<std::string> HookReceiver::bodies() const {
  const std::lock_guard lock(mutex_);
  return bodies_;
}

std::vector<std::string> HookReceiver::headers() const {
  const std::lock_guard lock(mutex_);
  return headers_;
}

}  // namespace genpro::emulator::test
