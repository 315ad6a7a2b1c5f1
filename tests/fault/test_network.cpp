// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers behind proxies, and with certificates that the system does not know.
#include "fault/delivery_fixture.h"
#include "fault/tls_server.h"
#include "support/proxy.h"

namespace genpro::test {
namespace {

constexpr const char* login = "operator:s3same";

// Shows a client's certificate.
struct ClientInteraction {
  GTlsInteraction parent;
  GTlsCertificate* certificate;  // borrowed
};
struct ClientInteractionClass {
  GTlsInteractionClass parent;
};
GType client_interaction_get_type();
G_DEFINE_TYPE(ClientInteraction, client_interaction, G_TYPE_TLS_INTERACTION)

void client_interaction_init(ClientInteraction*) {}
void client_interaction_class_init(ClientInteractionClass* type) {
  type->parent.request_certificate = [](GTlsInteraction* interaction, GTlsConnection* connection,
                                        GTlsCertificateRequestFlags, GCancellable*, GError**) {
    g_tls_connection_set_certificate(
        connection, reinterpret_cast<ClientInteraction*>(interaction)->certificate);
    return G_TLS_INTERACTION_HANDLED;
  };
}

// Ends each handshake as a server of TLS 1.2 does that wants a certificate and names no authority.
class RefusingServer {
 public:
  RefusingServer() {
    port_ = g_socket_listener_add_any_inet_port(listener_.get(), nullptr, nullptr);
    thread_ = std::thread([this] { serve(); });
  }
  ~RefusingServer() {
    g_cancellable_cancel(cancellable_.get());
    thread_.join();
  }
  RefusingServer(const RefusingServer&) = delete;
  RefusingServer& operator=(const RefusingServer&) = delete;
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  int handshakes() const { return handshakes_; }

 private:
  void serve() {
    while (const auto connection = ObjectPtr<GSocketConnection>::adopt(
               g_socket_listener_accept(listener_.get(), nullptr, cancellable_.get(), nullptr))) {
      ++handshakes_;
      GIOStream* const stream = G_IO_STREAM(connection.get());
      char hello[4096];
      g_input_stream_read(g_io_stream_get_input_stream(stream), hello, sizeof hello,
                          cancellable_.get(), nullptr);
      constexpr char alert[] = {0x15, 3, 3, 0, 2, 2, 40};
      g_output_stream_write_all(g_io_stream_get_output_stream(stream), alert, sizeof alert, nullptr,
                                cancellable_.get(), nullptr);
    }
  }

  const ObjectPtr<GCancellable> cancellable_ = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  const ObjectPtr<GSocketListener> listener_ =
      ObjectPtr<GSocketListener>::adopt(g_socket_listener_new());
  int port_ = 0;
  std::atomic<int> handshakes_ = 0;
  std::thread thread_;
};

class Network : public Delivery {
 protected:
  void lead_to(const std::string& url) {
    service.push_poll(json_answer(200, FakeService::completed_json(url)));
  }
  // The first certificate of a process takes its time under a sanitizer.
  ElementPtr src(Settings settings = {}) {
    settings.emplace_back("stall-timeout", "20");
    return Delivery::src(settings);
  }
  Streamed run_it(const Settings& settings = {}) { return stream(src(settings)); }
  // By a proxy, with the certificate's authority.
  Streamed run_by(const std::string& proxy) {
    lead_to("https://clips.test/clip.mp4");
    Settings settings = {{"ca-file", certificate_.file()}};
    if (!proxy.empty()) settings.emplace_back("proxy", proxy);
    return run_it(settings);
  }
  std::string at(const Proxy& proxy, const std::string& user = "") const {
    return "http://" + (user.empty() ? "" : user + "@") +
           "127.0.0.1:" + std::to_string(proxy.port());
  }

  const Certificate certificate_{"DNS:clips.test"};
  const TlsServer server_{certificate_.get(), short_clip(), "/clip.mp4"};
};

TEST_F(Network, AProxyWithALoginIsUsed) {
  const Proxy proxy(server_.port(), login);
  expect_whole(run_by(at(proxy, login)), short_clip());
  EXPECT_EQ(proxy.requests(), std::vector<std::string>{"CONNECT clips.test:443 HTTP/1.1"});
}

TEST_F(Network, TheEnvironmentsProxyIsUsedWithItsLogin) {
  const Proxy proxy(server_.port(), login);
  const ScopedEnv set("https_proxy", at(proxy, login));
  expect_whole(run_by(""), short_clip());
  EXPECT_FALSE(proxy.requests().empty());
}

TEST_F(Network, NoProxyIsUsedWhereTheEnvironmentSaysSo) {
  const Proxy proxy(server_.port(), login);
  const bool has_lower = g_getenv("no_proxy") != nullptr;  // which is the one that counts then
  const ScopedEnv exempt(has_lower ? "no_proxy" : "NO_PROXY", "clips.test");
  run_by(at(proxy, login));
  EXPECT_TRUE(proxy.requests().empty());
}

TEST_F(Network, AProxyThatWantsALoginIsNamedAtOnceWithoutOne) {
  const Proxy proxy(server_.port(), login);
  const Streamed streamed = run_by(at(proxy, "operator:wrong"));
  expect_error(streamed, short_clip(), {"wants a login", "HTTP 407", at(proxy), "Set proxy"});
  EXPECT_EQ(streamed.outcome.everything.find("wrong"), std::string::npos);
  EXPECT_EQ(proxy.requests().size(), 1U) << "it was asked again";
}

TEST_F(Network, AProxysLoginIsNotReadBack) {
  for (const auto& [set, read] : Settings{
           {"http://operator:s3same@proxy.test:3128", "http://proxy.test:3128"},
           {"operator:s3//same@proxy.test:3128", "proxy.test:3128"},
           {"http://operator:s3same@x@proxy.test:3128", "http://proxy.test:3128"},
           {"proxy.test:3128", "proxy.test:3128"},
       }) {
    const ElementPtr element = src({{"proxy", set}});
    char* proxy = nullptr;
    g_object_get(element.get(), "proxy", &proxy, nullptr);
    EXPECT_EQ(take_string(proxy), read);
  }
}

TEST_F(Network, ACaFileMayBeNamedFromTheCurrentFolder) {
  lead_to(server_.url() + "/clip.mp4");
  const auto file = std::filesystem::relative(certificate_.file()).string();
  expect_error(run_it({{"ca-file", file}}), short_clip(), {"is for clips.test"});
}

TEST_F(Network, WhatCannotBeUsedIsRefusedBeforeAnythingIsSent) {
  for (const auto& [setting, wrong] : Settings{{"proxy", "ftp://proxy.test"},
                                               {"proxy", "http://"},
                                               {"proxy", "://x"},
                                               {"proxy", "http://a b"},
                                               {"ca-file", "/nonexistent.pem"}}) {
    const Streamed streamed = run_it({{setting, wrong}});
    ASSERT_EQ(streamed.outcome.errors.size(), 1U) << wrong;
    EXPECT_TRUE(streamed.outcome.errors[0].is(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
    EXPECT_NE(streamed.outcome.errors[0].text.find(setting), std::string::npos);
    EXPECT_EQ(streamed.outcome.errors[0].text.find(".."), std::string::npos);
  }
  EXPECT_TRUE(service.requests().empty());
}

TEST_F(Network, AnUnknownAuthorityIsToldAtOnce) {
  const Certificate local;
  const TlsServer server(local.get(), short_clip(), "/clip.mp4");
  lead_to(server.url() + "/clip.mp4");
  expect_error(run_it(), short_clip(), {"was issued by \"CN=test\"", "Set ca-file"});
}

TEST_F(Network, ACertificateForAnotherHostIsToldWithItsNames) {
  lead_to(server_.url() + "/clip.mp4");
  expect_error(run_it({{"ca-file", certificate_.file()}}), short_clip(),
               {"is for clips.test, not for 127.0.0.1"});
}

TEST_F(Network, TheApplicationShowsItsCertificate) {
  const Certificate client;
  const Certificate host;
  const TlsServer server(host.get(), short_clip(), "/clip.mp4", client.file());
  lead_to(server.url() + "/clip.mp4");
  const auto interaction = ObjectPtr<GTlsInteraction>::adopt(
      static_cast<GTlsInteraction*>(g_object_new(client_interaction_get_type(), nullptr)));
  reinterpret_cast<ClientInteraction*>(interaction.get())->certificate = client.get();
  ElementPtr element = src({{"ca-file", host.file()}});
  GstContext* context = gst_context_new("genpro.tls-interaction", TRUE);
  gst_structure_set(gst_context_writable_structure(context), "tls-interaction",
                    G_TYPE_TLS_INTERACTION, interaction.get(), nullptr);
  gst_element_set_context(element.get(), context);
  gst_context_unref(context);
  expect_whole(stream(std::move(element)), short_clip());
}

TEST_F(Network, AServerThatWantsACertificateGetsNoneWithoutTheApplication) {
  const Certificate client;
  const Certificate host;
  const TlsServer server(host.get(), short_clip(), "/clip.mp4", client.file());
  lead_to(server.url() + "/clip.mp4");
  expect_error(run_it({{"ca-file", host.file()}}), short_clip(),
               {"cannot be reached", "wants a client's certificate", "GTlsInteraction"});
}

TEST_F(Network, AHandshakeThatAServerEndsIsToldAtOnce) {
  const RefusingServer server;
  lead_to(server.url() + "/clip.mp4");
  expect_error(run_it(), short_clip(), {"ends the TLS handshake", "client's certificate"});
  EXPECT_EQ(server.handshakes(), 1);
}

TEST_F(Network, AWebPageInTheClipsPlaceIsToldAtOnce) {
  service.files().set_script(
      [](const Seen&, int) { return html_answer(200, "\n<!DOCTYPE html><title>Sign in</title>"); });
  expect_error(run_it(), short_clip(), {"but a web page", "Sign in to the network"});
  EXPECT_EQ(gets(), 1U);
}

TEST_F(Network, AWebPageIsToldHoweverItBegins) {
  const std::string pages[] = {"<!-- Hotel -->\n<!-- v2 --><!DOCTYPE html><title>Sign in</title>",
                               "\xef\xbb\xbf \r\n<html>Sign in</html>",
                               "<?xml version=\"1.0\"?><!DOCTYPE html><html>Sign in</html>",
                               "<script>location = 'http://portal.example/'</script>"};
  for (const std::string& page : pages) {
    service.files().set_script([&](const Seen&, int) { return html_answer(200, page); });
    expect_error(run_it(), short_clip(), {"but a web page", "Sign in to the network"});
  }
  service.files().set_script([](const Seen&, int) {
    return Answer{.status = 200,
                  .body = "<?xml version=\"1.0\"?><Error>AccessDenied</Error>",
                  .content_type = "application/xml"};
  });
  expect_error(run_it(), short_clip(), {"no MP4 (it is sent as application/xml). Try again"});
}

TEST_F(Network, ASignInThatIsAskedForInPlaceOfTheClipIsToldAtOnce) {
  service.files().set_script([](const Seen&, int) { return html_answer(511, "<p>Sign in</p>"); });
  expect_error(run_it(), short_clip(), {"wants a sign-in", "HTTP 511"});
  EXPECT_EQ(gets(), 1U);
}

TEST_F(Network, AWebPageInTheApisPlaceIsToldAsThat) {
  for (int i = 0; i < 9; ++i) service.push_poll(html_answer(200, "<html>Sign in</html>"));
  expect_error(run_it(), short_clip(), {"it is a web page", "api-base-url"});
}

TEST_F(Network, TheApiIsNotAskedAgainForACertificate) {
  const Certificate local;
  const TlsServer server(local.get(), short_clip(), "/clip.mp4");
  const Streamed streamed = run_it({{"api-base-url", server.url() + "/v1"}, {"retries", "5"}});
  expect_error(streamed, short_clip(), {"The GEN API cannot be reached", "was issued by"});
}

}  // namespace
}  // namespace genpro::test
