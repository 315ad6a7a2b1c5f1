// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Clips over TLS, from a server of this machine with a certificate of its own making.
#include "fault/delivery_fixture.h"
#include "fault/tls_server.h"

namespace genpro::test {
namespace {

// A certificate that the process trusts, and nothing else, for as long as this lives.
class Trust {
 public:
  Trust() {
    ErrorPtr error;
    const auto database =
        ObjectPtr<GTlsDatabase>::adopt(g_tls_file_database_new(own_.file().c_str(), error.out()));
    if (!database) g_error("no authorities: %s", error.message().c_str());
    before_ = ObjectPtr<GTlsDatabase>::adopt(
        g_tls_backend_get_default_database(g_tls_backend_get_default()));
    g_tls_backend_set_default_database(g_tls_backend_get_default(), database.get());
  }
  ~Trust() { g_tls_backend_set_default_database(g_tls_backend_get_default(), before_.get()); }
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;
  GTlsCertificate* certificate() const { return own_.get(); }

 private:
  const Certificate own_;
  ObjectPtr<GTlsDatabase> before_;
};

class Tls : public Delivery {
 protected:
  void lead_to(const std::string& url) {
    service.push_poll(json_answer(200, FakeService::completed_json(url)));
  }
  Trust trust_;
};

TEST_F(Tls, AClipIsWhole) {
  const TlsServer server(trust_.certificate(), long_clip(), "/clip.mp4");
  lead_to(server.url() + "/clip.mp4");
  expect_whole(run_it(), long_clip());
}

// libsoup reads all that comes in such a connection before it does anything else.
TEST_F(Tls, AClipIsNotReadByHttp2) {
  const ScopedEnv offered("SOUP_SERVER_HTTP2", "1");
  const TlsServer server(trust_.certificate(), long_clip(), "/clip.mp4");
  lead_to(server.url() + "/elsewhere");
  expect_whole(run_it(), long_clip());
  EXPECT_EQ(server.http2_requests(), 0);
}

TEST_F(Tls, ARedirectWithinHttpsIsFollowed) {
  const TlsServer server(trust_.certificate(), short_clip(), "/clip.mp4");
  lead_to(server.url() + "/elsewhere");
  expect_whole(run_it(), short_clip());
}

TEST_F(Tls, ARedirectToHttpIsRefused) {
  const TlsServer server(trust_.certificate(), short_clip(), service.clip_url());
  lead_to(server.url() + "/elsewhere");
  const Streamed streamed = run_it();
  expect_error(streamed, short_clip(), {"redirected", "from https to http"}, "302");
  EXPECT_TRUE(streamed.bytes.empty());
  EXPECT_EQ(gets(), 0U) << "the clip was asked for in the clear";
}

}  // namespace
}  // namespace genpro::test
