// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The configuration file and the environment, in place of settings.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "settings/job_settings.h"
#include "settings/profile.h"
#include "settings/table.h"
#include "settings/uri.h"
#include "support/media.h"
#include "support/process.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

class Profiles : public testing::Test {
 protected:
  Profiles() { fs::create_directories(folder()); }
  ~Profiles() override { fs::remove_all(folder()); }
  static fs::path folder() { return fs::path(config_path()).parent_path(); }
  static void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    write_file((folder() / name).string(), text);
    chmod((folder() / name).c_str(), mode);
  }
  static void configure(const std::string& text, mode_t mode = 0600) {
    write("config", text, mode);
  }
  static Settings with(const std::vector<std::pair<const char*, const char*>>& texts) {
    Settings settings;
    for (const auto& [name, text] : texts) EXPECT_FALSE(set(settings, name, text)) << name;
    return settings;
  }
  static Settings completed(Settings settings = {}) {
    const auto error = complete(settings);
    EXPECT_FALSE(error) << error->message;
    return settings;
  }
  static std::string problem(Settings settings = {}) {
    const auto error = complete(settings);
    return error ? error->message : "";
  }
  static void expect_problem(const std::vector<std::string>& mentions, Settings settings = {}) {
    const std::string message = problem(std::move(settings));
    for (const std::string& mention : mentions) {
      EXPECT_NE(message.find(mention), std::string::npos) << mention << " in: " << message;
    }
  }
};

TEST_F(Profiles, NoFileIsNoProfile) {
  EXPECT_EQ(completed().agent_id, "");
}

TEST_F(Profiles, StandInForWhatIsNotSet) {
  configure("# mine\n[default]\nagent-id=42\nsheet-id=101\nmodel=pika\nduration=7\n");
  const Settings settings = completed(with({{"sheet-id", "5"}, {"duration", "0"}}));
  EXPECT_EQ(settings.agent_id, "42");
  EXPECT_EQ(settings.sheet_id, "5");
  EXPECT_EQ(settings.model, "pika");
  EXPECT_EQ(settings.duration, 0U) << "0 was set, and is a value";
}

TEST_F(Profiles, ThatAUriNamesLoosenNoLimit) {
  configure(
      "[default]\ndaily-generation-limit=5\n[none]\nagent-id=42\n"
      "[loose]\ndaily-generation-limit=9\n[tight]\ndaily-generation-limit=2\n");
  const auto limit = [](const std::string& profile, const Settings& settings = {}) {
    const auto applied = apply_uri(settings, "genpro://101/3300?prompt=A&profile=" + profile);
    EXPECT_TRUE(applied) << applied.error().message;
    return completed(*applied).daily_generation_limit;
  };
  EXPECT_EQ(limit("none"), 5U);
  EXPECT_EQ(limit("loose"), 5U);
  EXPECT_EQ(limit("tight"), 2U);
  EXPECT_EQ(limit("loose", with({{"daily-generation-limit", "3"}})), 3U);
  EXPECT_EQ(limit("loose", with({{"daily-generation-limit", "0"}})), 0U) << "the user's own word";
}

TEST_F(Profiles, NameIngredientsBesideTheFile) {
  configure("[default]\ningredients=photo.jpg,502,~/a\\,b.png,/tmp/clip.mp4\n");
  EXPECT_EQ(completed().ingredients, (folder() / "photo.jpg").string() + ",502," +
                                         g_get_home_dir() + "/a\\,b.png,/tmp/clip.mp4");
  EXPECT_EQ(completed(with({{"ingredients", "photo.jpg"}})).ingredients, "photo.jpg");
  configure("[default]\ningredients=photo.jpg,,502\n");
  expect_problem({"an entry is empty"});
}

TEST_F(Profiles, ComeAfterTheEnvironment) {
  configure(
      "[default]\nagent-id=42\nsheet-id=101\ncell-id=3300\napi-base-url=https://a.example/v1\n");
  const ScopedEnv sheet("GEN_SHEET_ID", "202");
  const ScopedEnv cell("GEN_CELL_ID", "4400");
  const ScopedEnv base("GEN_API_BASE_URL", "https://b.example/v1");
  const Settings settings = completed(with({{"cell-id", "9"}}));
  EXPECT_EQ(settings.agent_id, "42");
  EXPECT_EQ(settings.sheet_id, "202");
  EXPECT_EQ(settings.cell_id, "9");
  EXPECT_EQ(effective_base_url(settings), "https://b.example/v1");
}

TEST_F(Profiles, AnEmptyTextIsNotSet) {
  configure("[default]\nagent-id=42\nledger=/tmp/l.db\n");
  const Settings settings = completed(with({{"agent-id", ""}, {"ledger", ""}}));
  EXPECT_EQ(settings.agent_id, "42");
  EXPECT_EQ(settings.ledger, "") << "no ledger is a choice";
}

TEST_F(Profiles, AreChosenByName) {
  configure("[default]\nagent-id=42\n[work]\nagent-id=43\n");
  EXPECT_EQ(completed(with({{"profile", "work"}})).agent_id, "43");
  expect_problem({"profile is \"wrok\"", "default and work", config_path(), "genpro init"},
                 with({{"profile", "wrok"}}));
}

TEST_F(Profiles, ANamedOneNeedsAFile) {
  expect_problem({"profile is \"work\"", config_path(), "genpro init"},
                 with({{"profile", "work"}}));
}

TEST_F(Profiles, UnknownNamesAreNamed) {
  configure("[default]\nagent=42\nsheet-id=101\nprofile=work\n");
  expect_problem({"\"agent\" and \"profile\"", "[default]", config_path(), "agent-id"});
}

TEST_F(Profiles, WrongValuesAreNamed) {
  configure("[default]\ndialect=today\n");
  expect_problem({"dialect is \"today\"", "[default]", config_path(), "vidsheet"});
}

TEST_F(Profiles, WhatIsNoConfigurationIsRefused) {
  configure("agent-id 42\n");
  expect_problem({config_path()});
  configure(std::string(2 << 20, '\n'));
  expect_problem({config_path(), "1 MiB"});
  fs::remove(config_path());
  fs::create_directory(config_path());
  expect_problem({config_path(), "regular file"});
}

TEST_F(Profiles, NothingIsChangedByOneThatIsRefused) {
  configure("[default]\nagent-id=42\ndialect=today\n");
  Settings settings;
  EXPECT_TRUE(complete(settings));
  EXPECT_EQ(settings.agent_id, "");
}

TEST_F(Profiles, AFileThatOthersCanWriteIsRefused) {
  for (const mode_t mode : {0620, 0602, 0666}) {
    configure("[default]\nagent-id=42\n", mode);
    expect_problem({config_path(), "others can write", "chmod 600 '" + config_path() + "'"});
  }
  configure("[default]\nagent-id=42\n", 0644);
  EXPECT_EQ(completed().agent_id, "42") << "ids are no secret";
}

TEST_F(Profiles, TheFileOfAKeyIsForItsOwnerAlone) {
  write("key", "abc\n", 0600);
  configure("[default]\napi-key-file=key\n", 0644);
  expect_problem({config_path(), "others can read", "chmod 600"});
  configure("[default]\napi-key-command=cat key\n", 0640);
  expect_problem({config_path(), "others can read", "chmod 600"});
  configure("[default]\napi-key-file=key\n");
  EXPECT_EQ(completed().api_key_file, (folder() / "key").string());
  write("key", "abc\n", 0640);
  expect_problem({"key", "others can read", "chmod 600"});
}

TEST_F(Profiles, HoldNoKey) {
  configure("[default]\napi-key=gen_pat_hush\n");
  const std::string message = problem();
  EXPECT_NE(message.find("api-key-file"), std::string::npos) << message;
  EXPECT_EQ(message.find("hush"), std::string::npos) << message;
}

TEST_F(Profiles, AKeyThatIsSetComesFirst) {
  configure("[default]\napi-key-command=false\n");
  EXPECT_TRUE(completed(with({{"api-key", "k"}})).key_command.empty());
  EXPECT_TRUE(completed(with({{"api-key-file", "/k"}})).key_command.empty());
  const ScopedEnv key("GEN_API_KEY", "from-environment");
  EXPECT_TRUE(completed().key_command.empty());
  EXPECT_EQ(completed(with({{"api-key-file", "/k"}})).api_key, "");
}

TEST_F(Profiles, ACommandIsSplitAsAShellWould) {
  configure("[default]\napi-key-command=secret-tool lookup service 'gen pro'\n");
  EXPECT_EQ(completed().key_command,
            (std::vector<std::string>{"secret-tool", "lookup", "service", "gen pro"}));
  configure("[default]\napi-key-command=secret-tool 'lookup\n");
  expect_problem({"api-key-command", config_path()});
  configure("[default]\napi-key-command=a\napi-key-file=b\n");
  expect_problem({"Both api-key-file and api-key-command"});
}

TEST_F(Profiles, AreSavedForTheirOwnerAlone) {
  const std::vector<std::pair<std::string, std::string>> values = {
      {"agent-id", "42"}, {"sheet-id", "101"}, {"cell-id", ""}};
  fs::remove_all(folder());
  ASSERT_FALSE(save_profile("default", values));
  struct stat status {};
  ASSERT_EQ(stat(config_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(completed().agent_id, "42");
}

TEST_F(Profiles, SavingLeavesTheOthersAsTheyWere) {
  configure("# mine\n[work]\n# of the desk\nagent-id=43\n\n[default]\ncell-id=1\nmodel=pika\n",
            0644);
  ASSERT_FALSE(save_profile("default", {{"agent-id", "42"}, {"cell-id", ""}}));
  const std::string text = read_file(config_path());
  for (const char* line : {"# mine\n", "# of the desk\n", "agent-id=43\n", "model=pika\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " in:\n" << text;
  }
  EXPECT_EQ(completed().cell_id, "");
  EXPECT_EQ(completed().agent_id, "42");
  EXPECT_EQ(completed(with({{"profile", "work"}})).agent_id, "43");
}

TEST_F(Profiles, SavingFollowsALink) {
  write("kept", "[work]\nagent-id=43\n");
  fs::create_symlink("kept", config_path());
  ASSERT_FALSE(save_profile("default", {{"agent-id", "42"}}));
  EXPECT_TRUE(fs::is_symlink(config_path()));
  EXPECT_EQ(completed().agent_id, "42");
}

TEST_F(Profiles, ANameThatIsNoGroupIsRefused) {
  for (const char* name : {"", "a]b", "a\nb"}) EXPECT_TRUE(save_profile(name, {})) << name;
}

TEST(MissingSettings, AreAllInOneError) {
  const auto told = make_job_settings({});
  ASSERT_FALSE(told);
  const std::string& message = told.error().message;
  EXPECT_TRUE(
      message.starts_with("sheet-id, cell-id, agent-id, prompt, ingredients and api-key are "
                          "not set. "))
      << message;
  for (const char* way : {"genpro init", "GEN_SHEET_ID", "GEN_API_KEY", "prompt-var"}) {
    EXPECT_NE(message.find(way), std::string::npos) << way << " in: " << message;
  }
  Settings settings;
  for (const char* name : {"sheet-id", "agent-id", "asset-ids"}) set(settings, name, "1");
  settings.api_key = "key";
  settings.prompt = "A lamp";
  const auto one = make_job_settings(settings);
  ASSERT_FALSE(one);
  EXPECT_TRUE(one.error().message.starts_with("cell-id is not set. ")) << one.error().message;
}

}  // namespace
}  // namespace genpro::test
