// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who asks, who follows, who stops. What becomes of a row is in ledger_notes.cpp, the reports in
// ledger_report.cpp, the reading of rows in ledger_rows.cpp.
#include "job/ledger.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "job/fingerprint.h"
#include "job/ledger_attempt.h"
#include "job/ledger_rows.h"
#include "job/ledger_schema.h"
#include "job/this_process.h"

namespace genpro::job {

namespace {

constexpr WallTime day_ms = 24LL * 3600 * 1000;

// Rows have the low places, cells the high ones; 0 is for setting the file up.
std::int64_t place_of_cell(const std::string& base_url, const std::string& cell_path) {
  const std::string hash = fingerprint({base_url, cell_path}).substr(0, 15);
  return (std::int64_t{1} << 62) | std::stoll(hash, nullptr, 16);
}

bool is_unsettled(const Entry& entry) {
  return entry.status == EntryStatus::submitting || entry.status == EntryStatus::unknown;
}

bool is_unfinished(const Entry& entry) {
  return is_unsettled(entry) || entry.status == EntryStatus::pending ||
         entry.status == EntryStatus::processing;
}

bool can_serve(const Entry& entry, Reuse reuse) {
  if (reuse == Reuse::never) return false;
  if (entry.status == EntryStatus::completed) {
    return entry.delivered_at == 0 || reuse == Reuse::completed ||
           (entry.delivered_at > asking_since() && entry.delivered_by != process_name() &&
            entry.delivered_by.starts_with(launcher_name()));
  }
  return is_unfinished(entry);
}

std::string format_time(WallTime time) {
  const DateTimePtr moment(g_date_time_new_from_unix_local(time / 1000));
  return take_string(g_date_time_format(moment.get(), "%Y-%m-%d %H:%M:%S %Z"));
}

std::string format_utc(WallTime time) {
  const DateTimePtr moment(g_date_time_new_from_unix_utc(time / 1000));
  return take_string(g_date_time_format(moment.get(), "%Y-%m-%dT%H:%M:%SZ"));
}

}  // namespace

WallTime wall_clock_now() {
  return g_get_real_time() / 1000;
}

std::string default_ledger_path() {
  return take_string(g_build_filename(g_get_user_state_dir(), "genpro", "ledger.db", nullptr));
}

RequestIdentity identify(const api::Access& access, const api::GenerationRequest& request) {
  RequestIdentity identity;
  identity.base_url = access.base.text;
  identity.cell_path = request.cell_path;
  identity.agent_id = request.agent_id;
  identity.model = request.model;
  identity.request = canonical_json(request.body);
  identity.fingerprint =
      fingerprint({identity.base_url, identity.cell_path, identity.agent_id, identity.request});
  return identity;
}

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path) {
  return attempt_on<std::unique_ptr<Ledger>>(path, [&] {
    LedgerFile file = open_ledger_file(path, busy_timeout_ms);
    return std::make_unique<Ledger>(Opened(), std::move(file.path), std::move(file.database),
                                    std::move(file.locks));
  });
}

template <typename T>
Result<T> Ledger::attempt(const std::function<T()>& work) {
  return attempt_on<T>(path_, work);
}

// The one whose clip is there first, then the one that is furthest.
std::vector<std::int64_t> Ledger::candidates(const RequestIdentity& request, Reuse reuse) {
  Statement statement(database_,
                      "SELECT id FROM generations WHERE fingerprint = ? AND status IN "
                      "('submitting', 'unknown', 'pending', 'processing', 'completed') "
                      "AND (delivered_at = 0 OR ? OR delivered_at > ?) "
                      "ORDER BY status = 'completed' DESC, delivered_at = 0 DESC, "
                      "generation_id = '' ASC, id DESC");
  statement.bind(request.fingerprint)
      .bind(std::int64_t{reuse == Reuse::completed ? 1 : 0})
      .bind(asking_since());
  std::vector<std::int64_t> ids;
  while (statement.step()) ids.push_back(statement.integer(0));
  return ids;
}

// Nothing when the row is none to follow after all.
std::optional<Claim> Ledger::claim_row(std::int64_t id, Reuse reuse,
                                       const LockFile::Waiter& waiter) {
  Claim claim;
  auto presence = locks_->share(id);
  if (!presence) return claim;  // it is being stopped
  // Only now nobody stops it, and what is read stays true.
  auto entry = read_entry(database_, id);
  if (!entry || !can_serve(*entry, reuse)) return std::nullopt;

  if (entry->generation_id.empty()) {
    auto cell = locks_->take_or_wait(place_of_cell(entry->base_url, entry->cell_path), waiter,
                                     &claim.is_in_line);
    if (cell) {
      entry = read_entry(database_, id);
      if (!entry || !can_serve(*entry, reuse)) return std::nullopt;
      if (entry->generation_id.empty()) {
        claim.kind = Claim::Kind::settle;
        claim.cell = std::move(*cell);
      }
    }
    claim.entry = std::move(*entry);
    claim.presence = std::move(*presence);
    if (claim.entry.generation_id.empty()) return claim;
    presence = std::move(claim.presence);
    entry = std::move(claim.entry);
  }
  claim.kind = Claim::Kind::follow;
  if (entry->stop_wanted && is_unfinished(*entry)) {
    presence->release();
    auto exclusive = locks_->take(id);
    const bool is_alone = exclusive.has_value();
    presence = is_alone ? std::move(exclusive) : locks_->share(id);
    if (!presence) return Claim();
    // While nothing was held, another one may have sent the stop.
    entry = read_entry(database_, id);
    if (!entry || !can_serve(*entry, reuse)) return std::nullopt;
    if (is_alone) {
      if (!entry->stop_wanted || !is_unfinished(*entry)) return Claim();
      claim.kind = Claim::Kind::stop;
    }
  }
  claim.presence = std::move(*presence);
  claim.entry = std::move(*entry);
  return claim;
}

Result<Claim> Ledger::claim(const RequestIdentity& request, Reuse reuse,
                            const PassedOver& passed_over, const LockFile::Waiter& waiter) {
  return attempt<Claim>([&]() -> Claim {
    const auto claim_earlier = [&]() -> std::optional<Claim> {
      if (reuse == Reuse::never) return std::nullopt;
      for (const std::int64_t id : candidates(request, reuse)) {
        if (passed_over.rows.contains(id)) continue;
        auto claim = claim_row(id, reuse, waiter);
        if (claim && !passed_over.generations.contains(claim->entry.generation_id)) return claim;
      }
      return std::nullopt;
    };
    // The second look is under the cell's lock, without which nobody adds a row.
    LifeLock cell;
    for (int look = 0; look < 2; ++look) {
      if (auto claim = claim_earlier()) return std::move(*claim);
      if (cell) break;
      Claim busy;
      auto taken = locks_->take_or_wait(place_of_cell(request.base_url, request.cell_path), waiter,
                                        &busy.is_in_line);
      if (!taken) return busy;
      cell = std::move(*taken);
    }
    Claim claim;
    claim.kind = Claim::Kind::create;
    claim.cell = std::move(cell);
    return claim;
  });
}

std::optional<Error> Ledger::limit_error(const RequestIdentity& request, unsigned daily_limit) {
  if (daily_limit == 0) return std::nullopt;
  Statement statement(database_,
                      "SELECT created_at FROM generations WHERE agent_id = ? AND created_at > ? "
                      "AND status <> 'refused' ORDER BY created_at");
  statement.bind(request.agent_id).bind(wall_clock_now() - day_ms);
  std::vector<WallTime> times;
  while (statement.step()) times.push_back(statement.integer(0));
  if (times.size() < daily_limit) return std::nullopt;

  const WallTime next = times[times.size() - daily_limit] + day_ms;
  Error error;
  error.kind = ErrorKind::limit;
  error.message = "The daily-generation-limit of " + std::to_string(daily_limit) +
                  " is reached: " + std::to_string(times.size()) +
                  " generations were asked for in the last 24 hours by agent " + request.agent_id +
                  ". The next one is allowed at " + format_time(next) +
                  ". Wait until then, or raise the limit. Nothing was sent.";
  error.debug = "counted in " + path_;
  error.error_code = "daily_generation_limit_reached";
  error.details = {{"generation-count", std::to_string(times.size())},
                   {"generation-limit", std::to_string(daily_limit)},
                   {"next-allowed", format_utc(next)}};
  return error;
}

Result<std::monostate> Ledger::check_limit(const RequestIdentity& request, unsigned daily_limit) {
  std::optional<Error> limit;
  auto result = attempt<std::monostate>([&] {
    limit = limit_error(request, daily_limit);
    return std::monostate();
  });
  if (limit) return std::move(*limit);
  return result;
}

Result<Ledger::Begun> Ledger::begin(const RequestIdentity& request,
                                    std::optional<std::vector<std::string>> jobs_before,
                                    unsigned daily_limit) {
  std::optional<Error> limit;
  auto result = attempt<Begun>([&] {
    Transaction transaction(database_);
    limit = limit_error(request, daily_limit);
    if (limit) return Begun();
    const WallTime now = wall_clock_now();
    Statement(database_,
              "INSERT INTO generations (fingerprint, base_url, cell_path, agent_id, model, "
              "request, length, idempotency_key, status, created_at, posted_at, jobs_before) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'submitting', ?, ?, ?)")
        .bind(request.fingerprint)
        .bind(request.base_url)
        .bind(request.cell_path)
        .bind(request.agent_id)
        .bind(request.model)
        .bind(request.request)
        .bind(requested_length(request.request))
        .bind(take_string(g_uuid_string_random()))
        .bind(now)
        .bind(now)
        .bind(jobs_text(jobs_before))
        .run();
    const std::int64_t id = database_.last_row();
    Begun begun{*read_entry(database_, id), {}};
    // Before anybody can see the row.
    if (auto presence = locks_->share(id)) begun.presence = std::move(*presence);
    transaction.commit();
    return begun;
  });
  if (limit) return std::move(*limit);
  return result;
}

Result<Entry> Ledger::begin_again(std::int64_t id, std::optional<std::vector<std::string>> jobs) {
  return attempt<Entry>([&] {
    Transaction transaction(database_);
    auto entry = read_entry(database_, id);
    if (!entry) throw SqliteFailure(SQLITE_NOTFOUND, "row " + std::to_string(id) + " was removed");
    const WallTime now = wall_clock_now();
    if (now - entry->created_at > key_lifetime_ms) {
      entry->idempotency_key = take_string(g_uuid_string_random());
      entry->created_at = now;
    }
    entry->status = EntryStatus::submitting;
    entry->posted_at = now;
    entry->stop_wanted = false;
    if (jobs) entry->jobs_before = std::move(jobs);
    Statement(database_,
              "UPDATE generations SET idempotency_key = ?, created_at = ?, posted_at = ?, "
              "status = 'submitting', stop_wanted = 0, jobs_before = ? WHERE id = ?")
        .bind(entry->idempotency_key)
        .bind(entry->created_at)
        .bind(now)
        .bind(jobs_text(entry->jobs_before))
        .bind(id)
        .run();
    transaction.commit();
    return std::move(*entry);
  });
}

Result<std::vector<std::string>> Ledger::new_jobs(const Entry& entry,
                                                  const std::vector<std::string>& jobs) {
  return attempt<std::vector<std::string>>([&] {
    std::set<std::string> known;
    if (entry.jobs_before) known.insert(entry.jobs_before->begin(), entry.jobs_before->end());
    Statement claimed(database_,
                      "SELECT generation_id FROM generations WHERE base_url = ? AND id <> ? "
                      "AND generation_id <> ''");
    claimed.bind(entry.base_url).bind(entry.id);
    while (claimed.step()) known.insert(claimed.text(0));

    std::optional<std::set<std::string>> before_the_next;
    Statement next(database_,
                   "SELECT jobs_before FROM generations WHERE base_url = ? AND cell_path = ? "
                   "AND id <> ? AND posted_at >= ? AND jobs_before IS NOT NULL "
                   "AND (posted_at > ? OR id > ?) ORDER BY posted_at, id LIMIT 1");
    next.bind(entry.base_url)
        .bind(entry.cell_path)
        .bind(entry.id)
        .bind(entry.posted_at)
        .bind(entry.posted_at)
        .bind(entry.id);
    if (next.step()) {
      const auto later = parse_jobs(next.text(0));
      before_the_next.emplace(later.begin(), later.end());
    }
    std::vector<std::string> result;
    for (const std::string& job : jobs) {
      if (known.contains(job) || (before_the_next && !before_the_next->contains(job))) continue;
      known.insert(job);
      result.push_back(job);
    }
    return result;
  });
}

Result<std::optional<Ledger::Held>> Ledger::attach(const std::string& base_url,
                                                   const std::string& generation_id) {
  return attempt<std::optional<Held>>([&]() -> std::optional<Held> {
    const auto entries =
        read_entries(database_, "WHERE base_url = ? AND generation_id = ? ORDER BY id DESC LIMIT 1",
                     [&](Statement& statement) { statement.bind(base_url).bind(generation_id); });
    if (entries.empty()) return std::nullopt;
    Held held{entries.front(), {}};
    if (auto presence = locks_->share(held.entry.id)) held.lock = std::move(*presence);
    return held;
  });
}

Result<std::vector<Entry>> Ledger::owed_stops(const std::string& base_url, WallTime since,
                                              std::size_t limit) {
  return attempt<std::vector<Entry>>([&] {
    return read_entries(
        database_,
        "WHERE stop_wanted AND base_url = ? AND posted_at > ? ORDER BY id DESC "
        "LIMIT ?",
        [&](Statement& statement) {
          statement.bind(base_url).bind(since).bind(static_cast<std::int64_t>(limit));
        });
  });
}

Result<std::optional<Ledger::Held>> Ledger::take(std::int64_t id) {
  return attempt<std::optional<Held>>([&]() -> std::optional<Held> {
    auto lock = locks_->take(id);
    if (!lock) return std::nullopt;
    auto entry = read_entry(database_, id);
    if (!entry) return std::nullopt;
    return Held{std::move(*entry), std::move(*lock)};
  });
}

Result<std::optional<Ledger::HeldCell>> Ledger::take_with_cell(std::int64_t id) {
  return attempt<std::optional<HeldCell>>([&]() -> std::optional<HeldCell> {
    auto lock = locks_->take(id);
    if (!lock) return std::nullopt;
    auto entry = read_entry(database_, id);
    if (!entry) return std::nullopt;
    auto cell = locks_->take(place_of_cell(entry->base_url, entry->cell_path));
    if (!cell) return std::nullopt;
    return HeldCell{std::move(*entry), std::move(*lock), std::move(*cell)};
  });
}

bool Ledger::is_followed(std::int64_t id) {
  return locks_->is_held(id);
}

// The row itself is not needed, only its place.
Result<Ledger::Removal> Ledger::remove(std::int64_t id) {
  return attempt<Removal>([&] {
    const auto lock = locks_->take(id);
    if (!lock) return Removal::in_use;
    Statement(database_, "DELETE FROM generations WHERE id = ?").bind(id).run();
    return database_.changes() > 0 ? Removal::removed : Removal::missing;
  });
}

}  // namespace genpro::job
