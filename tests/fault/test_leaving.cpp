// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How long the change to NULL takes, whatever the network does just then.
#include <algorithm>
#include <sstream>

#include "fault/delivery_fixture.h"
#include "support/silent_peer.h"

namespace genpro::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A port of this machine where the kernel answers no more: a queue of connections that nobody takes
// is full, and what comes then is dropped without a word.
class BlackHole {
 public:
  BlackHole()
      : listener_(ObjectPtr<GSocket>::adopt(g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                                         G_SOCKET_PROTOCOL_TCP, nullptr))) {
    auto any =
        ObjectPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string("127.0.0.1", 0));
    g_socket_set_listen_backlog(listener_.get(), 0);
    g_socket_bind(listener_.get(), any.get(), FALSE, nullptr);
    g_socket_listen(listener_.get(), nullptr);
    address_ =
        ObjectPtr<GSocketAddress>::adopt(g_socket_get_local_address(listener_.get(), nullptr));
    while (clients_.size() < 20 && connects()) {
    }
  }
  bool is_black() const { return clients_.size() < 20; }
  // Whether somebody else than this object has asked for a connection and got no answer.
  bool is_knocked_at() const {
    char wanted[32];
    g_snprintf(wanted, sizeof wanted, ":%04X 02 ", static_cast<unsigned>(port()));
    std::istringstream table(read_file("/proc/net/tcp"));
    int knocks = 0;
    for (std::string line; std::getline(table, line);)
      knocks += line.find(wanted) != std::string::npos ? 1 : 0;
    return knocks > 1;
  }
  int port() const { return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address_.get())); }

 private:
  bool connects() {
    auto client = ObjectPtr<GSocket>::adopt(
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, nullptr));
    g_socket_set_blocking(client.get(), FALSE);
    g_socket_connect(client.get(), address_.get(), nullptr, nullptr);
    // Over loopback a connection is there within a moment, or never.
    const bool is_there =
        g_socket_condition_timed_wait(client.get(), G_IO_OUT, 200'000, nullptr, nullptr) != FALSE;
    clients_.push_back(std::move(client));
    return is_there;
  }

  ObjectPtr<GSocket> listener_;
  ObjectPtr<GSocketAddress> address_;
  std::vector<ObjectPtr<GSocket>> clients_;
};

class Leaving : public Delivery {
 protected:
  // Brings an element there, then to NULL, some times; `there` tells when it is.
  void leave(const Settings& changes, const std::function<bool()>& there) {
    std::vector<microseconds> times;
    Settings settings{{"stall-timeout", "600"}, {"retries", "5"}, {"on-shutdown", "detach"}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    for (int i = 0; i < 9; ++i) {
      Collector collector(src(settings));
      gst_element_set_state(collector.pipeline(), GST_STATE_PLAYING);
      ASSERT_TRUE(eventually(there));
      const auto begin = std::chrono::steady_clock::now();
      ASSERT_TRUE(stops_in_time(collector.pipeline()));
      times.push_back(
          std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begin));
      const Outcome outcome = collector.listener().outcome();
      EXPECT_TRUE(outcome.errors.empty()) << outcome.summary();
      reset();
    }
    std::sort(times.begin(), times.end());
    // The best of them does not depend on how busy the machine is.
    EXPECT_LT(times.front(), milliseconds(500));
    RecordProperty("median_us", static_cast<int>(times[times.size() / 2].count()));
    RecordProperty("longest_us", static_cast<int>(times.back().count()));
  }
  // What is there counts from here on.
  void reset() { before_ = service.count(); }
  bool is_asked(const FakeService::Match& match, std::size_t times = 1) const {
    const auto all = service.requests();
    std::size_t matching = 0;
    for (std::size_t i = before_; i < all.size(); ++i) matching += match(all[i]) ? 1 : 0;
    return matching >= times;
  }
  std::string at_port(const char* scheme, int port) const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port);
  }

 private:
  std::size_t before_ = 0;
};

TEST_F(Leaving, WhileTheApiIsConnectedTo) {
  BlackHole hole;
  ASSERT_TRUE(hole.is_black());
  leave({{"api-base-url", at_port("http", hole.port()) + "/v1"}},
        [&] { return hole.is_knocked_at(); });
}

TEST_F(Leaving, WhileTheClipsServerIsConnectedTo) {
  BlackHole hole;
  ASSERT_TRUE(hole.is_black());
  service.push_poll(
      json_answer(200, FakeService::completed_json(at_port("http", hole.port()) + "/clip.mp4")));
  leave({}, [&] { return hole.is_knocked_at(); });
}

TEST_F(Leaving, WhileTheClipsServerShakesHands) {
  SilentPeer peer;
  service.push_poll(
      json_answer(200, FakeService::completed_json(at_port("https", peer.port()) + "/clip.mp4")));
  std::size_t seen = 0;
  leave({}, [&] {
    // A handshake begins with some hundred bytes.
    if (peer.received() < seen + 100) return false;
    seen = peer.received();
    return true;
  });
}

TEST_F(Leaving, WhileAHeadIsWaitedFor) {
  service.files().set_script([](const Seen&, int) { return silent_answer(); });
  leave({}, [&] { return is_asked(is_cdn); });
}

TEST_F(Leaving, WhileAHeadDrips) {
  service.files().set_script([](const Seen&, int) {
    return Answer{.raw = [](Wire& wire) {
      wire.write("HTTP/1.1 200 OK\r\nX: ");
      while (wire.write("x")) g_usleep(1000);
    }};
  });
  leave({}, [&] { return is_asked(is_cdn); });
}

TEST_F(Leaving, WhileABodyIsWaitedFor) {
  service.files().set_script([](const Seen&, int) {
    return Answer{.raw = [](Wire& wire) {
      wire.write(head("200 OK", {"Content-Length: 1000000"}) + short_clip().substr(0, 100'000));
      wire.wait_until_client_leaves();
    }};
  });
  leave({}, [&] { return is_asked(is_cdn); });
}

TEST_F(Leaving, WhileABodyRushesBy) {
  service.set_clip({.bytes = long_clip()});
  leave({}, [&] { return is_asked(is_cdn); });
}

TEST_F(Leaving, WhileItWaitsBeforeTheNextTry) {
  service.files().set_script([](const Seen&, int) { return html_answer(503, "<h1>busy</h1>"); });
  leave({}, [&] { return is_asked(is_cdn, 2); });
}

TEST_F(Leaving, WhileItWaitsAsLongAsItWasToldTo) {
  Answer later = html_answer(429, "<h1>later</h1>");
  later.headers = {{"Retry-After", "3600"}};
  service.files().set_script([later](const Seen&, int) { return later; });
  leave({}, [&] { return is_asked(is_cdn); });
}

class LeavingARefresh : public Leaving {
 protected:
  // The address has expired; the question for another one gets this answer.
  void expire(const Answer& answer) {
    service.files().set_script([](const Seen&, int) { return html_answer(403, "<h1>no</h1>"); });
    for (int i = 0; i < 20; ++i) {
      service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
      service.push_poll(answer);
    }
  }
};

TEST_F(LeavingARefresh, ThatIsNotAnswered) {
  expire(silent_answer());
  leave({}, [&] { return is_asked(is_poll, 2); });
  EXPECT_TRUE(eventually([&] { return service.raw_connections() == 0; })) << "it still asks";
}

TEST_F(LeavingARefresh, ThatIsToBeTriedAgainLater) {
  Answer later = json_answer(503, R"({"error": "Busy"})");
  later.headers = {{"Retry-After", "3600"}};
  expire(later);
  leave({}, [&] { return is_asked(is_poll, 2); });
}

TEST_F(Leaving, AStandingPipelineWhoseServerIsGone) {
  service.files().set_script([](const Seen&, int number) {
    if (number > 1) return closing_answer();
    return Answer{.raw = [](Wire& wire) {
      wire.write(head("200 OK", {"Content-Length: 1000000"}) + short_clip().substr(0, 100'000));
    }};
  });
  Collector collector(src({{"retries", "1"}}));
  ASSERT_TRUE(collector.preroll());
  ASSERT_TRUE(service.wait_for(is_cdn, 2));
  ASSERT_TRUE(stops_in_time(collector.pipeline()));
}

}  // namespace
}  // namespace genpro::test
