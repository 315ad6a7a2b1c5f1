// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of the rules of payment share.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "fault/fault_fixture.h"

namespace genpro::test {

// So long by the boot clock, which goes faster here, takes so long.
std::chrono::milliseconds boot_time(std::chrono::milliseconds time);
// Waits until so much time has passed by the boot clock, where nothing but time makes a difference.
void let_pass(std::chrono::milliseconds time);

// Runs all of it, many at once, and returns when the last one has ended.
void run_together(const std::vector<std::function<void()>>& all);

// Whether the run has told of a doubt, and of its end with this evidence.
bool told_doubt(const Outcome& outcome);
bool told_settled(const Outcome& outcome, const std::string& evidence);
// `charged` of the only error; empty when there is none.
std::string charged(const Outcome& outcome);

// One error, which says that it is not known whether something was charged, and a doubt was told.
testing::AssertionResult ends_in_doubt(const Outcome& outcome);
// What holds for each run, however the service behaves: whole clips of a generation that was asked
// for here, or one error that says the truth about money; nothing is stopped; each repeat of a
// request has its key.
testing::AssertionResult keeps_the_rules(const Bench& bench, const Streamed& streamed);
// The keys of all POSTs are the same.
testing::AssertionResult one_key(const Bench& bench);

// `genpro` with these words, for the ledger and the service of the bench.
Finished genpro(const Bench& bench, const std::vector<std::string>& words,
                const Environment& environment = {});
// `genpro ledger list --json`
std::string ledger_list(const Bench& bench);

}  // namespace genpro::test
