// SPDX-License-Identifier: LGPL-2.1-or-later
#include <vector>

#include "cli/commands.h"
#include "cli/ledger/file.h"
#include "cli/ledger/report.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

using Spend = ledger::Ledger::Spend;

Spend sum_of(const std::vector<Spend>& days) {
  Spend sum;
  for (const Spend& day : days) {
    sum.generations += day.generations;
    sum.refunded += day.refunded;
    sum.refund_unproven += day.refund_unproven;
    sum.estimate += day.estimate;
    sum.cost_unknown += day.cost_unknown;
    sum.in_doubt += day.in_doubt;
    sum.cost += day.cost;
  }
  return sum;
}

std::vector<std::string> cells(const std::string& day, const std::string& model, const Spend& sum) {
  return {day,
          model,
          std::to_string(sum.generations),
          std::to_string(sum.refunded),
          std::to_string(sum.refund_unproven),
          cost_text(sum.cost),
          std::to_string(sum.cost_unknown),
          cost_text(sum.estimate),
          std::to_string(sum.in_doubt)};
}

void print_table(const std::vector<Spend>& days) {
  constexpr auto right = Table::Align::right;
  Table table({{"Day"},
               {"Model"},
               {"Generations", right},
               {"Refunded", right},
               {"Refund not proven", right},
               {"Cost", right},
               {"Cost unknown", right},
               {"Estimate", right},
               {"In doubt", right}});
  for (const Spend& sum : days) table.add(cells(sum.day, model_text(sum.model), sum));
  table.add(cells("Total", "", sum_of(days)));
  print(table.text());
}

void set_sum(Members& object, const Spend& sum) {
  object.set("generations", sum.generations);
  object.set("refunded", sum.refunded);
  object.set("refund_unproven", sum.refund_unproven);
  object.set("cost", sum.cost);
  object.set("cost_unknown", sum.cost_unknown);
  object.set("estimate", sum.estimate);
  object.set("in_doubt", sum.in_doubt);
}

void print_document(const std::vector<Spend>& sums, std::optional<ledger::WallTime> since) {
  Members document;
  document.set_or_null("since", since ? utc_time(*since) : "");
  document.set("days", array_of(sums, [](const Spend& sum) {
                 Members day;
                 day.set("day", sum.day);
                 day.set_or_null("model", sum.model);
                 set_sum(day, sum);
                 return day.take();
               }));
  Members total;
  set_sum(total, sum_of(sums));
  document.set("total", total.take());
  print_json(document.take());
}

}  // namespace

int run_ledger_spend(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "What was asked for and what it cost, by day (local time) and model. Failed generations\n"
      "are refunded, and cost nothing; so do those that were stopped once the refund is proven,\n"
      "which genpro ledger settle finds out. Requests that the service refused are left out. The\n"
      "cost is what the service said it is; \"Cost unknown\" counts generations that it has not\n"
      "said it of, \"Estimate\" is what those are expected to cost, as far as that is known, \"In\n"
      "doubt\" counts those of them of which it is not known whether they were charged.");
  add_since(options);
  options.add_flag("json", "Print a JSON object");
  options.add_ledger();
  if (!options.parse(argc, argv)) return exit_done;
  const auto since = read_since(options);

  std::vector<Spend> days;
  if (const auto ledger = open_or_tell(ledger_path(options, globals))) {
    days = need(ledger->spend(since.value_or(0)));
  }
  if (options.is_given("json")) {
    print_document(days, since);
  } else {
    print_table(days);
  }
  return exit_done;
}

}  // namespace genpro::cli
