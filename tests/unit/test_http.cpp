// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Requests to the API against servers that are slow, or have no end.
#include <gtest/gtest.h>
#include <libsoup/soup.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>

#include "api/exchange.h"
#include "http/message_watch.h"
#include "http/retry_after.h"
#include "http/soup.h"
#include "support/fake_service.h"
#include "support/process.h"

namespace genpro::http {
namespace {

using namespace std::chrono_literals;
using api::Exchange;
using api::HttpFailure;
using api::HttpReply;
using std::chrono::steady_clock;
using test::Answer;
using test::Gate;
using test::HttpOrigin;
using test::Seen;
using test::Wire;

TEST(RetryAfter, IsSecondsOrADate) {
  ASSERT_FALSE(soup::load());
  EXPECT_EQ(parse_retry_after("7"), 7000ms);
  EXPECT_EQ(parse_retry_after("0"), 0ms);
  const DateTimePtr now(g_date_time_new_now_utc());
  const DateTimePtr soon(g_date_time_add_seconds(now.get(), 60));
  const GCharPtr date(soup_date_time_to_string(soon.get(), SOUP_DATE_HTTP));
  const auto wait = parse_retry_after(date.get());
  ASSERT_TRUE(wait);
  EXPECT_GT(*wait, 50s);
  EXPECT_LE(*wait, 60s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0ms);
  for (const char* text : {"", "soon", "-5", "1.5", "9999999999"}) {
    EXPECT_FALSE(parse_retry_after(text)) << text;
  }
}

// Sends an answer to whoever connects, before there is a request.
class HastyServer {
 public:
  HastyServer() {
    const auto any =
        ObjectPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string("127.0.0.1", 0));
    GSocketAddress* bound = nullptr;
    g_socket_listener_add_address(listener_.get(), any.get(), G_SOCKET_TYPE_STREAM,
                                  G_SOCKET_PROTOCOL_TCP, nullptr, &bound, nullptr);
    address_ = ObjectPtr<GSocketAddress>::adopt(bound);
    thread_ = std::thread([this] {
      const auto connection = ObjectPtr<GSocketConnection>::adopt(
          g_socket_listener_accept(listener_.get(), nullptr, nullptr, nullptr));
      GIOStream* stream = G_IO_STREAM(connection.get());
      constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
      g_output_stream_write_all(g_io_stream_get_output_stream(stream), answer.data(), answer.size(),
                                nullptr, nullptr, nullptr);
      answered_.set_value();
      char byte = 0;
      while (g_input_stream_read(g_io_stream_get_input_stream(stream), &byte, 1, nullptr, nullptr) >
             0) {
      }
    });
  }
  // To be destroyed when the client has left.
  ~HastyServer() { thread_.join(); }

  std::string url() const {
    return "http://127.0.0.1:" +
           std::to_string(g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address_.get()))) +
           "/";
  }
  void wait_until_answered() { answered_.get_future().wait(); }

 private:
  ObjectPtr<GSocketListener> listener_ = ObjectPtr<GSocketListener>::adopt(g_socket_listener_new());
  ObjectPtr<GSocketAddress> address_;
  std::promise<void> answered_;
  std::thread thread_;
};

// The head is read in the same turn of the loop in which the request is sent, so that the callback
// comes in the next one.
TEST(MessageWatch, BearsACancellationBetweenTheHeadAndTheCallback) {
  ASSERT_FALSE(soup::load());
  HastyServer server;
  const Owned<GMainContext, g_main_context_unref> context(g_main_context_new());
  g_main_context_push_thread_default(context.get());
  auto session = ObjectPtr<SoupSession>::adopt(soup_session_new());
  const auto message = ObjectPtr<SoupMessage>::adopt(soup_message_new("GET", server.url().c_str()));
  const auto cancellable = ObjectPtr<GCancellable>::adopt(g_cancellable_new());
  MessageWatch watch(message.get(), cancellable.get(), [] {});
  const auto on_starting = +[](SoupMessage*, HastyServer* s) { s->wait_until_answered(); };
  g_signal_connect(message.get(), "starting", G_CALLBACK(on_starting), &server);
  const auto on_head = +[](SoupMessage*, MessageWatch* w) {
    const Owned<GSource, g_source_unref> source(g_idle_source_new());
    g_source_set_priority(source.get(), G_PRIORITY_HIGH);
    const GSourceFunc cancel = [](gpointer data) -> gboolean {
      static_cast<MessageWatch*>(data)->cancel();
      return G_SOURCE_REMOVE;
    };
    g_source_set_callback(source.get(), cancel, w, nullptr);
    g_source_attach(source.get(), g_main_context_get_thread_default());
  };
  g_signal_connect(message.get(), "got-headers", G_CALLBACK(on_head), &watch);
  ObjectPtr<GAsyncResult> result;
  const GAsyncReadyCallback done = [](GObject*, GAsyncResult* told, gpointer data) {
    *static_cast<ObjectPtr<GAsyncResult>*>(data) = ObjectPtr<GAsyncResult>::ref(told);
  };
  soup_session_send_async(session.get(), message.get(), G_PRIORITY_DEFAULT, cancellable.get(), done,
                          &result);
  while (!result) g_main_context_iteration(context.get(), TRUE);
  auto stream = ObjectPtr<GInputStream>::adopt(
      soup_session_send_finish(session.get(), result.get(), nullptr));
  EXPECT_TRUE(stream);
  stream.reset();
  result.reset();
  soup_session_abort(session.get());
  session.reset();
  while (g_main_context_iteration(context.get(), FALSE)) {
  }
  g_main_context_pop_thread_default(context.get());
  EXPECT_EQ(G_OBJECT(message.get())->ref_count, 2U) << "one of them is the watch's";
}

// Requests on the runtime's thread, and what became of them.
class Requests {
 public:
  using Outcome = Result<HttpReply, HttpFailure>;

  ~Requests() {
    std::promise<void> gone;
    runtime_->post([&] {
      for (const auto& exchange : exchanges_) exchange->cancel();
      exchanges_.clear();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  // That all that were sent up to now are on their way or in their queue.
  void wait_until_begun() {
    std::promise<void> begun;
    runtime_->post([&] { begun.set_value(); });
    begun.get_future().wait();
  }

  std::future<Outcome> send(const std::string& method, const std::string& url,
                            std::chrono::milliseconds silence,
                            std::function<bool()> may_leave = {}) {
    auto told = std::make_shared<std::promise<Outcome>>();
    auto outcome = told->get_future();
    runtime_->post([this, method, url, silence, told, may_leave = std::move(may_leave)] {
      api::HttpRequest request;
      request.may_leave = may_leave;
      request.method = method;
      request.url = *parse_url(url);
      if (method == "POST") request.json_body = "{}";
      exchanges_.push_back(Exchange::start(*runtime_, request, silence, [told](Outcome result) {
        told->set_value(std::move(result));
      }));
    });
    return outcome;
  }

 private:
  std::shared_ptr<Runtime> runtime_ = Runtime::acquire();
  std::vector<std::shared_ptr<Exchange>> exchanges_;  // the runtime's thread only
};

Answer raw(std::function<void(Wire&)> function) {
  return Answer{.raw = std::move(function)};
}

void repeat(Wire& wire, const std::string& piece) {
  std::string much;
  while (much.size() < 64 * 1024) much += piece;
  while (wire.write(much)) {
  }
}

// A server that takes a while for each answer.
class SlowServer {
 public:
  explicit SlowServer(std::chrono::milliseconds delay)
      : origin_("slow", [this, delay](const Seen&) {
          const std::lock_guard lock(mutex_);
          Answer answer = test::json_answer(200, "{}");
          answer.hold = std::make_shared<Gate>();
          waits_.push_back(std::async(std::launch::async, [gate = answer.hold, delay] {
            std::this_thread::sleep_for(delay);
            gate->open();
          }));
          return answer;
        }) {}

  std::string url() const { return origin_.url() + "/"; }

 private:
  std::mutex mutex_;
  std::vector<std::future<void>> waits_;
  HttpOrigin origin_;
};

// Whoever took too long to connect must not be followed by a charge.
TEST(Sending, WhatMayNotLeaveAnyMoreDoesNot) {
  std::atomic<int> seen = 0;
  HttpOrigin origin("late", [&](const Seen&) {
    ++seen;
    return test::json_answer(200, "{}");
  });
  Requests requests;
  const auto late = requests.send("POST", origin.url() + "/", 30s, [] { return false; }).get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, HttpFailure::Kind::unreachable);
  EXPECT_FALSE(late.error().sent);
  EXPECT_TRUE(requests.send("POST", origin.url() + "/", 30s, [] { return true; }).get());
  EXPECT_EQ(seen, 1);
}

TEST(Queue, ARequestThatWaitsForOthersIsNotSilent) {
  // Sixteen connections, each taken for a tenth of the time allowed: 13 rounds of them.
  SlowServer server(500ms);
  Requests requests;
  std::vector<std::future<Requests::Outcome>> outcomes;
  const auto begun = steady_clock::now();
  for (int number = 0; number < 280; ++number) {
    outcomes.push_back(requests.send(number % 4 == 0 ? "POST" : "GET", server.url(), 5s));
  }
  for (auto& outcome : outcomes) {
    const auto result = outcome.get();
    EXPECT_TRUE(result) << result.error().reason;
  }
  EXPECT_GT(steady_clock::now() - begun, 5500ms) << "nothing had to wait";
}

TEST(Queue, MoneyDoesNotWaitForOthers) {
  const auto gate = std::make_shared<Gate>();
  std::mutex mutex;
  std::vector<std::string> methods;
  HttpOrigin origin("held", [&](const Seen& seen) {
    const std::lock_guard lock(mutex);
    methods.push_back(seen.method);
    Answer answer = test::json_answer(200, "{}");
    answer.hold = gate;
    return answer;
  });
  Requests requests;
  std::vector<std::future<Requests::Outcome>> outcomes;
  for (int number = 0; number < 60; ++number) {
    outcomes.push_back(requests.send("GET", origin.url() + "/", test::generous));
  }
  outcomes.push_back(requests.send("POST", origin.url() + "/", test::generous));
  // All are sent or wait for a connection before the first one is answered.
  requests.wait_until_begun();
  gate->open();
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get());
  const std::lock_guard lock(mutex);
  const auto before = std::find(methods.begin(), methods.end(), "POST") - methods.begin();
  EXPECT_LT(before, 24) << "of 60";
}

TEST(Queue, WhereNobodyIsAnsweredNobodyWaits) {
  HttpOrigin origin("silent", [](const Seen&) { return test::silent_answer(); });
  Requests requests;
  std::vector<std::future<Requests::Outcome>> outcomes;
  for (int number = 0; number < 80; ++number) {
    outcomes.push_back(requests.send(number % 2 == 0 ? "GET" : "POST", origin.url() + "/", 500ms));
  }
  int sent = 0;
  for (auto& outcome : outcomes) {
    const auto result = outcome.get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, HttpFailure::Kind::silent);
    if (result.error().sent) ++sent;
  }
  // Those that had their turn; of the others not a byte left.
  EXPECT_GE(sent, 8);
  EXPECT_LT(sent, 80);
}

struct Endless {
  const char* name;
  const char* word;  // what the reason has to say
  std::function<void(Wire&)> write;
};

class EndlessAnswer : public testing::TestWithParam<Endless> {};

TEST_P(EndlessAnswer, EndsAtOnceAndAlone) {
  std::atomic<int> served = 0;
  HttpOrigin hostile("hostile", [&](const Seen&) {
    ++served;
    return raw(GetParam().write);
  });
  HttpOrigin good("good", [](const Seen&) { return test::json_answer(200, "{}"); });
  Requests requests;
  for (const char* method : {"GET", "POST"}) {
    const auto begun = steady_clock::now();
    auto outcome = requests.send(method, hostile.url() + "/", 60s);
    auto other = requests.send("GET", good.url() + "/", 60s);
    const auto result = outcome.get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, HttpFailure::Kind::broken);
    EXPECT_TRUE(result.error().sent);
    EXPECT_NE(result.error().reason.find(GetParam().word), std::string::npos)
        << result.error().reason;
    EXPECT_TRUE(other.get());
    EXPECT_LT(steady_clock::now() - begun, 30s);
  }
  EXPECT_EQ(served, 2);
}

INSTANTIATE_TEST_SUITE_P(
    Each, EndlessAnswer,
    testing::Values(Endless{"interim_answers", "interim answers",
                            [](Wire& wire) { repeat(wire, "HTTP/1.1 100 Continue\r\n\r\n"); }},
                    Endless{"early_hints", "interim answers",
                            [](Wire& wire) {
                              repeat(wire, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                            }},
                    Endless{"headers", "headers",
                            [](Wire& wire) {
                              wire.write("HTTP/1.1 200 OK\r\n");
                              repeat(wire, "X-Filler: 0123456789\r\n");
                            }},
                    Endless{"one_header", "headers",
                            [](Wire& wire) {
                              wire.write("HTTP/1.1 200 OK\r\nX-Filler: ");
                              repeat(wire, "0123456789");
                            }}),
    [](const auto& info) { return info.param.name; });

TEST(Interim, AFewAreSkipped) {
  HttpOrigin origin("polite", [](const Seen&) {
    return raw([](Wire& wire) {
      for (int count = 0; count < 3; ++count) wire.write("HTTP/1.1 102 Processing\r\n\r\n");
      wire.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
  });
  Requests requests;
  const auto result = requests.send("POST", origin.url() + "/", 20s).get();
  ASSERT_TRUE(result) << result.error().reason;
  EXPECT_EQ(result->status, 200U);
  EXPECT_EQ(result->body, "{}");
}

TEST(Interim, ATrickleDoesNotKeepASilentServerAlive) {
  HttpOrigin origin("trickle", [](const Seen&) {
    return raw([](Wire& wire) {
      while (wire.write("HTTP/1.1 102 Processing\r\n\r\n")) {
        std::this_thread::sleep_for(200ms);
      }
    });
  });
  Requests requests;
  const auto result = requests.send("POST", origin.url() + "/", 1s).get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, HttpFailure::Kind::silent);
  EXPECT_TRUE(result.error().sent);
}

// libsoup 3.2 ends such a body with the first line of its trailers, later versions read them all.
TEST(Trailers, WithoutEndHoldNothingUp) {
  HttpOrigin origin("trailers", [](const Seen&) {
    return raw([](Wire& wire) {
      wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n");
      repeat(wire, "X-Trailer: 0123456789\r\n");
    });
  });
  Requests requests;
  const auto begun = steady_clock::now();
  const auto result = requests.send("GET", origin.url() + "/", 60s).get();
  EXPECT_EQ(result ? result->body : "{}", "{}");
  EXPECT_LT(steady_clock::now() - begun, 30s);
}

}  // namespace
}  // namespace genpro::http
