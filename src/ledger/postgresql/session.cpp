// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/postgresql/session.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "base/text.h"
#include "ledger/store/clock.h"
#include "ledger/store/store.h"

namespace genpro::ledger {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int oldest_version = 150'000;

// As pg_type has them.
constexpr unsigned int8_type = 20;
constexpr unsigned text_type = 25;
constexpr unsigned float8_type = 701;

// A child that is forked would keep its parent's connection, and with it what the parent holds,
// alive behind its back.
std::array<std::atomic<int>, 64> sockets;

void close_sockets() {
  for (auto& socket : sockets) {
    const int descriptor = socket.exchange(0);
    if (descriptor > 0) ::close(descriptor);
  }
}

int watch(int descriptor) {
  static const int is_set_up = pthread_atfork(nullptr, nullptr, close_sockets);
  (void)is_set_up;
  for (std::size_t at = 0; at < sockets.size(); ++at) {
    int none = 0;
    if (sockets[at].compare_exchange_strong(none, descriptor)) return static_cast<int>(at);
  }
  return -1;
}

// `?` becomes `$1`, `$2` … outside of quotes.
std::string numbered(std::string_view sql) {
  std::string text;
  int number = 0;
  bool is_quoted = false;
  for (const char c : sql) {
    if (c == '\'') is_quoted = !is_quoted;
    if (c == '?' && !is_quoted) {
      text += "$" + std::to_string(++number);
    } else {
      text += c;
    }
  }
  return text;
}

std::string reason_of(const char* message) {
  return one_line(message != nullptr ? message : "no reason is known");
}

}  // namespace

bool ServerFailure::is_connection() const {
  // 08: the connection; 57P0x: the server ends, or has not begun; 25P03: it has waited for us.
  return sqlstate_.empty() || sqlstate_.starts_with("08") || sqlstate_.starts_with("57P0") ||
         sqlstate_ == "25P03";
}

bool ServerFailure::is_conflict() const {
  return sqlstate_ == "40001" || sqlstate_ == "40P01" || sqlstate_ == "55P03";
}

class ServerCursor : public sql::Cursor {
 public:
  ServerCursor(Session& session, std::string_view sql) : session_(session), sql_(numbered(sql)) {}

  void bind(std::int64_t value) override {
    values_.push_back({int8_type, false, std::to_string(value)});
  }
  void bind(double value) override {
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    values_.push_back({float8_type, false, std::string(text.data(), end)});
  }
  void bind(std::string_view text) override {
    values_.push_back({text_type, false, std::string(text)});
  }
  void bind_null(sql::Type type) override {
    const unsigned number = type == sql::Type::integer ? int8_type
                            : type == sql::Type::real  ? float8_type
                                                       : text_type;
    values_.push_back({number, true, ""});
  }

  bool step() override {
    if (!result_) result_ = session_.ask(sql_, values_);
    return ++row_ < pq::ntuples(result_.get());
  }
  sql::Type type(int column) const override {
    if (pq::getisnull(result_.get(), row_, column) != 0) return sql::Type::null;
    switch (pq::ftype(result_.get(), column)) {
      case int8_type:
      case 21:  // int2
      case 23:  // int4
        return sql::Type::integer;
      case float8_type:
        return sql::Type::real;
      case text_type:
        return sql::Type::text;
      default:
        return sql::Type::other;
    }
  }
  std::int64_t integer(int column) const override {
    const std::string_view text = view(column);
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  double real(int column) const override {
    const std::string_view text = view(column);
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  std::string_view view(int column) const override {
    return {pq::getvalue(result_.get(), row_, column),
            static_cast<std::size_t>(pq::getlength(result_.get(), row_, column))};
  }

 private:
  Session& session_;
  const std::string sql_;
  std::vector<Session::Value> values_;
  pq::Result result_;
  int row_ = -1;
};

Session::~Session() {
  close();
}

void Session::close() noexcept {
  // In a child it is the parent's, which goes on with it.
  if (process_ != getpid()) (void)connection_.release();
  if (watched_ >= 0 && connection_) sockets[static_cast<std::size_t>(watched_)] = 0;
  watched_ = -1;
  connection_.reset();
  prepared_.clear();
  is_in_transaction_ = must_begin_ = false;
}

void Session::connect() {
  pq::load();
  close();
  // What the address says comes later, and counts. A host of several has its time to itself.
  const std::array keywords = {
      "connect_timeout",  "keepalives_idle",           "keepalives_interval",
      "keepalives_count", "tcp_user_timeout",          "client_encoding",
      "dbname",           "fallback_application_name", static_cast<const char*>(nullptr)};
  const std::array values = {"5",
                             "5",
                             "3",
                             "3",
                             "10000",
                             "UTF8",
                             address_.c_str(),
                             "genpro",
                             static_cast<const char*>(nullptr)};
  connection_.reset(pq::connectdbParams(keywords.data(), values.data(), 1));
  if (!connection_) throw std::bad_alloc();
  if (pq::status(connection_.get()) != CONNECTION_OK) {
    lose(reason_of(pq::errorMessage(connection_.get())));
  }
  pq::setNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  watched_ = watch(pq::socket(connection_.get()));
  if (pq::serverVersion(connection_.get()) < oldest_version) {
    close();
    throw ForeignLedger("its server is older than PostgreSQL 15");
  }
  pq::setnonblocking(connection_.get(), 1);
  // A client that has gone without a word holds nothing for longer than these.
  execute(
      "SET search_path TO genpro; SET default_transaction_isolation TO 'read committed'; "
      "SET idle_in_transaction_session_timeout TO '4s'; SET lock_timeout TO '8s'; "
      "SET tcp_keepalives_idle TO 5; SET tcp_keepalives_interval TO 3; "
      "SET tcp_keepalives_count TO 3; SET tcp_user_timeout TO '10s'");
}

void Session::lose(const std::string& reason) {
  close();
  throw ServerFailure("", reason);
}

void Session::wait(bool for_writing, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) lose("the server does not answer");
    pollfd socket{pq::socket(connection_.get()),
                  static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN), 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(left));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) lose("its socket cannot be waited for");
  }
}

void Session::send(bool is_queued, Clock::time_point deadline) {
  PGconn* connection = connection_.get();
  if (!is_queued) lose(reason_of(pq::errorMessage(connection)));
  int left = 0;
  while ((left = pq::flush(connection)) == 1) {
    wait(true, deadline);
    if (pq::consumeInput(connection) == 0) lose(reason_of(pq::errorMessage(connection)));
  }
  if (left != 0) lose(reason_of(pq::errorMessage(connection)));
}

pq::Result Session::next_result(Clock::time_point deadline) {
  PGconn* connection = connection_.get();
  while (pq::isBusy(connection) != 0) {
    wait(false, deadline);
    if (pq::consumeInput(connection) == 0) lose(reason_of(pq::errorMessage(connection)));
  }
  return pq::Result(pq::getResult(connection));
}

pq::Result Session::finish_sending(bool is_queued) {
  const auto deadline = Clock::now() + time_;
  send(is_queued, deadline);
  // The last of several statements, or the one that failed.
  pq::Result last;
  while (pq::Result next = next_result(deadline)) {
    if (!last || pq::resultStatus(last.get()) != PGRES_FATAL_ERROR) last = std::move(next);
  }
  if (!last) lose("the server does not answer");
  check(last);
  return last;
}

// As above; a statement behind the one that failed is not carried out.
pq::Result Session::finish_pipeline(bool is_queued) {
  const auto deadline = Clock::now() + time_;
  PGconn* connection = connection_.get();
  send(is_queued && pq::pipelineSync(connection) != 0, deadline);
  pq::Result last;
  bool is_whole = false;
  while (!is_whole && pq::status(connection) == CONNECTION_OK) {
    pq::Result next = next_result(deadline);
    is_whole = next && pq::resultStatus(next.get()) == PGRES_PIPELINE_SYNC;
    if (is_whole || !next) continue;  // nothing: between two statements
    if (!last || pq::resultStatus(last.get()) != PGRES_FATAL_ERROR) last = std::move(next);
  }
  is_whole = is_whole && pq::exitPipelineMode(connection) != 0;
  if (last) check(last);
  if (!last || !is_whole) lose(reason_of(pq::errorMessage(connection)));
  return last;
}

void Session::check(const pq::Result& result) {
  const ExecStatusType status = pq::resultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return;
  const char* code = pq::resultErrorField(result.get(), PG_DIAG_SQLSTATE);
  const char* primary = pq::resultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
  const ServerFailure failure(
      code != nullptr ? code : "",
      reason_of(primary != nullptr ? primary : pq::resultErrorMessage(result.get())));
  if (failure.is_connection()) close();
  throw failure;
}

pq::Result Session::ask(const std::string& sql, const std::vector<Value>& values) {
  if (!connection_) throw ServerFailure("", "the connection was lost");
  std::string signature = sql;
  std::vector<unsigned> types;
  std::vector<const char*> texts;
  std::vector<int> lengths;
  for (const Value& value : values) {
    signature += " " + std::to_string(value.type);
    types.push_back(value.type);
    texts.push_back(value.is_null ? nullptr : value.text.c_str());
    // libpq reads a text parameter up to the first NUL.
    if (value.text.find('\0') != std::string::npos) {
      throw ServerFailure("22021", "a text holds a character that the server cannot store");
    }
  }
  PGconn* connection = connection_.get();
  const int count = static_cast<int>(values.size());
  const auto send_prepared = [&](const std::string& name) {
    return pq::sendQueryPrepared(connection, name.c_str(), count, texts.data(), nullptr, nullptr,
                                 0) != 0;
  };
  const auto known = prepared_.find(signature);
  pq::Result result;
  if (known != prepared_.end() && !must_begin_) {
    result = finish_sending(send_prepared(known->second));
  } else {
    // All of it on one way there and back, which may be a long one.
    bool is_queued = pq::enterPipelineMode(connection) != 0;
    if (std::exchange(must_begin_, false)) {
      is_queued = is_queued && pq::sendQueryParams(connection, "BEGIN", 0, nullptr, nullptr,
                                                   nullptr, nullptr, 0) != 0;
    }
    const bool is_new = known == prepared_.end();
    const std::string name = is_new ? "s" + std::to_string(statements_++) : known->second;
    if (is_new) {
      is_queued = is_queued &&
                  pq::sendPrepare(connection, name.c_str(), sql.c_str(), count, types.data()) != 0;
    }
    result = finish_pipeline(is_queued && send_prepared(name));
    if (is_new) prepared_.emplace(std::move(signature), name);
  }
  changes_ = std::strtoll(pq::cmdTuples(result.get()), nullptr, 10);
  return result;
}

void Session::execute(const std::string& sql) {
  if (!connection_) throw ServerFailure("", "the connection was lost");
  const std::string text = std::exchange(must_begin_, false) ? "BEGIN; " + sql : sql;
  finish_sending(pq::sendQuery(connection_.get(), text.c_str()) != 0);
}

std::unique_ptr<sql::Cursor> Session::prepare(std::string_view sql) {
  return std::make_unique<ServerCursor>(*this, sql);
}

const sql::Words& Session::words() const {
  static constexpr sql::Words words = {
      "rank",
      "",
      " FOR UPDATE",
      "asked_at",
      "greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint - changed_at, 0)",
      true};
  return words;
}

// Its own boot says nothing here, and clocks may differ or be set: what both the server and the two
// machines' clocks say is at least so long ago is, and else it is as if it were now. From then on
// it is a time of this boot.
payment::Moment Session::local(const payment::Moment& moment, std::int64_t unchanged_ms) {
  const payment::Now now = clock_now();
  if (moment.boot.empty() || moment.boot == now.boot) return moment;
  constexpr std::size_t most_times = 10'000;
  const auto key = std::make_pair(moment.boot, moment.up);
  if (const auto known = times_.find(key); known != times_.end()) return known->second;
  const payment::Millis age = std::clamp<payment::Millis>(now.wall - moment.wall, 0, unchanged_ms);
  payment::Moment here{now.boot, std::max<payment::Millis>(now.up - age, 0), moment.wall};
  if (times_.size() >= most_times) times_.clear();
  return times_[key] = std::move(here);
}

void Session::begin() {
  if (!connection_) throw ServerFailure("", "the connection was lost");
  is_in_transaction_ = must_begin_ = true;
}

void Session::commit() {
  if (!connection_) throw ServerFailure("", "the connection was lost");
  is_in_transaction_ = false;
  if (std::exchange(must_begin_, false)) return;
  const pq::Result result = finish_sending(pq::sendQuery(connection_.get(), "COMMIT") != 0);
  // Of a transaction that has failed.
  if (std::string_view(pq::cmdStatus(result.get())) != "COMMIT") {
    throw ServerFailure("40000", "the transaction was rolled back");
  }
}

void Session::roll_back() noexcept {
  if (!std::exchange(is_in_transaction_, false) || !connection_) return;
  if (std::exchange(must_begin_, false)) return;
  try {
    execute("ROLLBACK");
  } catch (const std::exception&) {
    close();
  }
}

}  // namespace genpro::ledger
