// SPDX-License-Identifier: LGPL-2.1-or-later
//
// SIGKILL at every moment of a generation's life, then the same command again: it is paid for once,
// and the clip is right.
//
// A moment is something that the service has seen, and a small time after it. Until the process is
// dead the service keeps it from finishing, so that no moment comes too late.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <thread>

#include "fault/fault_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

struct Moment {
  std::string name;
  Manners manners;  // until the kill
  // Waits for it; false when it does not come. Null: as soon as the process exists.
  std::function<bool(const Bench&)> comes;
  microseconds after{0};
  // The process is asked to end at the condition, and killed when the service is asked to stop the
  // generation, and `after` that.
  bool interrupts = false;
  // Killed then, nobody knows whether its request was taken.
  bool is_over_the_post = false;
  // The next run is killed too, that long after it asked for anything.
  std::optional<microseconds> again;
  // What the last run finds.
  bool honours_keys = true;
  CellReading cell = CellReading::jobs;
};

// A file is nothing to wait on, and what its maker does next takes microseconds.
bool ledger_appears(const Bench& bench) {
  const auto end = std::chrono::steady_clock::now() + generous;
  while (!std::filesystem::exists(bench.ledger)) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// So many of 200 moments are run; a sanitizer makes each one slow.
std::size_t share_of(std::size_t moments) {
  const char* text = g_getenv("GENPRO_TEST_MOMENTS");
  const std::size_t wanted = text != nullptr ? std::stoul(text) : 200;
  return std::max<std::size_t>(1, (moments * wanted + 199) / 200);
}

// Wrong moments of a test after which the others would only take time.
constexpr int enough = 5;

class Kills : public testing::Test {
 protected:
  // Half of the moments with a service that ignores keys; of the others, every fourth with a cell
  // that cannot be read.
  Moment& add(std::string name, Manners manners, PaidService::Condition condition,
              microseconds after) {
    const std::size_t number = moments.size();
    Moment moment{std::move(name), std::move(manners), nullptr, after};
    if (condition)
      moment.comes = [condition](const Bench& bench) { return bench.wait_for(condition); };
    moment.honours_keys = number % 2 == 0;
    if (number % 8 == 2) moment.cell = CellReading::not_found;
    if (number % 8 == 6) moment.cell = CellReading::failing;
    return moments.emplace_back(std::move(moment));
  }

  // The cell can be read: else the second run has nothing to find out.
  void add_twice(std::string name, Manners manners, PaidService::Condition condition,
                 microseconds after) {
    Moment& moment = add(std::move(name), std::move(manners), std::move(condition), 0ms);
    moment.again = after;
    moment.cell = CellReading::jobs;
  }

  void kill_at(const Moment& moment) {
    if (!survives(moment)) ++wrong;
  }

  bool survives(const Moment& moment) {
    Manners manners = moment.manners;
    manners.honours_keys = moment.honours_keys;
    manners.cell = moment.cell;
    Bench bench(manners);
    if (!kill_one(bench, moment.name, moment.comes, moment.after, moment.interrupts)) return false;
    if (moment.again) {
      const Books before = bench.books();
      const auto anything = [seen = before.cell_readings + before.polls](const Bench& fresh) {
        return fresh.wait_for(
            [seen](const Books& books) { return books.cell_readings + books.polls > seen; });
      };
      if (!kill_one(bench, moment.name + ", again", anything, *moment.again, false)) return false;
    }
    // What the service has taken is charged, whether or not anyone still listens.
    bench.service.behave({.honours_keys = moment.honours_keys, .cell = moment.cell, .polls = 3});
    const auto child = bench.start();
    // Killed over its request, and the cell has never been there to tell what came of it.
    if (moment.is_over_the_post && moment.cell != CellReading::jobs && child->wait() &&
        !child->succeeded()) {
      return stays_in_doubt(bench, *child, moment.name);
    }
    const auto ended = ended_well(*child);
    const auto charged = one_charge_in_file(bench, bench.file());
    EXPECT_TRUE(ended) << moment.name;
    EXPECT_TRUE(charged) << moment.name;
    return ended && charged;
  }

  // It is told, and nothing is charged for on a guess.
  static bool stays_in_doubt(const Bench& bench, const Child& child, const std::string& name) {
    const Books books = bench.books();
    const auto told = says(child, "The service may have taken the request");
    const bool is_right = told && books.posts.size() <= 1 && books.charged().size() <= 1;
    EXPECT_TRUE(is_right) << name << ": " << books.text() << "\n" << child.output();
    return is_right;
  }

  // Starts a process, and kills it at the moment. False when that did not come to pass.
  static bool kill_one(const Bench& bench, const std::string& name,
                       const std::function<bool(const Bench&)>& comes, microseconds after,
                       bool interrupts) {
    const auto child = bench.start();
    bool came = !comes || comes(bench);
    if (came && interrupts) {
      child->send(SIGINT);
      came = bench.wait_for([](const Books& books) { return !books.stops.empty(); });
    }
    if (!came) {
      ADD_FAILURE() << name << " never comes: " << bench.books().text() << "\n" << child->output();
      return false;
    }
    std::this_thread::sleep_for(after);
    if (!child->kill()) {
      ADD_FAILURE() << name << " came too late: " << bench.books().text() << "\n"
                    << child->output();
      return false;
    }
    return true;
  }

  // Evenly spread over those of the test, two at a time.
  void run() {
    const std::size_t number = share_of(moments.size());
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      for (std::size_t i = next++; i < number && wrong < enough; i = next++)
        kill_at(moments[i * moments.size() / number]);
    };
    std::thread beside(work);
    work();
    beside.join();
    RecordProperty("moments", static_cast<int>(number));
  }

  std::vector<Moment> moments;
  std::atomic<int> wrong = 0;
};

TEST_F(Kills, WhileItStarts) {
  for (int i = 0; i < 8; ++i)
    add("start + " + std::to_string(i * 10) + " ms", endless, nullptr, i * 10ms);
  // While it makes its tables.
  for (int i = 0; i < 8; ++i) {
    add("ledger made + " + std::to_string(i * 200) + " us", endless, nullptr, microseconds(i * 200))
        .comes = ledger_appears;
  }
  run();
}

TEST_F(Kills, BeforeThePost) {
  // Nothing goes on while the cell is not shown.
  Manners held = endless;
  held.cell_gate = std::make_shared<Gate>();
  for (int i = 0; i < 16; ++i)
    add("cell asked for, held + " + std::to_string(i) + " ms", held, cell_readings(1), i * 1ms);
  for (int i = 0; i < 32; ++i) {
    add("cell read + " + std::to_string(i * 250) + " us", endless, cell_readings(1),
        microseconds(i * 250))
        .is_over_the_post = true;
  }
  run();
}

TEST_F(Kills, BeforeTheAnswerToThePost) {
  Manners silent = endless;
  silent.next_posts = {PostFate::unanswered};
  silent.loss = Loss::silent;
  for (int i = 0; i < 32; ++i) {
    add("POST taken + " + std::to_string(i * 500) + " us", silent, created(1),
        microseconds(i * 500))
        .is_over_the_post = true;
  }
  run();
}

TEST_F(Kills, AfterTheAnswerToThePost) {
  for (int i = 0; i < 32; ++i) {
    add("POST answered + " + std::to_string(i * 400) + " us", endless, created(1),
        microseconds(i * 400))
        .is_over_the_post = true;
  }
  run();
}

TEST_F(Kills, WhileItPolls) {
  for (unsigned poll = 1; poll <= 3; ++poll) {
    for (int i = 0; i < 8; ++i) {
      add("poll " + std::to_string(poll) + " + " + std::to_string(i * 3) + " ms", endless,
          polls(poll), i * 3ms);
    }
  }
  run();
}

TEST_F(Kills, WhenItIsCompleted) {
  Manners held;
  held.polls = 1;
  held.clip_held_at = 0;
  for (int i = 0; i < 16; ++i) {
    add("completed + " + std::to_string(i * 500) + " us", held, polls(1), microseconds(i * 500));
  }
  run();
}

TEST_F(Kills, WhileItDownloads) {
  for (const std::size_t at : {1, 8, 4096, 40'000, 70'000, 99'999, 100'000 - 8, 65'536}) {
    Manners held;
    held.polls = 1;
    held.clip_held_at = at;
    for (int i = 0; i < 4; ++i) {
      add("byte " + std::to_string(at) + " + " + std::to_string(i) + " ms", held, clip_bytes(at),
          i * 1ms);
    }
  }
  run();
}

// Beyond the two hundred: the run that would have set things right is killed at it.
TEST_F(Kills, TwiceWhileItSettles) {
  Manners silent = endless;
  silent.next_posts = {PostFate::unanswered};
  silent.loss = Loss::silent;
  for (int i = 0; i < 16; ++i) {
    add_twice("POST taken", silent, created(1), microseconds(i * 700));
  }
  Manners dropped = silent;
  dropped.next_posts = {PostFate::dropped};
  for (int i = 0; i < 8; ++i) {
    add_twice("POST lost", dropped, posts(1), microseconds(i * 700));
  }
  run();
}

// The service takes its time with the request to stop, or says no word about it.
TEST_F(Kills, WhileItStops) {
  for (const StopFate fate : {StopFate::dropped, StopFate::unanswered}) {
    Manners silent = endless;
    silent.stop = fate;
    for (int i = 0; i < 8; ++i)
      add("stop asked for + " + std::to_string(i) + " ms", silent, polls(2), i * 1ms).interrupts =
          true;
  }
  run();
}

}  // namespace
}  // namespace genpro::test
