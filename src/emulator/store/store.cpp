// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Opening the store, changes that belong together, ids, credit and remembered answers.
#include "emulator/store/store.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace genpro::emulator {

namespace {

const char* name_of(Sequence sequence) {
  static constexpr std::array names{"resource",  "generation", "output", "sheet",
                                    "column",    "row",        "cell",   "layer",
                                    "variables", "variable",   "agent"};
  return names.at(static_cast<std::size_t>(sequence));
}

constexpr std::array<std::string_view, 6> kind_words{
    "video_from_ingredients", "video_from_text", "video_from_image", "lipsync", "render",
    "remove_background"};

}  // namespace

const char* status_word(Status status) {
  static constexpr std::array words{"pending", "processing", "completed", "failed", "stopped"};
  return words.at(static_cast<std::size_t>(status));
}

const char* kind_word(Kind kind) {
  // The words are literals.
  return kind_words.at(static_cast<std::size_t>(kind)).data();
}

std::optional<Kind> kind_named(std::string_view word) {
  const auto found = std::find(kind_words.begin(), kind_words.end(), word);
  if (found == kind_words.end()) return {};
  return static_cast<Kind>(found - kind_words.begin());
}

Store::Store(const std::string& path) try : database_(path) {
  prepare_schema();
} catch (const std::exception& failure) {
  throw std::runtime_error("The store " + path + " cannot be used: " + failure.what() +
                           ". Move it away, or choose another --data-dir.");
}

Store::Change::Change(Store& store) : store_(store), afterwards_(store.afterwards_.size()) {
  store_.database_.execute(store_.depth_ == 0 ? "BEGIN IMMEDIATE" : "SAVEPOINT inner_change");
  ++store_.depth_;
}

Store::Change::~Change() {
  if (!open_) return;
  --store_.depth_;
  store_.afterwards_.resize(afterwards_);
  try {
    if (store_.depth_ == 0) {
      store_.database_.execute("ROLLBACK");
    } else {
      store_.database_.execute("ROLLBACK TO inner_change");
      store_.database_.execute("RELEASE inner_change");
    }
  } catch (const StoreError&) {
    // A full disk has made SQLite roll back by itself.
  }
}

void Store::Change::commit() {
  store_.database_.execute(store_.depth_ == 1 ? "COMMIT" : "RELEASE inner_change");
  open_ = false;
  --store_.depth_;
  store_.finish_change();
}

void Store::finish_change() {
  if (depth_ > 0) return;
  // An action may begin changes of its own, whose actions then run from there.
  const auto actions = std::exchange(afterwards_, {});
  for (const auto& action : actions) action();
}

void Store::after_commit(std::function<void()> action) {
  afterwards_.push_back(std::move(action));
  finish_change();
}

void Store::mark_filled(MilliCredits credit) {
  database_.run("INSERT INTO account(id, credit) VALUES(1, ?)", credit);
}

std::int64_t Store::next_id(Sequence sequence) {
  // One more than the largest integer would become a real number, which counting does not change:
  // whoever looks for a free id would look for ever.
  Query query(database_,
              "UPDATE counters SET next = next + 1 WHERE name = ?1 AND typeof(next) = 'integer'"
              " AND next < ?2 RETURNING next - 1");
  query.bind(name_of(sequence)).bind(std::numeric_limits<std::int64_t>::max());
  if (!query.step()) {
    throw StoreError(SQLITE_FULL, std::string("There are no ids left for another ") +
                                      name_of(sequence) + " in it");
  }
  const std::int64_t id = query.integer(0);
  // What an UPDATE with RETURNING changes counts once it has been stepped to its end.
  query.run();
  return id;
}

void Store::reserve(Sequence sequence, std::int64_t id) {
  const std::int64_t next = id < std::numeric_limits<std::int64_t>::max() ? id + 1 : id;
  database_.run("UPDATE counters SET next = max(next, ?) WHERE name = ?", next, name_of(sequence));
}

std::optional<std::string> Store::organization() {
  return database_
      .row([](const Query& row) { return row.optional_text(0); },
           "SELECT organization FROM account")
      .value_or(std::nullopt);
}

void Store::name_organization(const std::string& name) {
  database_.run("UPDATE account SET organization = ?", name);
}

void Store::book(std::int64_t generation, MilliCredits amount, std::string_view reason) {
  if (amount == 0) return;
  Change change(*this);
  database_.run("UPDATE account SET credit = credit + ?", amount);
  database_.run("INSERT INTO bookings(generation, amount, reason, at) VALUES(?, ?, ?, ?)",
                generation, amount, reason, now_milliseconds());
  change.commit();
}

std::vector<Booking> Store::bookings(const std::string& agent, std::int64_t skip,
                                     std::int64_t limit) {
  return database_.rows(
      [](const Query& row) {
        return Booking{row.integer(0), row.integer(1), row.integer(2), row.text(3), row.integer(4)};
      },
      "SELECT bookings.id, generation, amount, reason, at FROM bookings"
      " JOIN generations ON generations.id = generation WHERE agent = ?"
      " ORDER BY bookings.id DESC LIMIT ? OFFSET ?",
      agent, limit, skip);
}

bool Store::was_charged(std::int64_t generation) {
  return database_.integer("SELECT 1 FROM bookings WHERE generation = ? LIMIT 1", generation)
      .has_value();
}

void Store::remember(const std::string& key, const RememberedAnswer& answer, std::int64_t since) {
  database_.run("DELETE FROM answers WHERE at < ?", since);
  database_.run(
      "INSERT OR REPLACE INTO answers(key, fingerprint, status, body, at)"
      " VALUES(?, ?, ?, ?, ?)",
      key, answer.fingerprint, static_cast<std::int64_t>(answer.status), answer.body, answer.at);
}

std::optional<RememberedAnswer> Store::remembered(const std::string& key, std::int64_t since) {
  return database_.row(
      [](const Query& row) {
        return RememberedAnswer{row.text(0), static_cast<unsigned>(row.integer(1)), row.text(2),
                                row.integer(3)};
      },
      "SELECT fingerprint, status, body, at FROM answers WHERE key = ? AND at >= ?", key, since);
}

}  // namespace genpro::emulator
