// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A POST whose answer never comes: whether it was taken is found out, and nothing is paid twice.
#include "fault/fault_test.h"

namespace genpro::test {
namespace {

const PaidService::Condition first_post = posts(1);

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
                    LostCase{"closed_cell_unknown", Loss::closed, true, CellReading::not_found},
                    LostCase{"silent_cell_unknown", Loss::silent, true, CellReading::not_found},
                    LostCase{"closed_cell_failing", Loss::closed, true, CellReading::failing},
                    LostCase{"closed_cell_garbage", Loss::closed, true, CellReading::garbage},
                    LostCase{"closed_cell_closed", Loss::closed, true, CellReading::closed},
                    LostCase{"closed_cell_silent", Loss::closed, true, CellReading::silent}),
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

TEST_P(Unsettled, AJobOfAnotherRequestIsNotAdopted) {
  Bench bench(lost(PostFate::dropped));
  Production production(bench.src({{"stall-timeout", "3"}}));
  production.play();
  ASSERT_TRUE(bench.wait_for(first_post));
  bench.service.behave(good());
  const Streamed other = bench.run({{"prompt", "Something else"}});
  ASSERT_TRUE(one_charge(bench, other));

  const Outcome outcome = production.finish();
  ASSERT_TRUE(outcome.eos) << outcome.summary();
  const auto charged = bench.books().charged();
  ASSERT_EQ(charged.size(), 2U) << bench.books().text();
  EXPECT_EQ(production.collector().bytes(), bench.service.clip(charged[1].id));
}

TEST_P(Unsettled, BesideAJobOfAnotherRequestOnesOwnIsAdopted) {
  Bench bench(lost(PostFate::unanswered));
  Production production(bench.src({{"stall-timeout", "3"}}));
  production.play();
  ASSERT_TRUE(bench.wait_for(created(1)));
  bench.service.behave(good());
  const Streamed other = bench.run({{"prompt", "Something else"}});
  ASSERT_TRUE(other.outcome.eos) << other.outcome.summary();

  const Outcome outcome = production.finish();
  ASSERT_TRUE(outcome.eos) << outcome.summary();
  const auto charged = bench.books().charged();
  ASSERT_EQ(charged.size(), 2U) << bench.books().text();
  EXPECT_EQ(production.collector().bytes(), bench.service.clip(charged[0].id));
  EXPECT_EQ(other.bytes, bench.service.clip(charged[1].id));
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

}  // namespace
}  // namespace genpro::test
