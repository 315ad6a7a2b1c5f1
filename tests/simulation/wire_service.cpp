// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/wire_service.h"

#include <algorithm>
#include <utility>

#include "ledger/store/clock.h"
#include "simulation/describe.h"
#include "support/fast_clock.h"

namespace genpro::simulation {

namespace {

using test::Answer;
using test::Gate;
using test::Seen;
using test::Wire;
using Body = Reply::Body;
using What = Exchange::What;

const char* word_of(Service::Word word) {
  using Word = Service::Word;
  switch (word) {
    case Word::pending:
      return "pending";
    case Word::processing:
      return "processing";
    case Word::completed:
      return "completed";
    case Word::failed:
      return "failed";
    case Word::stopped:
      return "stopped";
    case Word::unknown:
      return "waiting_for_a_machine";
    case Word::none:
      break;
  }
  return "";
}

std::string generation_text(const Reply& reply) {
  std::string text = R"({"generation_id": ")" + reply.id + '"';
  if (reply.word != Service::Word::none) {
    text += std::string(R"(, "status": ")") + word_of(reply.word) + '"';
    if (reply.credit != payment::Credit::unknown) {
      const bool is_refunded = reply.credit == payment::Credit::refunded;
      text +=
          std::string(R"(, "credit_outcome": ")") + (is_refunded ? "refunded" : "charged") + '"';
    }
  }
  if (reply.has_clip) {
    text +=
        R"(, "output_resources": [{"url": "http://127.0.0.1/clip.mp4", "object_type": "video"}])";
  }
  return text + "}";
}

std::string cell_text(const Reply& reply) {
  std::string jobs;
  const auto add = [&jobs](const std::string& job) { jobs += (jobs.empty() ? "" : ", ") + job; };
  for (const std::string& id : reply.jobs) add(R"({"id": ")" + id + R"("})");
  if (!reply.is_whole) add(R"({"status": "pending"})");
  return R"({"id": 1, "user_jobs": [)" + jobs + "]}";
}

std::string error_text(const Reply& reply) {
  return R"({"error": "No", "error_code": ")" + reply.code + "\"}";
}

Answer written(const Reply& reply) {
  Answer answer;
  answer.status = static_cast<int>(reply.status);
  switch (reply.body) {
    case Body::none:
      answer.content_type.clear();
      break;
    case Body::object:
    case Body::cut:
      answer.body = "{}";
      break;
    case Body::html:
      answer = test::html_answer(answer.status, "<html><body>Gateway</body></html>");
      break;
    case Body::error:
      answer.body = error_text(reply);
      break;
    case Body::generation:
      answer.body = generation_text(reply);
      break;
    case Body::cell:
      answer.body = cell_text(reply);
      break;
  }
  // To another origin, where the key is not sent.
  if (reply.status / 100 == 3) answer.headers.emplace_back("Location", "http://127.0.0.2:9/");
  if (reply.retry_after) {
    answer.headers.emplace_back("Retry-After", std::to_string(*reply.retry_after / second));
  }
  return answer;
}

// As bytes, for a connection that SoupServer has given away.
void write(Wire& wire, const Reply& reply) {
  if (reply.status == 0) return;
  const Answer answer = written(reply);
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Answer\r\n";
  if (!answer.content_type.empty()) text += "Content-Type: " + answer.content_type + "\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  const std::size_t missing = reply.body == Body::cut ? 100 : 0;
  text += "Content-Length: " + std::to_string(answer.body.size() + missing) +
          "\r\nConnection: close\r\n\r\n";
  wire.write(text + answer.body);
}

// What cannot be done to a connection that was made is left out, and what comes of it told as it
// is.
Reply as_on_wire(Reply reply, What what) {
  reply.was_sent = true;
  if (reply.was_redirected) {
    reply.status = 307;
    reply.body = Body::none;
    reply.code.clear();
  }
  reply.was_redirected = reply.status / 100 == 3;
  // Timers measure it, unless it is about a POST.
  if (what != What::post) reply.retry_after.reset();
  return reply;
}

}  // namespace

std::string describe(const Exchange& exchange) {
  std::string text = "run " + std::to_string(exchange.run + 1);
  switch (exchange.what) {
    case What::cell:
      text += " reads the cell";
      break;
    case What::post:
      text += " POSTs with " + exchange.key.substr(0, 8);
      break;
    case What::poll:
      text += " asks about " + exchange.id;
      break;
    case What::stop:
      text += " wants " + exchange.id + " stopped";
      break;
  }
  if (exchange.answered_at == never) return text + ", and gets no answer";
  return text + ", and hears after " + describe_time(exchange.answered_at - exchange.came_at) +
         " " + describe(exchange.reply);
}

payment::Answer understand(const Exchange& exchange) {
  const Reply& reply = exchange.reply;
  payment::Answer answer = understand(reply);
  // What answers a POST with something that is no answer may be no GEN API at all.
  const bool is_success = answer.status >= 200 && answer.status < 300;
  if (exchange.what == What::post && is_success) answer.is_retryable = false;
  return answer;
}

WireService::WireService(const Laws& laws, std::uint64_t seed)
    : laws_(laws), choices_(seed), service_(laws_, choices_), begun_(clock_time()) {
  origin_ =
      std::make_unique<test::HttpOrigin>("api", [this](const Seen& seen) { return answer(seen); });
}

Millis WireService::now() const {
  return clock_time() - begun_;
}

void WireService::begin_run(int run, int wish, const Trap& trap, std::function<void()> trapped) {
  const std::lock_guard lock(mutex_);
  runs_[run] = {};
  runs_[run].wish = wish;
  runs_[run].began_at = now();
  runs_[run].trap = trap;
  runs_[run].trapped = std::move(trapped);
}

void WireService::let_go(int run) {
  std::function<void()> held;
  {
    const std::lock_guard lock(mutex_);
    runs_[run].may_go = true;
    held = std::exchange(runs_[run].held, nullptr);
  }
  if (held) held();
}

void WireService::add_stranger(Millis after) {
  const std::lock_guard lock(mutex_);
  strangers_.push_back(now() + after);
}

void WireService::note_delivery(int wish) {
  const std::lock_guard lock(mutex_);
  delivered_.emplace(wish, now());
}

std::vector<Exchange> WireService::exchanges(int run) const {
  const std::lock_guard lock(mutex_);
  std::vector<Exchange> result;
  for (const std::size_t number : runs_.at(run).exchanges) result.push_back(exchanges_[number]);
  return result;
}

Millis WireService::trapped_at(int run) const {
  const std::lock_guard lock(mutex_);
  return runs_.at(run).trapped_at;
}

std::vector<std::string> WireService::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

void WireService::finish() {
  origin_.reset();
  const std::lock_guard lock(mutex_);
  for (int sent = 0; sent < static_cast<int>(service_.posts().size()); ++sent) take(sent);
}

bool WireService::may_be_charged(const std::string& key, Millis at) const {
  const std::lock_guard lock(mutex_);
  const auto origin = origins_.find(key);
  if (origin == origins_.end()) return false;
  const auto& all = service_.generations();
  return std::any_of(all.begin(), all.end(), [&](const Service::Generation& one) {
    return one.origin == origin->second && !one.is_refunded(at - begun_) && !is_excused(one);
  });
}

bool WireService::was_charged(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto origin = origins_.find(key);
  const auto& all = service_.generations();
  return origin != origins_.end() &&
         std::any_of(all.begin(), all.end(),
                     [&](const Service::Generation& one) { return one.origin == origin->second; });
}

unsigned WireService::charges() const {
  const std::lock_guard lock(mutex_);
  const auto& all = service_.generations();
  return static_cast<unsigned>(std::count_if(
      all.begin(), all.end(), [](const auto& one) { return one.origin != stranger; }));
}

// ---- Requests ----

Answer WireService::answer(const Seen& seen) {
  const std::lock_guard lock(mutex_);
  const std::string who = seen.header("x-api-key");
  const auto found = runs_.find(std::atoi(who.c_str() + std::min<std::size_t>(who.size(), 3)));
  if (found == runs_.end() || found->second.is_dead) return test::closing_answer();
  Run& run = found->second;
  Exchange exchange;
  exchange.run = found->first;
  exchange.came_at = clock_time();
  const std::size_t generation = seen.path.find("/generations/");
  if (generation != std::string::npos) {
    exchange.id = seen.path.substr(generation + 13);
    exchange.id = exchange.id.substr(0, exchange.id.find('/'));
    exchange.what = seen.method == "POST" ? What::stop : What::poll;
  } else if (seen.method == "POST") {
    exchange.what = What::post;
    exchange.key = seen.header("idempotency-key");
  }
  const Millis now = exchange.came_at - begun_;
  // What was due before, also when this thread comes to it late.
  for (int sent = 0; sent < static_cast<int>(service_.posts().size()); ++sent) {
    const Millis due = service_.posts()[static_cast<std::size_t>(sent)].taken_at;
    if (due <= now) take(sent);
  }
  if (exchange.what == What::stop) run.stopped.insert(exchange.id);
  // Those of the stops that earlier runs owe go beside the run's own.
  const bool is_sprung = !run.stopped.contains(exchange.id) && this->is_sprung(run);
  std::erase_if(strangers_, [&](Millis due) {
    if (due > now) return false;
    service_.generate_by_stranger(0, due);
    return true;
  });
  run.exchanges.push_back(exchanges_.size());
  exchanges_.push_back(exchange);
  if (is_sprung) {
    run.is_trapped = true;
    run.trapped_at = exchange.came_at;
  }
  const bool is_given_up = is_sprung && run.trap.kind != Trap::Kind::leave;
  if (is_given_up) run.is_dead = true;
  Answer result;
  if (exchange.what == What::post) {
    if (!is_given_up || run.trap.kind != Trap::Kind::kill_unsent) {
      result = answer_post(run, exchanges_.size() - 1, now);
    }
  } else if (!is_given_up) {
    result = answer_question(run, exchanges_.size() - 1, now);
  }
  if (is_given_up) result = test::silent_answer();
  if (is_sprung) run.trapped();
  return result;
}

// While several are under way, it is not known which of them has been heard.
bool WireService::is_sprung(const Run& run) const {
  if (run.trap.kind == Trap::Kind::none || run.is_trapped) return false;
  if (static_cast<int>(run.exchanges.size()) < run.trap.request) return false;
  return std::all_of(run.exchanges.begin(), run.exchanges.end(),
                     [&](std::size_t number) { return exchanges_[number].answered_at != never; });
}

Answer WireService::answer_post(Run& run, std::size_t number, Millis now) {
  Exchange& exchange = exchanges_[number];
  // It left after the answer before it at the earliest: so the laws' times hold, whatever the way
  // here took.
  Millis left_at = now;
  if (run.exchanges.size() > 1) {
    const Exchange& before = exchanges_[run.exchanges[run.exchanges.size() - 2]];
    if (before.answered_at != never) left_at = std::min(now, before.answered_at - begun_);
  }
  const Origin origin = origin_of(exchange.key, run);
  if (run.exchanges.size() > 1) {
    const Reply& look = exchanges_[run.exchanges[run.exchanges.size() - 2]].reply;
    Payer& payer = payers_[static_cast<std::size_t>(origin - 1)];
    payer.had_empty_look = look.body != Body::cell || !look.is_whole || look.jobs.empty();
  }
  const int sent = service_.post(0, exchange.key, origin, left_at);
  const Service::Sent& post = service_.posts().back();
  taken_.push_back(false);
  if (post.taken_at != never) {
    later(post.taken_at - now, [this, sent] {
      const std::lock_guard lock(mutex_);
      take(sent);
    });
  }
  if (run.is_dead) return test::silent_answer();
  const bool is_silence =
      post.trouble != nullptr && post.trouble->status == 0 && post.trouble->was_sent;
  if (is_silence && post.answered_at - left_at >= patience) {
    exchange.answered_at = exchange.came_at;
    exchange.reply = as_on_wire(service_.answer(sent, now), exchange.what);
    return test::silent_answer();
  }
  auto gate = std::make_shared<Gate>();
  auto reply = std::make_shared<Reply>();
  release(run, number, post.answered_at, [this, number, sent, gate, reply] {
    {
      const std::lock_guard lock(mutex_);
      take(sent);
      Exchange& answered = exchanges_[number];
      *reply = as_on_wire(service_.answer(sent, this->now()), answered.what);
      answered.reply = *reply;
      answered.answered_at = clock_time();
    }
    gate->open();
  });
  Answer answer;
  answer.hold = gate;
  answer.raw = [reply](Wire& wire) { write(wire, *reply); };
  return answer;
}

Answer WireService::answer_question(Run& run, std::size_t number, Millis now) {
  Exchange& exchange = exchanges_[number];
  Service::Timed timed;
  int stopped = -1;
  if (exchange.what == What::cell) {
    timed = service_.list(0, now);
  } else if (exchange.what == What::poll) {
    timed = service_.poll(exchange.id, now);
  } else {
    timed = service_.stop(exchange.id, now, &stopped);
  }
  if (stopped >= 0) {
    const auto& generation = service_.generations()[static_cast<std::size_t>(stopped)];
    if (generation.origin == stranger) {
      violations_.push_back("a stranger's " + generation.id + " is stopped");
    }
  }
  exchange.reply = as_on_wire(timed.reply, exchange.what);
  if (exchange.reply.body == Body::cell && exchange.reply.jobs.empty()) {
    for (Payer& payer : payers_) payer.was_blind |= payer.had_empty_look;
  }
  if (timed.reply.status == 0 && timed.answered_at - now >= patience) {
    exchange.answered_at = exchange.came_at;
    return test::silent_answer();
  }
  auto gate = std::make_shared<Gate>();
  release(run, number, timed.answered_at, [this, number, gate] {
    {
      const std::lock_guard lock(mutex_);
      exchanges_[number].answered_at = clock_time();
    }
    gate->open();
  });
  return on_wire(exchange, gate);
}

Answer WireService::on_wire(const Exchange& exchange, const std::shared_ptr<Gate>& gate) {
  Answer answer;
  const Reply& reply = exchange.reply;
  if (exchange.what == What::stop && reply.status == 0) {
    answer = test::closing_answer();
  } else if (reply.status == 0 || reply.body == Body::cut) {
    // With some bytes of an answer: libsoup sends a GET again by itself that finds a kept
    // connection closed.
    Reply cut = reply;
    cut.status = 200;
    cut.body = Body::cut;
    answer.raw = [cut](Wire& wire) { write(wire, cut); };
  } else {
    answer = written(reply);
  }
  answer.hold = gate;
  return answer;
}

// What is in the trap waits for the test as well.
void WireService::release(Run& run, std::size_t number, Millis due, std::function<void()> go) {
  const bool is_held = run.is_trapped && run.exchanges.back() == number && !run.is_dead;
  const bool waits = is_held && run.trap.kind == Trap::Kind::leave && !run.may_go;
  later(due - now(), [this, waits, number, go = std::move(go)] {
    if (waits) {
      const std::lock_guard lock(mutex_);
      Run& run = runs_[exchanges_[number].run];
      if (!run.may_go) {
        run.held = go;
        return;
      }
    }
    go();
  });
}

void WireService::later(Millis delay, std::function<void()> action) {
  using Action = std::function<void()>;
  const Millis real = std::max<Millis>(delay, 0) / genpro_test_clock_factor();
  GSource* source = g_timeout_source_new(static_cast<guint>(real));
  auto boxed = std::make_unique<Action>(std::move(action));
  g_source_set_callback(
      source,
      [](gpointer data) -> gboolean {
        (*static_cast<Action*>(data))();
        return G_SOURCE_REMOVE;
      },
      boxed.release(), [](gpointer data) { std::unique_ptr<Action>(static_cast<Action*>(data)); });
  g_source_attach(source, g_main_context_get_thread_default());
  g_source_unref(source);
}

// ---- Accounts ----

Origin WireService::origin_of(const std::string& key, const Run& run) {
  const auto [place, is_new] = origins_.emplace(key, static_cast<Origin>(origins_.size()) + 1);
  if (is_new) payers_.push_back({run.wish, run.began_at});
  return place->second;
}

void WireService::take(int sent) {
  const auto index = static_cast<std::size_t>(sent);
  const Millis due = service_.posts()[index].taken_at;
  if (taken_[index] || due == never) return;
  taken_[index] = true;
  const int made = service_.take(sent, origin_ ? std::min(due, now()) : due);
  if (made >= 0) check_charge(service_.generations()[static_cast<std::size_t>(made)]);
}

// Where the laws allow no certainty, see laws.h.
bool WireService::is_excused(const Service::Generation& generation) const {
  if (service_.are_keys_honoured() || generation.origin == stranger) return false;
  const Payer& payer = payers_[static_cast<std::size_t>(generation.origin - 1)];
  return generation.was_hidden || (generation.was_forgotten && payer.was_blind);
}

void WireService::check_charge(const Service::Generation& charged) {
  const Payer& payer = payers_[static_cast<std::size_t>(charged.origin - 1)];
  for (const Service::Generation& other : service_.generations()) {
    if (&other == &charged || other.origin == stranger || other.is_over(charged.taken_at)) {
      continue;
    }
    const Payer& earlier = payers_[static_cast<std::size_t>(other.origin - 1)];
    if (earlier.wish != payer.wish) continue;
    const auto delivered = delivered_.find(payer.wish);
    const bool had_its_clip = delivered != delivered_.end() && delivered->second <= payer.began_at;
    if (had_its_clip && other.origin != charged.origin) continue;
    if (is_excused(other) || is_excused(charged)) {
      ++excused_;
      continue;
    }
    violations_.push_back(charged.id + " is a second charge, beside " + other.id);
  }
}

}  // namespace genpro::simulation
