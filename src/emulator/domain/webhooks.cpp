// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/webhooks.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/callback.h"
#include "emulator/util/json.h"
#include "http/message_watch.h"

namespace genpro::emulator {

namespace {

constexpr double delivery_seconds = 10;
constexpr int max_connections = 64;
constexpr double max_pause_seconds = 60;
constexpr std::int64_t give_up_milliseconds = std::int64_t{24} * 60 * 60 * 1000;

std::string event_body(const Hook& hook, const Event& event) {
  JsonWriter json;
  json.begin_object().key("event").string("generation_changed");
  json.key("event_id").integer(event.id).key("agent_id").id(hook.agent);
  // Of a job by itself there is neither.
  const bool has_cell = !event.cell.empty();
  json.key("sheet_id");
  has_cell ? json.id(event.sheet) : json.null();
  json.key("cell_id");
  has_cell ? json.id(event.cell) : json.null();
  json.key("generation_id").integer(event.generation);
  json.key("status").string(status_word(event.status)).key("at_ts").integer(event.at);
  return json.end_object().text();
}

constexpr std::size_t max_url = 2000;

}  // namespace

bool is_hook_url(const std::string& url) {
  if (url.size() > max_url) return false;
  const UriPtr uri(g_uri_parse(url.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), nullptr));
  if (!uri) return false;
  const std::string scheme = g_uri_get_scheme(uri.get());
  const char* host = g_uri_get_host(uri.get());
  return (scheme == "http" || scheme == "https") && host != nullptr && *host != '\0';
}

// What is on its way to one address. One event at a time keeps them in order.
struct Webhooks::Receiver {
  bool busy = false;
  unsigned failures = 0;
  Timer pause;
  bool pausing = false;
};

// One POST. Its end is told once, and by the deadline.
class Webhooks::Delivery {
 public:
  Delivery(Webhooks& webhooks, bool is_test, Done done)
      : webhooks_(webhooks), is_test_(is_test), done_(std::move(done)) {
    deadline_.start(is_test ? webhooks.test_seconds_ : delivery_seconds,
                    [this] { end("it takes too long"); });
  }
  ~Delivery() { cancel(); }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void send(const std::string& url, const std::string& body) {
    message_ = ObjectPtr<SoupMessage>::adopt(soup_message_new("POST", url.c_str()));
    if (!message_) return fail_soon("it is no URL");
    soup_message_add_flags(message_.get(), SOUP_MESSAGE_NO_REDIRECT);
    const BytesPtr bytes(g_bytes_new(body.data(), body.size()));
    soup_message_set_request_body_from_bytes(message_.get(), "application/json", bytes.get());
    sent_ = std::make_shared<Sent>(Sent{this, ObjectPtr<GCancellable>::adopt(g_cancellable_new())});
    watch_.emplace(message_.get(), sent_->cancellable.get(), [] {});
    watch_->forbid_http2();
    soup_session_send_async(webhooks_.session_.get(), message_.get(), G_PRIORITY_DEFAULT,
                            sent_->cancellable.get(), &Delivery::on_head,
                            std::make_unique<std::shared_ptr<Sent>>(sent_).release());
  }

 private:
  // What libsoup's callback is given: it comes even when the delivery has gone.
  struct Sent {
    Delivery* delivery;
    ObjectPtr<GCancellable> cancellable;
  };

  static void on_head(GObject* session, GAsyncResult* result, gpointer data) noexcept {
    const std::unique_ptr<std::shared_ptr<Sent>> sent(static_cast<std::shared_ptr<Sent>*>(data));
    ErrorPtr error;
    const auto body = ObjectPtr<GInputStream>::adopt(
        soup_session_send_finish(SOUP_SESSION(session), result, error.out()));
    // The body, which may be endless, is not asked for.
    g_cancellable_cancel((*sent)->cancellable.get());
    Delivery* self = (*sent)->delivery;
    if (self == nullptr) return;
    guard_c_callback("a webhook's answer", [&] {
      const unsigned status = soup_message_get_status(self->message_.get());
      if (error) return self->fail_soon(error.message());
      if (status < 200 || status > 299) {
        return self->fail_soon("the answer is " + std::to_string(status));
      }
      self->end({});
    });
  }

  // Never from inside send(), and for a test at the deadline.
  void fail_soon(const std::string& problem) {
    if (is_test_) {
      problem_ = problem;
    } else {
      deadline_.start(0, [this, problem] { end(problem); });
    }
  }

  void end(std::string problem) {
    if (!problem_.empty()) problem = problem_;
    if (!problem.empty()) g_info("A webhook was not delivered: %s", problem.c_str());
    const Done done = done_;
    webhooks_.ended(this);  // and with it this object
    done(problem.empty());
  }

  void cancel() {
    if (!sent_) return;
    sent_->delivery = nullptr;
    watch_->cancel();
  }

  Webhooks& webhooks_;
  bool is_test_;
  Done done_;
  ObjectPtr<SoupMessage> message_;
  std::optional<http::MessageWatch> watch_;
  std::shared_ptr<Sent> sent_;
  Timer deadline_;
  std::string problem_;  // of a test that has failed already
};

Webhooks::Webhooks(Store& store, double test_seconds)
    : store_(store),
      session_(ObjectPtr<SoupSession>::adopt(soup_session_new_with_options(
          "max-conns", max_connections, "timeout", 0, "user-agent", "genpro-emulator", nullptr))),
      test_seconds_(test_seconds) {
  soup_session_remove_feature_by_type(session_.get(), SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type(session_.get(), SOUP_TYPE_AUTH_MANAGER);
  store_.observe([this](const Generation&) { wake(); });
}

Webhooks::~Webhooks() = default;

void Webhooks::pump() {
  try {
    const auto hooks = store_.hooks();
    std::set<Address> addresses;
    for (const auto& hook : hooks) {
      const Address address{hook.agent, hook.kind};
      addresses.insert(address);
      auto& receiver = receivers_[address];
      if (!receiver) receiver = std::make_unique<Receiver>();
      if (!receiver->busy && !receiver->pausing) send_next(*receiver, hook);
    }
    std::erase_if(receivers_, [&addresses](const auto& entry) {
      return !entry.second->busy && !addresses.contains(entry.first);
    });
  } catch (const StoreError& failure) {
    g_warning("Webhooks wait for the store: %s", failure.what());
    pump_timer_.start(1, [this] { pump(); });
  }
}

void Webhooks::send_next(Receiver& receiver, const Hook& hook) {
  const bool ends_only = hook.kind == "callback";
  auto event = store_.next_event(hook.agent, hook.cursor, ends_only);
  while (event && event->at < now_milliseconds() - give_up_milliseconds) {
    store_.advance_hook(hook.agent, hook.kind, event->id);
    event = store_.next_event(hook.agent, event->id, ends_only);
  }
  if (!event) return;
  receiver.busy = true;
  post(hook.url, event_body(hook, *event), false,
       [this, address = Address{hook.agent, hook.kind}, id = event->id](bool taken) {
         concluded(address, id, taken);
       });
}

void Webhooks::concluded(const Address& address, std::int64_t event, bool taken) {
  const auto found = receivers_.find(address);
  if (found == receivers_.end()) return;
  Receiver& receiver = *found->second;
  receiver.busy = false;
  if (taken) {
    receiver.failures = 0;
    try {
      store_.advance_hook(address.first, address.second, event);
    } catch (const StoreError& failure) {
      // It is sent once more, which receivers have to expect.
      g_warning("A delivered webhook could not be noted: %s", failure.what());
      pump_timer_.start(1, [this] { pump(); });
      return;
    }
    wake();
    return;
  }
  const double seconds = std::min(max_pause_seconds, static_cast<double>(1U << receiver.failures));
  receiver.failures = std::min(receiver.failures + 1, 10U);
  receiver.pausing = true;
  receiver.pause.start(seconds, [this, &receiver] {
    receiver.pausing = false;
    wake();
  });
}

void Webhooks::test(const Hook& hook, Done done) {
  JsonWriter json;
  json.begin_object().key("event").string("test").key("agent_id").id(hook.agent);
  json.key("at_ts").integer(now_milliseconds()).end_object();
  post(hook.url, json.text(), true, std::move(done));
}

void Webhooks::post(const std::string& url, const std::string& body, bool is_test, Done done) {
  deliveries_.push_back(std::make_unique<Delivery>(*this, is_test, std::move(done)));
  deliveries_.back()->send(url, body);
}

void Webhooks::ended(Delivery* delivery) {
  std::erase_if(deliveries_, [delivery](const auto& owned) { return owned.get() == delivery; });
}

}  // namespace genpro::emulator
