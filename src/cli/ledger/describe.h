// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A row of the ledger in words. What a state means, src/payment says; what it is called is its
// word there, but for "in doubt", which is `unknown` to programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"

namespace genpro::cli {

// A row, and whether a process is at it now.
struct Seen {
  ledger::Entry entry;
  bool is_followed = false;
};
// Throws std::runtime_error.
Seen look_at(ledger::Ledger& ledger, ledger::Entry entry, bool is_followed);

// A request whose process died over it is in doubt, whatever the row says.
payment::State state_of(const Seen& seen);
// For programs.
std::string word_of(const Seen& seen);
bool is_in_doubt(const Seen& seen);
// Of one that has failed or was stopped, whether it is proven not to be charged; nothing for
// others.
std::optional<bool> refund_of(const Seen& seen);
// "no", "yes" or "unknown".
std::string charged_text(const Seen& seen);
// "proven" or "likely"; empty when there is no generation.
std::string evidence_text(const Seen& seen);
// For people, with what is still to be done about it.
std::string status_text(const Seen& seen);
// What the state means, and what will happen next. A few sentences.
std::string meaning_of(const Seen& seen);
// What nobody will know any more when the row is removed; empty when that is nothing.
std::string loss_of(const Seen& seen);

// All words, each once.
std::vector<std::string> all_words();
// Of a request that is under way, or whose process died over it.
std::string posting_word();
std::string in_doubt_word();

std::string model_text(const std::string& model);
// "3.5", or "-".
std::string cost_text(std::optional<double> cost);
// The number of bytes, or "whole".
std::string delivered_text(const ledger::Entry& entry);
// "101/3300" of "autocontentengine/101/cells/3300".
std::string cell_text(const ledger::Entry& entry);
// Empty when the request has none.
std::string prompt_of(const ledger::Entry& entry);
// The key of a request that has not been answered yet; empty for others.
std::string key_of(const ledger::Entry& entry);
// "2 hours".
std::string age_text(payment::Millis age);

// Of outside texts: one line, nothing in it that a terminal obeys.
std::string printable(std::string_view text, std::size_t max_length = 300);
std::string text_or_dash(const std::string& text, std::size_t max_length = 130);

}  // namespace genpro::cli
