// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro ledger settle` of a generation that may be what a request has paid for.
#include <chrono>

#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;

class SettleLikely : public ServiceCliTest {
 protected:
  std::vector<std::string> generate() const {
    return {"generate", "--prompt", "A harbour", "--output", file("clip.mp4")};
  }
  // What it says, of one row that is left.
  std::string left() {
    const Finished finished =
        run_command({g_getenv("GENPRO"), "ledger", "settle", "--json", "--ledger", path_,
                     "--api-base-url", service_.api_base()},
                    environment());
    EXPECT_EQ(finished.exit_code, 1) << finished.out;
    EXPECT_NE(finished.out.find("\"left\""), std::string::npos) << finished.out;
    return finished.out;
  }
};

TEST_F(SettleLikely, ARequestIsNotSentAgainBeforeTheRefundIsProven) {
  constexpr const char* unproven = "refund is not proven";
  constexpr int in_doubt = 4;
  service_.behave({.honours_keys = false, .next_posts = {PostFate::unanswered}, .polls = never});
  const auto first = start(generate());
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }))
      << first->output();
  service_.end(service_.books().created().front().id, "stopped");
  ASSERT_TRUE(first->wait(1min)) << first->output();
  EXPECT_EQ(first->exit_code(), in_doubt) << first->output();
  EXPECT_NE(first->output().find(unproven), std::string::npos) << first->output();
  EXPECT_EQ(run(generate()).exit_code, in_doubt);
  EXPECT_NE(left().find(unproven), std::string::npos);
  EXPECT_EQ(service_.books().posts.size(), 1U) << service_.books().text();
  service_.behave({.honours_keys = false, .lists_transactions = true});
  EXPECT_NE(left().find("in doubt again"), std::string::npos);
  const Finished last = run(generate());
  EXPECT_EQ(last.exit_code, 0) << last.out;
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
  EXPECT_EQ(service_.books().charged().size(), 1U) << service_.books().text();
}

}  // namespace
}  // namespace genpro::test
