// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The columns that a list of rows can have.
#pragma once

#include <string>
#include <vector>

#include "cli/ledger/describe.h"
#include "cli/options.h"
#include "cli/table.h"

namespace genpro::cli {

struct RowColumn {
  const char* name;
  const char* title;
  Table::Align align;
  bool is_shown;  // unless others are asked for
  std::string (*cell)(const Seen& seen);
};

void add_columns(Options& options);
// Those of the option, or the usual ones. Throws UsageError.
std::vector<const RowColumn*> read_columns(const Options& options);

Table make_table(const std::vector<const RowColumn*>& columns);
void add_row(Table& table, const std::vector<const RowColumn*>& columns, const Seen& seen);

}  // namespace genpro::cli
