// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers over TLS, with certificates of their own making.
#pragma once

#include <libsoup/soup.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "base/glib_ptr.h"

namespace genpro::test {

// One that signs itself, with its key.
class Certificate {
 public:
  // For "IP:127.0.0.1", "DNS:clips.test".
  explicit Certificate(const std::string& name = "IP:127.0.0.1")
      : folder_(take_string(g_dir_make_tmp("genpro-tls-XXXXXX", nullptr))) {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=test -addext subjectAltName=" +
        name + " -keyout key.pem -out certificate.pem";
    ErrorPtr error;
    const StrvPtr words(g_strsplit(command.c_str(), " ", -1));
    int status = -1;
    g_spawn_sync(folder_.c_str(), words.get(), nullptr,
                 static_cast<GSpawnFlags>(G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL),
                 nullptr, nullptr, nullptr, nullptr, &status, error.out());
    certificate_ = ObjectPtr<GTlsCertificate>::adopt(g_tls_certificate_new_from_files(
        file().c_str(), (folder_ + "/key.pem").c_str(), error.out()));
    if (!certificate_) g_error("no certificate: %s", error.message().c_str());
  }
  ~Certificate() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  GTlsCertificate* get() const { return certificate_.get(); }
  std::string file() const { return folder_ + "/certificate.pem"; }

 private:
  std::string folder_;
  ObjectPtr<GTlsCertificate> certificate_;
};

// Serves /clip.mp4; every other path leads to `location`.
class TlsServer {
 public:
  // With `authority`, a client has to show a certificate that it has issued.
  TlsServer(GTlsCertificate* certificate, std::string clip, std::string location,
            const std::string& authority = "")
      : clip_(std::move(clip)), location_(std::move(location)) {
    std::promise<int> port;
    auto known = port.get_future();
    thread_ = std::thread([this, certificate, authority, &port] {
      g_main_context_push_thread_default(context_.get());
      auto server =
          ObjectPtr<SoupServer>::adopt(soup_server_new("tls-certificate", certificate, nullptr));
      if (!authority.empty()) {
        const auto database =
            ObjectPtr<GTlsDatabase>::adopt(g_tls_file_database_new(authority.c_str(), nullptr));
        soup_server_set_tls_database(server.get(), database.get());
        soup_server_set_tls_auth_mode(server.get(), G_TLS_AUTHENTICATION_REQUIRED);
        // libsoup asks about what is right, too.
        g_signal_connect(server.get(), "request-started", G_CALLBACK(on_request), nullptr);
      }
      soup_server_add_handler(server.get(), nullptr, answer, this, nullptr);
      ErrorPtr error;
      const auto options = static_cast<SoupServerListenOptions>(SOUP_SERVER_LISTEN_HTTPS |
                                                                SOUP_SERVER_LISTEN_IPV4_ONLY);
      if (!soup_server_listen_local(server.get(), 0, options, error.out())) {
        g_error("no port for a TLS server: %s", error.message().c_str());
      }
      GSList* uris = soup_server_get_uris(server.get());
      port.set_value(g_uri_get_port(static_cast<GUri*>(uris->data)));
      g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
      g_main_loop_run(loop_.get());
      soup_server_disconnect(server.get());
      server.reset();
      while (g_main_context_iteration(context_.get(), FALSE)) {
      }
      g_main_context_pop_thread_default(context_.get());
    });
    port_ = known.get();
  }
  ~TlsServer() {
    GSource* end = g_idle_source_new();
    g_source_set_callback(
        end,
        [](gpointer loop) -> gboolean {
          g_main_loop_quit(static_cast<GMainLoop*>(loop));
          return G_SOURCE_REMOVE;
        },
        loop_.get(), nullptr);
    g_source_attach(end, context_.get());
    g_source_unref(end);
    thread_.join();
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  int port() const { return port_; }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  // Requests that came by HTTP/2.
  int http2_requests() const { return http2_requests_; }

 private:
  static void on_request(SoupServer*, SoupServerMessage* message, gpointer) {
    g_signal_connect(message, "accept-certificate", G_CALLBACK(accept), nullptr);
  }
  static gboolean accept(SoupServerMessage*, GTlsCertificate*, GTlsCertificateFlags errors,
                         gpointer) {
    return errors == G_TLS_CERTIFICATE_NO_FLAGS;
  }
  static void answer(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                     gpointer data) {
    auto* self = static_cast<TlsServer*>(data);
    if (soup_server_message_get_http_version(message) == SOUP_HTTP_2_0) ++self->http2_requests_;
    if (g_str_equal(path, "/clip.mp4")) {
      // SoupServer cuts it to the range that is asked for.
      soup_server_message_set_status(message, SOUP_STATUS_OK, nullptr);
      soup_server_message_set_response(message, "video/mp4", SOUP_MEMORY_COPY, self->clip_.data(),
                                       self->clip_.size());
      return;
    }
    soup_server_message_set_redirect(message, SOUP_STATUS_FOUND, self->location_.c_str());
  }

  const std::string clip_;
  const std::string location_;
  MainContextPtr context_{g_main_context_new()};
  MainLoopPtr loop_{g_main_loop_new(context_.get(), FALSE)};
  int port_ = 0;
  std::atomic<int> http2_requests_ = 0;
  std::thread thread_;
};

}  // namespace genpro::test
