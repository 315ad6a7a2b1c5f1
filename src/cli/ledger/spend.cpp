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

void set_sum(JsonObject* object, const Spend& sum) {
  json_object_set_int_member(object, "generations", sum.generations);
  json_object_set_int_member(object, "refunded", sum.refunded);
  set_number(object, "cost", rounded(sum.cost));
  json_object_set_int_member(object, "cost_unknown", sum.cost_unknown);
  json_object_set_int_member(object, "in_doubt", sum.in_doubt);
}

void print_document(const std::vector<Spend>& sums, std::optional<ledger::WallTime> since) {
  api::JsonObjectPtr document(json_object_new());
  set_text_or_null(document.get(), "since", since ? utc_time(*since) : "");
  api::JsonArrayPtr days(json_array_new());
  for (const Spend& sum : sums) {
    api::JsonObjectPtr day(json_object_new());
    set_text(day.get(), "day", sum.day);
    set_text_or_null(day.get(), "model", sum.model);
    set_sum(day.get(), sum);
    json_array_add_object_element(days.get(), day.release());
  }
  json_object_set_array_member(document.get(), "days", days.release());
  api::JsonObjectPtr all(json_object_new());
  set_sum(all.get(), sum_of(sums));
  json_object_set_object_member(document.get(), "total", all.release());
  print_json(to_node(std::move(document)));
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
  const std::string path = ledger_path(options, globals);

  std::vector<Spend> days;
  if (const auto ledger = open_ledger(path)) {
    days = need(ledger->spend(since.value_or(0)));
  } else {
    tell(no_ledger_text(path));
  }
  if (options.is_given("json")) {
    print_document(days, since);
  } else {
    print_table(days);
  }
  return exit_done;
}

}  // namespace genpro::cli
