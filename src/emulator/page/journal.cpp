// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/page/journal.h"

#include <exception>
#include <functional>
#include <stdexcept>
#include <utility>

#include "emulator/util/json.h"
#include "emulator/util/text.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

namespace {

constexpr double write_seconds = 1;
constexpr std::size_t max_waiting = 1000;
// Who is asked about most recently; of the others a repeated question is a record of its own.
constexpr std::size_t max_latest = 20'000;
constexpr std::int64_t max_records = 100;  // of one generation

constexpr const char* tables = R"SQL(
CREATE TABLE IF NOT EXISTS exchanges(
  id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL,
  headers TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL,
  arrived INTEGER NOT NULL, times INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS exchanges_of_generation ON exchanges(generation, id);
)SQL";

std::optional<std::int64_t> generation_in(const Reply& reply) {
  if (reply.status < 200 || reply.status > 299) return {};
  const JsonNodePtr root = find_json_object(reply.text);
  if (!root) return {};
  JsonObject* object = json_node_get_object(root.get());
  // The answer to actions has a result for each of them, of which there is one.
  const auto results = json_elements(json_member(object, "results"));
  JsonObject* first = results && !results->empty() ? json_object_in(results->front()) : nullptr;
  if (first != nullptr) object = json_object_in(json_member(first, "result"));
  if (object == nullptr) return {};
  for (const char* name : {"generation_id", "user_job_id"}) {
    JsonNode* id = json_member(object, name);
    if (json_is_integer(id)) return json_node_get_int(id);
  }
  return {};
}

// The generation that a request of the API is about; nothing when it is about something else.
std::optional<std::int64_t> subject(const Request& request, const Reply& reply) {
  const auto& path = request.path;
  if (path.size() < 2 || path[0] != "v1") return {};
  if (path[1] == "generations" && path.size() > 2) {
    // An unknown one has no page to be shown on.
    return reply.status == 404 ? std::nullopt : parse_digits(path[2]);
  }
  const auto& last = path.back();
  const bool makes_one =
      last == "generate" || last == "user_jobs" || last == "actions" || last == "render";
  return request.method == "POST" && makes_one ? generation_in(reply) : std::nullopt;
}

// Clients are free to send any bytes; what is shown is UTF-8.
std::string valid_text(const std::string& bytes) {
  return take_string(g_utf8_make_valid(bytes.data(), static_cast<gssize>(bytes.size())));
}

// The headers that tell one request from another; the key is none of them.
std::string shown_headers(const Request& request) {
  JsonWriter json;
  json.begin_object();
  for (const char* name : {"content-type", "idempotency-key", "user-agent"}) {
    const std::string value = request.header(name);
    if (!value.empty()) json.key(name).string(valid_text(value));
  }
  return json.end_object().text();
}

std::uint64_t fingerprint_of(const RecordedExchange& exchange) {
  std::uint64_t value = exchange.status * 2 + (exchange.arrived ? 1 : 0);
  for (const auto* text : {&exchange.method, &exchange.target, &exchange.headers, &exchange.request,
                           &exchange.answer}) {
    value = value * 0x9e3779b97f4a7c15U + std::hash<std::string>()(*text);
  }
  return value;
}

}  // namespace

PageJournal::PageJournal(const std::string& path, std::string secret) try
    : secret_(std::move(secret)), database_(path) {
  database_.execute(tables);
  next_id_ = database_.integer("SELECT max(id) FROM exchanges").value_or(0) + 1;
} catch (const std::exception& failure) {
  throw std::runtime_error("The journal " + path + " cannot be used: " + failure.what() +
                           ". Remove it: nothing but the page's account of requests is lost.");
}

PageJournal::~PageJournal() {
  flush();
}

std::string PageJournal::without_secret(std::string text) const {
  if (secret_.empty()) return text;
  std::size_t at = 0;
  while ((at = text.find(secret_, at)) != std::string::npos) {
    text.replace(at, secret_.size(), "[key]");
    at += 5;
  }
  return text;
}

void PageJournal::note(const Request& request, const std::string& body,
                       const Reply& reply) noexcept {
  try {
    const auto generation = subject(request, reply);
    if (!generation) return;
    RecordedExchange exchange;
    exchange.generation = *generation;
    exchange.method = request.method;
    exchange.target = without_secret(valid_text(request.target));
    exchange.headers = without_secret(shown_headers(request));
    exchange.request = without_secret(body);
    exchange.status = reply.status;
    exchange.arrived = reply.fate == Reply::Fate::sent;
    exchange.answer = without_secret(reply.text);
    exchange.first_at = exchange.last_at = now_milliseconds();
    add(std::move(exchange));
  } catch (const std::exception& failure) {
    g_warning("A request could not be noted for the page: %s", failure.what());
  }
}

void PageJournal::add(RecordedExchange exchange) {
  const std::uint64_t fingerprint = fingerprint_of(exchange);
  const auto [found, is_new] = latest_.try_emplace(exchange.generation);
  Latest& latest = found->second;
  if (!is_new && latest.fingerprint == fingerprint) {
    ++latest.times;
    latest.last_at = exchange.last_at;
  } else {
    if (!is_new && latest.changed && latest.times > 1) {
      repeats_.push_back({latest.id, latest.times, latest.last_at});
    }
    exchange.id = next_id_++;
    const std::int64_t count = is_new ? 1 : latest.count + 1;
    latest = {exchange.id, fingerprint, count, 1, exchange.last_at, latest.changed};
    waiting_.push_back(exchange);
  }
  if (!latest.changed) {
    latest.changed = true;
    touched_.push_back(exchange.generation);
  }
  if (waiting_.size() >= max_waiting || latest_.size() >= max_latest) {
    flush();
  } else if (!std::exchange(scheduled_, true)) {
    timer_.start(write_seconds, [this] { flush(); });
  }
}

void PageJournal::flush() {
  timer_.cancel();
  scheduled_ = false;
  if (waiting_.empty() && touched_.empty()) return;
  try {
    sqlite::Transaction transaction(database_);
    write_all();
    transaction.commit();
  } catch (const std::exception& failure) {
    g_warning("The page's account of requests is not complete: %s", failure.what());
  }
  waiting_.clear();
  repeats_.clear();
  for (const auto generation : touched_) latest_.at(generation).changed = false;
  touched_.clear();
  if (latest_.size() >= max_latest) latest_.clear();
}

void PageJournal::write_all() {
  for (const auto& exchange : waiting_) {
    database_.run("INSERT INTO exchanges VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", exchange.id,
                  exchange.generation, exchange.method, exchange.target, exchange.headers,
                  exchange.request, static_cast<std::int64_t>(exchange.status), exchange.answer,
                  exchange.arrived, exchange.times, exchange.first_at, exchange.last_at);
  }
  const auto write_repeat = [this](const Repeat& repeat) {
    database_.run("UPDATE exchanges SET times = ?, last_at = ? WHERE id = ?", repeat.times,
                  repeat.last_at, repeat.id);
  };
  for (const auto& repeat : repeats_) write_repeat(repeat);
  for (const auto generation : touched_) {
    Latest& latest = latest_.at(generation);
    if (latest.times > 1) write_repeat({latest.id, latest.times, latest.last_at});
    if (latest.count <= max_records) continue;
    // The first one says what was asked for, so it stays.
    database_.run(
        "DELETE FROM exchanges WHERE generation = ?1"
        " AND id > (SELECT min(id) FROM exchanges WHERE generation = ?1)"
        " AND id <= (SELECT id FROM exchanges WHERE generation = ?1 ORDER BY id DESC"
        " LIMIT 1 OFFSET ?2)",
        generation, max_records / 2);
    latest.count = max_records / 2 + 1;
  }
}

std::vector<RecordedExchange> PageJournal::of(std::int64_t generation) {
  flush();
  return database_.rows(
      [](const Query& row) {
        return RecordedExchange{row.integer(0),
                                row.integer(1),
                                row.text(2),
                                row.text(3),
                                row.text(4),
                                row.text(5),
                                static_cast<unsigned>(row.integer(6)),
                                row.text(7),
                                row.integer(8) != 0,
                                row.integer(9),
                                row.integer(10),
                                row.integer(11)};
      },
      "SELECT id, generation, method, target, headers, request, status, answer, arrived,"
      " times, first_at, last_at FROM exchanges WHERE generation = ? ORDER BY id",
      generation);
}

}  // namespace genpro::emulator
