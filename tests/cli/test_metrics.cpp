// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro metrics`: its page is what monitoring systems read, and says what the ledger says.
#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "cli/cli_fixture.h"

namespace genpro::test {
namespace {

struct Family {
  std::string type;
  std::string unit;
  std::string help;
};

// A page of OpenMetrics 1.0 whose metrics are gauges and histograms, read strictly.
class OpenMetrics {
 public:
  explicit OpenMetrics(const std::string& page) {
    static const std::regex sample(
        R"(([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\[\\"n])*",?)*)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?))");
    if (!page.ends_with("\n# EOF\n")) ADD_FAILURE() << "no # EOF at the end";
    for (const std::string& line : lines_of(page)) {
      std::smatch parts;
      if (has_ended_) {
        ADD_FAILURE() << "behind the end: " << line;
      } else if (line.starts_with("# ")) {
        describe(line.substr(2));
      } else if (std::regex_match(line, parts, sample)) {
        add(parts[1], parts[2], std::stod(parts[3]));
      } else {
        ADD_FAILURE() << "no sample: " << line;
      }
    }
    for (const auto& [name, family] : families_) {
      EXPECT_FALSE(family.type.empty() || family.help.empty()) << name;
      EXPECT_TRUE(family.unit.empty() || name.ends_with("_" + family.unit)) << name;
    }
  }

  // As the page has it, such as `genpro_doubts` or `genpro_generations{model="pika",…}`.
  double value(const std::string& series) const {
    const auto found = samples_.find(series);
    if (found == samples_.end()) throw std::runtime_error("there is no " + series);
    return found->second;
  }
  const std::map<std::string, Family>& families() const { return families_; }
  // Without labels.
  const std::set<std::string>& names() const { return names_; }

 private:
  void describe(const std::string& text) {
    if (text == "EOF") {
      has_ended_ = true;
      return;
    }
    std::smatch parts;
    static const std::regex description("(HELP|TYPE|UNIT) ([a-z_]+) (.+)");
    ASSERT_TRUE(std::regex_match(text, parts, description)) << text;
    const std::string name = parts[2];
    EXPECT_TRUE(name == latest_ || !families_.contains(name)) << name << " is there twice";
    latest_ = name;
    Family& family = families_[name];
    std::string& told = parts[1] == "HELP"   ? family.help
                        : parts[1] == "TYPE" ? family.type
                                             : family.unit;
    EXPECT_TRUE(told.empty()) << text;
    told = parts[3];
  }
  void add(const std::string& name, const std::string& labels, double value) {
    const std::string& type = families_[latest_].type;
    const std::string suffix = name.starts_with(latest_) ? name.substr(latest_.size()) : "?";
    if (type == "gauge") {
      EXPECT_EQ(suffix, "") << name;
    } else {
      EXPECT_EQ(type, "histogram") << latest_;
      EXPECT_TRUE(suffix == "_bucket" || suffix == "_count" || suffix == "_sum") << name;
    }
    names_.insert(name);
    const std::string series = labels.empty() ? name : name + "{" + labels + "}";
    EXPECT_TRUE(samples_.emplace(series, value).second) << series << " is there twice";
    if (suffix != "_bucket") return;
    // Buckets hold those before them.
    const bool is_first = labels.find("le=\"10.0\"") != std::string::npos;
    EXPECT_TRUE(is_first || value >= bucket_) << series;
    bucket_ = value;
  }

  std::map<std::string, Family> families_;
  std::map<std::string, double> samples_;
  std::set<std::string> names_;
  std::string latest_;
  double bucket_ = 0;
  bool has_ended_ = false;
};

class MetricsCommand : public CliTest {
 protected:
  std::string page() {
    const Finished finished = genpro({"metrics", "--ledger", path_});
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    return finished.out;
  }
  void fill() {
    const auto ledger = open();
    const std::int64_t first = add_costing(*ledger, request("1"), completed("1"), 1.5, true);
    add_costing(*ledger, request("2"), completed("2"), 2);
    make_old(first, 100 * 24 * hour);
    sql("UPDATE generations SET ended_at = posted_at + 25000");
    add_costing(*ledger, request("3"), stopped("3"), 4);
    add_costing(*ledger, request("4"), failed("4"), 8);
    add(*ledger, request("5", "3300", "42", ""), pending("5"));
    // In another cell: a doubt keeps the rows of its own.
    lose(*ledger, add(*ledger, request("6", "3301", "42", "")));
  }
};

TEST_F(MetricsCommand, SaysWhatTheLedgerHolds) {
  fill();
  const OpenMetrics metrics(page());
  const auto generations = [&](const std::string& model, const std::string& status) {
    return metrics.value("genpro_generations{model=\"" + model + "\",status=\"" + status + "\"}");
  };
  EXPECT_EQ(generations("pika", "completed"), 2);
  EXPECT_EQ(generations("pika", "stopped"), 1);
  EXPECT_EQ(generations("pika", "failed"), 1);
  EXPECT_EQ(generations("pika", "pending"), 0);
  EXPECT_EQ(generations("default", "pending"), 1);
  EXPECT_EQ(generations("default", "unknown"), 1);
  const auto credits = [&](const std::string& charge, const std::string& basis) {
    return metrics.value("genpro_cost_credits{model=\"pika\",charge=\"" + charge + "\",basis=\"" +
                         basis + "\"}");
  };
  EXPECT_EQ(credits("charged", "told"), 3.5);
  EXPECT_EQ(credits("charged", "estimated"), 0);
  EXPECT_EQ(credits("refund_unproven", "told"), 4);
  EXPECT_EQ(credits("refunded", "told"), 8);
  EXPECT_EQ(metrics.value(R"(genpro_unpriced_generations{model="default",charge="in_doubt"})"), 1);
  EXPECT_EQ(metrics.value("genpro_doubts"), 1);
  EXPECT_LT(metrics.value("genpro_oldest_doubt_age_seconds"), 3600);
  const auto duration = [&](const std::string& rest) {
    return metrics.value("genpro_generation_duration_seconds" + rest);
  };
  EXPECT_EQ(duration(R"(_bucket{model="pika",le="20.0"})"), 0);
  EXPECT_EQ(duration(R"(_bucket{model="pika",le="30.0"})"), 2);
  EXPECT_EQ(duration(R"(_bucket{model="pika",le="+Inf"})"), 2);
  EXPECT_EQ(duration(R"(_count{model="pika"})"), 2);
  EXPECT_EQ(duration(R"(_sum{model="pika"})"), 50);
  EXPECT_EQ(metrics.value(R"(genpro_delivered_bytes{model="pika"})"), 1000);
  EXPECT_EQ(metrics.value(R"(genpro_retried_generations{model="pika"})"), 0);
}

// Nothing that prune makes less may seem to only grow.
TEST_F(MetricsCommand, HasLessAfterAPrune) {
  fill();
  output({"prune"});
  const OpenMetrics metrics(page());
  EXPECT_EQ(metrics.value(R"(genpro_generations{model="pika",status="completed"})"), 1);
  EXPECT_EQ(metrics.families().at("genpro_generations").type, "gauge");
  EXPECT_EQ(metrics.families().at("genpro_cost_credits").type, "gauge");
  EXPECT_EQ(metrics.families().at("genpro_delivered_bytes").type, "gauge");
}

TEST_F(MetricsCommand, PromtoolAcceptsIt) {
  if (take_string(g_find_program_in_path("promtool")).empty()) {
    GTEST_SKIP() << "promtool is not installed";
  }
  const std::string empty = shell("\"$0\" metrics --ledger \"$1\" 2>/dev/null", {path_}).out;
  fill();
  add(*open(), request("7", "3300", "42", R"(a "model" of C:\)"), completed("7"));
  for (const std::string& text : {empty, page()}) {
    const Finished finished = run_command({"promtool", "check", "metrics"}, {}, text);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_EQ(finished.out, "") << text;
  }
}

TEST_F(MetricsCommand, IsReadWhateverAModelIsCalled) {
  const auto ledger = open();
  add(*ledger, request("1", "3300", "42", "one\nline"), pending("1"));
  add(*ledger, request("2", "3300", "42", "one line"), pending("2"));
  add(*ledger, request("3", "3300", "42", R"(a "model" of C:\)"), pending("3"));
  const std::string text = page();
  EXPECT_FALSE(has_control_characters(text));
  const OpenMetrics metrics(text);
  EXPECT_EQ(metrics.value(R"(genpro_generations{model="one line",status="pending"})"), 2);
  EXPECT_EQ(metrics.value(R"(genpro_generations{model="a \"model\" of C:\\",status="pending"})"),
            1);
}

TEST_F(MetricsCommand, IsAPageWithoutALedgerToo) {
  const Finished finished = shell("\"$0\" metrics --ledger \"$1\" 2>/dev/null", {path_});
  EXPECT_EQ(finished.exit_code, 0);
  const OpenMetrics metrics(finished.out);
  EXPECT_EQ(metrics.value("genpro_doubts"), 0);
  EXPECT_EQ(metrics.value("genpro_oldest_doubt_age_seconds"), 0);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_NE(page().find("There is no ledger"), std::string::npos);
}

TEST_F(MetricsCommand, NamesADamagedRow) {
  fill();
  sql("UPDATE generations SET status = 'strange' WHERE id = 2");
  const Finished finished = genpro({"metrics", "--ledger", path_});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.out.find("genpro ledger prune 2"), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("genpro_generations"), std::string::npos) << finished.out;
}

void collect_queries(JsonNode* node, std::vector<std::string>& queries) {
  if (JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray* array = json_node_get_array(node);
    for (guint at = 0; at < json_array_get_length(array); ++at) {
      collect_queries(json_array_get_element(array, at), queries);
    }
  } else if (JSON_NODE_HOLDS_OBJECT(node)) {
    JsonObject* object = json_node_get_object(node);
    for (const std::string& name : names_of(object)) {
      JsonNode* member = json_object_get_member(object, name.c_str());
      if (name == "expr" || name == "definition") {
        queries.emplace_back(json_node_get_string(member));
      } else {
        collect_queries(member, queries);
      }
    }
  }
}

TEST_F(MetricsCommand, HasAllThatTheDashboardAsksFor) {
  const auto dashboard = api::parse_json(read_file(EXAMPLES_FOLDER "/grafana-dashboard.json"));
  ASSERT_TRUE(dashboard) << dashboard.error();
  std::vector<std::string> queries;
  collect_queries(dashboard->get(), queries);
  EXPECT_GT(queries.size(), 10U);
  fill();
  const OpenMetrics metrics(page());
  std::set<std::string> unseen;
  for (const auto& [name, family] : metrics.families()) unseen.insert(name);
  static const std::regex metric("genpro_[a-z_]+");
  for (const std::string& query : queries) {
    auto at = std::sregex_iterator(query.begin(), query.end(), metric);
    EXPECT_NE(at, std::sregex_iterator()) << query;
    for (; at != std::sregex_iterator(); ++at) {
      EXPECT_TRUE(metrics.names().contains(at->str())) << query;
      std::erase_if(unseen, [&](const std::string& name) { return at->str().starts_with(name); });
    }
  }
  for (const std::string& name : unseen) ADD_FAILURE() << name << " is on no panel";
}

// Taken for a file that is not there yet, it would be a page of zeros, and its password shown.
TEST(MetricsAddress, ThatIsMisspeltIsAnError) {
  for (const char* wrong : {"host=h password=hunter2", "Postgresql://me:hunter2@h/db"}) {
    for (const char* command : {"metrics", "ledger"}) {
      std::vector<std::string> words = {g_getenv("GENPRO"), command};
      if (words[1] == "ledger") words.emplace_back("list");
      words.insert(words.end(), {"--ledger", wrong});
      const Finished finished = run_command(words, {});
      EXPECT_NE(finished.exit_code, 0) << finished.out;
      EXPECT_NE(finished.out.find("postgresql://HOST/DATABASE"), std::string::npos) << finished.out;
      EXPECT_EQ(finished.out.find("hunter2"), std::string::npos) << finished.out;
    }
  }
}

}  // namespace
}  // namespace genpro::test
