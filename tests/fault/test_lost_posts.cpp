// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A POST whose answer never comes: whether it was taken is found out, and nothing is paid twice.
#include "fault/fault_fixture.h"

namespace genpro::test {
namespace {

const PaidService::Condition first_post = posts(1);
constexpr const char* something_else = "Something else";

struct LostCase {
  const char* name;
  Loss loss;
  bool honours_keys;
  CellReading cell;
};

void PrintTo(const LostCase& lost, std::ostream* out) {
  *out << lost.name;
}

class LostPost : public testing::TestWithParam<LostCase> {
 protected:
  Manners with(std::vector<PostFate> fates) const {
    Manners manners;
    manners.honours_keys = GetParam().honours_keys;
    manners.loss = GetParam().loss;
    manners.cell = GetParam().cell;
    manners.next_posts = std::move(fates);
    return manners;
  }
};

TEST_P(LostPost, ThatWasTakenIsPaidOnce) {
  Bench bench(with({PostFate::unanswered}));
  EXPECT_TRUE(one_charge(bench, bench.run()));
}

TEST_P(LostPost, ThatWasNotTakenIsRepeatedWithItsKey) {
  Bench bench(with({PostFate::dropped}));
  EXPECT_TRUE(one_charge(bench, bench.run()));
  const Books books = bench.books();
  ASSERT_EQ(books.posts.size(), 2U);
  EXPECT_EQ(books.posts[0].header("idempotency-key"), books.posts[1].header("idempotency-key"));
  EXPECT_NE(books.posts[0].header("idempotency-key"), "");
  EXPECT_EQ(books.posts[0].body, books.posts[1].body);
}

TEST_P(LostPost, AndTheNextOneTooIsPaidOnce) {
  Bench bench(with({PostFate::dropped, PostFate::unanswered}));
  EXPECT_TRUE(one_charge(bench, bench.run({{"retries", "3"}})));
}

INSTANTIATE_TEST_SUITE_P(
    Each, LostPost,
    testing::Values(LostCase{"closed", Loss::closed, true, CellReading::jobs},
                    LostCase{"silent", Loss::silent, true, CellReading::jobs},
                    LostCase{"closed_key_ignored", Loss::closed, false, CellReading::jobs},
                    LostCase{"silent_key_ignored", Loss::silent, false, CellReading::jobs},
                    LostCase{"gateway", Loss::gateway, true, CellReading::jobs},
                    LostCase{"gateway_key_ignored", Loss::gateway, false, CellReading::jobs}),
    [](const auto& tested) { return std::string(tested.param.name); });

// Where neither the cell nor a documented key tells what became of a request, no guess is charged
// for: not in this run and not in the next one.
class UnreadableCell : public LostPost {};

TEST_P(UnreadableCell, LeavesItInDoubt) {
  for (const PostFate fate : {PostFate::unanswered, PostFate::dropped}) {
    Bench bench(with({fate}));
    const Streamed lost = bench.run();
    expect_one_error(lost.outcome, {.codes = {resource(GST_RESOURCE_ERROR_OPEN_READ)},
                                    .mentions = {"may have taken", "Look at the cell"}});
    EXPECT_NE(lost.outcome.everything.find("genpro-doubt"), std::string::npos)
        << lost.outcome.everything;
    EXPECT_NE(lost.outcome.everything.find("charged=(string)unknown"), std::string::npos)
        << lost.outcome.everything;
    const Streamed again = bench.run();
    EXPECT_EQ(again.outcome.errors.size(), 1U) << again.outcome.summary();
    EXPECT_EQ(bench.books().posts.size(), 1U) << bench.books().text();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Each, UnreadableCell,
    testing::Values(LostCase{"gateway_unknown", Loss::gateway, true, CellReading::not_found},
                    LostCase{"closed_unknown", Loss::closed, true, CellReading::not_found},
                    LostCase{"silent_unknown", Loss::silent, true, CellReading::not_found},
                    LostCase{"closed_failing", Loss::closed, true, CellReading::failing},
                    LostCase{"closed_garbage", Loss::closed, true, CellReading::garbage},
                    LostCase{"closed_closed", Loss::closed, true, CellReading::closed},
                    LostCase{"closed_silent", Loss::closed, false, CellReading::silent}),
    [](const auto& tested) { return std::string(tested.param.name); });

class Unsettled : public testing::TestWithParam<bool> {
 protected:
  Manners lost(PostFate fate) const {
    Manners manners;
    manners.honours_keys = GetParam();
    manners.next_posts = {fate};
    manners.loss = Loss::silent;
    return manners;
  }
  Manners good() const {
    Manners manners;
    manners.honours_keys = GetParam();
    return manners;
  }
};

TEST_P(Unsettled, TheServiceIsAwayAndTheNextRunSettlesIt) {
  for (const Loss away : {Loss::closed, Loss::silent}) {
    for (const PostFate fate : {PostFate::unanswered, PostFate::dropped}) {
      // Silence takes its time; once is enough.
      if (away == Loss::silent && (fate == PostFate::dropped || GetParam())) continue;
      Bench bench(lost(fate));
      {
        Production production(bench.src());
        production.play();
        ASSERT_TRUE(bench.wait_for(first_post));
        bench.service.behave({.away = away});
        expect_one_error(production.finish(), {.codes = {resource(GST_RESOURCE_ERROR_OPEN_READ)}});
        ASSERT_TRUE(production.stop());
      }
      // Nor is it given up by a run that finds nobody either.
      const Streamed again = bench.run();
      EXPECT_EQ(again.outcome.errors.size(), 1U) << again.outcome.summary();
      bench.service.behave(good());
      EXPECT_TRUE(one_charge(bench, bench.run()));
    }
  }
}

// Two requests, two charges, and each one has its own clip.
testing::AssertionResult each_has_its_own(const Bench& bench, const std::string& first,
                                          const std::string& second) {
  const Books books = bench.books();
  if (books.charged().size() != 2) {
    return testing::AssertionFailure() << books.charged().size() << " charges: " << books.text();
  }
  const std::string one = generation_of(books, seed_prompt);
  const std::string two = generation_of(books, something_else);
  if (one == two || first != bench.service.clip(one) || second != bench.service.clip(two))
    return testing::AssertionFailure() << "not one's own clip: " << books.text();
  return testing::AssertionSuccess();
}

// While the first POST of a cell is in doubt, another request comes to the same cell.
TEST_P(Unsettled, BesideAnotherRequestEachGetsItsOwn) {
  for (const PostFate fate : {PostFate::dropped, PostFate::unanswered}) {
    Bench bench(lost(fate));
    Production production(bench.src({{"stall-timeout", "2"}}));
    production.play();
    ASSERT_TRUE(bench.wait_for(first_post));
    bench.service.behave(good());
    const Streamed other = bench.run({{"prompt", something_else}});
    EXPECT_TRUE(other.outcome.eos) << other.outcome.summary();
    const Outcome outcome = production.finish();
    EXPECT_TRUE(outcome.eos) << outcome.summary();
    EXPECT_TRUE(each_has_its_own(bench, production.collector().bytes(), other.bytes));
  }
}

// Nobody knows yet what became of the first POST when another request has long got its own job.
TEST_P(Unsettled, AfterAnotherRequestEachGetsItsOwn) {
  for (const PostFate fate : {PostFate::dropped, PostFate::unanswered}) {
    Bench bench(lost(fate));
    auto killed = bench.start();
    ASSERT_TRUE(bench.wait_for(first_post)) << killed->output();
    ASSERT_TRUE(killed->kill());
    bench.service.behave(good());
    const Streamed other = bench.run({{"prompt", something_else}});
    EXPECT_TRUE(other.outcome.eos) << other.outcome.summary();
    const Streamed again = bench.run();
    EXPECT_TRUE(again.outcome.eos) << again.outcome.summary();
    EXPECT_TRUE(each_has_its_own(bench, again.bytes, other.bytes));
  }
}

TEST_P(Unsettled, AJobThatWasThereBeforeIsNotAdopted) {
  Bench bench(lost(PostFate::dropped));
  bench.service.add_foreign("101/3300");
  EXPECT_TRUE(one_charge(bench, bench.run()));
}

// Which of the two is paid for by this request cannot be told, and a third would be one too many.
TEST_P(Unsettled, TwoNewJobsAreAnErrorAndNoThird) {
  Bench bench(lost(PostFate::unanswered));
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(created(1)));
  const std::string foreign = bench.service.add_foreign("101/3300");
  const std::string own = bench.books().charged()[0].id;
  expect_one_error(production.finish(), {.mentions = {own, foreign, "generation-id"}});
  ASSERT_TRUE(production.stop());
  const Streamed again = bench.run();
  expect_one_error(again.outcome, {.mentions = {own, foreign, "generation-id"}});
  EXPECT_EQ(bench.books().created().size(), 1U) << bench.books().text();
}

// The service is slow, not deaf: what it has taken appears when the next run asks already.
TEST(SlowPost, IsPaidOnce) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.post_gate = gate});
  auto killed = bench.start("killed.mp4");
  ASSERT_TRUE(bench.wait_for(first_post)) << killed->output();
  ASSERT_TRUE(killed->kill());
  Production production(bench.src({{"stall-timeout", "20"}}));
  production.play();
  ASSERT_TRUE(bench.wait_for(posts(2)));
  bench.service.behave({});
  gate->open();
  const Outcome outcome = production.finish();
  ASSERT_TRUE(outcome.eos) << outcome.summary();
  EXPECT_TRUE(one_charge(bench, production.collector().bytes()));
}

INSTANTIATE_TEST_SUITE_P(Each, Unsettled, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "key_honoured" : "key_ignored");
});

// The loss shows before the service has done its work: the cell does not list the job yet.
class LateJob : public testing::TestWithParam<const char*> {
 protected:
  Loss loss() const { return GetParam() == std::string("closed") ? Loss::closed : Loss::gateway; }
};

TEST_P(LateJob, IsPaidOnce) {
  for (const bool honours_keys : {true, false}) {
    Bench bench({.honours_keys = honours_keys,
                 .next_posts = {PostFate::late},
                 .loss = loss(),
                 .post_delay = std::chrono::milliseconds(500)});
    EXPECT_TRUE(one_charge(bench, bench.run({{"retries", "3"}})))
        << (honours_keys ? "key honoured" : "key ignored");
  }
}

INSTANTIATE_TEST_SUITE_P(Each, LateJob, testing::Values("closed", "gateway"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace genpro::test
