// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The real driver in the simulation's world: jobs with a ledger file ask the modelled service
// through the real client on loopback. What they asked for, how they ended and what their ledger
// holds is compared with what payment::step() says to the same answers, and the service's accounts
// are looked over.
//
//   test_wire [--histories N] [--from SEED] [--processes N] [--threads N]
//   test_wire --seed SEED                                   one history, told
//
// A seed decides the laws and what is planned. What is drawn while a history goes on depends on the
// order of requests, which time decides, so that a seed does not always repeat a history exactly.
//
// The boot clock goes a hundred times faster, and timers as always. A faster one would gain
// nothing: what waits for the boot clock looks at it once a second.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

#include "base/threads/runtime.h"
#include "simulation/wire_history.h"

namespace genpro::simulation {
namespace {

using namespace std::chrono_literals;

// With more than this between a thread's turns, what came first is not known any more.
constexpr std::chrono::milliseconds late{150};

// Notes when the machine is so busy that an answer may come too late for who waits for it, which
// the model cannot know.
class Watch {
 public:
  explicit Watch(std::shared_ptr<Runtime> runtime)
      : runtime_(std::move(runtime)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

  bool was_late_since(std::chrono::steady_clock::time_point since) const {
    return late_at_.load() > since;
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto asked = std::chrono::steady_clock::now();
      std::promise<void> here;
      runtime_->post([&here] { here.set_value(); });
      here.get_future().wait();
      std::this_thread::sleep_for(20ms);
      const auto now = std::chrono::steady_clock::now();
      if (now - asked > 20ms + late) late_at_ = now;
    }
  }
  const std::shared_ptr<Runtime> runtime_;
  std::atomic<std::chrono::steady_clock::time_point> late_at_{};
  std::jthread thread_;
};

struct Arguments {
  std::uint64_t histories = 2000;
  std::uint64_t from = 1;
  unsigned processes = 12;
  unsigned threads = 6;
  bool is_told = false;
};

WireCounts run_history(std::uint64_t seed, bool is_told, const Watch& watch) {
  const auto begun = std::chrono::steady_clock::now();
  // A ledger syncs each change.
  const bool has_memory = access("/dev/shm", W_OK) == 0;
  std::string folder =
      std::string(has_memory ? "/dev/shm" : g_get_tmp_dir()) + "/genpro-wire-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no folder for a ledger");
  WireCounts counts;
  {
    WireHistory history(seed, folder);
    std::string wrong;
    try {
      wrong = history.run();
    } catch (const std::exception& exception) {
      wrong = exception.what();
    }
    counts = history.counts();
    if (!wrong.empty() && history.is_drift() && watch.was_late_since(begun)) {
      counts.disturbed = 1;
      wrong.clear();
    }
    if (!wrong.empty()) counts.failures = 1;
    if (is_told || !wrong.empty()) {
      const std::string text = "Seed " + std::to_string(seed) + ": " +
                               (wrong.empty() ? "All is well." : wrong) + "\n" + history.told() +
                               "\n";
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return counts;
}

WireCounts run_part(const Arguments& arguments, unsigned part) {
  const Watch watch(Runtime::acquire());
  std::atomic<std::uint64_t> next = part;
  std::mutex mutex;
  WireCounts sum;
  std::vector<std::jthread> workers;
  for (unsigned worker = 0; worker < arguments.threads; ++worker) {
    workers.emplace_back([&] {
      while (true) {
        const std::uint64_t at = next.fetch_add(arguments.processes);
        if (at >= arguments.histories) return;
        {
          const std::lock_guard lock(mutex);
          if (sum.failures >= 3) return;
        }
        const WireCounts counts = run_history(arguments.from + at, arguments.is_told, watch);
        const std::lock_guard lock(mutex);
        add(sum, counts);
      }
    });
  }
  workers.clear();
  return sum;
}

// A process has one runtime, whose connections are few. So there are several, each a child from
// before the first thread.
int run_all(const Arguments& arguments) {
  const auto begun = std::chrono::steady_clock::now();
  struct Child {
    pid_t process = 0;
    int counts = -1;
  };
  std::vector<Child> children;
  for (unsigned part = 0; part < arguments.processes; ++part) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return 2;
    const pid_t process = fork();
    if (process == 0) {
      close(ends[0]);
      const WireCounts counts = run_part(arguments, part);
      const bool is_told = write(ends[1], &counts, sizeof counts) == sizeof counts;
      std::exit(is_told ? 0 : 1);
    }
    close(ends[1]);
    children.push_back({process, ends[0]});
  }
  WireCounts sum;
  bool has_failed = false;
  for (const Child& child : children) {
    WireCounts counts;
    if (read(child.counts, &counts, sizeof counts) == sizeof counts) {
      add(sum, counts);
    } else {
      has_failed = true;
    }
    close(child.counts);
    int status = 0;
    waitpid(child.process, &status, 0);
    if (status != 0) {
      std::printf("A process ended with status %d\n", status);
      has_failed = true;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf(
      "%u histories in %.1f s: %u runs, %u requests, %u POSTs, %u charges, %u clips, %u errors, "
      "%u shutdowns, %u kills, %u timeouts, %u second charges where there is no certainty, "
      "%u disturbed by others, %u failures\n",
      sum.histories, took.count(), sum.runs, sum.requests, sum.posts, sum.charges, sum.clips,
      sum.errors, sum.shutdowns, sum.kills, sum.timeouts, sum.excused, sum.disturbed, sum.failures);
  return has_failed || sum.failures > 0 ? 1 : 0;
}

std::optional<Arguments> read_arguments(int count, char** texts) {
  Arguments arguments;
  for (int at = 1; at + 1 < count; at += 2) {
    const std::string name = texts[at];
    const std::uint64_t number = std::strtoull(texts[at + 1], nullptr, 10);
    if (name == "--histories") {
      arguments.histories = number;
    } else if (name == "--from") {
      arguments.from = number;
    } else if (name == "--processes") {
      arguments.processes = static_cast<unsigned>(std::max<std::uint64_t>(number, 1));
    } else if (name == "--threads") {
      arguments.threads = static_cast<unsigned>(std::max<std::uint64_t>(number, 1));
    } else if (name == "--seed") {
      arguments = {1, number, 1, 1, true};
    } else {
      return std::nullopt;
    }
  }
  if (count % 2 == 0) return std::nullopt;
  return arguments;
}

}  // namespace
}  // namespace genpro::simulation

int main(int count, char** texts) {
  for (const char* name : {"GEN_API_BASE_URL", "GEN_API_KEY", "GEN_API_KEY_FILE", "http_proxy",
                           "https_proxy", "all_proxy"}) {
    unsetenv(name);
  }
  const auto arguments = genpro::simulation::read_arguments(count, texts);
  if (!arguments) {
    std::fprintf(stderr,
                 "Usage: test_wire [--histories N] [--from SEED] [--processes N] [--threads N] "
                 "[--seed SEED]\n");
    return 2;
  }
  return genpro::simulation::run_all(*arguments);
}
