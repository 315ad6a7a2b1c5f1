// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is known of a cost before it is paid, and the limits of it.
#include <algorithm>
#include <filesystem>

#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

class Estimate : public ServiceCliTest {
 protected:
  std::vector<std::string> make(const std::string& prompt,
                                const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"generate", "--output", file(prompt + ".mp4"), "--prompt",
                                   prompt};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // In another cell than the usual one.
  std::vector<std::string> make_in(const std::string& cell, const std::string& prompt,
                                   const std::vector<std::string>& more) {
    std::vector<std::string> words = with_settings(make(prompt, more));
    *(std::ranges::find(words, "--cell-id") + 1) = cell;
    return words;
  }
  // Ends in exit code 5, with nothing posted, and says all of this.
  void expect_refused(const Finished& finished, const std::vector<std::string>& mentions) {
    EXPECT_EQ(finished.exit_code, 5) << finished.out;
    for (const std::string& text : mentions) {
      EXPECT_NE(finished.out.find(text), std::string::npos) << text << ": " << finished.out;
    }
  }
  std::size_t posts() { return service_.books().posts.size(); }
};

TEST_F(Estimate, IsWhatTheServiceSays) {
  service_.behave({.estimate = 12.5});
  const Finished finished = run({"estimate", "--prompt", "A kite"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(finished.out, "12.5 credits, as the service estimates.\n");
  const Books books = service_.books();
  ASSERT_EQ(books.estimates.size(), 1U);
  EXPECT_EQ(books.estimates[0].path, "/v1/user_jobs/estimate");
  const auto body = api::parse_json(books.estimates[0].body);
  ASSERT_TRUE(body) << books.estimates[0].body;
  EXPECT_EQ(api::canonical_json(body->get()),
            api::canonical_json(std::string_view(R"({"agent_id": 42, "user_job": {
              "user_job_type": "generate_pika_video",
              "data": {"prompt": "A kite", "model": "pika", "asset_resource_ids": [501],
                       "aspect_ratio": "16:9", "duration": 5}}})")));
  EXPECT_TRUE(books.posts.empty());
}

TEST_F(Estimate, TranslatesACardIntoARawJob) {
  service_.behave({.estimate = 4});
  run({"estimate", "--prompt", "A kite", "--dialect", "actions", "--resolution", "720p",
       "--native-audio", "on"});
  const Books books = service_.books();
  ASSERT_EQ(books.estimates.size(), 1U);
  const auto body = api::parse_json(books.estimates[0].body);
  ASSERT_TRUE(body) << books.estimates[0].body;
  EXPECT_EQ(api::canonical_json(body->get()),
            api::canonical_json(std::string_view(R"({"agent_id": 42, "user_job": {
              "user_job_type": "generate_pika_video",
              "data": {"prompt": "A kite", "model": "pika", "aspect_ratio": "16:9", "duration": 5,
                       "resolution": "720p", "native_audio": true}}})")));
}

TEST_F(Estimate, IsElseWhatTheLedgerHasPaid) {
  EXPECT_EQ(run({"estimate", "--prompt", "A kite"}).exit_code, 1);
  ASSERT_EQ(run(make("A kite")).exit_code, 0);
  const auto document = document_of({"estimate", "--prompt", "Another one", "--json"});
  EXPECT_EQ(member_text(json_node_get_object(document.get()), "estimate"), "3.5");
  EXPECT_EQ(member_text(json_node_get_object(document.get()), "source"), "\"ledger\"");
  // Of another length nothing is known.
  std::vector<std::string> words = with_settings({"estimate", "--prompt", "Another one"});
  *(std::ranges::find(words, "--duration") + 1) = "8";
  const Finished longer = run_command(words, environment());
  EXPECT_EQ(longer.exit_code, 1);
  EXPECT_NE(longer.out.find("Not known"), std::string::npos) << longer.out;
}

TEST_F(Estimate, IsAskedForOnceWithoutALimitInTodaysDialects) {
  service_.behave({.estimate = 4, .estimate_status = "pending"});
  ASSERT_EQ(run(make("A kite")).exit_code, 0);
  EXPECT_TRUE(service_.books().estimates.empty()) << "the seed's contract has none";
  EXPECT_EQ(posts(), 1U);
  std::vector<std::string> words = with_settings(
      make("A boat", {"--dialect", "vidsheet", "--generation-type", "video_from_text"}));
  const auto ingredients = std::ranges::find(words, "--asset-ids");
  words.erase(ingredients, ingredients + 2);
  *(std::ranges::find(words, "--model") + 1) = "grok";
  const Finished todays = run_command(words, environment());
  ASSERT_EQ(todays.exit_code, 0) << todays.out;
  EXPECT_EQ(service_.books().estimates.size(), 1U);
  EXPECT_EQ(posts(), 2U);
}

TEST_F(Estimate, OfTooMuchKeepsARequestFromBeingMade) {
  service_.behave({.estimate = 4});
  expect_refused(run(make("A kite", {"--max-cost", "3.9"})), {"4 credits", "max-cost of 3.9"});
  EXPECT_EQ(posts(), 0U);
  EXPECT_EQ(run(make("A kite", {"--max-cost", "4"})).exit_code, 0);
  EXPECT_EQ(posts(), 1U);
}

TEST_F(Estimate, ThatNobodyKnowsKeepsARequestFromBeingMadeAsWell) {
  for (const char* limit : {"--max-cost", "--daily-cost-limit"}) {
    expect_refused(run(make("A kite", {limit, "1000"})), {limit + 2, "not known", "404"});
  }
  EXPECT_EQ(posts(), 0U);
  // One that was paid is enough.
  ASSERT_EQ(run(make("A kite")).exit_code, 0);
  EXPECT_EQ(run(make("Another one", {"--max-cost", "3.5"})).exit_code, 0);
  expect_refused(run(make("A third one", {"--max-cost", "3.4"})), {"3.5 credits"});
}

TEST_F(Estimate, OfNothingIsNone) {
  service_.behave({.estimate = 0});
  const Finished estimate = run({"estimate", "--prompt", "A kite"});
  EXPECT_EQ(estimate.exit_code, 1) << estimate.out;
  EXPECT_NE(estimate.out.find("says 0"), std::string::npos) << estimate.out;
  for (const char* limit : {"--max-cost", "--daily-cost-limit"}) {
    expect_refused(run(make("A kite", {limit, "1000"})), {limit + 2, "not known", "says 0"});
  }
  EXPECT_EQ(posts(), 0U);
  ASSERT_EQ(run(make("A kite")).exit_code, 0);
  expect_refused(run(make("Another one", {"--max-cost", "3.4"})), {"3.5 credits"});
}

TEST_F(Estimate, ThatTheServiceRefusesOrHasNotReadyIsNoPrice) {
  for (const std::string status : {"failed", "pending"}) {
    service_.behave({.estimate = 1, .estimate_status = status});
    const std::string says = "\"" + status + "\"";
    const Finished estimate = run({"estimate", "--prompt", "A kite"});
    EXPECT_EQ(estimate.exit_code, 1) << estimate.out;
    EXPECT_NE(estimate.out.find(says), std::string::npos) << estimate.out;
    expect_refused(run(make("A kite", {"--max-cost", "1000"})),
                   {"max-cost", "not known", says,
                    status == "failed" ? "Set model and duration" : "Try again later, or set"});
    EXPECT_EQ(estimate.out.find("has not answered"), std::string::npos) << estimate.out;
  }
  EXPECT_EQ(posts(), 0U);
  // No word of which ones there are is published.
  service_.behave({.estimate = 1, .estimate_status = "priced"});
  EXPECT_EQ(run(make("A kite", {"--max-cost", "1"})).exit_code, 0);
}

TEST_F(Estimate, TakesNoOptionThatHasNoPartInIt) {
  for (const char* option : {"--max-cost", "--daily-cost-limit", "--poll-interval", "--retries"}) {
    EXPECT_EQ(run({"estimate", "--prompt", "A kite", option, "1"}).exit_code, 2) << option;
  }
  EXPECT_TRUE(service_.books().estimates.empty());
}

TEST_F(Estimate, CountsUntilTheCostIsKnown) {
  service_.behave({.estimate = 4, .cost = 1.5});
  ASSERT_EQ(run(make("One", {"--daily-cost-limit", "6"})).exit_code, 0);
  // 1.5 are spent.
  ASSERT_EQ(run(make("Two", {"--daily-cost-limit", "6"})).exit_code, 0);
  expect_refused(run(make("Three", {"--daily-cost-limit", "6"})),
                 {"daily-cost-limit of 6", "4 credits", "3 were spent", "0 of them in doubt"});
  EXPECT_EQ(posts(), 2U);
  EXPECT_EQ(run(make("Three", {"--daily-cost-limit", "7"})).exit_code, 0);
}

TEST_F(Estimate, OfARequestInDoubtCounts) {
  service_.behave(
      {.next_posts = {PostFate::unanswered}, .cell = CellReading::not_found, .estimate = 4});
  EXPECT_EQ(run(make("One", {"--daily-cost-limit", "6"})).exit_code, 4);
  expect_refused(run_command(make_in("3301", "Two", {"--daily-cost-limit", "6"}), environment()),
                 {"4 were spent", "4 of them in doubt"});
  EXPECT_EQ(posts(), 1U);
  const Finished rows = run_command({g_getenv("GENPRO"), "--ledger", path_, "ledger", "list"}, {});
  EXPECT_NE(rows.out.find("Estimate"), std::string::npos) << rows.out;
}

// Twenty processes, each with a request of its own to a cell of its own, at 2.5 credits each.
class EstimateTogether : public Estimate {
 protected:
  static constexpr int most = 20;

  std::vector<std::string> words_of(int number, const std::vector<std::string>& more) {
    return make_in(std::to_string(3400 + number), "Scene " + std::to_string(number), more);
  }
  void expect_four_of_them_ask_where_ten_credits_are_the_limit() {
    auto gate = std::make_shared<Gate>();
    service_.behave({.end_gate = gate, .estimate = 2.5});
    const std::size_t before = posts();
    std::vector<std::unique_ptr<Child>> children;
    for (int number = 0; number < most; ++number) {
      children.push_back(
          std::make_unique<Child>(words_of(number, {"--force", "--daily-cost-limit", "10"}),
                                  environment(), file("said-" + std::to_string(number))));
    }
    const auto ended = [&] {
      return std::ranges::count_if(children, [](const auto& child) { return child->wait({}); });
    };
    EXPECT_TRUE(eventually([&] { return ended() == most - 4; })) << service_.books().text();
    gate->open();
    int good = 0;
    for (const auto& child : children) {
      ASSERT_TRUE(child->wait());
      good += child->succeeded() ? 1 : 0;
    }
    EXPECT_EQ(good, 4);
    EXPECT_EQ(posts(), before + 4) << service_.books().text();
  }
};

TEST_F(EstimateTogether, TheDailyLimitHolds) {
  expect_four_of_them_ask_where_ten_credits_are_the_limit();
}

// Yesterday the requests were noted, and did not leave: they count for nobody until they do.
TEST_F(EstimateTogether, TheDailyLimitHoldsForRequestsThatAreTakenUp) {
  for (int number = 0; number < most; ++number) {
    const Finished finished = run_command(words_of(number, {}), environment());
    ASSERT_EQ(finished.exit_code, 0) << finished.out;
  }
  const auto made = must(open()->list({}));
  ASSERT_EQ(made.size(), std::size_t{most});
  std::filesystem::remove(path_);
  for (const ledger::Entry& entry : made) prepare(*open(), entry.identity);
  sql("UPDATE generations SET created_at = created_at - " + std::to_string(25 * hour));
  expect_four_of_them_ask_where_ten_credits_are_the_limit();
}

// ---- Refunds ----

class Refund : public Estimate {
 protected:
  // A row whose generation was stopped.
  void stop_one() {
    const Books before = service_.books();
    std::unique_ptr<Child> child = start(make("A kite"));
    ASSERT_TRUE(service_.wait_for([&](const Books& books) { return books.polls > before.polls; }));
    child->send(SIGINT);
    ASSERT_TRUE(child->wait());
    ASSERT_EQ(service_.books().stopped().size(), before.stopped().size() + 1)
        << service_.books().text();
  }
  std::string settle() {
    return run_command({g_getenv("GENPRO"), "--ledger", path_, "ledger", "settle", "--api-base-url",
                        service_.api_base()},
                       environment())
        .out;
  }
  std::string refunded() {
    const auto spent = json({"spend"});
    JsonObject* total = json_object_get_object_member(json_node_get_object(spent.get()), "total");
    return member_text(total, "refunded") + " of " + member_text(total, "generations");
  }
};

TEST_F(Refund, IsNotSaidWithoutProof) {
  service_.behave({.polls = never});
  stop_one();
  EXPECT_EQ(refunded(), "0 of 1");
  EXPECT_NE(settle().find("refund is not proven"), std::string::npos);
  EXPECT_EQ(refunded(), "0 of 1");
  const Seen stop = service_.books().stops.at(0);
  EXPECT_EQ(stop.body, R"({"agent_id":42})");
  EXPECT_EQ(stop.query, "agent_id=42");
}

TEST_F(Refund, IsProvenByTheAnswerToTheStop) {
  service_.behave({.polls = never, .tells_credit_outcome = true});
  stop_one();
  EXPECT_EQ(refunded(), "1 of 1");
}

TEST_F(Refund, IsProvenLaterByTheRecord) {
  service_.behave({.polls = never});
  stop_one();
  service_.behave({.polls = never, .tells_credit_outcome = true});
  EXPECT_NE(settle().find("refunds it"), std::string::npos);
  EXPECT_EQ(refunded(), "1 of 1");
  EXPECT_EQ(settle(), "There is nothing to settle.\n");
}

TEST_F(Refund, IsProvenLaterByATransactionOnWhateverPage) {
  for (const unsigned first : {1U, 0U}) {
    service_.behave({.polls = never});
    stop_one();
    service_.behave({.polls = never, .lists_transactions = true, .first_page = first});
    const std::string told = settle();
    EXPECT_NE(told.find("refunds it"), std::string::npos) << "pages from " << first << ": " << told;
  }
  EXPECT_EQ(refunded(), "2 of 2");
}

TEST_F(Refund, OfAPartIsNone) {
  service_.behave({.polls = never});
  stop_one();
  service_.behave({.polls = never, .lists_transactions = true, .refunded_amount = 1});
  EXPECT_NE(settle().find("refund is not proven"), std::string::npos);
  EXPECT_EQ(refunded(), "0 of 1");
}

}  // namespace
}  // namespace genpro::test
