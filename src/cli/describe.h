// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A row of the ledger in words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "job/ledger.h"

namespace genpro::cli {

// A row, and whether a process is at it now.
struct Seen {
  job::Entry entry;
  bool is_followed = false;
};
// Throws std::runtime_error.
Seen look_at(job::Ledger& ledger, job::Entry entry);

// What a request whose process died came to is not known, whatever the row says.
job::EntryStatus status_of(const Seen& seen);
// With what is still to be done about it.
std::string status_text(const Seen& seen);
// What the state means, and what will happen next. A few sentences.
std::string meaning_of(const Seen& seen);
// What nobody will know any more when the row is removed; empty when that is nothing.
std::string loss_of(const Seen& seen);

std::string model_text(const std::string& model);
// "3.5", or "-".
std::string cost_text(std::optional<double> cost);
// The number of bytes, or "whole".
std::string delivered_text(const job::Entry& entry);
// "101/3300" of "autocontentengine/101/cells/3300".
std::string cell_text(const job::Entry& entry);
// Empty when the request has none.
std::string prompt_of(const job::Entry& entry);

// Of outside texts: one line, nothing in it that a terminal obeys.
std::string printable(std::string_view text, std::size_t max_length = 300);

}  // namespace genpro::cli
