// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace genpro::test {

// Relays connections from a loopback port to another one, and loses an answer when it is told to.
// Any thread.
class LossyRelay {
 public:
  explicit LossyRelay(int target);
  ~LossyRelay();
  LossyRelay(const LossyRelay&) = delete;
  LossyRelay& operator=(const LossyRelay&) = delete;

  int port() const { return port_; }
  // The next time that a client says so, the server gets to hear it, and answers; the client finds
  // the connection ended.
  void lose_answer_to(const std::string& words);
  int lost() const { return lost_; }  // answers

 private:
  void serve();
  void relay(int client);
  bool is_to_be_lost(const std::string& request);

  const int target_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<int> lost_ = 0;
  std::mutex mutex_;
  std::string words_;                 // under mutex_; empty: none
  std::vector<std::thread> clients_;  // of the serving thread
  std::thread thread_;
};

}  // namespace genpro::test
