// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a worker comes to the request that it makes: what it is made of, whose it is, and whether an
// earlier one serves it.
#include <utility>

#include "api/json.h"
#include "base/text.h"
#include "job/worker/worker.h"

namespace genpro::job {

void Worker::prepare() {
  const auto begin = [this](const api::GenerationRequest& by_contents) {
    if (ledger_.is_kept()) return identify(by_contents);
    if (request_) return ask_without_ledger();
    upload([this] { ask_without_ledger(); });
  };
  if (!settings_.ingredients) {
    request_ = std::get<api::GenerationRequest>(settings_.subject);
    return begin(*request_);
  }
  preparation_ = std::make_unique<Preparation>(runtime_, settings_, [this](std::string text) {
    Update update;
    update.progress = std::move(text);
    report(std::move(update));
  });
  preparation_->read([this, begin](Result<Preparation::Contents> contents) {
    if (!contents) {
      append(contents.error(), "Nothing was sent.");
      contents.error().charged = Charged::no;
      return give_up(std::move(contents.error()), contents.error().retryable.value_or(false));
    }
    request_ = std::move(contents->request);
    begin(contents->by_contents);
  });
}

void Worker::upload(std::function<void()> then) {
  preparation_->upload([this, then = std::move(then)](Result<api::GenerationRequest> request) {
    if (!request) {
      request.error().charged = Charged::no;
      return give_up(std::move(request.error()), request.error().retryable.value_or(false));
    }
    request_ = std::move(*request);
    then();
  });
}

void Worker::ask_without_ledger() {
  if (!estimate_) return ask_estimate(*request_, [this] { ask_without_ledger(); });
  if (auto error = cost_error())
    return give_up(*std::move(error), estimate_->is_retryable && !estimate_->credits);
  log_.info([] { return "asks for a new generation, which is charged: no ledger is kept"; });
  make_payment(request_).begin({});
}

void Worker::identify(const api::GenerationRequest& by_contents) {
  identity_request_ =
      std::make_unique<IdentityRequest>(runtime_, settings_.access, settings_.silence, by_contents,
                                        [this](ledger::Identity identity) {
                                          // Its call has led here: it lives until this returns.
                                          const auto request = std::move(identity_request_);
                                          identity_ = std::move(identity);
                                          set_body();
                                          claim(settings_.reuse);
                                        });
}

// The same request under the ids of today.
void Worker::set_body() {
  if (!request_) return;
  std::string body = api::canonical_json(std::string_view(request_->body));
  if (identity_.contents.empty() && body != identity_.request) {
    identity_.contents = std::move(identity_.request);
  }
  identity_.request = std::move(body);
}

void Worker::claim(payment::Reuse reuse) {
  claiming_ = std::make_unique<Claiming>(
      runtime_, settings_.ledger,
      ClaimSettings{
          identity_, reuse, passed_over_, limits(), settings_.pays_once, {.since = asking_since_}},
      [this] {
        log_.info([] { return "waits for another run's request to the same cell"; });
        Update update;
        update.is_waiting = true;
        report(std::move(update));
      },
      [this, reuse](Result<ledger::Claim> claim) { on_claim(std::move(claim), reuse); });
}

void Worker::on_claim(Result<ledger::Claim> claim, payment::Reuse reuse) {
  // Its call has led here: it lives until this returns.
  const std::unique_ptr<Claiming> claiming = std::move(claiming_);
  if (!claim) {
    if (claim.error().kind != ErrorKind::limit) say_nothing_was_sent(claim.error());
    claim.error().charged = Charged::no;
    return give_up(std::move(claim.error()), claim.error().kind == ErrorKind::ledger_busy);
  }
  if (claim->kind == ledger::Claim::Kind::create && !request_) {
    log_.info([] { return "no earlier request may serve this one: its files are uploaded first"; });
    // The claim ends here: while files are uploaded, others may use the cell.
    return upload([this, reuse] {
      set_body();
      this->claim(reuse);
    });
  }
  // The row of a request that is continued has its body.
  api::GenerationRequest request =
      request_ ? *request_ : std::get<api::GenerationRequest>(settings_.subject);
  const bool has_not_left = claim->kind == ledger::Claim::Kind::take &&
                            std::holds_alternative<payment::Prepared>(claim->entry.state);
  if (claim->kind == ledger::Claim::Kind::create || has_not_left) {
    if (!estimate_) {
      if (has_not_left) request.body = claim->entry.identity.request;
      // The claim ends here as well.
      return ask_estimate(request, [this, reuse] { this->claim(reuse); });
    }
    if (auto error = cost_error())
      return give_up(*std::move(error), estimate_->is_retryable && !estimate_->credits);
  }
  log_.info([&] { return describe(*claim); });
  if (claim->kind == ledger::Claim::Kind::create) {
    return make_payment(std::move(request)).begin(std::move(claim->cell));
  }
  if (!has_clip(claim->entry.state) || settings_.archive.empty()) {
    return resume(std::move(*claim), std::move(request));
  }
  // The locks by which this run keeps the row are held meanwhile.
  auto held = std::make_shared<ledger::Claim>(std::move(*claim));
  look_in_archive(payment::generation_id(held->entry.state), held->entry.identity.fingerprint,
                  [this, held, request = std::move(request)](const std::string& file) {
                    if (file.empty()) return resume(std::move(*held), request);
                    serve(std::move(held->entry), std::move(held->presence), file);
                  });
}

void Worker::resume(ledger::Claim found, std::optional<api::GenerationRequest> request) {
  ledger::Claim* claim = &found;
  PaymentDriver& payment = make_payment(std::move(request));
  const bool is_named = !payment::generation_id(claim->entry.state).empty();
  is_earlier_ = is_named;
  if (claim->data_unreadable) {
    Update update;
    update.progress =
        "Whether the service's own data, which this request leaves to it, is still the same cannot "
        "be read: what was asked for before is picked up as long as it was not delivered";
    report(std::move(update));
  }
  payment.resume(std::move(claim->entry), std::move(claim->presence), std::move(claim->cell),
                 claim->is_alone);
  if (is_named) learn_durations();
}

bool Worker::has_cost_limit() const {
  return settings_.max_cost > 0 || settings_.daily_cost_limit > 0;
}

// The contract of dialect seed has no estimate, so that there it is asked for where it is needed.
void Worker::ask_estimate(const api::GenerationRequest& request, std::function<void()> then) {
  estimate_request_ = std::make_unique<EstimateRequest>(
      runtime_,
      EstimateRequest::Settings{
          .access = settings_.access,
          .silence = settings_.silence,
          .ledger = settings_.ledger,
          .request = request,
          .asks_service = has_cost_limit() || request.dialect != &api::seed_dialect,
          .is_optional = !has_cost_limit(),
          .identity = identity_},
      [this, then = std::move(then)](Estimate estimate) {
        // Its call has led here: it lives until this returns.
        const auto request = std::move(estimate_request_);
        log_.info([&] {
          const char* source = estimate.source == Estimate::Source::service ? "the service says"
                                                                            : "the ledger has paid";
          return estimate.credits ? "a new generation is expected to cost " +
                                        number_text(*estimate.credits) + " credits, as " + source
                                  : "what a new generation would cost is not known";
        });
        estimate_ = std::move(estimate);
        then();
      });
}

// A limit of what is spent is looked at once there is an estimate to look at it with.
ledger::Limits Worker::limits() const {
  const auto credits = estimate_ ? estimate_->credits : std::nullopt;
  return {.daily_generations = settings_.daily_limit,
          .daily_cost = credits ? settings_.daily_cost_limit : 0,
          .estimate = credits};
}

void Worker::claim_anew(payment::Reuse reuse) {
  // Later, since a call of what is replaced has led here.
  later_.start(milliseconds(0), [this, reuse] {
    payment_.reset();
    is_earlier_ = false;
    cost_.reset();
    has_learned_ = false;
    claim(reuse);
    send_owed_stops();
  });
}

}  // namespace genpro::job
