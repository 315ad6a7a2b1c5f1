// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/ledger/columns.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/command.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

constexpr std::size_t longest_prompt = 100;

constexpr auto left = Table::Align::left;
constexpr auto right = Table::Align::right;

constexpr std::array columns = {
    RowColumn{"row", "Row", right, true, [](const Seen& s) { return std::to_string(s.entry.id); }},
    RowColumn{"time", "Asked for", left, true,
              [](const Seen& s) { return time_text(s.entry.created_at); }},
    RowColumn{"status", "Status", left, true, status_text},
    RowColumn{"in-use", "In use", left, true,
              [](const Seen& s) { return std::string(s.is_followed ? "yes" : "no"); }},
    RowColumn{"generation", "Generation", left, true,
              [](const Seen& s) { return text_or_dash(payment::generation_id(s.entry.state)); }},
    RowColumn{"model", "Model", left, true,
              [](const Seen& s) { return model_text(s.entry.identity.model); }},
    RowColumn{"cost", "Cost", right, true, [](const Seen& s) { return cost_text(s.entry.cost); }},
    RowColumn{"estimate", "Estimate", right, true,
              [](const Seen& s) { return cost_text(s.entry.estimate); }},
    RowColumn{"bytes", "Bytes", right, true, [](const Seen& s) { return delivered_text(s.entry); }},
    RowColumn{"agent", "Agent", left, true,
              [](const Seen& s) { return printable(s.entry.identity.agent_id, 130); }},
    RowColumn{"cell", "Cell", left, true, [](const Seen& s) { return cell_text(s.entry); }},
    RowColumn{"charged", "Charged", left, false, charged_text},
    RowColumn{"evidence", "Evidence", left, false,
              [](const Seen& s) { return text_or_dash(evidence_text(s)); }},
    RowColumn{"sent", "Last sent", left, false,
              [](const Seen& s) { return time_text(s.entry.posted_at); }},
    RowColumn{"ended", "Ended", left, false,
              [](const Seen& s) { return time_text(s.entry.ended_at); }},
    RowColumn{"service", "Service", left, false,
              [](const Seen& s) { return text_or_dash(s.entry.identity.base_url); }},
    RowColumn{"reason", "Reason", left, false,
              [](const Seen& s) { return text_or_dash(payment::reason(state_of(s)), 300); }},
    RowColumn{"prompt", "Prompt", left, false,
              [](const Seen& s) { return text_or_dash(prompt_of(s.entry), longest_prompt); }},
};

std::vector<std::string> names(bool is_shown) {
  std::vector<std::string> list;
  for (const RowColumn& column : columns) {
    if (column.is_shown == is_shown) list.emplace_back(column.name);
  }
  return list;
}

std::string all_names() {
  return join(names(true)) + ", " + join(names(false), ", ", " and ");
}

}  // namespace

void add_columns(Options& options) {
  options.add_text("columns", "NAMES", "The table's columns, with commas in between");
  options.add_description("NAMES are of " + join(names(true)) +
                          ",\nwhich are shown without it, and " + join(names(false)) +
                          ";\nfor example --columns row,time,status,cost,prompt.");
}

std::vector<const RowColumn*> read_columns(const Options& options) {
  std::vector<const RowColumn*> chosen;
  const auto text = options.value("columns");
  if (!text) {
    for (const RowColumn& column : columns) {
      if (column.is_shown) chosen.push_back(&column);
    }
    return chosen;
  }
  for (const std::string& name : split_list(*text)) {
    const auto found = std::ranges::find(columns, name, &RowColumn::name);
    if (found == columns.end()) {
      throw UsageError(options.program(), "There is no column \"" + one_line(name, 60) +
                                              "\". The columns are " + all_names() + ".");
    }
    chosen.push_back(&*found);
  }
  if (chosen.empty()) {
    throw UsageError(options.program(),
                     "--columns names none. The columns are " + all_names() + ".");
  }
  return chosen;
}

Table make_table(const std::vector<const RowColumn*>& chosen) {
  std::vector<Table::Column> titles;
  titles.reserve(chosen.size());
  for (const RowColumn* column : chosen) titles.push_back({column->title, column->align});
  return Table(std::move(titles));
}

void add_row(Table& table, const std::vector<const RowColumn*>& chosen, const Seen& seen) {
  std::vector<std::string> cells;
  cells.reserve(chosen.size());
  for (const RowColumn* column : chosen) cells.push_back(column->cell(seen));
  table.add(std::move(cells));
}

}  // namespace genpro::cli
