// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "base/text.h"
#include "base/web/url.h"
#include "ledger/errors.h"

namespace genpro::ledger {

using sql::Database;
using sql::Query;

const char* const row_columns =
    "id, base_url, cell_path, agent_id, model, request, data, contents, place, fingerprint, "
    "length, idempotency_key, generation_id, status, reason, evidence, stop_wanted, doubtful, "
    "is_absent, "
    "made_boot, made_up, made_at, posted_boot, posted_up, posted_at, looked_boot, looked_up, "
    "looked_at, jobs_before, cost, bytes_delivered, created_at, ended_at, delivered_at, "
    "unfinished_at, delivered_by, estimate, credit";

namespace {

// The index of the column behind row_columns.
constexpr int unchanged_column = 38;
static_assert(beside_column == unchanged_column + 1);

constexpr std::size_t longest_text = 300;  // bytes of a reason or a line of history
constexpr std::size_t longest_key = 255;

std::string in_quotes(std::string_view text) {
  return "\"" + one_line(text.substr(0, 400), 80) + "\"";
}

// ---- Reading, which believes nothing ----

// The columns of a row in their order. Throws DamagedRow with the name of the one that is wrong.
class Reader {
 public:
  Reader(const Query& query, std::int64_t id, std::int64_t unchanged_ms)
      : query_(query), id_(id), unchanged_ms_(unchanged_ms) {}

  std::string text(const char* name) {
    require_type(name, sql::Type::text, "a text");
    const std::string_view text = query_.view(column_++);
    // NUL is none either.
    if (!is_utf8(text)) fail(std::string("its ") + name + " is no UTF-8");
    return std::string(text);
  }
  std::int64_t number(const char* name) {
    require_type(name, sql::Type::integer, "an integer");
    const std::int64_t value = query_.integer(column_++);
    if (value < 0) fail(std::string("its ") + name + " is " + std::to_string(value));
    return value;
  }
  WallTime time(const char* name) {
    const WallTime value = number(name);
    if (value > latest_time) fail(std::string("its ") + name + " is " + std::to_string(value));
    return value;
  }
  bool flag(const char* name) {
    const std::int64_t value = number(name);
    if (value > 1) fail(std::string("its ") + name + " is " + std::to_string(value));
    return value == 1;
  }
  std::optional<double> real_or_null(const char* name) {
    const sql::Type type = query_.type(column_);
    if (type != sql::Type::null && type != sql::Type::real && type != sql::Type::integer) {
      fail(std::string("its ") + name + " is no number");
    }
    const int column = column_++;
    if (type == sql::Type::null) return std::nullopt;
    const double value = query_.real(column);
    if (!std::isfinite(value)) fail(std::string("its ") + name + " is no number");
    return value;
  }
  std::optional<std::string> text_or_null(const char* name) {
    if (!query_.is_null(column_)) return text(name);
    ++column_;
    return std::nullopt;
  }
  // As it is written: how old it is at most, its own machine's clocks say.
  payment::Moment raw_moment(const char* name) {
    payment::Moment moment;
    moment.boot = text(name);
    if (!moment.boot.empty() && !is_id(moment.boot)) fail(std::string("its ") + name + " is no id");
    moment.up = number(name);
    moment.wall = time(name);
    return moment;
  }
  payment::Moment moment(const char* name) {
    payment::Moment moment = raw_moment(name);
    if (unchanged_ms_ < 0) return moment;
    return query_.database().local(moment, unchanged_ms_);
  }
  [[noreturn]] void fail(const std::string& reason) const { throw DamagedRow(id_, reason); }

 private:
  void require_type(const char* name, sql::Type type, const char* what) const {
    if (query_.type(column_) != type) fail(std::string("its ") + name + " is not " + what);
  }

  const Query& query_;
  const std::int64_t id_;
  const std::int64_t unchanged_ms_;
  int column_ = 1;
};

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= longest_key &&
         std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7f'; });
}

// It becomes a part of an address.
bool is_cell_path(std::string_view path) {
  const auto parts = split(path, '/');
  const bool is_layer = parts.size() == 6 && parts[4] == "layers";
  return (parts.size() == 4 || is_layer) && parts[2] == "cells" &&
         std::ranges::all_of(parts, [](std::string_view part) { return is_id(part); });
}

// Most rows have the address of the row before them.
bool is_base_url(const std::string& address) {
  thread_local std::string known;
  if (address == known) return true;
  if (!parse_url(address)) return false;
  known = address;
  return true;
}

Identity read_identity(Reader& reader) {
  Identity identity;
  identity.base_url = reader.text("base_url");
  identity.cell_path = reader.text("cell_path");
  identity.agent_id = reader.text("agent_id");
  identity.model = reader.text("model");
  identity.request = reader.text("request");
  identity.data = reader.text("data");
  identity.contents = reader.text("contents");
  identity.place = reader.text("place");
  identity.fingerprint = reader.text("fingerprint");
  identity.length = reader.real_or_null("length");
  if (!is_base_url(identity.base_url)) {
    reader.fail("its base_url " + in_quotes(identity.base_url) + " is no address of an API");
  }
  if (!is_cell_path(identity.cell_path)) {
    reader.fail("its cell_path " + in_quotes(identity.cell_path) + " is none");
  }
  if (!identity.agent_id.empty() && !is_id(identity.agent_id)) {
    reader.fail("its agent_id " + in_quotes(identity.agent_id) + " is no id");
  }
  return identity;
}

// In the order of payment::Credit.
constexpr std::array<std::string_view, 4> credit_words = {"", "charged", "not_charged", "refunded"};

payment::Credit credit_of(Reader& reader) {
  const std::string word = reader.text("credit");
  const auto credit = credit_by_word(word);
  if (!credit) reader.fail("its credit " + in_quotes(word) + " is none");
  return *credit;
}

payment::State state_of(const Row& row, const Reader& reader) {
  using namespace payment;
  const std::string& word = row.word;
  const auto attempt = [&] {
    if (!is_key(row.attempt.key)) reader.fail("its idempotency_key is none");
    return row.attempt;
  };
  const auto generation = [&] {
    if (!is_id(row.generation_id)) {
      reader.fail("its generation_id " + in_quotes(row.generation_id) + " is no id");
    }
    Generation result;
    result.id = row.generation_id;
    result.evidence = row.evidence;
    result.posted = row.attempt.posted;
    return result;
  };
  const auto without_generation = [&](State state) {
    if (!row.generation_id.empty()) {
      reader.fail("its status is " + in_quotes(word) + ", though it has a generation_id");
    }
    return state;
  };
  if (word == "prepared") return without_generation(Prepared{attempt().key});
  if (word == "submitting") return without_generation(Posting{attempt()});
  if (word == "unknown") return without_generation(InDoubt{attempt(), row.reason});
  if (word == "refused") return without_generation(Refused{row.reason});
  if (word == "pending" || word == "processing") {
    Known known{generation(), word == "pending" ? Phase::pending : Phase::processing,
                row.attempt.stop_wanted};
    if (row.evidence == Evidence::likely && !row.attempt.key.empty()) {
      known.generation.attempt = attempt();
      known.generation.attempt->stop_wanted = false;
    }
    return known;
  }
  if (word == "completed") {
    if (row.entry.delivered_at != 0) return Delivered{generation()};
    return Completed{generation()};
  }
  if (word == "failed") return Failed{generation(), row.reason, row.credit};
  if (word == "stopped") return Stopped{generation(), row.credit};
  if (word == "gone") return Gone{generation(), row.reason};
  reader.fail("its status " + in_quotes(word) + " is none that there is");
}

Row read(const Query& query) {
  Row row;
  Entry& entry = row.entry;
  if (query.type(0) != sql::Type::integer || query.integer(0) <= 0) {
    throw DamagedRow(query.integer(0), "its number is none");
  }
  entry.id = query.integer(0);
  Reader reader(query, entry.id, query.integer(unchanged_column));
  entry.identity = read_identity(reader);
  row.attempt.key = reader.text("idempotency_key");
  row.generation_id = reader.text("generation_id");
  row.word = reader.text("status");
  row.reason = short_text(reader.text("reason"));
  const std::string evidence = reader.text("evidence");
  if (evidence != "proven" && evidence != "likely") {
    reader.fail("its evidence " + in_quotes(evidence) + " is none");
  }
  row.evidence = evidence == "likely" ? payment::Evidence::likely : payment::Evidence::proven;
  row.attempt.stop_wanted = reader.flag("stop_wanted");
  row.attempt.doubtful = reader.flag("doubtful");
  row.attempt.is_absent = reader.flag("is_absent");
  row.attempt.made = reader.raw_moment("made");
  row.attempt.posted = reader.moment("posted");
  // Taken for later than it was, it would say that what came meanwhile is somebody else's.
  row.attempt.looked = reader.raw_moment("looked");
  if (const auto ids = reader.text_or_null("jobs_before")) {
    row.attempt.before = parse_ids(*ids);
    if (!row.attempt.before) {
      reader.fail("its jobs_before " + in_quotes(*ids) + " is no list of ids");
    }
  }
  entry.cost = reader.real_or_null("cost");
  entry.bytes_delivered = static_cast<std::uint64_t>(reader.number("bytes_delivered"));
  entry.created_at = reader.time("created_at");
  entry.posted_at = row.attempt.posted.wall;
  entry.ended_at = reader.time("ended_at");
  entry.delivered_at = reader.time("delivered_at");
  entry.unfinished_at = reader.time("unfinished_at");
  entry.delivered_by = reader.text("delivered_by");
  entry.estimate = reader.real_or_null("estimate");
  row.credit = credit_of(reader);
  entry.state = state_of(row, reader);
  return row;
}

Query& bind_state(Query& query, const Row& row) {
  return query.bind(row.attempt.key)
      .bind(row.generation_id)
      .bind(row.word)
      .bind(row.reason)
      .bind(row.evidence == payment::Evidence::likely ? "likely" : "proven")
      .bind(row.attempt.stop_wanted)
      .bind(row.attempt.doubtful)
      .bind(row.attempt.is_absent)
      .bind(row.attempt.made.boot)
      .bind(row.attempt.made.up)
      .bind(row.attempt.made.wall)
      .bind(row.attempt.posted.boot)
      .bind(row.attempt.posted.up)
      .bind(row.attempt.posted.wall)
      .bind(row.attempt.looked.boot)
      .bind(row.attempt.looked.up)
      .bind(row.attempt.looked.wall)
      .bind(row.attempt.before ? std::optional(ids_text(*row.attempt.before)) : std::nullopt)
      .bind(row.entry.cost)
      .bind(row.entry.ended_at)
      .bind(row.entry.delivered_at)
      .bind(row.entry.unfinished_at)
      .bind(credit_words[static_cast<std::size_t>(row.credit)]);
}

std::string words_where(bool (*is_in)(const payment::Meaning&)) {
  std::string list;
  std::string_view latest;
  for (const payment::Meaning& meaning : payment::meanings()) {
    if (!is_in(meaning) || meaning.word == latest) continue;
    latest = meaning.word;
    list += (list.empty() ? "'" : ", '") + std::string(meaning.word) + "'";
  }
  return "(" + list + ")";
}

}  // namespace

std::optional<payment::Credit> credit_by_word(std::string_view word) {
  const auto found = std::ranges::find(credit_words, word);
  if (found == credit_words.end()) return std::nullopt;
  return static_cast<payment::Credit>(found - credit_words.begin());
}

std::string select_rows(const Database& database, const std::string& condition,
                        const std::string& beside) {
  return std::string("SELECT ") + row_columns + ", " + database.words().unchanged_ms +
         (beside.empty() ? "" : ", " + beside) + " FROM generations " + condition;
}

std::vector<Entry> read_entries(Query& query) {
  std::vector<Entry> entries;
  while (query.step()) entries.push_back(read(query).entry);
  return entries;
}

void read_each(Query& query,
               const std::function<void(std::int64_t, const Row*, const std::string&)>& then) {
  while (query.step()) {
    const std::int64_t id = query.integer(0);
    try {
      const Row row = read(query);
      then(id, &row, "");
    } catch (const DamagedRow& damaged) {
      then(id, nullptr, damaged.what());
    }
  }
}

std::optional<Row> read_row(Query& query) {
  if (!query.step()) return std::nullopt;
  return read(query);
}

std::optional<Row> read_row(Database& database, std::int64_t id) {
  Query query(database, select_rows(database, "WHERE id = ?"), id);
  return read_row(query);
}

std::optional<Row> read_for_update(Database& database, std::int64_t id) {
  Query query(database, select_rows(database, "WHERE id = ?") + database.words().for_update, id);
  return read_row(query);
}

std::string short_text(const std::string& text) {
  if (text.empty()) return text;
  std::string line = one_line(text, longest_text);
  if (line.size() <= longest_text) return line;
  constexpr std::string_view ellipsis = "…";
  std::size_t end = longest_text - ellipsis.size();
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  line.resize(end);
  return line += ellipsis;
}

payment::State as_stored(const payment::State& state) {
  payment::State stored = state;
  std::visit(
      [](auto& stage) {
        if constexpr (requires { stage.reason; }) stage.reason = short_text(stage.reason);
      },
      stored);
  return stored;
}

void set_state(Row& row, const payment::State& state) {
  const payment::State stored = as_stored(state);
  std::visit(
      [&row](const auto& stage) {
        using Stage = std::decay_t<decltype(stage)>;
        row.attempt.stop_wanted = false;
        row.credit = payment::Credit::unknown;
        row.reason.clear();
        if constexpr (requires { stage.attempt; }) row.attempt = stage.attempt;
        if constexpr (requires { stage.generation; }) {
          if (stage.generation.attempt) {
            row.attempt = *stage.generation.attempt;
            row.attempt.stop_wanted = false;
          }
          row.generation_id = stage.generation.id;
          row.evidence = stage.generation.evidence;
          // A request that was not sent again was first sent when it left.
          const bool is_first = row.attempt.made == row.attempt.posted;
          row.attempt.posted = stage.generation.posted;
          if (is_first) row.attempt.made = row.attempt.posted;
        } else {
          // What it was thought to have made is not known to be its own any more.
          row.generation_id.clear();
          row.evidence = payment::Evidence::proven;
        }
        if constexpr (requires { stage.stop_wanted; }) row.attempt.stop_wanted = stage.stop_wanted;
        if constexpr (requires { stage.reason; }) row.reason = stage.reason;
        if constexpr (requires { stage.credit; }) row.credit = stage.credit;
        if constexpr (std::is_same_v<Stage, payment::Prepared>) row.attempt.key = stage.key;
      },
      stored);
  row.word = payment::meaning(stored).word;
  row.entry.state = stored;
  row.entry.posted_at = row.attempt.posted.wall;
}

void write_row(Database& database, const Row& row) {
  const std::string sql =
      "UPDATE generations SET idempotency_key = ?, generation_id = ?, status = ?, reason = ?, "
      "evidence = ?, stop_wanted = ?, doubtful = ?, is_absent = ?, made_boot = ?, made_up = ?, "
      "made_at = ?, posted_boot = ?, posted_up = ?, posted_at = ?, looked_boot = ?, looked_up = ?, "
      "looked_at = ?, jobs_before = ?, cost = ?, "
      "ended_at = ?, delivered_at = ?, unfinished_at = ?, credit = ? WHERE id = ?";
  Query query(database, sql);
  bind_state(query, row).bind(row.entry.id).run();
}

std::int64_t insert_row(Database& database, const Row& row) {
  const std::string sql =
      "INSERT INTO generations (idempotency_key, generation_id, status, reason, evidence, "
      "stop_wanted, doubtful, is_absent, made_boot, made_up, made_at, posted_boot, posted_up, "
      "posted_at, looked_boot, looked_up, looked_at, jobs_before, cost, ended_at, delivered_at, "
      "unfinished_at, credit, base_url, cell_path, agent_id, model, request, data, contents, "
      "place, "
      "fingerprint, length, created_at, estimate) VALUES (?, ?, ?, ?, "
      "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?) RETURNING id";
  const Identity& identity = row.entry.identity;
  Query query(database, sql);
  bind_state(query, row)
      .bind(identity.base_url)
      .bind(identity.cell_path)
      .bind(identity.agent_id)
      .bind(identity.model)
      .bind(identity.request)
      .bind(identity.data)
      .bind(identity.contents)
      .bind(identity.place)
      .bind(identity.fingerprint)
      .bind(identity.length)
      .bind(row.entry.created_at)
      .bind(row.entry.estimate);
  if (!query.step()) throw std::runtime_error("a row was not written");
  const std::int64_t id = query.integer(0);
  query.run();
  return id;
}

void add_history(Database& database, std::int64_t row, WallTime at, const std::string& came,
                 const std::string& decided, std::string_view word) {
  if (came.empty() && decided.empty()) return;
  database.run(
      "INSERT INTO history (row, number, at, came, decided, word) SELECT ?, "
      "coalesce(max(number), 0) + 1, ?, ?, ?, ? FROM history WHERE row = ?",
      row, at, short_text(came), short_text(decided), word, row);
}

std::string is_unsettled_sql() {
  return "status IN " + words_where([](const payment::Meaning& m) { return m.is_unsettled; });
}

std::string is_unfinished_sql() {
  return "status IN " + words_where([](const payment::Meaning& m) { return m.is_unfinished; });
}

std::string counts_sql() {
  return "status NOT IN " + words_where([](const payment::Meaning& m) { return !m.counts; });
}

// As payment::is_closed(): a completed one that has not been delivered is still to be picked up.
std::string is_closed_sql() {
  return "status IN " + words_where([](const payment::Meaning& m) { return !m.is_unfinished; }) +
         " AND (status <> 'completed' OR delivered_at <> 0)";
}

}  // namespace genpro::ledger
