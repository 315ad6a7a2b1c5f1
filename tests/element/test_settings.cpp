// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Settings that cannot work: one clear error each, before anything is sent.
#include <algorithm>

#include "element/element_fixture.h"

namespace genpro::test {
namespace {

struct BadSettings {
  const char* name;
  Settings changes;
  // What the error has to name, so that its reader knows what to change.
  std::vector<std::string> mentions;
};

void PrintTo(const BadSettings& bad, std::ostream* out) {
  *out << bad.name;
}

const BadSettings bad_settings[] = {
    {"no_prompt", {{"prompt", ""}}, {"prompt"}},
    {"a_blank_prompt", {{"prompt", " \n\t"}}, {"prompt"}},
    {"no_sheet", {{"sheet-id", ""}}, {"sheet-id"}},
    {"no_cell", {{"cell-id", ""}}, {"cell-id"}},
    {"no_agent", {{"agent-id", ""}}, {"agent-id"}},
    {"no_ingredient", {{"asset-ids", ""}}, {"asset-ids"}},
    {"only_commas", {{"asset-ids", ",,"}}, {"asset-ids"}},
    {"an_empty_asset_id", {{"asset-ids", "1,,2"}}, {"asset-ids"}},
    {"a_comma_at_the_end", {{"asset-ids", "1,"}}, {"asset-ids"}},
    {"an_asset_path", {{"asset-ids", "../x"}}, {"asset-ids", "../x"}},
    {"an_asset_with_a_space", {{"asset-ids", "a b"}}, {"asset-ids", "a b"}},
    {"an_asset_with_a_quote", {{"asset-ids", "1\"2"}}, {"asset-ids"}},
    {"a_sheet_path", {{"sheet-id", "../x"}}, {"sheet-id"}},
    {"a_sheet_with_a_space", {{"sheet-id", "a b"}}, {"sheet-id"}},
    {"a_sheet_with_a_query", {{"sheet-id", "1?x=2"}}, {"sheet-id"}},
    {"a_cell_with_a_slash", {{"cell-id", "3300/generate"}}, {"cell-id"}},
    {"a_cell_list", {{"cell-id", "1,,2"}}, {"cell-id"}},
    {"a_cell_with_percent", {{"cell-id", "%2e%2e"}}, {"cell-id"}},
    {"an_agent_with_an_ampersand", {{"agent-id", "1&agent_id=2"}}, {"agent-id"}},
    {"an_agent_with_a_newline", {{"agent-id", "4\r\n2"}}, {"agent-id"}},
    {"an_agent_in_letters_that_are_not_ascii", {{"agent-id", "agent_ä"}}, {"agent-id"}},
    {"a_generation_path", {{"generation-id", "../x"}}, {"generation-id"}},
    {"a_route_with_a_slash", {{"sheet-route", "a/../b"}}, {"sheet-route"}},
    {"an_empty_route", {{"sheet-route", ""}}, {"sheet-route"}},
    {"an_empty_key", {{"api-key", ""}}, {"api-key"}},
    {"a_blank_key", {{"api-key", "  "}}, {"api-key"}},
    {"a_key_with_a_line_break", {{"api-key", "abc\r\nX-Evil: 1"}}, {"key", "line break"}},
    {"a_key_with_a_newline", {{"api-key", "abc\ndef"}}, {"key", "line break"}},
    {"variables_that_are_a_list", {{"variables", "[1]"}}, {"variables"}},
    {"variables_that_are_no_json", {{"variables", "{a"}}, {"variables"}},
    {"variables_that_are_a_word", {{"variables", "lamp"}}, {"variables"}},
    {"extra_data_that_is_a_list", {{"extra-data", "[]"}}, {"extra-data"}},
    {"extra_data_that_is_no_json", {{"extra-data", "{\"a\":}"}}, {"extra-data"}},
    {"extra_data_that_is_a_number", {{"extra-data", "5"}}, {"extra-data"}},
    {"extra_data_with_something_behind", {{"extra-data", "{} {}"}}, {"extra-data"}},
    {"plain_http", {{"api-base-url", "http://192.0.2.1/v1"}}, {"api-base-url", "https"}},
    {"plain_http_to_a_name",
     {{"api-base-url", "http://api.gen.pro/v1"}},
     {"api-base-url", "https"}},
    {"plain_http_to_what_only_begins_like_loopback",
     {{"api-base-url", "http://127.0.0.1.example.com/v1"}},
     {"api-base-url", "https"}},
    {"plain_http_to_localhost_of_somebody",
     {{"api-base-url", "http://localhost.example.com/v1"}},
     {"api-base-url", "https"}},
    {"loopback_as_user_name",
     {{"api-base-url", "http://127.0.0.1@192.0.2.1/v1"}},
     {"api-base-url"}},
    {"a_base_that_is_no_url", {{"api-base-url", "gen.pro"}}, {"api-base-url"}},
    {"a_base_that_is_a_file", {{"api-base-url", "file:///v1"}}, {"api-base-url"}},
    // Which GStreamer reads as the greatest number of all.
    {"a_negative_duration", {{"duration", "-1"}}, {"duration is \"-1\"", "0 to 3600"}},
    {"a_duration_out_of_range", {{"duration", "3601"}}, {"duration is \"3601\"", "0 to 3600"}},
    {"too_many_retries", {{"retries", "101"}}, {"retries is \"101\"", "0 to 100"}},
    {"no_stall_timeout", {{"stall-timeout", "0"}}, {"stall-timeout is \"0\"", "1 to 3600"}},
    {"a_negative_cost", {{"max-cost", "-1.5"}}, {"max-cost is \"-1.5\"", "credits"}},
    {"no_clip_size", {{"max-clip-size", "0"}}, {"max-clip-size is \"0\"", "from 1"}},
    {"two_numbers_out_of_range",
     {{"duration", "3601"}, {"retries", "101"}},
     {"duration is", "retries is"}},
    {"a_variable_name_that_is_none",
     {{"content-resource-vars", "a,,b"}},
     {"content-resource-vars"}},
};

TEST(Settings, ThatAreCorrectedAreAsIfTheyHadNeverBeenWrong) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  const Streamed streamed = stream(seed_src(
      service, {{"duration", "3601"}, {"duration", "5"}, {"max-cost", "-1"}, {"max-cost", "0"}}));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(service.count(is_generate), 1U);
}

class SettingsError : public testing::TestWithParam<BadSettings> {};

TEST_P(SettingsError, IsToldBeforeAnythingIsSent) {
  FakeService service;
  const Streamed streamed = stream(seed_src(service, GetParam().changes));
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)},
                                      .mentions = GetParam().mentions});
  EXPECT_EQ(service.count(), 0U) << "nothing is asked of the service";
  ASSERT_FALSE(streamed.outcome.errors.empty());
  EXPECT_EQ(streamed.outcome.errors[0].detail("charged"), "no");
}

INSTANTIATE_TEST_SUITE_P(Each, SettingsError, testing::ValuesIn(bad_settings),
                         [](const auto& tested) { return std::string(tested.param.name); });

class KeyError : public testing::Test {
 protected:
  Settings without_key() const {
    Settings settings = seed_settings(service.api_base());
    std::erase_if(settings, [](const auto& setting) { return setting.first == "api-key"; });
    return settings;
  }
  void expect_key_error(const Settings& settings, const std::vector<std::string>& mentions) {
    const Streamed streamed = stream(src_with(settings));
    expect_one_error(streamed.outcome,
                     {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)}, .mentions = mentions});
    EXPECT_EQ(service.count(), 0U);
  }
  FakeService service;
};

TEST_F(KeyError, NoKeyAtAllNamesTheWaysToGiveOne) {
  expect_key_error(without_key(), {"api-key", "GEN_API_KEY"});
}

TEST_F(KeyError, AKeyFileThatIsNotThere) {
  Settings settings = without_key();
  settings.emplace_back("api-key-file", "/no/such/folder/key");
  expect_key_error(settings, {"api-key-file", "/no/such/folder/key"});
}

TEST_F(KeyError, AKeyFileThatIsEmptyOrAFolder) {
  const TempDir folder;
  write_file(folder.file("empty"), "");
  write_file(folder.file("blank"), "\nkey in the second line\n");
  for (const std::string& file : {folder.file("empty"), folder.file("blank"), folder.path()}) {
    Settings settings = without_key();
    settings.emplace_back("api-key-file", file);
    expect_key_error(settings, {"api-key-file"});
  }
}

TEST(SettingsErrorState, TheElementCanBeRightedAndRunAgain) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  ElementPtr src = seed_src(service, {{"prompt", ""}});
  expect_one_error(stream(src).outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)}});
  set_property(src.get(), "prompt", "A lamp");
  const Streamed streamed = stream(src);
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
}

TEST(SettingsErrorState, AttachingNeedsAKeyToo) {
  FakeService service;
  const Streamed streamed = stream(seed_src(service, {{"generation-id", "9040"}, {"api-key", ""}}));
  expect_one_error(streamed.outcome, {.codes = {resource(GST_RESOURCE_ERROR_SETTINGS)}});
  EXPECT_EQ(service.count(), 0U);
}

// Whether 7 seconds suit a model is the service's business: a warning at most.
TEST(SettingsWarning, AnOddDurationIsSentAllTheSame) {
  FakeService service;
  service.set_clip({.bytes = small_clip()});
  const Streamed streamed = stream(seed_src(service, {{"model", "kling_1_6"}, {"duration", "7"}}));
  EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
  EXPECT_EQ(service.count(is_generate), 1U);
}

}  // namespace
}  // namespace genpro::test
