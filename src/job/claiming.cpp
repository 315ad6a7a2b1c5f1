// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/claiming.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "ledger/store/clock.h"

namespace genpro::job {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

Error maybe_paid(const ledger::Entry& entry) {
  const std::string& id = payment::generation_id(entry.state);
  const std::string begin = "Generation " + id +
                            " was paid for the same request, and whether the service's own data, "
                            "which the request leaves to it, is still the same ";
  // What the row lacks, no later reading of the cell brings back.
  const std::string row = std::to_string(entry.id);
  const std::string end =
      entry.identity.data.empty()
          ? "is not known: row " + row +
                " of the ledger does not have it, and another one may show the same. Take the clip "
                "of generation " +
                id + ", change the request, or remove the row with genpro ledger prune " + row +
                " for a new one, which is charged."
          : "cannot be read: another one may show the same. Try again when the cell can be read, "
            "take the clip of generation " +
                id + ", or change the request.";
  return {.kind = ErrorKind::open_read, .message = begin + end, .generation_id = id};
}

// How often to look whether another process is done with the request or the cell: soon at first,
// less often when it takes longer.
constexpr milliseconds first_look = 30ms;
constexpr milliseconds longest_look = 500ms;
// Longer than a service usually takes to answer a request.
constexpr milliseconds unremarkable_wait = 3s;

}  // namespace

Claiming::Claiming(Runtime& runtime, const std::string& ledger, ClaimSettings settings, Waits waits,
                   Done done)
    : runtime_(runtime.weak_from_this()),
      ledger_(runtime, ledger),
      settings_(std::move(settings)),
      done_(std::move(done)) {
  waiting_timer_.start(unremarkable_wait, std::move(waits));
  claim();
}

void Claiming::claim() {
  ledger::Places::Waiter waiter;
  waiter.alive = here_;
  waiter.wake = [this, runtime = runtime_, here = std::weak_ptr<char>(here_)] {
    const std::shared_ptr<Runtime> thread = runtime.lock();
    if (!thread) return;
    thread->post([this, here] {
      if (!here.expired()) wake();
    });
  };
  ledger_.ask<ledger::Claim>(
      [settings = settings_, waiter](ledger::Ledger& ledger) -> Result<ledger::Claim> {
        auto claim = ledger.claim(settings.identity, settings.reuse, settings.passed_over,
                                  ledger::clock_now(), waiter, settings.waiting);
        if (!claim) return claim;
        const bool is_new = claim->kind == ledger::Claim::Kind::create;
        // A row whose request has not left is begun, and what is allowed may be less by now.
        const bool has_not_left = claim->kind == ledger::Claim::Kind::take &&
                                  std::holds_alternative<payment::Prepared>(claim->entry.state);
        if (!is_new && !has_not_left) return claim;
        if (is_new && settings.pays_once) {
          const auto earlier = ledger.delivered_unreadable(settings.identity);
          if (!earlier) return earlier.error();
          if (*earlier) return maybe_paid(**earlier);
        }
        // Asked again when the row is written; here it saves a question that would lead nowhere.
        ledger::Limits limits = settings.limits;
        limits.row = claim->entry.id;
        const auto limit = ledger.check_limits(settings.identity, limits);
        if (!limit) return limit.error();
        return claim;
      },
      [this](Result<ledger::Claim> claim) {
        if (!claim) return finish(std::move(claim.error()));
        on_claim(std::move(*claim));
      });
}

void Claiming::on_claim(ledger::Claim claim) {
  const bool is_same = claim.entry.identity.fingerprint == settings_.identity.fingerprint;
  if (claim.entry.id != 0 && is_same) settings_.waiting.rows.insert(claim.entry.id);
  switch (claim.kind) {
    case ledger::Claim::Kind::take:
    case ledger::Claim::Kind::create:
      if (claim.wait_ms <= 0) return finish(std::move(claim));
      [[fallthrough]];
    case ledger::Claim::Kind::wait: {
      // One that may post has to wait until another request of the cell can be told from its own.
      const milliseconds wait = std::min(milliseconds(claim.wait_ms), longest_look);
      presence_ = std::move(claim.presence);
      return look_again(wait / 2, wait);
    }
    case ledger::Claim::Kind::busy:
      break;
  }
  presence_ = std::move(claim.presence);
  const milliseconds most =
      claim.is_in_line ? longest_look : std::min(first_look * (1 + looks_ / 4), longest_look);
  ++looks_;
  look_again(most / 2, most);
}

void Claiming::look_again(milliseconds least, milliseconds most) {
  // Spread, so that those who wait do not all come at once.
  std::uniform_int_distribution<long long> spread(least.count(), most.count());
  const milliseconds wait(std::exchange(is_woken_, false) ? 0 : spread(random_));
  is_waiting_ = true;
  timer_.start(wait, [this] {
    is_waiting_ = false;
    claim();
  });
}

void Claiming::wake() {
  if (!is_waiting_) {
    is_woken_ = true;
    return;
  }
  is_waiting_ = false;
  timer_.stop();
  claim();
}

void Claiming::finish(Result<ledger::Claim> claim) {
  timer_.stop();
  waiting_timer_.stop();
  presence_.release();
  // `done` may destroy this object.
  const Done done = std::move(done_);
  done(std::move(claim));
}

}  // namespace genpro::job
