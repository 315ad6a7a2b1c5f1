// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/metrics/exposition.h"

#include <array>
#include <functional>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace genpro::cli {

namespace {

using ledger::Metrics;

// In the order of ledger::Charge.
constexpr std::array charge_names = {"charged", "in_doubt", "refund_unproven", "refunded"};
static_assert(charge_names.size() == std::tuple_size_v<decltype(Metrics::OfModel::credits)>);

using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

std::string text_of(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += (text.empty() ? "{" : ",") + std::string(name) + "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text.empty() ? text : text + "}";
}

class Page {
 public:
  explicit Page(const Metrics& metrics) : metrics_(metrics) {}

  // `unit`: with which the name ends; empty: none.
  void begin(std::string name, const std::string& type, const std::string& unit,
             const std::string& help) {
    name_ = std::move(name);
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
    if (!unit.empty()) text_ += "# UNIT " + name_ + " " + unit + "\n";
  }
  void add(const Labels& labels, const std::string& value, const char* suffix = "") {
    text_ += name_ + suffix + text_of(labels) + " " + value + "\n";
  }
  // `model`: as a label has it.
  void each_model(const std::function<void(std::string_view model, const Metrics::OfModel&)>& add) {
    for (const auto& [name, sums] : metrics_.models) {
      add(name.empty() ? std::string_view("default") : name, sums);
    }
  }
  std::string end() { return std::move(text_) + "# EOF\n"; }

 private:
  const Metrics& metrics_;
  std::string name_;
  std::string text_;
};

void add_generations(Page& page) {
  page.begin("genpro_generations", "gauge", "", "Generations in the ledger.");
  page.each_model([&](std::string_view model, const Metrics::OfModel& sums) {
    std::string_view latest;
    for (const payment::Meaning& meaning : payment::meanings()) {
      if (std::exchange(latest, meaning.word) == meaning.word) continue;
      const auto found = sums.generations.find(std::string(meaning.word));
      const std::int64_t number = found != sums.generations.end() ? found->second : 0;
      page.add({{"model", model}, {"status", meaning.word}}, std::to_string(number));
    }
  });
}

void add_credits(Page& page) {
  page.begin("genpro_cost_credits", "gauge", "credits",
             "Credits of the generations in the ledger, as the service told them or else as they "
             "were estimated.");
  page.each_model([&](std::string_view model, const Metrics::OfModel& sums) {
    for (std::size_t at = 0; at < charge_names.size(); ++at) {
      const Labels told = {{"model", model}, {"charge", charge_names[at]}, {"basis", "told"}};
      const Labels estimated = {
          {"model", model}, {"charge", charge_names[at]}, {"basis", "estimated"}};
      page.add(told, number_text(sums.credits[at].told));
      page.add(estimated, number_text(sums.credits[at].estimated));
    }
  });
  page.begin("genpro_unpriced_generations", "gauge", "",
             "Generations in the ledger whose cost was neither told nor estimated.");
  page.each_model([&](std::string_view model, const Metrics::OfModel& sums) {
    for (std::size_t at = 0; at < charge_names.size(); ++at) {
      page.add({{"model", model}, {"charge", charge_names[at]}},
               std::to_string(sums.credits[at].unknown));
    }
  });
}

void add_doubts(Page& page, const Metrics& metrics) {
  page.begin("genpro_doubts", "gauge", "",
             "Requests of which it is not known whether they were taken and charged.");
  page.add({}, std::to_string(metrics.in_doubt));
  page.begin("genpro_oldest_doubt_age_seconds", "gauge", "seconds",
             "Since the request of the oldest doubt was first sent; 0 without one.");
  page.add({}, number_text(metrics.oldest_doubt));
}

void add_durations(Page& page) {
  page.begin("genpro_generation_duration_seconds", "histogram", "seconds",
             "From the request to the end of completed generations, as it was seen.");
  page.each_model([&](std::string_view model, const Metrics::OfModel& sums) {
    std::int64_t number = 0;
    for (std::size_t at = 0; at < sums.durations.size(); ++at) {
      number += sums.durations[at];
      const std::string bound = at < Metrics::duration_bounds.size()
                                    ? std::to_string(Metrics::duration_bounds[at]) + ".0"
                                    : "+Inf";
      page.add({{"model", model}, {"le", bound}}, std::to_string(number), "_bucket");
    }
    page.add({{"model", model}}, std::to_string(number), "_count");
    page.add({{"model", model}}, number_text(sums.duration_sum), "_sum");
  });
}

void add_rest(Page& page) {
  page.begin("genpro_delivered_bytes", "gauge", "bytes",
             "Bytes of the clips in the ledger that were delivered, each clip once.");
  page.each_model([&](std::string_view model, const Metrics::OfModel& sums) {
    page.add({{"model", model}}, std::to_string(sums.bytes_delivered));
  });
  page.begin("genpro_retried_generations", "gauge", "",
             "Generations in the ledger whose request was sent more than once.");
  page.each_model([&](std::string_view model, const Metrics::OfModel& sums) {
    page.add({{"model", model}}, std::to_string(sums.sent_again));
  });
}

}  // namespace

std::string metrics_page(const Metrics& metrics) {
  Page page(metrics);
  add_generations(page);
  add_credits(page);
  add_doubts(page, metrics);
  add_durations(page);
  add_rest(page);
  return page.end();
}

}  // namespace genpro::cli
