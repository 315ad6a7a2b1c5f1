// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a job says in logs, and when it ends without a clip.
#include <utility>

#include "base/text.h"
#include "job/worker/worker.h"

namespace genpro::job {

namespace {

using Kind = payment::End::Kind;

std::string list(const std::vector<std::string>& words) {
  return one_line(join(words), 200);
}

}  // namespace

std::string Worker::describe(Shutdown shutdown) {
  switch (shutdown) {
    case Shutdown::stopped:
      return "the generation is stopped; its refund is not proven";
    case Shutdown::refunded:
      return "the generation is stopped, and refunded";
    case Shutdown::left_to_others:
      return "the generation goes on: another run follows it";
    case Shutdown::noted:
      return "the service could not be told to stop the generation; the next run does";
    case Shutdown::nothing:
      break;
  }
  return "nothing is stopped";
}

std::string Worker::describe(const ledger::Claim& claim) {
  if (claim.kind == ledger::Claim::Kind::create) {
    return "asks for a new generation, which is charged: no earlier request may serve this one";
  }
  const std::string id = payment::generation_id(claim.entry.state);
  return "row " + std::to_string(claim.entry.id) + " serves this request: " +
         (id.empty() ? "it is found out what became of it"
                     : "generation " + id + " is picked up, and nothing is asked for");
}

void Worker::say_nothing_was_sent(Error& error) {
  constexpr const char* sentence = "Nothing was sent.";
  if (error.message.find(sentence) == std::string::npos) append(error, sentence);
}

std::string Worker::failure_text() const {
  const unsigned tries = payment_->tries();
  return tries > 1 ? "Gave up after " + std::to_string(tries) + " tries." : "";
}

Error Worker::error_of(const payment::End& end) const {
  switch (end.kind) {
    case Kind::unreachable:
    case Kind::refused:
    case Kind::unanswered:
    case Kind::denied: {
      Error error;
      error.message = end.reason;
      if (payment_->failure()) error = payment_->failure()->error;
      append(error, failure_text());
      if (end.kind == Kind::refused) append(error, "Nothing was charged.");
      if (end.kind == Kind::denied) {
        append(error,
               "Generation " + generation_id() +
                   " is left as it is: with a key that is accepted, the next run of the same "
                   "request picks it up.");
      }
      return error;
    }
    case Kind::in_doubt:
      return doubt_error(end);
    case Kind::failed:
    case Kind::stopped:
      return failed_error(end);
    case Kind::timed_out:
      return timeout_error();
    case Kind::gone: {
      if (is_attached_ && payment_->failure()) return payment_->failure()->error;
      Error error;
      error.kind = ErrorKind::not_found;
      error.message =
          "Generation " + generation_id() +
          (payment::evidence(payment_->state()) == payment::Evidence::likely
               ? ", which is likely to be this request's"
               : ", which was paid for") +
          ", is gone: the GEN API says that there is none, twice, and the cell "
          "does not have it. Ask the service's support for it, with this id. For a new one, which "
          "is charged, set reuse to never" +
          (payment_->entry().id == 0
               ? "."
               : ", or remove row " + std::to_string(payment_->entry().id) + " of the ledger.");
      if (payment_->failure()) {
        error.debug = payment_->failure()->error.debug;
        error.http_status = payment_->failure()->error.http_status;
        error.error_code = payment_->failure()->error.error_code;
      }
      return error;
    }
    case Kind::no_clip: {
      auto url = clip_address(*payment_->generation(), generation_id(), settings_.access);
      if (!url) return std::move(url.error());
      break;
    }
    default:
      break;
  }
  return {};
}

Error Worker::failed_error(const payment::End& end) const {
  const bool failed = end.kind == Kind::failed;
  Error error;
  error.message = "Generation " + generation_id() + (failed ? " failed" : " was stopped");
  std::string reason = end.reason;
  while (reason.ends_with('.')) reason.pop_back();
  if (!reason.empty()) error.message += ": " + reason;
  const payment::Charged charged = payment::charged(payment_->state());
  const char* const money = charged == payment::Charged::no    ? ". The service refunds it. "
                            : charged == payment::Charged::yes ? ". The service charges it. "
                                                               : ". Its refund is not proven. ";
  error.message +=
      money + std::string(failed ? "Change the prompt or the ingredients, then try again."
                                 : "Start again for a new one.");
  return error;
}

Error Worker::doubt_error(const payment::End& end) const {
  Error error;
  // The loss says more than what was found out about it, unless that is what is to be looked at.
  if (payment_->failure()) {
    error = payment_->failure()->error;
    append(error, failure_text());
  }
  append(error, "The service may have taken the request: " + end.reason + ".");
  if (error.message.front() == ' ') error.message.erase(0, 1);
  if (!end.candidates.empty()) {
    append(error, "Set generation-id to the right one of " + list(end.candidates) +
                      ", or reuse to never for a new one.");
  } else if (payment_->entry().id == 0) {
    append(error, "Look at the cell before trying again.");
  } else {
    append(error,
           "Row " + std::to_string(payment_->entry().id) +
               " of the ledger notes that: the next run of the same request finds out before "
               "it asks again. Look at the cell; if it has the generation, set generation-id "
               "to it, else remove the row.");
  }
  return error;
}

std::optional<Error> Worker::cost_error() const {
  if (!estimate_ || !has_cost_limit()) return std::nullopt;
  const auto refused = [this](const char* code, std::string message) {
    return Error{.kind = ErrorKind::limit,
                 .message = std::move(message),
                 .error_code = code,
                 .charged = Charged::no,
                 .details = {{"max-cost", number_text(settings_.max_cost)}}};
  };
  if (!estimate_->credits && estimate_->denied) {
    Error error = *estimate_->denied;
    error.charged = Charged::no;
    append(error, "No generation was asked for.");
    return error;
  }
  if (!estimate_->credits) {
    const std::string limit = settings_.max_cost > 0 ? "max-cost" : "daily-cost-limit";
    return refused("cost_unknown",
                   limit +
                       " is set, and what this generation would cost is not known: the service "
                       "gives no estimate, and this ledger has paid for none of the same model and "
                       "length. No generation was asked for. " +
                       (estimate_->is_retryable
                            ? "Try again later, or set "
                            : "Set model and duration to what the service has a price for, or ") +
                       limit +
                       " to 0 for a first one, whose cost the ledger remembers. The service: " +
                       estimate_->reason);
  }
  if (settings_.max_cost <= 0 || *estimate_->credits <= settings_.max_cost) return std::nullopt;
  Error error = refused(
      "max_cost_exceeded",
      "This generation is estimated at " + number_text(*estimate_->credits) + " credits, " +
          (estimate_->source == Estimate::Source::ledger
               ? "which is the most that one of the same model and length has cost by this ledger, "
                 "and more"
               : "as the service says, which is more") +
          " than the max-cost of " + number_text(settings_.max_cost) +
          ". Raise max-cost, or ask for a cheaper model or a shorter clip. No generation was asked "
          "for.");
  error.details.emplace_back("estimate", number_text(*estimate_->credits));
  return error;
}

Error Worker::timeout_error() const {
  Error error;
  const std::string limit = " was not completed within generation-timeout (" +
                            std::to_string(settings_.generation_timeout.count() / 1000) + " s). ";
  const std::string id = payment_ ? generation_id() : "";
  if (payment_ && payment::meaning(payment_->state()).is_unsettled) {
    error.message = "The request" + limit +
                    "The service may have taken it. Start again to find out, or raise "
                    "generation-timeout.";
  } else if (id.empty()) {
    error.message = "The generation" + limit + "Raise generation-timeout, then try again.";
  } else if (settings_.stops && !is_attached_ &&
             payment::evidence(payment_->state()) == payment::Evidence::proven) {
    error.message = "Generation " + id + limit +
                    "The service is asked to stop it when the pipeline shuts down. Raise "
                    "generation-timeout, or set on-shutdown to detach to pick it up later.";
  } else {
    error.message = "Generation " + id + limit +
                    "It goes on at the service. Start again to pick it up, or raise "
                    "generation-timeout.";
  }
  return error;
}

}  // namespace genpro::job
