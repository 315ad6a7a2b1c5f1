// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/settler.h"

#include "base/guarded.h"
#include "base/text.h"
#include "job/stopping.h"

namespace genpro::job {

namespace {

// A service that has not listed a request's generation by then did not take it. Longer than what a
// run waits, which repeats the request with the same idempotency key.
constexpr WallTime longest_delay_ms = 60'000;

// A generation that was asked for longer ago has ended by itself.
constexpr WallTime longest_generation_ms = 24LL * 3600 * 1000;
// A run does not work off a backlog of hundreds beside its own generation.
constexpr std::size_t most_stops = 16;

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return one_line(text, 200);
}

}  // namespace

Settler::Settler(Runtime& runtime, const std::string& ledger, const api::Access& access,
                 std::chrono::milliseconds silence, Scope scope)
    : desk_(runtime, ledger),
      scope_(scope),
      base_url_(access.base.text),
      key_(access.key),
      client_(runtime, access, silence) {}

template <typename T>
void Settler::ask(std::function<Result<T>(Ledger&)> question, std::function<void(T)> then) {
  desk_.ask<T>(std::move(question), [this, then = std::move(then)](Result<T> answer) {
    if (!answer) {
      const Done done = std::move(done_);
      return done(std::move(answer.error()));
    }
    then(std::move(*answer));
  });
}

void Settler::start(Done done) {
  done_ = std::move(done);
  ask<std::vector<Entry>>(
      [scope = scope_, base_url = base_url_](Ledger& ledger) {
        return scope == Scope::all
                   ? ledger.open_rows()
                   : ledger.owed_stops(base_url, wall_clock_now() - longest_generation_ms,
                                       most_stops);
      },
      [this](std::vector<Entry> rows) {
        // The newest request of a cell first: what is new for an older one
        // ends where it begins.
        rows_.assign(std::make_move_iterator(rows.rbegin()), std::make_move_iterator(rows.rend()));
        next();
      });
}

void Settler::next() {
  if (rows_.empty()) {
    const Done done = std::move(done_);
    return done(std::move(settled_));
  }
  entry_ = std::move(rows_.back());
  rows_.pop_back();
  if (entry_.base_url != base_url_) {
    return finish_row(SettleOutcome::foreign,
                      "It belongs to " + one_line(entry_.base_url, 120) +
                          ", and the key is not sent there. Set --api-base-url to that address.");
  }
  take();
}

void Settler::take() {
  constexpr const char* in_use = "A process is at it, and sees to it itself.";
  if (entry_.generation_id.empty()) {
    ask<std::optional<Ledger::HeldCell>>(
        [id = entry_.id](Ledger& ledger) { return ledger.take_with_cell(id); },
        [this](std::optional<Ledger::HeldCell> held) {
          if (!held) return finish_row(SettleOutcome::in_use, in_use);
          settle(std::move(*held));
        });
  } else {
    ask<std::optional<Ledger::Held>>([id = entry_.id](Ledger& ledger) { return ledger.take(id); },
                                     [this](std::optional<Ledger::Held> held) {
                                       if (!held) return finish_row(SettleOutcome::in_use, in_use);
                                       ask_about(std::move(*held));
                                     });
  }
}

void Settler::settle(Ledger::HeldCell held) {
  entry_ = std::move(held.entry);
  presence_ = std::move(held.presence);
  cell_ = std::move(held.cell);
  if (!entry_.generation_id.empty()) {
    cell_.release();
    return ask_about({std::move(entry_), std::move(presence_)});
  }
  if (!entry_.jobs_before) {
    return finish_row(SettleOutcome::left,
                      "Whether the request was taken cannot be told: the cell could not be read "
                      "before it was sent. The next run of the same request repeats it with the "
                      "same idempotency key.");
  }
  client_.get_cell(entry_.cell_path, entry_.agent_id, [this](Result<api::Cell, api::Failure> cell) {
    if (cell) return compare(cell->jobs);
    finish_row(SettleOutcome::left, cell.error().error.message);
  });
}

void Settler::compare(const std::vector<std::string>& jobs) {
  ask<std::vector<std::string>>(
      [entry = entry_, jobs](Ledger& ledger) { return ledger.new_jobs(entry, jobs); },
      [this](const std::vector<std::string>& fresh) { on_new_jobs(fresh); });
}

void Settler::on_new_jobs(const std::vector<std::string>& jobs) {
  if (jobs.size() == 1) {
    api::Generation generation;
    generation.id = jobs.front();
    generation.phase = api::Phase::pending;
    return adopt(std::move(generation));
  }
  if (jobs.size() > 1) {
    return finish_row(SettleOutcome::left,
                      "The cell has several new generations, and which is this one's cannot be "
                      "told: " +
                          join(jobs) + ". Set generation-id to the right one to get its clip.");
  }
  const WallTime age = wall_clock_now() - entry_.posted_at;
  if (age >= 0 && age < longest_delay_ms) {
    return finish_row(SettleOutcome::left,
                      "The cell has no generation of this request yet, but the request left less "
                      "than a minute ago, and the service may be at it. Try again in a minute.");
  }
  ask<std::monostate>(
      [id = entry_.id](Ledger& ledger) {
        return ledger.note_refused(id, "the cell has no generation of this request");
      },
      [this](std::monostate) {
        finish_row(SettleOutcome::settled, "The request was not taken: nothing was charged.");
      });
}

void Settler::adopt(api::Generation generation) {
  entry_.generation_id = generation.id;
  ask<std::monostate>([id = entry_.id, generation = std::move(generation)](
                          Ledger& ledger) { return ledger.note_generation(id, generation); },
                      [this](std::monostate) {
                        cell_.release();
                        ask_about({std::move(entry_), std::move(presence_)});
                      });
}

void Settler::ask_about(Ledger::Held held) {
  entry_ = std::move(held.entry);
  presence_ = std::move(held.lock);
  const auto done = [this](Reply reply) { on_reply(std::move(reply)); };
  if (entry_.stop_wanted) {
    stop_generation(client_, entry_.generation_id, done);
  } else {
    client_.get_generation(entry_.generation_id, done);
  }
}

void Settler::on_reply(Reply reply) {
  if (!reply) {
    // Who does not answer this will not answer the others, and meanwhile they are held.
    if (scope_ == Scope::owed_stops && reply.error().error.http_status == 0) rows_.clear();
    return finish_row(SettleOutcome::left, reply.error().error.message);
  }
  const std::string subject = "Generation " + entry_.generation_id + " ";
  std::string text;
  SettleOutcome outcome = SettleOutcome::settled;
  switch (reply->phase) {
    case api::Phase::completed:
      text = subject + "is completed. The next run of the same request delivers its clip.";
      break;
    case api::Phase::failed:
      text = subject + "failed. The service refunds it.";
      break;
    case api::Phase::stopped:
      text = subject + "is stopped. The service refunds it.";
      break;
    default:
      outcome = SettleOutcome::running;
      text = subject + "is unfinished" +
             (entry_.stop_wanted ? ", and the service does not stop it." : ", and goes on.");
      break;
  }
  reply->failed_reason = redact(reply->failed_reason, key_);
  ask<std::monostate>([id = entry_.id, generation = std::move(*reply)](
                          Ledger& ledger) { return ledger.note_generation(id, generation); },
                      [this, outcome, text](std::monostate) { finish_row(outcome, text); });
}

void Settler::finish_row(SettleOutcome outcome, std::string text) {
  presence_.release();
  cell_.release();
  ask<std::optional<Entry>>(
      [id = entry_.id](Ledger& ledger) { return ledger.find(id); },
      [this, outcome, text = std::move(text)](std::optional<Entry> entry) {
        settled_.push_back({entry ? std::move(*entry) : std::move(entry_), outcome, text});
        next();
      });
}

Result<std::vector<Settled>> Settler::run(const std::string& ledger, const api::Access& access,
                                          std::chrono::milliseconds silence) {
  using Answer = std::optional<Result<std::vector<Settled>>>;
  struct Shared {
    Answer answer;
    std::unique_ptr<Settler> settler;  // of the runtime thread
  };
  const auto shared = std::make_shared<Guarded<Shared>>();
  const std::shared_ptr<Runtime> runtime = Runtime::acquire();
  runtime->post([&runtime = *runtime, shared, ledger, access, silence] {
    auto settler = std::make_unique<Settler>(runtime, ledger, access, silence, Scope::all);
    Settler& started = *settler;
    shared->lock()->settler = std::move(settler);
    started.start([&runtime, shared](Result<std::vector<Settled>> result) {
      // Not from within its own call.
      runtime.post([shared, result = std::move(result)] {
        const std::unique_ptr<Settler> ended = std::move(shared->lock()->settler);
        auto lock = shared->lock();
        lock->answer = result;
        lock.notify();
      });
    });
  });
  auto lock = shared->lock();
  lock.wait([](const Shared& s) { return s.answer.has_value(); });
  return std::move(*lock->answer);
}

}  // namespace genpro::job
