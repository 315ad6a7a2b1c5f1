// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Jobs that poll a service over the network, with what their ledger knows.
#include <algorithm>
#include <map>

#include "job/identity.h"
#include "support/fake_service.h"
#include "support/process.h"
#include "unit/ledger_fixture.h"
#include "unit/poll_trial.h"

namespace genpro::job {
namespace {

using namespace std::chrono_literals;
using ledger::Entry;
using polling::SeenDuration;
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
    // Nothing is left to the cell's defaults, which would have to be read.
    request.model = "pika";
    request.aspect_ratio = "16:9";
    request.duration = 5;
    JobSettings settings;
    settings.access = *api::make_access(service.api_base(), "the_key");
    settings.subject = *api::make_request(request);
    settings.ledger = path_;
    return settings;
  }

  // A generation that was asked for in an earlier run, so long ago, after others.
  std::shared_ptr<Job> pick_up(FakeService& service, ledger::WallTime age,
                               const std::vector<SeenDuration>& others,
                               bool is_by_wall_clock = false) {
    const JobSettings settings = settings_for(service);
    service.push_status("processing");
    const auto ledger = open();
    test::fill(*ledger, settings, others);
    const auto identity =
        identify(settings.access, std::get<api::GenerationRequest>(settings.subject), "-");
    const std::int64_t id = add(*ledger, identity, processing("9040"));
    this->age(id, age);
    // As in a row of an older version.
    if (is_by_wall_clock) sql("UPDATE generations SET posted_boot = '', posted_up = 0");
    return Job::start(Runtime::acquire(), settings);
  }
};

// What a real run costs beside a simulated one, the benchmark tells. What it adds to the ledger is
// true whatever the machine does meanwhile.
TEST_F(PollRun, AddsWhatItHasSeenToTheLedger) {
  constexpr std::size_t jobs = 40;
  const auto durations = draw_durations(4.5, 0.25, jobs, 11);
  TimedService service(durations);
  {
    const auto ledger = open();
    const JobSettings kind = test::job_settings(service, path_, 1);
    test::fill(*ledger, kind, seen_sharply(draw_durations(4.5, 0.25, 20, 12)));
  }
  ASSERT_TRUE(test::run_all(service, path_, jobs));

  const auto ledger = open();
  // The last ones are noted while their jobs go.
  EXPECT_TRUE(test::eventually([&] {
    return std::ranges::all_of(must(ledger->list({})), [](const Entry& entry) {
      return payment::meaning(entry.state).word == "completed";
    });
  }));
  std::size_t rows = 0;
  for (const Entry& entry : must(ledger->list({}))) {
    const std::string& generation = payment::generation_id(entry.state);
    if (generation.starts_with("earlier")) continue;
    const double duration = durations.at(std::stoul(generation) - 1);
    EXPECT_EQ(payment::meaning(entry.state).word, "completed");
    EXPECT_GT(static_cast<double>(entry.ended_at - entry.posted_at) / 1000, duration - 0.01);
    EXPECT_LE(entry.unfinished_at, entry.ended_at);
    ++rows;
  }
  EXPECT_EQ(rows, jobs);
}

// Who picks a generation up that is about to end asks as often as if it had been there all the
// time.
TEST_F(PollRun, APickedUpGenerationIsAsOldAsItsRequest) {
  FakeService service;
  const auto job = pick_up(service, 77'000, twenty_about_77());
  EXPECT_TRUE(service.wait_for(test::is_poll, 4, 20s)) << service.count(test::is_poll);
}

// Alone, each of them would be asked about every second or two at first.
TEST_F(PollRun, ManyLeaveEachOtherTime) {
  constexpr std::size_t many = 400;
  FakeService service;
  service.set_script([](const test::Seen& seen) -> std::optional<test::Answer> {
    const std::string id = seen.path.substr(seen.path.rfind('/') + 1);
    return test::json_answer(200, R"({"id": )" + id + R"(, "status": "processing"})");
  });
  std::vector<std::shared_ptr<Job>> jobs;
  for (std::size_t i = 0; i < many; ++i) {
    JobSettings settings = settings_for(service);
    settings.subject = std::to_string(9000 + i);
    settings.ledger.clear();
    jobs.push_back(Job::start(Runtime::acquire(), std::move(settings)));
  }
  using Times = std::map<std::string, std::vector<std::chrono::steady_clock::time_point>>;
  const auto asked = [&](std::size_t from) {
    Times times;
    const auto seen = service.requests(test::is_poll);
    for (std::size_t i = from; i < seen.size(); ++i) times[seen[i].path].push_back(seen[i].at);
    return times;
  };
  ASSERT_TRUE(test::eventually([&] { return asked(0).size() == many; }));
  // From here on they all wait.
  const std::size_t begin = service.count(test::is_poll);
  const auto is_twice = [](const auto& of_one) { return of_one.second.size() > 1; };
  ASSERT_TRUE(
      test::eventually([&] { return std::ranges::count_if(asked(begin), is_twice) > 100; }));
  for (const auto& [path, times] : asked(begin)) {
    for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 1], 2900ms);
  }
}

TEST_F(PollRun, AYoungOneIsLeftAlone) {
  FakeService service;
  const auto job = pick_up(service, 0, twenty_about_77());
  ASSERT_TRUE(service.wait_for(test::is_poll, 1));
  EXPECT_FALSE(service.wait_for(test::is_poll, 2, 2s)) << "the first spacing is 8 s";
}

// After such a time questions would come every 30 s.
TEST_F(PollRun, AnAgeThatCannotBeIsNone) {
  for (const ledger::WallTime age : {-3'600'000LL, 50LL * 365 * 24 * 3'600'000}) {
    FakeService service;
    const auto job = pick_up(service, age, {}, true);
    EXPECT_TRUE(service.wait_for(test::is_poll, 2, 25s)) << age;
  }
}

TEST_F(PollRun, AGenerationThatIsStoppedHasTakenLonger) {
  FakeService service;
  service.push_status("processing");
  JobSettings settings = settings_for(service);
  settings.poll_interval = 50ms;
  const auto job = Job::start(Runtime::acquire(), settings);
  ASSERT_TRUE(service.wait_for(test::is_poll, 8));
  EXPECT_EQ(job->shut_down({}), Shutdown::stopped);
  const auto ledger = open();
  const Entry entry = must(ledger->list({})).at(0);
  const auto seen = must(ledger->past_durations(entry)).same_kind;
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_GT(seen[0].longer_than, 0.3);
  EXPECT_EQ(seen[0].at_most, SeenDuration::unknown_end);
}

}  // namespace
}  // namespace genpro::job
