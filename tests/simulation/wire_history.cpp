// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/wire_history.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "base/sqlite.h"
#include "job/ledger_thread.h"
#include "ledger/store/clock.h"
#include "simulation/describe.h"

namespace genpro::simulation {

namespace {

using namespace std::chrono_literals;
using Kind = payment::End::Kind;

// Laws under which a history takes seconds: what is waited for by timers is real time.
Laws draw_quick_laws(Choices& choices) {
  Laws laws = draw_laws(choices);
  laws.is_shared = false;
  laws.post_trouble = std::min(laws.post_trouble, 80U);
  laws.cell_trouble = std::min(laws.cell_trouble, 30U);
  laws.poll_trouble = std::min(laws.poll_trouble, 30U);
  if (laws.away_from != never) {
    laws.away_until = std::min(laws.away_until, laws.away_from + minute);
  }
  if (laws.denied_from != never) {
    laws.denied_until = std::min(laws.denied_until, laws.denied_from + 2 * minute);
  }
  return laws;
}

// What the job's error can be for.
bool may_be_told_as(Kind kind, ErrorKind error) {
  switch (kind) {
    case Kind::failed:
    case Kind::stopped:
    case Kind::no_clip:
    case Kind::timed_out:
      return error == ErrorKind::failed;
    case Kind::gone:
      return error == ErrorKind::not_found;
    case Kind::denied:
      return error == ErrorKind::not_authorized;
    case Kind::refused:
      return error == ErrorKind::settings || error == ErrorKind::not_authorized ||
             error == ErrorKind::not_found;
    case Kind::unreachable:
      return error == ErrorKind::settings || error == ErrorKind::open_read;
    case Kind::in_doubt:
      return true;
    default:
      return false;
  }
}

bool is_same(Charged told, payment::Charged charged) {
  switch (charged) {
    case payment::Charged::no:
      return told == Charged::no;
    case payment::Charged::yes:
      return told == Charged::yes;
    case payment::Charged::unknown:
      break;
  }
  return told == Charged::unknown;
}

const char* charged_word(const std::optional<Charged>& charged) {
  if (!charged) return "and nothing of money";
  if (*charged == Charged::unknown) return "and whether it was charged is not known";
  return *charged == Charged::yes ? "it was charged" : "nothing was charged";
}

}  // namespace

WireHistory::Plan WireHistory::draw_plan() {
  Plan plan;
  static constexpr Trap::Kind kinds[] = {Trap::Kind::none,  Trap::Kind::none, Trap::Kind::none,
                                         Trap::Kind::leave, Trap::Kind::drop, Trap::Kind::leave};
  plan.trap.kind = choices_.pick(kinds);
  if (choices_.chance(laws_.kills)) {
    plan.trap.kind = choices_.chance(30) ? Trap::Kind::kill_unsent : Trap::Kind::kill;
  }
  // Often right at the beginning, where money is.
  plan.trap.request = 1 + static_cast<int>(choices_.below(choices_.chance(50) ? 12 : 3));
  if (choices_.chance(8)) plan.timeout = std::chrono::milliseconds(choices_.between(100, 1500));
  plan.flow_fails = choices_.chance(10);
  plan.is_parted_from = choices_.chance(50);
  return plan;
}

job::JobSettings WireHistory::settings(const Wish& wish, int run, const Plan& plan) const {
  api::RequestSettings request;
  request.sheet_id = "101";
  request.cell_id = "1";
  request.agent_id = "42";
  request.prompt = "Wish " + std::to_string(wish.wish.wish);
  request.asset_ids = "501";
  // Nothing is left to the cell's defaults, which would have to be read.
  request.model = "pika";
  request.aspect_ratio = "16:9";
  request.duration = 5;
  job::JobSettings settings;
  settings.access = *api::make_access(service_.api_base(), "run" + std::to_string(run));
  settings.subject = *api::make_request(request);
  settings.ledger = ledger_;
  settings.reuse = wish.wish.reuse;
  settings.stops = wish.wish.stops;
  settings.asks_when_in_doubt = wish.wish.policy.asks_when_in_doubt;
  settings.silence = wire_silence;
  settings.poll_interval = 50ms;
  settings.generation_timeout = plan.timeout;
  settings.retries = wish.wish.policy.retries;
  return settings;
}

// When all that was to be written is.
template <typename T>
T WireHistory::ask_ledger(std::function<Result<T>(ledger::Ledger&)> question) const {
  std::promise<Result<T>> promise;
  runtime_->post([&] {
    job::LedgerThread::acquire(ledger_)->post([&](Result<ledger::Ledger*> ledger) {
      promise.set_value(ledger ? question(**ledger) : Result<T>(std::move(ledger.error())));
    });
  });
  auto answer = promise.get_future().get();
  if (!answer) throw std::runtime_error(answer.error().message);
  return std::move(*answer);
}

std::string WireHistory::histories(const std::vector<WireRow>& rows) const {
  std::string text;
  for (const WireRow& row : rows) {
    const auto lines = ask_ledger<std::vector<ledger::Ledger::HistoryLine>>(
        [id = row.id](ledger::Ledger& ledger) { return ledger.history(id); });
    for (const auto& line : lines) {
      text += "    row " + std::to_string(row.id) + ": " + line.came + "; " + line.decided + " (" +
              line.word + ")\n";
    }
  }
  return text;
}

std::vector<WireRow> WireHistory::read_rows() const {
  const auto entries = ask_ledger<std::vector<ledger::Entry>>(
      [](ledger::Ledger& ledger) { return ledger.list({}); });
  std::vector<WireRow> rows;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    WireRow row;
    row.id = entry->id;
    row.wish = entry->identity.request.find("Wish 1") != std::string::npos ? 1 : 0;
    row.state = entry->state;
    rows.push_back(std::move(row));
  }
  return rows;
}

// What is on disk when a process dies.
void WireHistory::snapshot(const std::string& path) {
  try {
    sqlite::Database database(ledger_, SQLITE_OPEN_READWRITE);
    database.execute("VACUUM INTO '" + path + "'");
  } catch (const sqlite::Failure& failure) {
    wrong_ = std::string("no snapshot: ") + failure.what();
  }
}

// True: the wish has its clip.
bool WireHistory::run_one(Wish& wish) {
  const int run = runs_++;
  ++counts_.runs;
  const Plan plan = draw_plan();
  const bool is_killed_there =
      plan.trap.kind == Trap::Kind::kill || plan.trap.kind == Trap::Kind::kill_unsent;
  const std::string copy = folder_ + "/ledger" + std::to_string(run) + ".db";
  std::stop_source trap;
  const Millis began_at = clock_time();
  service_.begin_run(run, wish.wish.wish, plan.trap, [this, is_killed_there, copy, trap]() mutable {
    if (is_killed_there) snapshot(copy);
    trap.request_stop();
  });
  auto job = job::Job::start(runtime_, settings(wish, run, plan));
  std::optional<job::Update> last;
  while (auto update = job->wait(trap.get_token())) {
    last = std::move(update);
    if (last->clip || last->error) break;
    last.reset();
  }
  const Millis ended_at = clock_time();
  const bool is_trapped = !last;
  const bool is_timed_out =
      last && last->error && last->error->message.find("generation-timeout") != std::string::npos;
  const bool is_delivered = last && last->clip && !plan.flow_fails;
  const bool is_stopped = wish.wish.stops && is_timed_out;
  if (is_trapped && plan.trap.kind == Trap::Kind::leave) {
    ++counts_.shutdowns;
    job->begin_shutdown();
    if (wish.wish.stops) service_.let_go(run);
    job->shut_down({});
  } else if (is_trapped) {
    if (is_killed_there) ++counts_.kills;
  } else if (is_delivered) {
    ++counts_.clips;
    job->shut_down({1000, true});
    service_.note_delivery(wish.wish.wish);
  } else if (last->error) {
    ++(is_timed_out ? counts_.timeouts : counts_.errors);
    job->shut_down({});
  } else if (plan.is_parted_from) {
    job->shut_down({100, false});
  }
  job.reset();
  service_.let_go(run);
  if (is_trapped && is_killed_there) ledger_ = copy;
  const std::vector<WireRow> rows = read_rows();

  // What the model says to that.
  WireReplay replay(rows_, wish.wish, began_at);
  const std::vector<Exchange> exchanges = service_.exchanges(run);
  counts_.requests += static_cast<unsigned>(exchanges.size());
  std::string log;
  std::size_t next = 0;
  const auto ask_until = [&](Millis until) {
    for (; next < exchanges.size() && exchanges[next].came_at <= until; ++next) {
      const Exchange& exchange = exchanges[next];
      if (exchange.what == Exchange::What::post) ++counts_.posts;
      log += describe_time(exchange.came_at) + "  " + describe(exchange) + "\n";
      replay.ask(exchange);
    }
  };
  const auto tell = [&](const std::string& what) { log += "  " + what + "\n"; };
  Millis trapped_at = ended_at;
  if (is_trapped) {
    trapped_at = service_.trapped_at(run);
    ask_until(trapped_at);
    if (is_killed_there) {
      tell("is killed");
      replay.kill(trapped_at);
    } else if (plan.trap.kind == Trap::Kind::drop) {
      tell("is given up");
      replay.drop(clock_time());
    } else {
      tell("is shut down by its user");
      replay.leave(trapped_at);
      ask_until(never);
      replay.drop(clock_time());
    }
  } else if (is_timed_out) {
    ask_until(ended_at);
    tell("is told that its time is over");
    replay.time_out(ended_at);
    if (is_stopped) replay.leave(ended_at);
    ask_until(never);
    replay.drop(clock_time());
  } else if (last->clip) {
    ask_until(ended_at);
    tell("is told of its clip");
    replay.end(ended_at, [](Kind kind, const payment::State&) { return kind == Kind::clip; });
    ask_until(never);
    replay.rest(clock_time());
    if (is_delivered) replay.deliver();
  } else {
    const Error& error = *last->error;
    ask_until(ended_at);
    tell("is told, " + std::string(charged_word(error.charged)) + ": " + error.message);
    replay.end(ended_at, [&](Kind kind, const payment::State& state) {
      return may_be_told_as(kind, error.kind) && error.charged &&
             is_same(*error.charged, payment::charged(state));
    });
    ask_until(never);
    replay.rest(clock_time());
  }
  replay.compare(rows);
  for (const WireRow& row : rows) {
    log += "    row " + std::to_string(row.id) + ": " + describe(row.state) + "\n";
  }
  told_ +=
      "Run " + std::to_string(run + 1) + " of wish " + std::to_string(wish.wish.wish) + "\n" + log;
  if (replay.is_refuted()) {
    is_drift_ = true;
    wrong_ = "run " + std::to_string(run + 1) + ": the model contradicts " + replay.refuted_by();
    told_ += "The model:\n" + replay.log() + "The ledger:\n" + histories(rows);
    return false;
  }
  if (last && last->error && last->error->charged && !is_timed_out) {
    words_.push_back({replay.key(), *last->error->charged, replay.evidence(), ended_at});
  }
  rows_ = replay.rows();
  return is_delivered;
}

WireHistory::WireHistory(std::uint64_t seed, const std::string& folder)
    : choices_(seed),
      folder_(folder),
      ledger_(folder + "/ledger.db"),
      runtime_(Runtime::acquire()),
      laws_(draw_quick_laws(choices_)),
      service_(laws_, ~seed) {}

std::string WireHistory::run() {
  told_ = "Laws: " + describe(laws_) + "\n";
  std::vector<Wish> wishes(choices_.chance(35) ? 2 : 1);
  for (std::size_t number = 0; number < wishes.size(); ++number) {
    WireWish& wish = wishes[number].wish;
    wish.wish = static_cast<int>(number);
    wish.policy.asks_when_in_doubt = choices_.chance(8);
    static constexpr unsigned retries[] = {2, 2, 1, 0};
    wish.policy.retries = choices_.pick(retries);
    wish.reuse = choices_.chance(10) ? payment::Reuse::completed : payment::Reuse::in_flight;
    wish.stops = !choices_.chance(20);
  }
  static constexpr unsigned strangers[] = {0, 0, 0, 1, 1, 2};
  for (unsigned left = choices_.pick(strangers); left > 0; --left) {
    service_.add_stranger(choices_.between(0, 60 * second, second));
  }
  for (std::size_t turn = 0; turn < wishes.size() * Wish::most_runs && wrong_.empty(); ++turn) {
    Wish& wish = wishes[turn % wishes.size()];
    if (wish.runs_left == 0) continue;
    --wish.runs_left;
    if (run_one(wish) && !choices_.chance(8)) wish.runs_left = 0;
    static constexpr unsigned pauses[] = {0, 0, 350};
    std::this_thread::sleep_for(std::chrono::milliseconds(choices_.pick(pauses)));
  }
  service_.finish();
  counts_.charges = service_.charges();
  counts_.excused = service_.excused();
  counts_.histories = 1;
  const std::size_t drift = wrong_.size();
  for (const std::string& violation : service_.violations()) wrong_ += " " + violation;
  check_words();
  if (wrong_.size() > drift) is_drift_ = false;
  return wrong_;
}

// What was told of money is true.
void WireHistory::check_words() {
  for (const Word& word : words_) {
    if (word.charged == Charged::no && service_.may_be_charged(word.key, word.at)) {
      wrong_ += " it was told that nothing was charged with " + word.key;
    }
    if (word.charged == Charged::yes && word.evidence == payment::Evidence::proven &&
        !service_.was_charged(word.key)) {
      wrong_ += " it was told that " + word.key + " was charged";
    }
  }
}
}  // namespace genpro::simulation
