// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/reconciler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "ledger/store/clock.h"

namespace genpro::job {

namespace {

using Kind = payment::End::Kind;

// A generation that was asked for longer ago has ended by itself.
constexpr ledger::WallTime longest_generation_ms = 24LL * 3600 * 1000;
// A run does not work off a backlog of hundreds beside its own generation.
constexpr std::size_t most_stops = 16;

// A refund that the service has not told of by then is for its support.
constexpr ledger::WallTime longest_proof_ms = 30LL * 24 * 3600 * 1000;
constexpr std::size_t most_proofs = 200;
// How many pages of an agent's transactions are read.
constexpr unsigned most_pages = 10;

std::string sentence(std::string text) {
  if (!text.empty()) text.front() = g_ascii_toupper(text.front());
  if (!text.ends_with('.')) text += '.';
  return text;
}

std::string money_of(const payment::State& state) {
  switch (payment::charged(state)) {
    case payment::Charged::no:
      return "The service refunds it.";
    case payment::Charged::yes:
      return "The service charges it.";
    case payment::Charged::unknown:
      break;
  }
  return "Its refund is not proven: neither the service's record of it nor the agent's credit "
         "transactions say so.";
}

}  // namespace

Result<std::vector<ledger::Entry>> rows_to_settle(ledger::Ledger& ledger) {
  auto rows = ledger.open_rows();
  if (!rows) return rows;
  auto stopped = ledger.unproven_refunds(ledger::wall_clock_now() - longest_proof_ms, most_proofs);
  if (!stopped) return stopped;
  std::ranges::move(*stopped, std::back_inserter(*rows));
  return rows;
}

Reconciler::Reconciler(Runtime& runtime, const std::string& ledger, const api::Access& access,
                       std::chrono::milliseconds silence, Scope scope)
    : runtime_(runtime),
      path_(ledger),
      access_(access),
      silence_(silence),
      scope_(scope),
      ledger_(runtime, ledger) {}

template <typename T>
void Reconciler::ask(std::function<Result<T>(ledger::Ledger&)> question,
                     std::function<void(T)> then) {
  ledger_.ask<T>(std::move(question), [this, then = std::move(then)](Result<T> answer) {
    if (answer) return then(std::move(*answer));
    const Done done = std::move(done_);
    done(std::move(answer.error()));
  });
}

void Reconciler::start(Done done) {
  done_ = std::move(done);
  ask<std::vector<ledger::Entry>>(
      [scope = scope_, base_url = access_.base.text](ledger::Ledger& ledger) {
        return scope == Scope::all
                   ? rows_to_settle(ledger)
                   : ledger.owed_stops(base_url, ledger::wall_clock_now() - longest_generation_ms,
                                       most_stops);
      },
      [this](std::vector<ledger::Entry> rows) {
        // The newest request of a cell first: what is new for an older one ends where it begins.
        rows_.assign(std::make_move_iterator(rows.rbegin()), std::make_move_iterator(rows.rend()));
        next();
      });
}

void Reconciler::next() {
  payment_.reset();
  account_client_.reset();
  is_account_read_ = false;
  if (rows_.empty()) {
    const Done done = std::move(done_);
    return done(std::move(reconciled_));
  }
  entry_ = std::move(rows_.back());
  rows_.pop_back();
  const std::string& base_url = entry_.identity.base_url;
  if (base_url != access_.base.text) {
    return finish_row(ReconcileOutcome::foreign,
                      "It belongs to " + one_line(base_url, 120) +
                          ", and the key is not sent there. Set --api-base-url to that address.");
  }
  take();
}

void Reconciler::take() {
  constexpr const char* in_use = "A process is at it, and sees to it itself.";
  if (payment::generation_id(entry_.state).empty()) {
    // Only what is proven is stopped.
    if (scope_ == Scope::owed_stops) return next();
    ask<std::optional<ledger::Ledger::HeldCell>>(
        [id = entry_.id](ledger::Ledger& ledger) { return ledger.take_with_cell(id); },
        [this](std::optional<ledger::Ledger::HeldCell> held) {
          if (!held) return finish_row(ReconcileOutcome::in_use, in_use);
          if (held->wait_ms > 0) {
            return later_.start(std::chrono::milliseconds(held->wait_ms), [this] { take(); });
          }
          resume(std::move(held->entry), std::move(held->presence), std::move(held->cell));
        });
  } else {
    ask<std::optional<ledger::Ledger::Held>>(
        [id = entry_.id](ledger::Ledger& ledger) { return ledger.take(id); },
        [this](std::optional<ledger::Ledger::Held> held) {
          if (!held) return finish_row(ReconcileOutcome::in_use, in_use);
          // Another run may have seen to it since the rows were read.
          if (scope_ == Scope::owed_stops && !payment::stop_wanted(held->entry.state)) {
            return next();
          }
          resume(std::move(held->entry), std::move(held->lock), {});
        });
  }
}

void Reconciler::resume(ledger::Entry entry, ledger::LifeLock presence, ledger::LifeLock cell) {
  PaymentSettings settings;
  settings.policy.may_post = false;
  settings.policy.retries = 0;
  settings.identity = entry.identity;
  PaymentDriver::Owner& owner = *this;
  payment_ = std::make_unique<PaymentDriver>(runtime_, path_, access_, silence_,
                                             std::move(settings), owner);
  payment_->resume(std::move(entry), std::move(presence), std::move(cell), true);
}

void Reconciler::on_ledger_error(Error error) {
  later_.start(std::chrono::milliseconds(0), [this, error = std::move(error)] {
    const Done done = std::move(done_);
    done(error);
  });
}

void Reconciler::on_claim_needed() {
  finish_row(ReconcileOutcome::left,
             "Its generation was only likely to be its own, and has ended: whether the request was "
             "taken is in doubt again. Try again.");
}

void Reconciler::on_end(const payment::End& end) {
  const payment::State& state = payment_->state();
  const std::string subject = "Generation " + payment::generation_id(state) + " ";
  const bool is_likely = payment::evidence(state) == payment::Evidence::likely;
  const std::string likely =
      is_likely ? " It is likely to be this request's, and not proven: it is not stopped." : "";
  switch (end.kind) {
    case Kind::clip:
      return finish_row(ReconcileOutcome::settled,
                        subject +
                            "is completed. The next run of the same request delivers its "
                            "clip.");
    case Kind::failed:
      return finish_row(ReconcileOutcome::settled, subject + "failed. " + money_of(state));
    case Kind::stopped: {
      if (needs_account()) return look_into_account();
      const auto account = accounts_.find(entry_.identity.agent_id);
      const bool is_told = is_account_read_ && !account->second.failure.empty();
      return finish_row(ReconcileOutcome::settled,
                        subject + "is stopped. " + money_of(state) +
                            (is_told ? " " + account->second.failure : ""));
    }
    case Kind::running:
      return finish_row(ReconcileOutcome::running, subject + "is unfinished" +
                                                       (payment::stop_wanted(state) && !is_likely
                                                            ? ", and the service does not stop it."
                                                            : ", and goes on.") +
                                                       likely);
    case Kind::in_doubt:
      return finish_row(
          ReconcileOutcome::left,
          "Whether the request was taken cannot be told: " + end.reason +
              (end.candidates.empty() || is_likely
                   ? ". It stays in doubt, and counts as taken. The next run of the same request "
                     "goes on from there. If you know better, remove the row."
                   : ". Set generation-id to the right one to get its clip."));
    case Kind::unreachable:
      if (!std::holds_alternative<payment::Refused>(state)) break;
      return finish_row(ReconcileOutcome::settled, "Its request never left: nothing was charged.");
    default:
      break;
  }
  // Who does not answer this will not answer the others, and meanwhile they are held.
  const auto& failure = payment_->failure();
  if (scope_ == Scope::owed_stops && failure && failure->error.http_status == 0) rows_.clear();
  finish_row(ReconcileOutcome::left, failure ? failure->error.message : sentence(end.reason));
}

bool Reconciler::needs_account() const {
  return scope_ == Scope::all && !is_account_read_ && !entry_.identity.agent_id.empty() &&
         payment::charged(payment_->state()) != payment::Charged::no;
}

void Reconciler::read_account(unsigned page) {
  account_client_->get_transactions(
      entry_.identity.agent_id, page,
      [this, page](Result<std::vector<api::Transaction>, api::Failure> transactions) {
        Account& account = accounts_[entry_.identity.agent_id];
        bool is_new = false;
        // The first answer, which was asked for without a page, may be page 1.
        const bool may_be_first = page == 1 && transactions && !transactions->empty();
        if (!transactions) account.failure = transactions.error().error.message;
        for (std::size_t at = 0; transactions && at < transactions->size(); ++at) {
          api::Transaction& one = (*transactions)[at];
          // A service that has no pages answers each question with the same. What has no id cannot
          // be told from what came before.
          const bool is_known =
              one.id.empty() ? page > 0
                             : std::ranges::any_of(account.transactions, [&](const auto& other) {
                                 return other.id == one.id;
                               });
          if (is_known) continue;
          is_new = true;
          account.transactions.push_back(std::move(one));
        }
        if ((is_new || may_be_first) && page < most_pages) return read_account(page + 1);
        look_into_account();
      });
}

// What came in for the generation proves its refund, when it is as much as what it cost.
void Reconciler::look_into_account() {
  const auto account = accounts_.find(entry_.identity.agent_id);
  if (account == accounts_.end()) {
    account_client_ = std::make_unique<api::PriceClient>(runtime_, access_, silence_);
    accounts_[entry_.identity.agent_id];
    return read_account(0);
  }
  is_account_read_ = true;
  const std::string generation = payment::generation_id(payment_->state());
  const std::string_view id = plain_id(generation);
  double in = 0;
  double out = 0;
  std::string named;
  for (const api::Transaction& one : account->second.transactions) {
    if (std::ranges::none_of(one.generations,
                             [&](const std::string& other) { return plain_id(other) == id; })) {
      continue;
    }
    (one.is_incoming ? in : out) += one.amount;
    if (one.is_incoming) named = one.id;
  }
  const double known = entry_.cost.value_or(0) > 0 ? *entry_.cost : entry_.estimate.value_or(0);
  const double due = out > 0 ? out : known;
  constexpr double rounding = 1e-9;
  if (in <= 0 || in < due * (1 - rounding)) return accounted({}, "");
  accounted(payment::Credit::refunded, "credit transaction " + one_line(named, 80) + " refunds it");
}

void Reconciler::accounted(payment::Credit credit, std::string came) {
  // Later, since a call of the client that read the transactions has led here.
  later_.start(std::chrono::milliseconds(0), [this, credit, came = std::move(came)] {
    payment_->handle(payment::Accounted{credit, came});
  });
}

void Reconciler::finish_row(ReconcileOutcome outcome, std::string text) {
  if (payment_) payment_->release();
  ask<std::optional<ledger::Entry>>(
      [id = entry_.id](ledger::Ledger& ledger) { return ledger.find(id); },
      [this, outcome, text = std::move(text)](std::optional<ledger::Entry> entry) {
        reconciled_.push_back({entry ? std::move(*entry) : std::move(entry_), outcome, text});
        next();
      });
}

Result<std::vector<Reconciled>> Reconciler::run(const std::string& ledger,
                                                const api::Access& access,
                                                std::chrono::milliseconds silence) {
  return run_to_end<Result<std::vector<Reconciled>>>([&](Runtime& runtime, Done done) {
    auto reconciler = std::make_unique<Reconciler>(runtime, ledger, access, silence, Scope::all);
    reconciler->start(std::move(done));
    return reconciler;
  });
}

}  // namespace genpro::job
