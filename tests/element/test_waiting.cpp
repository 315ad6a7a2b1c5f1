// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is told while a generation is waited for: how far it is, and that it goes on.
#include <sqlite3.h>

#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

class Waiting : public testing::Test {
 protected:
  Waiting() { service_.set_clip({.bytes = small_clip()}); }

  // One that is in the ledger afterwards as if it had taken so long.
  void make_one(double seconds) {
    const Streamed streamed = stream(seed_src(service_, {{"ledger", ledger_}}));
    ASSERT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
    sqlite3* opened = nullptr;
    ASSERT_EQ(sqlite3_open(ledger_.c_str(), &opened), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, sqlite3_close);
    const std::string milliseconds = std::to_string(static_cast<int>(seconds * 1000));
    const std::string change = "UPDATE generations SET unfinished_at = posted_at + " +
                               milliseconds + " - 100, ended_at = posted_at + " + milliseconds;
    ASSERT_EQ(sqlite3_exec(opened, change.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  }

  static int percent(const GstStructure* fields) {
    int value = -2;
    gst_structure_get_int(fields, "percent", &value);
    return value;
  }
  static double number(const GstStructure* fields, const char* name) {
    double value = -2;
    gst_structure_get_double(fields, name, &value);
    return value;
  }
  static bool goes_on(GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_PROGRESS) return false;
    GstProgressType type = GST_PROGRESS_TYPE_START;
    gst_message_parse_progress(message, &type, nullptr, nullptr);
    return type == GST_PROGRESS_TYPE_CONTINUE;
  }

  // Waits in PAUSED until a message about the generation says so; then it is completed.
  Outcome wait_until(const std::function<bool(const GstStructure*)>& is_said) {
    for (int question = 0; question < 1000; ++question) service_.push_status("processing");
    Collector collector(seed_src(service_, {{"ledger", ledger_}}));
    gst_element_set_state(collector.pipeline(), GST_STATE_PAUSED);
    EXPECT_TRUE(collector.listener().wait_for([&](GstMessage* message) {
      return goes_on(message) && is_said(gst_message_get_structure(message));
    }));
    EXPECT_TRUE(stops_in_time(collector.pipeline()));
    return collector.listener().outcome();
  }

  FakeService service_;
  const TempDir folder_;
  const std::string ledger_ = folder_.file("ledger.db");
};

TEST_F(Waiting, SaysThatNothingIsKnownOfAFirstOne) {
  const Outcome outcome =
      wait_until([](const GstStructure* fields) { return number(fields, "elapsed") >= 2; });
  for (const Progress& progress : outcome.progress) {
    EXPECT_EQ(percent(progress.fields.get()), -1) << progress.text;
    EXPECT_EQ(number(progress.fields.get(), "expected"), -1) << progress.text;
    EXPECT_EQ(number(progress.fields.get(), "expected-90"), -1) << progress.text;
  }
  EXPECT_NE(outcome.everything.find("not\\ known\\ yet"), std::string::npos) << outcome.everything;
}

TEST_F(Waiting, SaysHowFarItIsByEarlierOnes) {
  for (int number = 0; number < 2; ++number) make_one(8);
  const Outcome outcome =
      wait_until([](const GstStructure* fields) { return percent(fields) >= 20; });
  int before = -1;
  bool is_known = false;
  for (const Progress& progress : outcome.progress) {
    const GstStructure* fields = progress.fields.get();
    EXPECT_GE(percent(fields), before) << progress.text;
    before = percent(fields);
    if (before < 0 || progress.type != GST_PROGRESS_TYPE_CONTINUE) continue;
    is_known = true;
    EXPECT_LT(before, 100);
    EXPECT_GT(number(fields, "expected"), 7);
    EXPECT_LT(number(fields, "expected"), 16);
    EXPECT_GT(number(fields, "expected-90"), number(fields, "expected"));
  }
  EXPECT_TRUE(is_known) << outcome.everything;
  EXPECT_NE(outcome.everything.find("left"), std::string::npos) << outcome.everything;
}

TEST_F(Waiting, DoesNotForetellWhatTakesLongerThanAnyOther) {
  for (int number = 0; number < 9; ++number) make_one(0.5);
  const Outcome outcome =
      wait_until([](const GstStructure* fields) { return number(fields, "elapsed") >= 2; });
  const GstStructure* fields = outcome.progress.at(outcome.progress.size() - 2).fields.get();
  EXPECT_EQ(percent(fields), 99) << outcome.everything;
  EXPECT_EQ(number(fields, "expected"), -1) << outcome.everything;
  EXPECT_NE(outcome.everything.find("longer\\ than\\ nearly\\ all"), std::string::npos)
      << outcome.everything;
}

TEST_F(Waiting, TheEndIsAHundredPercentAndItsCost) {
  const Streamed streamed = stream(seed_src(service_, {{"ledger", ledger_}}));
  ASSERT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  const Progress& last = streamed.outcome.progress.back();
  EXPECT_EQ(last.type, GST_PROGRESS_TYPE_COMPLETE);
  EXPECT_EQ(percent(last.fields.get()), 100);
  EXPECT_EQ(number(last.fields.get(), "cost"), 3.5);
}

}  // namespace
}  // namespace genpro::test
