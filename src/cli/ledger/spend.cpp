// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
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
    sum.cost_unknown += day.cost_unknown;
    sum.in_doubt += day.in_doubt;
    sum.cost += day.cost;
  }
  return sum;
}

// Without what adding binary fractions leaves behind.
double rounded(double cost) {
  return std::round(cost * 1e6) / 1e6;
}

std::vector<std::string> cells(const std::string& day, const std::string& model, const Spend& sum) {
  return {day,
          model,
          std::to_string(sum.generations),
          std::to_string(sum.refunded),
          cost_text(rounded(sum.cost)),
          std::to_string(sum.cost_unknown),
          std::to_string(sum.in_doubt)};
}

void print_table(const std::vector<Spend>& days) {
  constexpr auto right = Table::Align::right;
  Table table({{"Day"},
               {"Model"},
               {"Generations", right},
               {"Refunded", right},
               {"Cost", right},
               {"Cost unknown", right},
               {"In doubt", right}});
  for (const Spend& sum : days) table.add(cells(sum.day, model_text(sum.model), sum));
  table.add(cells("Total", "", sum_of(days)));
  print(table.text());
}

void set_sum(Members& object, const Spend& sum) {
  object.set("generations", sum.generations);
  object.set("refunded", sum.refunded);
  object.set("cost", rounded(sum.cost));
  object.set("cost_unknown", sum.cost_unknown);
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
      "What was asked for and what it cost, by day (local time) and model. Failed and stopped\n"
      "generations are refunded, and cost nothing; requests that the service refused are left\n"
      "out. The cost is what the service said it is, in its own unit; \"Cost unknown\" counts\n"
      "generations that it has not said it of, \"In doubt\" those of them of which it is not\n"
      "known whether they were charged.");
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
