// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <map>
#include <utility>

#include "cli/commands.h"
#include "cli/ledger_file.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

using job::Entry;
using job::EntryStatus;

struct Sum {
  int generations = 0;  // all that were taken or may have been, refunded ones included
  int refunded = 0;
  int cost_unknown = 0;  // of those that are not refunded
  double cost = 0;

  void add(const Entry& entry) {
    ++generations;
    if (entry.status == EntryStatus::failed || entry.status == EntryStatus::stopped) {
      ++refunded;
    } else if (entry.cost) {
      cost += *entry.cost;
    } else {
      ++cost_unknown;
    }
  }
  // Without what adding binary fractions leaves behind.
  double rounded_cost() const { return std::round(cost * 1e6) / 1e6; }
};

// The newest day first, the models of a day by name.
struct NewestFirst {
  using Key = std::pair<std::string, std::string>;
  bool operator()(const Key& a, const Key& b) const {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  }
};
using Sums = std::map<NewestFirst::Key, Sum, NewestFirst>;

std::vector<std::string> cells(const std::string& day, const std::string& model, const Sum& sum) {
  return {day,
          model,
          std::to_string(sum.generations),
          std::to_string(sum.refunded),
          cost_text(sum.rounded_cost()),
          std::to_string(sum.cost_unknown)};
}

void print_table(const Sums& sums, const Sum& total) {
  constexpr auto right = Table::Align::right;
  Table table({{"Day"},
               {"Model"},
               {"Generations", right},
               {"Refunded", right},
               {"Cost", right},
               {"Cost unknown", right}});
  for (const auto& [key, sum] : sums) table.add(cells(key.first, model_text(key.second), sum));
  table.add(cells("Total", "", total));
  print(table.text());
}

void set_sum(JsonObject* object, const Sum& sum) {
  json_object_set_int_member(object, "generations", sum.generations);
  json_object_set_int_member(object, "refunded", sum.refunded);
  set_number(object, "cost", sum.rounded_cost());
  json_object_set_int_member(object, "cost_unknown", sum.cost_unknown);
}

void print_document(const Sums& sums, const Sum& total, std::optional<job::WallTime> since) {
  api::JsonObjectPtr document(json_object_new());
  set_text_or_null(document.get(), "since", since ? utc_time(*since) : "");
  api::JsonArrayPtr days(json_array_new());
  for (const auto& [key, sum] : sums) {
    api::JsonObjectPtr day(json_object_new());
    set_text(day.get(), "day", key.first);
    set_text_or_null(day.get(), "model", key.second);
    set_sum(day.get(), sum);
    json_array_add_object_element(days.get(), day.release());
  }
  json_object_set_array_member(document.get(), "days", days.release());
  api::JsonObjectPtr all(json_object_new());
  set_sum(all.get(), total);
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
      "generations that it has not said it of.");
  add_since(options);
  options.add_flag("json", "Print a JSON object");
  options.add_ledger();
  if (!options.parse(argc, argv)) return exit_done;
  const auto since = read_since(options);
  const std::string path = ledger_path(options, globals);

  Sums sums;
  Sum total;
  if (const auto ledger = open_ledger(path)) {
    for (const Entry& entry : need(ledger->list({.since = since.value_or(0)}))) {
      if (entry.status == EntryStatus::refused) continue;
      sums[{local_day(entry.created_at), entry.model}].add(entry);
      total.add(entry);
    }
  } else {
    tell(no_ledger_text(path));
  }
  if (options.is_given("json")) {
    print_document(sums, total, since);
  } else {
    print_table(sums, total);
  }
  return exit_done;
}

}  // namespace genpro::cli
