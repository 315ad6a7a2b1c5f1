// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `genpro ledger settle` says before it asks. What it does with an answer, tests/fault tries.
#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

class SettleWait : public CliTest {
 protected:
  // Nothing listens there.
  static constexpr const char* nowhere = "http://127.0.0.1:1/v1";

  static ledger::Identity request_there() {
    return request("A product", "3300", "42", "pika", std::nullopt, nowhere);
  }
  std::string told(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"ledger", "--ledger",       path_,
                                          "settle", "--api-base-url", nowhere};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished finished = shell("GEN_API_KEY=the_key \"$0\" \"$@\" 2>&1 >/dev/null", arguments);
    EXPECT_EQ(finished.exit_code, 1) << finished.out;
    return finished.out;
  }
};

TEST_F(SettleWait, ARequestThatLeftJustNowIsSaidToTakeTime) {
  const auto ledger = open();
  const std::int64_t id = add(*ledger, request_there());
  const std::string text = told({});
  EXPECT_NE(text.find("row " + std::to_string(id)), std::string::npos) << text;
  EXPECT_NE(text.find("30 s"), std::string::npos) << text;
  EXPECT_EQ(lines_of(text).size(), 1U) << text;
  EXPECT_EQ(told({"--json"}), "");
}

TEST_F(SettleWait, NothingIsSaidWhereNothingIsWaitedFor) {
  const auto ledger = open();
  age(add(*ledger, request_there()), hour);
  EXPECT_EQ(told({}), "");
}

TEST_F(SettleWait, ARequestThatNeverLeftIsSettled) {
  prepare(*open(), request_there());
  for (const char* text : {"never left: nothing was charged", "nothing to settle"}) {
    const Finished finished =
        shell("GEN_API_KEY=the_key \"$0\" \"$@\"",
              {"ledger", "--ledger", path_, "settle", "--api-base-url", nowhere});
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_NE(finished.out.find(text), std::string::npos) << finished.out;
  }
}

TEST_F(SettleWait, TheNetworkIsSetAsElsewhere) {
  const auto ledger = open();
  age(add(*ledger, request_there()), hour);
  for (const auto& [option, value] : {std::pair("--ca-file", "/nowhere.pem"), {"--proxy", "a b"}}) {
    const Finished finished =
        shell("GEN_API_KEY=the_key \"$0\" \"$@\"",
              {"ledger", "--ledger", path_, "settle", "--api-base-url", nowhere, option, value});
    EXPECT_EQ(finished.exit_code, 2) << finished.out;
    EXPECT_NE(finished.out.find(option + 2), std::string::npos) << finished.out;
    EXPECT_EQ(finished.out.find("nknown option"), std::string::npos) << finished.out;
  }
}

TEST_F(SettleWait, OtherServicesAndRowsInUseAreNotWaitedFor) {
  const auto ledger = open();
  add(*ledger, request());
  age(add(*ledger, request_there()), hour);
  const auto begun = must(begin(*ledger, request_there()));
  EXPECT_EQ(told({}), "");
}

}  // namespace
}  // namespace genpro::test
