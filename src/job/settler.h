// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Brings the ledger up to date with the service, without a pipeline.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/client.h"
#include "job/bookkeeper.h"
#include "job/ledger.h"

namespace genpro::job {

enum class SettleOutcome {
  settled,  // what became of the row is known, and noted
  running,  // the generation is unfinished, and goes on
  left,     // it cannot be told, or could not be asked
  in_use,   // a process is at it, and sees to it itself
  foreign,  // it belongs to another API address
};

struct Settled {
  Entry entry;  // as it is in the ledger afterwards
  SettleOutcome outcome = SettleOutcome::left;
  std::string text;  // a sentence or two for a person
};

// Goes through rows that are open: finds out whether a lost request was taken, sends the stop
// requests that could not be sent, asks how the others stand. Nothing is ever asked for anew.
// Belongs to the runtime thread.
class Settler {
 public:
  using Done = std::function<void(Result<std::vector<Settled>>)>;

  enum class Scope {
    all,
    // Only what has to be stopped, and may still run; rows of another API address are left out.
    owed_stops,
  };

  Settler(Runtime& runtime, const std::string& ledger, const api::Access& access,
          std::chrono::milliseconds silence, Scope scope);
  Settler(const Settler&) = delete;
  Settler& operator=(const Settler&) = delete;

  // `done` is called once, and not from within.
  void start(Done done);

  // The same for a program that has nothing else to do: waits until it is done.
  static Result<std::vector<Settled>> run(const std::string& ledger, const api::Access& access,
                                          std::chrono::milliseconds silence);

 private:
  using Reply = Result<api::Generation, api::Failure>;

  void next();
  void take();
  void settle(Ledger::HeldCell held);
  void compare(const std::vector<std::string>& jobs);
  void on_new_jobs(const std::vector<std::string>& jobs);
  void ask_about(Ledger::Held held);
  void on_reply(Reply reply);
  void adopt(api::Generation generation);
  template <typename T>
  void ask(std::function<Result<T>(Ledger&)> question, std::function<void(T)> then);
  void finish_row(SettleOutcome outcome, std::string text);

  LedgerDesk desk_;
  const Scope scope_;
  const std::string base_url_;
  const std::string key_;
  api::Client client_;
  Done done_;
  std::vector<Entry> rows_;  // still to be looked at, the next one last
  Entry entry_;              // the current one
  LifeLock presence_;
  LifeLock cell_;
  std::vector<Settled> settled_;
};

}  // namespace genpro::job
