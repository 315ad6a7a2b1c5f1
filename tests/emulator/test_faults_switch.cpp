// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How faults are listed, set, changed and removed: over HTTP and on the command line.
#include <algorithm>
#include <cmath>
#include <set>

#include "child_process.h"
#include "emulator/faults/values.h"
#include "faults_fixture.h"

namespace genpro::emulator::test {

class FaultSwitches : public FaultsTest {};

TEST_F(FaultSwitches, AreListedWithAllThatAPageNeeds) {
  const Json faults = client_->get(faults_path).json()["faults"];
  ASSERT_GT(faults.size(), 5u);
  std::set<std::string> names;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const Json fault = faults.at(i);
    const std::string name = fault["name"].text();
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(fault["enabled"].dump(), "false") << name;
    EXPECT_EQ(fault["value"].text(), fault["default"].text()) << name;
    EXPECT_EQ(fault["acted"].number(), 0) << name;
    EXPECT_TRUE(fault["description"].text().ends_with(".")) << name;
    EXPECT_GT(fault["syntax"].text().size(), 3u) << name;
  }
}

TEST_F(FaultSwitches, GoOnWithTheirDefaultsAndOffAgain) {
  const Json faults = client_->get(faults_path).json()["faults"];
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const std::string name = faults.at(i)["name"].text();
    ASSERT_EQ(post_fault(R"({"name":")" + name + R"(","enabled":true})").status, 200u) << name;
    EXPECT_EQ(listed(name)["enabled"].dump(), "true");
    EXPECT_EQ(listed(name)["value"].text(), faults.at(i)["default"].text());
  }
  EXPECT_EQ(client_->send("DELETE", faults_path).status, 200u);
  EXPECT_EQ(client_->get(faults_path).json()["faults"].dump(), faults.dump());
}

TEST_F(FaultSwitches, KeepTheirValueUntilTheyAreRemoved) {
  set("cut-downloads", "5k");
  switch_off("cut-downloads");
  EXPECT_EQ(listed("cut-downloads")["value"].text(), "5k");
  ASSERT_EQ(post_fault(R"({"name":"cut-downloads","value":"6k","enabled":false})").status, 200u);
  EXPECT_EQ(listed("cut-downloads")["enabled"].dump(), "false");
  ASSERT_EQ(post_fault(R"({"name":"cut-downloads","enabled":true})").status, 200u);
  EXPECT_EQ(listed("cut-downloads")["value"].text(), "6k");
  EXPECT_EQ(listed("cut-downloads")["enabled"].dump(), "true");
  ASSERT_EQ(client_->send("DELETE", "/_emulator/faults/cut-downloads").status, 200u);
  EXPECT_EQ(listed("cut-downloads")["enabled"].dump(), "false");
  EXPECT_EQ(listed("cut-downloads")["value"].text(), "100k");
}

TEST_F(FaultSwitches, StartTheirCountsAnewWhenTheyAreSet) {
  for (int i = 0; i < 2; ++i) {
    set("other-errors", "500:count=1");
    EXPECT_EQ(client_->get("/v1/me").status, 500u);
    EXPECT_EQ(client_->get("/v1/me").status, 200u);
    EXPECT_EQ(acted("other-errors"), 1);
  }
}

TEST_F(FaultSwitches, RefuseWhatIsNotUnderstoodAndSayWhatIs) {
  struct Case {
    const char* name;
    const char* value;
    const char* words;
  };
  for (const Case& c : {
           Case{"no-such", "1", "The faults are latency, "},
           {"latency", "", "empty"},
           {"latency", "fixed", "fixed:SECONDS"},
           {"latency", "fixed:-1", "from 0 to 86400"},
           {"latency", "fixed:nan", "from 0 to 86400"},
           {"latency", "fixed:1e3", "from 0 to 86400"},
           {"latency", "uniform:5:4", "from 5 to"},
           {"latency", "lognormal:0:1", "median"},
           {"latency", "sora=fixed:1", "kling_1_6"},
           {"latency", "fixed:1,fixed:2", "two latencies"},
           {"latency", "fixed:1,", "lognormal:MEDIAN:SIGMA"},
           {"post-errors", "200", "from 400 to 599"},
           {"post-errors", "4000", "from 400 to 599"},
           {"post-errors", "503:", "STATUS[:code"},
           {"post-errors", "503:rate=2", "rate must be"},
           {"post-errors", "503:count=0", "count must be"},
           {"post-errors", "503:often=1", "no option"},
           {"post-errors", "503:code=A B", "small letters"},
           {"post-errors", "503:retry-after=soon", "retry-after must be"},
           {"lost-answers", "never", "closed or silent"},
           {"lost-answers", "closed:5", "not understood"},
           {"cut-downloads", "0", "at least 1"},
           {"cut-downloads", "99999999999999999999", "whole number of bytes"},
           {"cut-downloads", "9999999999999M", "whole number of bytes"},
           {"slow-downloads", "fast", "100k"},
           {"expiring-urls", "status=403", "seconds or requests"},
           {"expiring-urls", "seconds=1:status=500", "from 400 to 499"},
           {"failed-generations", "No luck", "reason=TEXT"},
           {"failed-generations", "reason= ", "empty"},
       }) {
    const auto refusal =
        post_fault(R"({"name":")" + std::string(c.name) + R"(","value":")" + c.value + R"("})");
    expect_error(refusal, 422, "validation_error", c.words);
  }
  for (const char* body :
       {"{}", "[]", R"({"name":5})", R"({"name":"latency","value":true})",
        R"({"name":"latency","enabled":"yes"})", R"({"name":"latency","amount":1})",
        R"({"faults":{}})", R"({"faults":[1]})", R"({"seed":-1})", R"({"seed":1.5})",
        R"({"seed":1,"x":2})", R"({"faults":[],"name":"latency"})"}) {
    expect_error(post_fault(body), 422, "validation_error");
  }
  expect_error(post_fault(R"({"name":"failed-generations","value":"reason=)" +
                          std::string(1000, 'x') + R"("})"),
               422, "validation_error", "1000 bytes");
  expect_error(client_->send("DELETE", "/_emulator/faults/no-such"), 404, "not_found", "latency");
  EXPECT_EQ(client_->get(faults_path, {{"X-API-Key", "wrong"}}).status, 401u);
  EXPECT_EQ(client_->post(faults_path, "{}", {{"X-API-Key", "wrong"}}).status, 401u);
}

TEST_F(FaultSwitches, AreSetTogetherOrNotAtAll) {
  const std::string before = client_->get(faults_path).body;
  expect_error(post_fault(R"({"seed":5,"faults":[{"name":"poll-errors","value":"500"},
                              {"name":"lost-answers","value":"x"}]})"),
               422, "validation_error", "lost-answers");
  EXPECT_EQ(client_->get(faults_path).body, before);
  const auto set = post_fault(R"({"seed":5,"faults":[{"name":"poll-errors","value":500},
                                  {"name":"lost-answers","value":"silent"}]})");
  EXPECT_EQ(set.status, 200u);
  EXPECT_EQ(set.json()["seed"].number(), 5);
  EXPECT_EQ(set.body, client_->get(faults_path).body);
  EXPECT_EQ(listed("poll-errors")["value"].text(), "500");
  EXPECT_EQ(listed("lost-answers")["enabled"].dump(), "true");
}

TEST_F(FaultSwitches, CanBeOnFromTheStart) {
  restart([](EmulatorSettings& settings) {
    settings.faults = {{"other-errors", "502:count=1"}, {"cut-downloads", {}}};
    settings.fault_seed = 11;
  });
  EXPECT_EQ(client_->get("/v1/me").status, 502u);
  EXPECT_EQ(client_->get("/v1/me").status, 200u);
  EXPECT_EQ(listed("cut-downloads")["enabled"].dump(), "true");
  EXPECT_EQ(client_->get(faults_path).json()["seed"].number(), 11);
}

class FaultOptions : public ::testing::Test {
 protected:
  static void expect_refusal(std::vector<std::string> options, const std::string& words) {
    options.insert(options.begin(), {EMULATOR_PROGRAM, "serve", "--port", "0"});
    ChildProcess process(options);
    EXPECT_EQ(process.wait(), 2) << options.back();
    EXPECT_NE(process.errors().find(words), std::string::npos) << process.errors();
  }
};

TEST_F(FaultOptions, EndTheProgramWhenTheyAreWrong) {
  expect_refusal({"--fault", "no-such"}, "The faults are latency, ");
  expect_refusal({"--fault", "post-errors=700"}, "from 400 to 599");
  expect_refusal({"--fault", "post-errors="}, "empty");
  expect_refusal({"--fault", "lost-answers", "--fault", "lost-answers=silent"}, "twice");
  expect_refusal({"--fault-seed", "x"}, "--fault-seed");
}

TEST_F(FaultOptions, AreTakenOver) {
  ChildProcess process({EMULATOR_PROGRAM, "serve", "--port", "0", "--fault-seed", "12", "--fault",
                        "latency=pika=fixed:3,lognormal:5:0.5", "--fault", "lost-answers"});
  ASSERT_TRUE(process.wait_for_output("/v1\n")) << process.errors();
  const auto start = process.output().find("http://");
  Client client(process.output().substr(start, process.output().find("/v1") - start));
  const Json list = client.get(faults_path).json();
  EXPECT_EQ(list["seed"].number(), 12);
  EXPECT_EQ(list["faults"].at(0)["value"].text(), "pika=fixed:3,lognormal:5:0.5");
  std::string enabled;
  for (std::size_t i = 0; i < list["faults"].size(); ++i) {
    if (list["faults"].at(i)["enabled"].dump() != "true") continue;
    enabled += list["faults"].at(i)["name"].text() + " ";
  }
  EXPECT_EQ(enabled, "latency lost-answers ");
  process.kill(SIGTERM);
  EXPECT_EQ(process.wait(), 0);
}

TEST(FaultChance, HasTheDistributionThatIsNamed) {
  const auto draws = [](const char* text, int seed) {
    Dice dice(static_cast<std::uint64_t>(seed));
    const auto rules = read_latency(text, {});
    std::vector<double> values(20'001);
    for (auto& value : values) value = rules.at(0).seconds.draw(dice);
    std::sort(values.begin(), values.end());
    return values;
  };
  const auto uniform = draws("uniform:10:30", 1);
  EXPECT_GE(uniform.front(), 10);
  EXPECT_LT(uniform.back(), 30);
  EXPECT_NEAR(uniform[10'000], 20, 0.5);
  EXPECT_NEAR(uniform[5'000], 15, 0.5);
  const auto lognormal = draws("lognormal:45:0.5", 1);
  EXPECT_NEAR(lognormal[10'000], 45, 1.5);
  // One deviation above the median.
  EXPECT_NEAR(lognormal[16'827], 45 * std::exp(0.5), 4);
  EXPECT_EQ(draws("lognormal:45:0.5", 1), lognormal);
  EXPECT_NE(draws("lognormal:45:0.5", 2), lognormal);
  EXPECT_EQ(draws("fixed:2.5", 1).front(), 2.5);
  EXPECT_LE(draws("lognormal:80000:10", 1).back(), 86'400);
}

}  // namespace genpro::emulator::test
