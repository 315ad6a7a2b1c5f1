// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/stopping.h"

namespace genpro::job {

namespace {

// A generation that was asked for longer ago has ended by itself.
constexpr WallTime longest_generation_ms = 24LL * 3600 * 1000;
// One run does not work off a backlog of hundreds; `genpro ledger settle` does.
constexpr std::size_t most_stops = 16;

bool has_ended(const api::Generation& generation) {
  return generation.phase == api::Phase::completed || generation.phase == api::Phase::failed ||
         generation.phase == api::Phase::stopped;
}

}  // namespace

void stop_generation(api::Client& client, const std::string& id, api::Client::Done done) {
  client.stop_generation(
      id, [&client, id, done = std::move(done)](Result<api::Generation, api::Failure> reply) {
        const bool was_answered = reply || reply.error().error.http_status != 0;
        if (!was_answered || (reply && has_ended(*reply))) return done(std::move(reply));
        client.get_generation(id, done);
      });
}

StopSweep::StopSweep(Runtime& runtime, LedgerDesk& desk, const api::Access& access,
                     std::chrono::milliseconds silence)
    : desk_(desk), base_url_(access.base.text), client_(runtime, access, silence) {}

void StopSweep::start() {
  desk_.ask<std::vector<Ledger::Held>>(
      [base_url = base_url_](Ledger& ledger) {
        return ledger.stops_to_send(base_url, wall_clock_now() - longest_generation_ms, most_stops);
      },
      [this](Result<std::vector<Ledger::Held>> rows) {
        // A ledger that cannot be used is told by who has to use it.
        if (rows) rows_ = std::move(*rows);
        next();
      });
}

void StopSweep::next() {
  if (rows_.empty()) return;
  stop_generation(client_, rows_.back().entry.generation_id,
                  [this](Result<api::Generation, api::Failure> reply) {
                    // Who does not answer this will not answer the others.
                    if (!reply && reply.error().error.http_status == 0) return rows_.clear();
                    auto row = std::make_shared<Ledger::Held>(std::move(rows_.back()));
                    rows_.pop_back();
                    if (reply) {
                      desk_.ask<std::monostate>(
                          [row, generation = std::move(*reply)](Ledger& ledger) {
                            return ledger.note_generation(row->entry.id, generation);
                          },
                          [](const Result<std::monostate>&) {});
                    }
                    next();
                  });
}

}  // namespace genpro::job
