// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The built program, as a user types it, on a ledger that the test fills.
#pragma once

#include "api/json.h"
#include "support/json_text.h"
#include "support/process.h"
#include "unit/ledger_fixture.h"

namespace genpro::test {

class CliTest : public LedgerTest {
 protected:
  // A row of a request that was answered, with nobody at it any more.
  static std::int64_t add_costing(ledger::Ledger& ledger, const ledger::Identity& identity,
                                  const payment::State& state, double cost, bool delivered = false);
  static payment::State likely(payment::State state);
  static payment::State gone(const std::string& id);
  // Its request left so long ago, before the machine was booted; only the wall clock knows.
  void make_old(std::int64_t id, ledger::WallTime by);
  // A request that has not left.
  static std::int64_t prepare(ledger::Ledger& ledger, const ledger::Identity& identity);

  // `genpro --ledger FILE …`: both streams, and the exit code. Local time is five and a half hours
  // ahead of UTC.
  Finished genpro(const std::vector<std::string>& arguments);
  // As above, with the file of this test named.
  Finished ledger(const std::vector<std::string>& arguments);
  // What a command says that has to succeed.
  std::string output(const std::vector<std::string>& arguments);
  // Its standard output alone, parsed.
  api::JsonNodePtr json(std::vector<std::string> arguments);
  // The program in the middle of a line for a shell, as $0, its arguments as $@.
  Finished shell(const std::string& line, const std::vector<std::string>& arguments);
};

// The member as text; "null" and "missing" for what is that.
std::string member_text(JsonObject* object, const char* name);
JsonObject* object_at(const api::JsonNodePtr& array, guint index);
std::vector<std::string> names_of(JsonObject* object);
std::size_t number_of(const api::JsonNodePtr& array);

// What a terminal would obey.
bool has_control_characters(const std::string& text);

}  // namespace genpro::test
