// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The whole stand-in service in one object, for the program and for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "emulator/api/api.h"
#include "emulator/faults/faults.h"
#include "emulator/http/connection.h"
#include "emulator/media/render_queue.h"
#include "emulator/media/xlsx.h"
#include "emulator/page/page.h"

namespace genpro::emulator {

// What exists besides what is in the store. Each of the cells is in each of the sheets.
struct KnownIds {
  std::set<std::string> sheets{"101"};
  std::set<std::string> cells{"3300"};
  std::set<std::string> agents{"42"};
};

struct EmulatorSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::string api_key;     // empty: every request is let in, and the host must be loopback
  std::string data_dir;    // created when it is missing
  double latency = 2;      // seconds
  // Of a new store; without, what the seed says, else 1000.
  std::optional<double> credit;
  std::string seed;  // file that fills a new store; empty: the ids that KnownIds has by itself
  KnownIds known;
  RendererSettings renderer;
  XlsxSettings xlsx;
  // Switched on from the start.
  std::vector<FaultChoice> faults;
  std::optional<std::int64_t> fault_seed;  // without, a random one
  ConnectionTimes connections;
  double webhook_test_seconds = 3;  // for an answer to a test of a webhook
  Dialect dialect = Dialect::both;
  bool verbose = false;  // requests to standard error
};

// Refuses settings that would open the emulator to a network without a key. Throws
// std::runtime_error.
void check_address(const EmulatorSettings& settings);

class Server;

// Lives on the main context that is the thread's default when it is made, which must run for
// anything to be served.
class Emulator {
 public:
  // Throws std::runtime_error with a sentence for the user.
  explicit Emulator(const EmulatorSettings& settings);
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  // "http://127.0.0.1:8787/v1"
  std::string base_url() const;
  std::uint16_t port() const;
  // Uploads a file of this machine, unless an earlier start has done so. Throws std::runtime_error.
  Resource add_ingredient(const std::string& path);
  // Called with each change of a generation that is on disk, see Store::observe().
  void observe(Store::Observer observer) { store_.observe(std::move(observer)); }
  // The store was not empty, so that the seed was left out.
  bool left_seed_out() const { return left_seed_out_; }

 private:
  void fill(const EmulatorSettings& settings);

  bool left_seed_out_ = false;
  Folders folders_;
  Store store_;
  Faults faults_;
  Resources resources_;
  Generations generations_;
  Webhooks webhooks_;
  XlsxReader xlsx_;
  Page page_;
  Api api_;
  std::unique_ptr<Server> server_;
};

}  // namespace genpro::emulator
