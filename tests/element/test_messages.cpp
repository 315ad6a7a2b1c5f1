// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the elements say on the bus, field by field.
#include "common/messages.h"

#include "element/element_fixture.h"

namespace genpro::test {
namespace {

class Messages : public testing::Test {
 protected:
  Outcome heard() { return listener_.outcome(); }
  void tell(const Report& report) { post(element_, GST_CAT_DEFAULT, report); }

 private:
  GstElement* with_child() {
    gst_bin_add(GST_BIN(pipeline_.get()), element_);
    return pipeline_.get();
  }
  Running pipeline_{sink_ref(gst_pipeline_new(nullptr))};
  GstElement* element_ = gst_element_factory_make("identity", "genpro");
  BusListener listener_{with_child()};

 protected:
  // Out of NULL, where nothing is posted.
  void SetUp() override { gst_element_set_state(pipeline_.get(), GST_STATE_READY); }
};

template <typename T>
struct Field;
template <>
struct Field<std::string> {
  static constexpr GType type = G_TYPE_STRING;
  static std::string get(const GValue* value) { return g_value_get_string(value); }
};
template <>
struct Field<std::int64_t> {
  static constexpr GType type = G_TYPE_INT64;
  static std::int64_t get(const GValue* value) { return g_value_get_int64(value); }
};
template <>
struct Field<int> {
  static constexpr GType type = G_TYPE_INT;
  static int get(const GValue* value) { return g_value_get_int(value); }
};
template <>
struct Field<double> {
  static constexpr GType type = G_TYPE_DOUBLE;
  static double get(const GValue* value) { return g_value_get_double(value); }
};
template <>
struct Field<std::uint64_t> {
  static constexpr GType type = G_TYPE_UINT64;
  static std::uint64_t get(const GValue* value) { return g_value_get_uint64(value); }
};
template <>
struct Field<bool> {
  static constexpr GType type = G_TYPE_BOOLEAN;
  static bool get(const GValue* value) { return g_value_get_boolean(value) != FALSE; }
};

// The field, nothing when it is not there or of another type.
template <typename T>
std::optional<T> field(const GstStructure* structure, const char* name) {
  if (structure == nullptr) return std::nullopt;
  const GValue* value = gst_structure_get_value(structure, name);
  if (value == nullptr || G_VALUE_TYPE(value) != Field<T>::type) return std::nullopt;
  return Field<T>::get(value);
}

TEST_F(Messages, ADoubtNamesWhatMayBeMeant) {
  tell(DoubtReport{.ledger_row = 17,
                   .generation_id = "9040",
                   .candidates = {"9040", "9041"},
                   .reason = "The answer was lost."});
  const Outcome outcome = heard();
  const auto found = outcome.named("genpro-doubt");
  ASSERT_EQ(found.size(), 1U) << outcome.everything;
  EXPECT_EQ(field<std::int64_t>(found[0], "ledger-row"), 17);
  EXPECT_EQ(field<std::string>(found[0], "generation-id"), "9040");
  EXPECT_EQ(field<std::string>(found[0], "generation-ids"), "9040,9041");
  EXPECT_EQ(field<std::string>(found[0], "reason"), "The answer was lost.");
}

TEST_F(Messages, ADoubtOfWhichNothingIsKnownHasAllFields) {
  tell(DoubtReport());
  const Outcome outcome = heard();
  const auto found = outcome.named("genpro-doubt");
  ASSERT_EQ(found.size(), 1U) << outcome.everything;
  EXPECT_EQ(field<std::int64_t>(found[0], "ledger-row"), 0);
  for (const char* name : {"generation-id", "generation-ids", "reason"}) {
    EXPECT_EQ(field<std::string>(found[0], name), "") << name;
  }
}

TEST_F(Messages, TheEndOfADoubtSaysByWhatEvidence) {
  tell(DoubtReport{.is_settled = true,
                   .ledger_row = 17,
                   .generation_id = "9040",
                   .evidence = "likely",
                   .reason = "It is the only one that is new."});
  const Outcome outcome = heard();
  EXPECT_TRUE(outcome.named("genpro-doubt").empty());
  const auto found = outcome.named("genpro-doubt-settled");
  ASSERT_EQ(found.size(), 1U) << outcome.everything;
  EXPECT_EQ(field<std::int64_t>(found[0], "ledger-row"), 17);
  EXPECT_EQ(field<std::string>(found[0], "generation-id"), "9040");
  EXPECT_EQ(field<std::string>(found[0], "evidence"), "likely");
  EXPECT_EQ(field<std::string>(found[0], "reason"), "It is the only one that is new.");
}

TEST_F(Messages, ProgressHasTimeAndMoneyAsNumbers) {
  tell(ProgressReport{.type = GST_PROGRESS_TYPE_CONTINUE,
                      .text = "It goes on.",
                      .progress = {.elapsed = 12, .expected = 48, .expected_90 = 60, .percent = 25},
                      .cost = 3.5});
  const Outcome outcome = heard();
  ASSERT_EQ(outcome.progress.size(), 1U) << outcome.everything;
  const Progress& progress = outcome.progress[0];
  EXPECT_EQ(progress.text, "It goes on.");
  EXPECT_EQ(field<int>(progress.fields.get(), "percent"), 25);
  EXPECT_EQ(field<double>(progress.fields.get(), "elapsed"), 12);
  EXPECT_EQ(field<double>(progress.fields.get(), "expected"), 48);
  EXPECT_EQ(field<double>(progress.fields.get(), "expected-90"), 60);
  EXPECT_EQ(field<double>(progress.fields.get(), "cost"), 3.5);
}

TEST_F(Messages, AClipHasItsRunningTime) {
  tell(ClipReport{"started", nullptr, "9040", 1'500'000'000});
  const Outcome outcome = heard();
  const auto found = outcome.named("genpro-clip");
  ASSERT_EQ(found.size(), 1U) << outcome.everything;
  EXPECT_EQ(field<std::string>(found[0], "event"), "started");
  EXPECT_EQ(field<std::string>(found[0], "generation-id"), "9040");
  EXPECT_EQ(field<std::uint64_t>(found[0], "running-time"), 1'500'000'000U);
}

TEST_F(Messages, AnErrorSaysWhatItMeansForMoney) {
  for (const auto& [charged, word] :
       {std::pair(Charged::no, "no"), {Charged::yes, "yes"}, {Charged::unknown, "unknown"}}) {
    for (const bool retryable : {true, false}) {
      Error error;
      error.message = "It failed.";
      error.charged = charged;
      error.retryable = retryable;
      error.ledger_row = 17;
      tell(error);
      const Outcome outcome = heard();
      ASSERT_FALSE(outcome.errors.empty());
      const GstStructure* details = outcome.errors.back().fields.get();
      EXPECT_EQ(field<std::string>(details, "charged"), word);
      EXPECT_EQ(field<bool>(details, "retryable"), retryable);
      EXPECT_EQ(field<std::int64_t>(details, "ledger-row"), 17);
    }
  }
}

TEST_F(Messages, AnErrorLeavesOutWhatIsNotKnown) {
  Error error;
  error.message = "It failed.";
  tell(error);
  const Outcome outcome = heard();
  ASSERT_EQ(outcome.errors.size(), 1U);
  for (const char* name : {"charged", "retryable", "ledger-row", "generation-id", "error-code"}) {
    EXPECT_EQ(outcome.errors[0].detail(name), "") << name;
  }
}

}  // namespace
}  // namespace genpro::test
