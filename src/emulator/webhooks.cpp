// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/webhooks.h"

#include <algorithm>
#include <set>
#include <utility>

#include "emulator/json.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

constexpr unsigned timeout_seconds = 10;
constexpr double max_pause_seconds = 60;
constexpr std::int64_t give_up_milliseconds = std::int64_t{24} * 60 * 60 * 1000;

std::string event_body(const Hook& hook, const Event& event) {
  JsonWriter json;
  json.begin_object().key("event").string("generation_changed");
  json.key("event_id").integer(event.id).key("agent_id").id(hook.agent);
  json.key("sheet_id").id(event.sheet).key("cell_id").id(event.cell);
  json.key("generation_id").integer(event.generation);
  json.key("status").string(status_word(event.status)).key("at_ts").integer(event.at);
  return json.end_object().text();
}

std::string name_of(const Hook& hook) {
  return hook.agent + " " + hook.kind;
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
struct Webhooks::Line {
  bool busy = false;
  unsigned failures = 0;
  Timer pause;
  bool pausing = false;
};

class Webhooks::Delivery {
 public:
  Delivery(ObjectPtr<SoupMessage> message, Done done)
      : message_(std::move(message)), done_(std::move(done)) {}

  static void on_answer(GObject* session, GAsyncResult* result, gpointer data) {
    const std::unique_ptr<Delivery> self(static_cast<Delivery*>(data));
    ErrorPtr error;
    const BytesPtr body(
        soup_session_send_and_read_finish(SOUP_SESSION(session), result, error.out()));
    // Who asked has gone.
    if (error.matches(G_IO_ERROR, G_IO_ERROR_CANCELLED)) return;
    const unsigned status = soup_message_get_status(self->message_.get());
    std::string problem;
    if (error) {
      problem = error.message();
    } else if (status < 200 || status > 299) {
      problem = "The answer was " + std::to_string(status) + ".";
    }
    self->done_(problem);
  }

  // Of what could not be sent at all: the task's error says why.
  static void on_refusal(GObject*, GAsyncResult* result, gpointer data) {
    const std::unique_ptr<Delivery> self(static_cast<Delivery*>(data));
    ErrorPtr error;
    g_task_propagate_boolean(G_TASK(result), error.out());
    if (error.matches(G_IO_ERROR, G_IO_ERROR_CANCELLED)) return;
    self->done_(error.message());
  }

 private:
  ObjectPtr<SoupMessage> message_;
  Done done_;
};

Webhooks::Webhooks(Store& store)
    : store_(store),
      session_(ObjectPtr<SoupSession>::adopt(soup_session_new_with_options(
          "timeout", timeout_seconds, "user-agent", "genpro-emulator", nullptr))),
      cancellable_(ObjectPtr<GCancellable>::adopt(g_cancellable_new())) {
  store_.observe([this](const Generation&) { wake(); });
}

Webhooks::~Webhooks() {
  g_cancellable_cancel(cancellable_.get());
}

void Webhooks::wake() {
  pump_timer_.start(0, [this] { pump(); });
}

void Webhooks::pump() {
  try {
    const auto hooks = store_.hooks();
    std::set<std::string> names;
    for (const auto& hook : hooks) {
      const std::string name = name_of(hook);
      names.insert(name);
      auto& line = lines_[name];
      if (!line) line = std::make_unique<Line>();
      if (!line->busy && !line->pausing) send_next(*line, hook);
    }
    std::erase_if(lines_, [&names](const auto& entry) {
      return !entry.second->busy && !names.contains(entry.first);
    });
  } catch (const StoreError& failure) {
    g_warning("Webhooks wait for the store: %s", failure.what());
    pump_timer_.start(1, [this] { pump(); });
  }
}

void Webhooks::send_next(Line& line, const Hook& hook) {
  const bool ends_only = hook.kind == "callback";
  auto event = store_.next_event(hook.agent, hook.cursor, ends_only);
  while (event && event->at < now_milliseconds() - give_up_milliseconds) {
    store_.advance_hook(hook.agent, hook.kind, event->id);
    event = store_.next_event(hook.agent, event->id, ends_only);
  }
  if (!event) return;
  line.busy = true;
  post(hook.url, event_body(hook, *event),
       [this, name = name_of(hook), id = event->id](const std::string& problem) {
         concluded(name, id, problem);
       });
}

void Webhooks::concluded(const std::string& name, std::int64_t event, const std::string& problem) {
  const auto found = lines_.find(name);
  if (found == lines_.end()) return;
  Line& line = *found->second;
  line.busy = false;
  if (problem.empty()) {
    line.failures = 0;
    const auto space = name.rfind(' ');
    try {
      store_.advance_hook(name.substr(0, space), name.substr(space + 1), event);
    } catch (const StoreError& failure) {
      // It is sent once more, which receivers have to expect.
      g_warning("A delivered webhook could not be noted: %s", failure.what());
      pump_timer_.start(1, [this] { pump(); });
      return;
    }
    wake();
    return;
  }
  const double seconds = std::min(max_pause_seconds, static_cast<double>(1U << line.failures));
  line.failures = std::min(line.failures + 1, 10U);
  line.pausing = true;
  line.pause.start(seconds, [this, &line] {
    line.pausing = false;
    wake();
  });
}

void Webhooks::test(const Hook& hook, std::function<void(const std::string& problem)> done) {
  JsonWriter json;
  json.begin_object().key("event").string("test").key("agent_id").id(hook.agent);
  json.key("at_ts").integer(now_milliseconds()).end_object();
  post(hook.url, json.text(), std::move(done));
}

void Webhooks::post(const std::string& url, std::string body, Done done) {
  auto message = ObjectPtr<SoupMessage>::adopt(soup_message_new("POST", url.c_str()));
  if (!message) {
    // Told later, like every other end: nobody expects it from inside.
    const auto task = ObjectPtr<GTask>::adopt(
        g_task_new(nullptr, cancellable_.get(), &Delivery::on_refusal,
                   std::make_unique<Delivery>(std::move(message), std::move(done)).release()));
    g_task_return_new_error(task.get(), G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                            "The address \"%s\" is no http or https URL.",
                            clean_label(url).c_str());
    return;
  }
  soup_message_add_flags(message.get(), SOUP_MESSAGE_NO_REDIRECT);
  const BytesPtr bytes(g_bytes_new(body.data(), body.size()));
  soup_message_set_request_body_from_bytes(message.get(), "application/json", bytes.get());
  soup_session_send_and_read_async(session_.get(), message.get(), G_PRIORITY_DEFAULT,
                                   cancellable_.get(), &Delivery::on_answer,
                                   std::make_unique<Delivery>(message, std::move(done)).release());
}

}  // namespace genpro::emulator
