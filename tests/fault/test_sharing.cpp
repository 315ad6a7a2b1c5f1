// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Many who ask at the same moment, for the same and for different things.
#include <filesystem>
#include <fstream>

#include "fault/fault_fixture.h"
#include "support/fast_clock.h"

namespace genpro::test {
namespace {

constexpr int many = 20;
// They start together on few processors, and each one has GStreamer to load.
constexpr std::chrono::seconds patient{120};

// Twenty processes on a small machine may keep each other's answers waiting.
const std::pair<std::string, std::string> unhurried{"stall-timeout", "30"};

std::string name_of(int number) {
  return std::to_string(number) + ".mp4";
}

TEST(Sharing, TwentyProcessesWithTheSameRequestPayOnce) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.end_gate = gate});
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < many; ++i) children.push_back(bench.start(name_of(i), {unhurried}, "-m"));
  ASSERT_TRUE(bench.service.wait_for(created(1), patient)) << children[0]->output();
  // It is not completed before each of them follows it.
  const std::string id = bench.books().generations[0].id;
  for (const auto& child : children) ASSERT_TRUE(says(*child, id, patient)) << bench.books().text();
  gate->open();
  for (int i = 0; i < many; ++i) {
    ASSERT_TRUE(children[i]->wait(patient));
    EXPECT_EQ(children[i]->exit_code(), 0) << children[i]->output();
    EXPECT_TRUE(one_charge_in_file(bench, bench.file(name_of(i)))) << i;
  }
}

TEST(Sharing, TwentyProcessesWithDifferentRequestsPayEach) {
  Bench bench;
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < many; ++i)
    children.push_back(
        bench.start(name_of(i), {unhurried, {"prompt", "Scene <" + std::to_string(i) + ">"}}));
  for (const auto& child : children) {
    ASSERT_TRUE(child->wait(patient));
    EXPECT_TRUE(ended_well(*child));
  }
  const Books books = bench.books();
  EXPECT_EQ(books.created().size(), static_cast<std::size_t>(many)) << books.text();
  EXPECT_EQ(books.charged().size(), static_cast<std::size_t>(many)) << books.text();
  for (int i = 0; i < many; ++i) {
    const std::string id = generation_of(books, "Scene <" + std::to_string(i) + ">");
    ASSERT_NE(id, "") << i;
    EXPECT_TRUE(read_file(bench.file(name_of(i))) == bench.service.clip(id)) << i;
  }
}

struct Takeover {
  const char* name;
  PostFate fate;
  bool honours_keys;
};

void PrintTo(const Takeover& takeover, std::ostream* out) {
  *out << takeover.name;
}

class ThePoster : public testing::TestWithParam<Takeover> {};

// The other one waits for what the poster will bring; when that is dead, it finds out itself.
TEST_P(ThePoster, IsKilledAndTheOtherTakesOver) {
  Manners manners;
  manners.honours_keys = GetParam().honours_keys;
  manners.next_posts = {GetParam().fate};
  manners.loss = Loss::silent;
  if (GetParam().fate == PostFate::answered) manners.polls = never;
  Bench bench(manners);
  auto poster = bench.start("poster.mp4", {{"stall-timeout", "600"}});
  ASSERT_TRUE(bench.wait_for(posts(1))) << poster->output();
  auto other = bench.start("other.mp4", {}, "-m");
  ASSERT_TRUE(says(*other, "Progress: (generate)"));
  EXPECT_EQ(bench.books().posts.size(), 1U);
  ASSERT_TRUE(poster->kill());
  manners.next_posts.clear();
  manners.polls = 3;
  bench.service.behave(manners);
  ASSERT_TRUE(other->wait());
  EXPECT_EQ(other->exit_code(), 0) << other->output();
  EXPECT_TRUE(one_charge_in_file(bench, bench.file("other.mp4")));
}

INSTANTIATE_TEST_SUITE_P(Each, ThePoster,
                         testing::Values(Takeover{"taken", PostFate::unanswered, true},
                                         Takeover{"taken_key_ignored", PostFate::unanswered, false},
                                         Takeover{"lost", PostFate::dropped, true},
                                         Takeover{"lost_key_ignored", PostFate::dropped, false},
                                         Takeover{"answered", PostFate::answered, true}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// One after the other is killed, whoever is at it, and the last one brings it home.
TEST(Sharing, OneOfManyIsEnough) {
  Manners manners;
  manners.honours_keys = false;
  manners.polls = never;
  manners.next_posts = {PostFate::unanswered};
  manners.loss = Loss::silent;
  Bench bench(manners);
  std::vector<std::unique_ptr<Child>> children;
  const auto start = [&](int i) {
    children.push_back(bench.start(name_of(i), {{"stall-timeout", "600"}}, "-m"));
  };
  for (int i = 0; i < 5; ++i) start(i);
  ASSERT_TRUE(bench.wait_for(created(1)));
  // Not the poster, which waits for its answer as long as it is let.
  start(5);
  for (const auto& child : children) ASSERT_TRUE(says(*child, "Progress: (generate)"));
  // Nobody but the poster knows what it does, so each one may be it.
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(children[i]->kill());
    if (bench.books().polls == 0) continue;
    const unsigned asked = bench.books().polls;
    ASSERT_TRUE(bench.wait_for(polls(asked + 2))) << bench.books().text();
  }
  manners.next_posts.clear();
  manners.polls = 3;
  bench.service.behave(manners);
  ASSERT_TRUE(children[5]->wait());
  EXPECT_EQ(children[5]->exit_code(), 0) << children[5]->output();
  EXPECT_TRUE(one_charge_in_file(bench, bench.file(name_of(5))));
}

// Both were started at the same moment, and one came to its question late, as happens to many on a
// slow machine. When a process was started is told by the system's clock.
TEST(Sharing, WhoWasStartedBeforeTheDeliveryGetsTheSameClip) {
  const Environment real_clock{{clock_factor_variable, "1"}};
  Bench bench;
  const std::string go = bench.file("go");
  auto late =
      bench.launch(bench.settings(), "late.mp4", "-q", real_clock,
                   {"sh", "-c", "while [ ! -e \"$0\" ]; do sleep 0.01; done; exec \"$@\"", go});
  auto early = bench.launch(bench.settings(), "early.mp4", "-q", real_clock);
  ASSERT_TRUE(early->wait());
  EXPECT_TRUE(one_charge_in_file(bench, bench.file("early.mp4"))) << early->output();
  std::ofstream(go) << "now";
  ASSERT_TRUE(late->wait());
  EXPECT_TRUE(one_charge_in_file(bench, bench.file("late.mp4"))) << late->output();
  auto next = bench.launch(bench.settings(), "next.mp4", "-q", real_clock);
  ASSERT_TRUE(next->wait());
  EXPECT_EQ(bench.books().charged().size(), 2U) << "this one was started afterwards";
}

TEST(Sharing, ALedgerOfTwoNamesIsOneLedger) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.end_gate = gate});
  std::filesystem::create_directory(bench.folder.file("state"));
  std::filesystem::create_symlink(bench.folder.file("state"), bench.folder.file("other"));
  auto child = bench.start("clip.mp4", {{"ledger", bench.folder.file("other/ledger.db")}}, "-m");
  Production production(bench.src());
  production.play();
  ASSERT_TRUE(bench.wait_for(created(1)));
  const std::string id = bench.books().generations[0].id;
  EXPECT_TRUE(production.collector().listener().wait_for(names(id)));
  EXPECT_TRUE(says(*child, id));
  gate->open();
  EXPECT_TRUE(production.finish().eos);
  EXPECT_TRUE(one_charge(bench, production.collector().bytes()));
  EXPECT_TRUE(child->wait());
  EXPECT_TRUE(one_charge_in_file(bench, bench.file()));
}

// A poster that hangs is alive: whoever asks for the same thing waits, and does not ask again.
TEST(Sharing, AWaitForALivePosterPostsNothing) {
  Manners manners;
  manners.next_posts = {PostFate::unanswered};
  manners.loss = Loss::silent;
  Bench bench(manners);
  Production poster(bench.src({{"stall-timeout", "2"}}));
  poster.play();
  ASSERT_TRUE(bench.wait_for(created(1)));
  Production other(bench.src());
  other.play();
  const Outcome first = poster.finish();
  EXPECT_TRUE(first.eos) << first.summary();
  const Outcome second = other.finish();
  EXPECT_TRUE(second.eos) << second.summary();
  EXPECT_TRUE(one_charge(bench, poster.collector().bytes()));
  EXPECT_TRUE(one_charge(bench, other.collector().bytes()));
}

TEST(Sharing, TwoElementsOfOneProcessPayOnce) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.end_gate = gate});
  Production one(bench.src());
  Production two(bench.src());
  one.play();
  two.play();
  ASSERT_TRUE(bench.wait_for(created(1)));
  const std::string id = bench.books().generations[0].id;
  EXPECT_TRUE(one.collector().listener().wait_for(names(id)));
  EXPECT_TRUE(two.collector().listener().wait_for(names(id)));
  gate->open();
  const Outcome first = one.finish();
  EXPECT_TRUE(first.eos) << first.summary();
  const Outcome second = two.finish();
  EXPECT_TRUE(second.eos) << second.summary();
  EXPECT_TRUE(one_charge(bench, one.collector().bytes()));
  EXPECT_TRUE(one_charge(bench, two.collector().bytes()));
}

// The same words for another cell are another request.
TEST(Sharing, AnotherCellIsAnotherRequest) {
  auto gate = std::make_shared<Gate>();
  Bench bench({.end_gate = gate});
  Production one(bench.src());
  Production two(bench.src({{"cell-id", "3301"}}));
  one.play();
  two.play();
  EXPECT_TRUE(bench.wait_for(created(2)));
  gate->open();
  EXPECT_TRUE(one.finish().eos);
  EXPECT_TRUE(two.finish().eos);
  EXPECT_NE(one.collector().bytes(), two.collector().bytes());
}

}  // namespace
}  // namespace genpro::test
