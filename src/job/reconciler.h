// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Brings the ledger up to date with the service, without a pipeline.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/prices/price_client.h"
#include "job/payment_driver.h"

namespace genpro::job {

enum class ReconcileOutcome {
  settled,  // what became of the row is known, and noted
  running,  // the generation is unfinished, and goes on
  left,     // it cannot be told, or could not be asked
  in_use,   // a process is at it, and sees to it itself
  foreign,  // it belongs to another API address
};

struct Reconciled {
  ledger::Entry entry;  // as it is in the ledger afterwards
  ReconcileOutcome outcome = ReconcileOutcome::left;
  std::string text;  // a sentence or two for a person
};

// Rows that something is still to be found out about: those that are open, and those that were
// stopped without proof of a refund.
Result<std::vector<ledger::Entry>> rows_to_settle(ledger::Ledger& ledger);

// Goes through them: finds out whether a lost request was taken, sends the stop requests that could
// not be sent, asks how the others stand, looks for proof of refunds. Nothing is ever asked for
// anew. Belongs to the runtime thread.
class Reconciler : private PaymentDriver::Owner {
 public:
  using Done = std::function<void(Result<std::vector<Reconciled>>)>;

  enum class Scope {
    all,
    // Only what has to be stopped, and may still run; rows of another API address are left out.
    owed_stops,
  };

  Reconciler(Runtime& runtime, const std::string& ledger, const api::Access& access,
             std::chrono::milliseconds silence, Scope scope);
  Reconciler(const Reconciler&) = delete;
  Reconciler& operator=(const Reconciler&) = delete;

  // `done` is called once, and not from within.
  void start(Done done);

  // The same for a program that has nothing else to do: waits until it is done.
  static Result<std::vector<Reconciled>> run(const std::string& ledger, const api::Access& access,
                                             std::chrono::milliseconds silence);

 private:
  void next();
  void take();
  void resume(ledger::Entry entry, ledger::LifeLock presence, ledger::LifeLock cell);
  void on_end(const payment::End& end) override;
  void on_ledger_error(Error error) override;
  void on_claim_needed() override;
  bool needs_account() const;
  void read_account(unsigned page);
  void look_into_account();
  void accounted(payment::Credit credit, std::string came);
  void finish_row(ReconcileOutcome outcome, std::string text);
  template <typename T>
  void ask(std::function<Result<T>(ledger::Ledger&)> question, std::function<void(T)> then);

  Runtime& runtime_;
  const std::string path_;
  const api::Access access_;
  const std::chrono::milliseconds silence_;
  const Scope scope_;
  LedgerClient ledger_;
  std::unique_ptr<PaymentDriver> payment_;
  // Of an agent; read once, for all rows.
  struct Account {
    std::vector<api::Transaction> transactions;
    std::string failure;  // why they, or some of them, are not known
  };
  std::map<std::string, Account> accounts_;
  std::unique_ptr<api::PriceClient> account_client_;
  bool is_account_read_ = false;  // for the current row
  Timer later_;  // for what must not be done from within a call of what it destroys
  Done done_;
  std::vector<ledger::Entry> rows_;  // still to be looked at, the next one last
  ledger::Entry entry_;              // the current one
  std::vector<Reconciled> reconciled_;
};

}  // namespace genpro::job
