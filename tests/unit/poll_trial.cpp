// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/poll_trial.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <random>
#include <stdexcept>

#include "base/sqlite.h"
#include "job/identity.h"
#include "ledger/store/clock.h"
#include "polling/forecast.h"
#include "polling/poll_schedule.h"

namespace genpro::test {

namespace {

using Milliseconds = std::chrono::milliseconds;

double in_seconds(Milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

// Drawn here and not by the library, whose way to do it is its own: the same seed has to give the
// same durations everywhere.
class Lognormal {
 public:
  Lognormal(double median, double log_sigma) : median_(median), log_sigma_(log_sigma) {}
  double operator()(std::mt19937& random) const {
    const double u = (random() + 0.5) / 4294967296.0;
    const double v = (random() + 0.5) / 4294967296.0;
    const double normal = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
    return median_ * std::exp(log_sigma_ * normal);
  }

 private:
  double median_;
  double log_sigma_;
};

}  // namespace

PollCost simulate(const polling::PastDurations& past, double duration, unsigned seed,
                  polling::SeenDuration* seen) {
  polling::PollSchedule schedule(Milliseconds(0), seed);
  schedule.learn(past);
  PollCost cost;
  Milliseconds before{0};
  Milliseconds now{0};
  while (in_seconds(now) < duration) {
    before = now;
    now += schedule.next(now);
    ++cost.requests;
  }
  cost.delay = in_seconds(now) - duration;
  if (seen != nullptr) *seen = {in_seconds(before), in_seconds(now)};
  return cost;
}

PollCost every_two_seconds(double duration) {
  const double requests = std::max(std::ceil(duration / 2), 1.0);
  return {requests, 2 * requests - duration};
}

Comparison compare(const Experiment& experiment) {
  std::mt19937 random(experiment.seed);
  const Lognormal draw(experiment.median, experiment.log_sigma);
  Comparison sum;
  const auto add = [](PollCost& total, const PollCost& cost) {
    total.requests += cost.requests;
    total.delay += cost.delay;
  };
  for (int history = 0; history < experiment.histories; ++history) {
    polling::PastDurations past;
    for (int number = 0; number < experiment.seen; ++number) {
      polling::SeenDuration seen;
      // One after the other: the order of arguments is the compiler's.
      const auto seed = static_cast<unsigned>(random());
      simulate(past, draw(random), seed, &seen);
      past.same_kind.insert(past.same_kind.begin(), seen);
    }
    for (int number = 0; number < experiment.generations; ++number) {
      const double duration = draw(random);
      add(sum.ours, simulate(past, duration, static_cast<unsigned>(random())));
      add(sum.fixed, every_two_seconds(duration));
    }
  }
  const double all = static_cast<double>(experiment.histories) * experiment.generations;
  for (PollCost* cost : {&sum.ours, &sum.fixed}) {
    cost->requests /= all;
    cost->delay /= all;
  }
  return sum;
}

double least_product_ratio(double median, double log_sigma) {
  constexpr int steps = 20'000;
  constexpr double width = 16.0 / steps;
  double integral = 0;
  for (int step = 0; step < steps; ++step) {
    const double z = -8 + (step + 0.5) * width;
    const double age = median * std::exp(log_sigma * z);
    const double density =
        std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) / (log_sigma * age);
    const double survival = std::erfc(z / std::numbers::sqrt2) / 2;
    integral += std::sqrt(survival * density) * age * log_sigma * width;
  }
  // Its delay is 1 s on an average. The request that comes after the end is left out of both.
  const double mean = median * std::exp(log_sigma * log_sigma / 2);
  return integral * integral / 2 / (mean / 2);
}

Kept kept(double log_sigma, std::size_t seen, unsigned seed) {
  constexpr std::size_t rounds = 3000;
  const std::vector<double> all = draw_durations(77, log_sigma, rounds * (seen + 1), seed);
  Kept kept;
  std::size_t old = 0;
  for (std::size_t first = 0; first < all.size(); first += seen + 1) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const polling::Forecast forecast(
        seen_sharply({begin, begin + static_cast<std::ptrdiff_t>(seen)}));
    const double next = all[first + seen];
    const polling::Progress start = forecast.at(0);
    kept.at_start += next <= start.expected_90 ? 1 : 0;
    kept.half += next <= start.expected ? 1 : 0;
    constexpr double age = 60;
    const polling::Progress later = forecast.at(age);
    if (next <= age || later.is_overdue) continue;
    ++old;
    kept.later += next <= later.expected_90 ? 1 : 0;
  }
  kept.at_start /= rounds;
  kept.half /= rounds;
  kept.later /= static_cast<double>(old);
  return kept;
}

TimedService::TimedService(std::vector<double> durations) {
  for (const double duration : durations) generations_.push_back({.duration = duration});
  // The origin's own thread reads both once it answers.
  const std::lock_guard lock(mutex_);
  origin_ = std::make_unique<HttpOrigin>("api", [this](const Seen& seen) { return answer(seen); });
}

Answer TimedService::answer(const Seen& seen) {
  const auto number_after = [&seen](const std::string& word) {
    const std::size_t at = seen.path.find(word);
    return at == std::string::npos ? 0 : std::strtoul(&seen.path[at + word.size()], nullptr, 10);
  };
  const std::lock_guard lock(mutex_);
  const auto find = [this](std::size_t number) -> Timed* {
    return number == 0 || number > generations_.size() ? nullptr : &generations_[number - 1];
  };
  if (Timed* asked = find(number_after("/cells/"))) {
    if (seen.method != "POST") return json_answer(200, R"({"user_jobs": []})");
    asked->posted = seen.at;
    const std::string id = std::to_string(asked - generations_.data() + 1);
    return json_answer(201, R"({"generation_id": )" + id + R"(, "status": "pending"})");
  }
  Timed* asked = find(number_after("/generations/"));
  if (asked == nullptr) return json_answer(404, R"({"error": "Not found"})");
  ++asked->requests;
  const double age = std::chrono::duration<double>(seen.at - asked->posted).count();
  if (age < asked->duration) return json_answer(200, R"({"status": "processing"})");
  asked->delay = age - asked->duration;
  return json_answer(200, R"({"status": "completed", "output_resources": [{"url": ")" +
                              origin_->url() + R"(/clip.mp4", "object_type": "video"}]})");
}

PollCost TimedService::cost() const {
  const std::lock_guard lock(mutex_);
  PollCost mean;
  for (const Timed& generation : generations_) {
    if (generation.delay < 0) throw std::runtime_error("a generation was not seen to its end");
    mean.requests += generation.requests;
    mean.delay += generation.delay;
  }
  mean.requests /= static_cast<double>(generations_.size());
  mean.delay /= static_cast<double>(generations_.size());
  return mean;
}

job::JobSettings job_settings(const TimedService& service, const std::string& ledger,
                              std::size_t cell) {
  api::RequestSettings request;
  request.sheet_id = "101";
  request.cell_id = std::to_string(cell);
  request.agent_id = "42";
  request.prompt = "A product";
  request.asset_ids = "501";
  request.model = "pika";
  request.duration = 5;
  job::JobSettings settings;
  settings.access = *api::make_access(service.api_base(), "the_key");
  settings.subject = *api::make_request(request);
  settings.ledger = ledger;
  return settings;
}

void fill(ledger::Ledger& ledger, const job::JobSettings& kind,
          const std::vector<polling::SeenDuration>& past) {
  const auto identity =
      job::identify(kind.access, std::get<api::GenerationRequest>(kind.subject), "-");
  sqlite::Database database(ledger.path(), SQLITE_OPEN_READWRITE);
  const auto milliseconds = [](double seconds) {
    return std::to_string(static_cast<std::int64_t>(seconds * 1000));
  };
  // The newest one is written last.
  for (auto seen = past.rbegin(); seen != past.rend(); ++seen) {
    const payment::Now now = ledger::clock_now();
    payment::Attempt attempt;
    attempt.key = "a-key";
    attempt.made = attempt.posted = now;
    const payment::State posting = payment::Posting{attempt};
    auto begun = ledger.begin(identity, posting, {}, {}, now);
    if (!begun) throw std::runtime_error(begun.error().message);
    const std::string id = std::to_string(begun->entry.id);
    payment::Generation generation;
    generation.id = "earlier" + id;
    generation.posted = now;
    const auto noted =
        ledger.store(begun->entry.id, posting, payment::Completed{generation}, {}, now);
    const auto delivered = ledger.note_delivery(begun->entry.id, 1);
    if (!noted || !delivered) throw std::runtime_error("the ledger cannot be written");
    database.execute(("UPDATE generations SET unfinished_at = posted_at + " +
                      milliseconds(seen->longer_than) + ", ended_at = posted_at + " +
                      milliseconds(seen->at_most) + " WHERE id = " + id)
                         .c_str());
  }
}

bool run_all(const TimedService& service, const std::string& ledger, std::size_t jobs,
             Milliseconds poll_interval) {
  std::vector<std::shared_ptr<job::Job>> running;
  for (std::size_t cell = 1; cell <= jobs; ++cell) {
    job::JobSettings settings = job_settings(service, ledger, cell);
    settings.poll_interval = poll_interval;
    running.push_back(job::Job::start(Runtime::acquire(), std::move(settings)));
  }
  bool all_have_clips = true;
  for (const auto& one : running) {
    while (auto update = one->wait()) {
      if (update->error) all_have_clips = false;
      if (update->error || update->clip) break;
    }
  }
  return all_have_clips;
}

std::vector<double> draw_durations(double median, double log_sigma, std::size_t number,
                                   unsigned seed) {
  std::mt19937 random(seed);
  const Lognormal draw(median, log_sigma);
  std::vector<double> durations(number);
  std::generate(durations.begin(), durations.end(), [&] { return draw(random); });
  return durations;
}

std::vector<polling::SeenDuration> seen_sharply(const std::vector<double>& durations) {
  std::vector<polling::SeenDuration> seen;
  for (const double duration : durations) seen.push_back({duration - 0.05, duration + 0.05});
  return seen;
}

}  // namespace genpro::test
