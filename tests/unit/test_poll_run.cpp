// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Jobs that poll a service over the network, with what their ledger knows.
#include "support/fake_service.h"
#include "unit/ledger_fixture.h"
#include "unit/poll_trial.h"

namespace genpro::job {
namespace {

using namespace std::chrono_literals;
using test::draw_durations;
using test::FakeService;
using test::must;
using test::PollCost;
using test::seen_sharply;
using test::TimedService;

std::vector<SeenDuration> twenty_about_77() {
  return seen_sharply(draw_durations(77, 0.2, 20, 3));
}

class PollRun : public test::LedgerTest {
 protected:
  JobSettings settings_for(const FakeService& service) {
    api::RequestSettings request{.sheet_id = "101", .cell_id = "1", .agent_id = "42"};
    request.prompt = "A product";
    request.asset_ids = "501";
    JobSettings settings;
    settings.access = *api::make_access(service.api_base(), "the_key");
    settings.subject = *api::make_request(request);
    settings.ledger = path_;
    return settings;
  }

  // A generation that was asked for in an earlier run, so long ago, after others.
  std::shared_ptr<Job> pick_up(FakeService& service, WallTime age,
                               const std::vector<SeenDuration>& others) {
    const JobSettings settings = settings_for(service);
    service.push_status("processing");
    const auto ledger = open();
    test::fill(*ledger, settings, others);
    const auto identity =
        identify(settings.access, std::get<api::GenerationRequest>(settings.subject));
    const std::int64_t id = add(*ledger, identity, generation("9040", api::Phase::processing));
    this->age(id, age);
    return Job::start(Runtime::acquire(), settings);
  }
};

// Minutes take minutes: the durations are short, and the same ones are simulated.
TEST_F(PollRun, CostsWhatTheSimulationSays) {
  constexpr std::size_t jobs = 40;
  const auto durations = draw_durations(4.5, 0.25, jobs, 11);
  TimedService service(durations);
  PastDurations known;
  {
    const auto ledger = open();
    const JobSettings kind = test::job_settings(service, path_, 1);
    test::fill(*ledger, kind, seen_sharply(draw_durations(4.5, 0.25, 20, 12)));
    const auto entries = must(ledger->list({.limit = 1}));
    known = must(ledger->past_durations(entries.at(0)));
  }
  ASSERT_EQ(known.same_kind.size(), 20U);
  ASSERT_TRUE(test::run_all(service, path_, jobs));
  const PollCost measured = service.cost();

  PollCost simulated;
  PollCost unlearned;
  constexpr unsigned rounds = 50;
  for (unsigned round = 0; round < rounds; ++round) {
    for (const double duration : durations) {
      const unsigned seed = round * 1000 + 1;
      for (auto& [sum, past] : {std::pair<PollCost&, PastDurations>{simulated, known},
                                std::pair<PollCost&, PastDurations>{unlearned, {}}}) {
        const PollCost cost = test::simulate(past, duration, seed);
        sum.requests += cost.requests / rounds / jobs;
        sum.delay += cost.delay / rounds / jobs;
      }
    }
  }
  // Three standard deviations of the mean of 40 jobs, and more for a machine that does other things;
  // the benchmark tells the figures.
  EXPECT_NEAR(measured.requests, simulated.requests, 1.0);
  EXPECT_NEAR(measured.delay, simulated.delay, 0.4);
  // Which is not what it would be if the ledger had not been asked.
  EXPECT_GT(unlearned.delay, simulated.delay + 0.5);

  // And what the run has added to the ledger is true: each duration is within what was seen of it.
  const auto ledger = open();
  std::size_t rows = 0;
  for (const Entry& entry : must(ledger->list({}))) {
    if (entry.generation_id.starts_with("earlier")) continue;
    const double duration = durations.at(std::stoul(entry.generation_id) - 1);
    EXPECT_EQ(entry.status, EntryStatus::completed);
    EXPECT_LT(static_cast<double>(entry.unfinished_at - entry.posted_at) / 1000, duration + 0.5);
    EXPECT_GT(static_cast<double>(entry.ended_at - entry.posted_at) / 1000, duration - 0.01);
    EXPECT_LT(static_cast<double>(entry.ended_at - entry.unfinished_at) / 1000, 5);
    ++rows;
  }
  EXPECT_EQ(rows, jobs);
}

// Who picks a generation up that is about to end asks as often as if it had been there all the
// time.
TEST_F(PollRun, APickedUpGenerationIsAsOldAsItsRequest) {
  FakeService service;
  const auto job = pick_up(service, 77'000, twenty_about_77());
  EXPECT_TRUE(service.wait_for(test::is_poll, 4, 10s)) << service.count(test::is_poll);
}

TEST_F(PollRun, AYoungOneIsLeftAlone) {
  FakeService service;
  const auto job = pick_up(service, 0, twenty_about_77());
  ASSERT_TRUE(service.wait_for(test::is_poll, 1));
  EXPECT_FALSE(service.wait_for(test::is_poll, 2, 2s)) << "the first spacing is 8 s";
}

// After such a time questions would come every 30 s.
TEST_F(PollRun, AnAgeThatCannotBeIsNone) {
  for (const WallTime age : {-3'600'000LL, 50LL * 365 * 24 * 3'600'000}) {
    FakeService service;
    const auto job = pick_up(service, age, {});
    EXPECT_TRUE(service.wait_for(test::is_poll, 2, 10s)) << age;
  }
}

TEST_F(PollRun, AGenerationThatIsStoppedHasTakenLonger) {
  FakeService service;
  service.push_status("processing");
  JobSettings settings = settings_for(service);
  settings.poll_interval = 50ms;
  const auto job = Job::start(Runtime::acquire(), settings);
  ASSERT_TRUE(service.wait_for(test::is_poll, 8));
  EXPECT_EQ(job->part({}), Parting::stopped);
  const auto ledger = open();
  const Entry entry = must(ledger->list({})).at(0);
  const auto seen = must(ledger->past_durations(entry)).same_kind;
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_GT(seen[0].longer_than, 0.3);
  EXPECT_EQ(seen[0].at_most, SeenDuration::unknown_end);
}

}  // namespace
}  // namespace genpro::job
