// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro batch`: a row is a clip, paid once, whenever it is killed.
#include <csignal>
#include <filesystem>
#include <random>
#include <set>

#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class BatchCommand : public ServiceCliTest {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"batch", file("rows.csv"), "--out", folder()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string folder() const { return file("out"); }
  void write_rows(const std::string& text) const { write_file(file("rows.csv"), text); }
  std::size_t clips() const {
    std::size_t count = 0;
    if (!fs::exists(folder())) return 0;
    for (const auto& entry : fs::directory_iterator(folder())) {
      count += entry.path().extension() == ".mp4" ? 1 : 0;
    }
    return count;
  }
  // Each clip is another generation's, and each generation is paid for and has its clip.
  void expect_clips(std::size_t rows) {
    std::set<std::string> made;
    std::set<std::string> there;
    for (const PaidGeneration& generation : service_.books().charged()) {
      made.insert(service_.clip(generation.id));
    }
    EXPECT_EQ(made.size(), rows) << service_.books().text();
    for (const auto& entry : fs::directory_iterator(folder())) {
      if (entry.path().extension() == ".mp4") there.insert(read_file(entry.path().string()));
    }
    EXPECT_EQ(made, there);
  }
  static std::string status_of(const api::JsonNodePtr& document, guint row) {
    JsonObject* object = api::as_object(document.get());
    JsonArray* rows = api::as_array(api::member(object, "rows"));
    return member_text(json_array_get_object_element(rows, row), "status");
  }
};

TEST_F(BatchCommand, MakesAClipOfEachRowAlsoOfEqualOnes) {
  write_rows(
      "\xef\xbb\xbfprompt,product,output\r\n"
      "\"A {{product}}, \"\"slowly\"\"\nturning\",kettle,kettle\r\n"
      "A {{product}},mug,\r\n"
      "A {{product}},mug,\r\n");
  const Finished finished = run(words());
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  expect_clips(3);
  EXPECT_TRUE(fs::exists(folder() + "/kettle.mp4"));
  EXPECT_TRUE(fs::exists(folder() + "/0003.mp4"));
  std::set<std::string> prompts;
  for (const Seen& post : service_.books().posts) {
    const auto body = api::parse_json_object(post.body);
    prompts.insert(
        *api::as_string(api::member(api::as_object(api::member(body->get(), "data")), "prompt")));
  }
  EXPECT_EQ(prompts, (std::set<std::string>{"A kettle, \"slowly\"\nturning", "A mug"}));

  // Again: all of them are there.
  EXPECT_EQ(run(words()).exit_code, 0);
  EXPECT_EQ(service_.books().posts.size(), 3U);
}

TEST_F(BatchCommand, TakesJsonLines) {
  write_rows(
      "{\"prompt\": \"A {{what}}\", \"what\": 7, \"output\": \"a\"}\n\n"
      "{\"prompt\": \"B\", \"duration\": 5}\n");
  EXPECT_EQ(run(words()).exit_code, 0);
  expect_clips(2);
  EXPECT_TRUE(fs::exists(folder() + "/a.mp4"));
}

TEST_F(BatchCommand, ARowThatFailsStopsNoOther) {
  write_rows("prompt,dialect\nOne,seed\nTwo,nosuch\nThree,seed\n");
  const auto document = document_of(words({"--json"}));
  EXPECT_EQ(status_of(document, 0), "\"done\"");
  EXPECT_EQ(status_of(document, 1), "\"failed\"");
  EXPECT_EQ(status_of(document, 2), "\"done\"");
  expect_clips(2);
  EXPECT_EQ(run(words()).exit_code, 2);
  expect_clips(2);
}

TEST_F(BatchCommand, SettingsThatAreMissingAreAMatterOfTheCommandLine) {
  write_rows("prompt\nOne\nTwo\n");
  const Finished finished = run_command(
      {g_getenv("GENPRO"), "batch", file("rows.csv"), "--out", folder(), "--ledger", path_},
      {{"XDG_CONFIG_HOME", file("config")}, {"LC_ALL", "C.UTF-8"}});
  EXPECT_EQ(finished.exit_code, 2) << finished.out;
  for (const char* name : {"--agent-id", "--sheet-id", "--cell-id"}) {
    EXPECT_NE(finished.out.find(name), std::string::npos) << finished.out;
  }
}

TEST_F(BatchCommand, NoIngredientOfARowIsLost) {
  for (const char* name : {"a,b.png", "c\\d.png"}) {
    write_file(file(name), "\x89PNG\r\n\x1a\n");
  }
  const std::string both = "ingredients and asset-ids are both set";
  const std::vector<std::pair<std::string, std::string>> tables = {
      {"prompt,asset-ids,ingredient\nOne,501,502\n", both},
      {"prompt,ingredients,asset-ids\nOne,\"502,503\",501\n", both},
      {"{\"prompt\": \"One\", \"asset-ids\": 501, \"ingredient\": 502}\n", both},
      {"prompt,ingredients\nOne,\"502,,503\"\n", "an entry is empty"},
      {"prompt,ingredients\nOne,\"c\\x.png,502\"\n", "c\\x.png"},
  };
  for (const auto& [table, text] : tables) {
    write_rows(table);
    const Finished finished = run(words());
    EXPECT_EQ(finished.exit_code, 2) << table;
    EXPECT_NE(finished.out.find(text), std::string::npos) << table << "\n" << finished.out;
  }
  EXPECT_TRUE(service_.books().posts.empty()) << service_.books().text();
  // In a name, a comma stands behind a backslash, and another backslash for itself.
  ASSERT_EQ(run({"generate", "--prompt", "One", "-o", file("one.mp4")}).exit_code, 0);
  const std::string id = service_.books().created().front().id;
  write_rows("generation-id,ingredients\n" + id + ",\"a\\,b.png,c\\d.png\"\n");
  const Finished finished = run(words());
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
}

TEST_F(BatchCommand, NothingIsAskedForWhenTheTableMakesNoSense) {
  const std::vector<std::pair<std::string, std::string>> tables = {
      {"", "no rows"},
      {"prompt\n", "no rows"},
      {"prompt,model\nOne\n", "Line 2 has 1 fields"},
      {"prompt\nOne\n\"Two\n", "Line 3 has a quote"},
      {"prompt\n\"One\"x\n", "Line 2 has text behind"},
      {"prompt,\nOne,2\n", "without a name"},
      {"prompt,prompt\nOne,Two\n", "Line 1 names the column \"prompt\" twice"},
      {"prompt,output\nOne,a\nTwo,a\n", "Line 3 has the output a.mp4"},
      {"prompt,output\nOne,a\nTwo,a.mp4.json\n", "Line 3 has the output a.mp4.json"},
      {"prompt,output\nOne,a.mp4.json\nTwo,a\n", "Line 3 has the output a.mp4,"},
      {"prompt,output\nOne,../a\n", "Line 2 has \"../a\""},
      {"prompt,api-key\nOne,secret_4711\n", "--api-key-file"},
      {"prompt,ledger\nOne,x\n", "--ledger"},
      {"prompt;model\nOne;pika\n", "Line 1 has semicolons"},
      {"prompt\tmodel\nOne\tpika\n", "Line 1 has tabs"},
      {"{\"prompt\": {}}\n", "Line 1 has an object"},
      {"{\"prompt\": \"A\", \"asset-ids\": [501, 502]}\n",
       "Line 1 has several values as \"asset-ids\""},
      {"{\"prompt\": \"A\"}\n{\n", "Line 2 is no JSON"},
      {"prompt\n\xff\n", "UTF-8"},
  };
  for (const auto& [table, text] : tables) {
    write_rows(table);
    const Finished finished = run(words());
    EXPECT_EQ(finished.exit_code, 2) << table;
    EXPECT_NE(finished.out.find(text), std::string::npos) << table << "\n" << finished.out;
    EXPECT_EQ(finished.out.find("secret_4711"), std::string::npos) << finished.out;
  }
  EXPECT_TRUE(service_.books().posts.empty()) << service_.books().text();
}

TEST_F(BatchCommand, AFileIsKnownByWhatItHolds) {
  ASSERT_EQ(run({"generate", "--prompt", "A", "-o", file("first.mp4")}).exit_code, 0);
  const std::string id = service_.books().created().front().id;
  const std::string png = "\x89PNG\r\n\x1a\n";
  write_file(file("a.png"), png + "one");
  write_rows("generation-id,ingredient\n" + id + ",a.png\n");
  ASSERT_EQ(run(words()).exit_code, 0);
  fs::rename(file("a.png"), file("b.png"));
  write_rows("generation-id,ingredient\n" + id + ",b.png\n");
  EXPECT_EQ(status_of(document_of(words({"--json"})), 0), "\"there\"");
  write_file(file("b.png"), png + "two");
  const Finished other = run(words());
  EXPECT_EQ(other.exit_code, 1) << other.out;
  EXPECT_NE(other.out.find("is the clip of another request"), std::string::npos) << other.out;
}

TEST_F(BatchCommand, AClipIsThereWhenItsPhotoIsNot) {
  ASSERT_EQ(run({"generate", "--prompt", "One", "-o", file("one.mp4")}).exit_code, 0);
  const std::string id = service_.books().created().front().id;
  write_file(file("a.png"), "\x89PNG\r\n\x1a\n");
  write_rows("generation-id,ingredient\n" + id + ",a.png\n");
  ASSERT_EQ(run(words()).exit_code, 0);
  fs::remove(file("a.png"));
  EXPECT_EQ(status_of(document_of(words({"--json"})), 0), "\"there\"");
  // Of another photo that is gone nothing tells that the clip was made of it.
  write_rows("generation-id,ingredient\n" + id + ",b.png\n");
  EXPECT_EQ(status_of(document_of(words({"--json"})), 0), "\"failed\"");
}

TEST_F(BatchCommand, AReceiptTellsWhatThePhotosHeldWhenTheRowBegan) {
  const std::string png = "\x89PNG\r\n\x1a\n";
  for (const char* name : {"a.png", "b.png"}) write_file(file(name), png + "one");
  const std::string first = service_.add_foreign("101/3300");
  const std::string second = service_.add_foreign("101/3300");
  write_rows("generation-id,ingredient\n" + first + ",a.png\n" + second + ",b.png\n");
  const auto batch = start(words({"--jobs", "1"}));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
  // The second one has not begun yet; what the first one was made of is no longer known.
  for (const char* name : {"a.png", "b.png"}) write_file(file(name), png + "two");
  for (const std::string& id : {first, second}) service_.end(id, "completed");
  ASSERT_TRUE(batch->wait());
  EXPECT_EQ(batch->exit_code(), 0) << batch->output();
  EXPECT_NE(batch->output().find("Row 1: Warning: an ingredient changed"), std::string::npos)
      << batch->output();
  const auto again = document_of(words({"--json"}));
  EXPECT_EQ(status_of(again, 0), "\"failed\"");
  EXPECT_EQ(status_of(again, 1), "\"there\"");
}

TEST_F(BatchCommand, NoFileIsTakenForTheClipOfAnotherRow) {
  write_rows("prompt\nOne\nTwo\n");
  ASSERT_EQ(run(words()).exit_code, 0);
  write_rows("prompt\nNew\nOne\nTwo\n");
  const auto document = document_of(words({"--json"}));
  EXPECT_EQ(status_of(document, 0), "\"failed\"");
  EXPECT_EQ(status_of(document, 1), "\"failed\"");
  EXPECT_EQ(status_of(document, 2), "\"done\"");
  write_file(folder() + "/0004.mp4", "mine");
  write_rows("prompt,output\nMine,0004\n");
  EXPECT_EQ(run(words()).exit_code, 1);
  EXPECT_EQ(read_file(folder() + "/0004.mp4"), "mine");
  EXPECT_EQ(service_.books().posts.size(), 3U);
}

TEST_F(BatchCommand, NoFileOfTheUsersIsReplacedByAReceipt) {
  fs::create_directory(folder());
  write_file(folder() + "/boat.mp4.json", R"({"notes": "mine"})");
  write_rows("prompt,output\nA boat,boat\nA kite,kite\n");
  const Finished finished = run(words());
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.out.find("boat.mp4.json is there"), std::string::npos) << finished.out;
  EXPECT_EQ(read_file(folder() + "/boat.mp4.json"), R"({"notes": "mine"})");
  EXPECT_EQ(clips(), 1U);
  EXPECT_EQ(service_.books().posts.size(), 1U);
  // A receipt without its clip is one.
  fs::remove(folder() + "/boat.mp4.json");
  fs::remove(folder() + "/kite.mp4");
  EXPECT_EQ(run(words()).exit_code, 0);
  EXPECT_EQ(clips(), 2U);
}

TEST_F(BatchCommand, AFileThatTakesTheNameMeanwhileIsNotTheClip) {
  write_rows("prompt\nOne\n");
  Manners manners;
  manners.end_gate = std::make_shared<Gate>();
  service_.behave(manners);
  const std::string clip = folder() + "/0001.mp4";
  const auto child = start(words());
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
  write_file(clip, "mine");
  manners.end_gate->open();
  ASSERT_TRUE(child->wait());
  EXPECT_EQ(child->exit_code(), 1) << child->output();
  EXPECT_NE(child->output().find("0001.mp4 is there already"), std::string::npos)
      << child->output();
  EXPECT_FALSE(fs::exists(clip + ".json"));
  EXPECT_EQ(status_of(document_of(words({"--json"})), 0), "\"failed\"");
  EXPECT_EQ(read_file(clip), "mine");
  // Without it, the clip that was paid is there.
  fs::remove(clip);
  EXPECT_EQ(run(words()).exit_code, 0);
  EXPECT_EQ(service_.books().posts.size(), 1U) << service_.books().text();
  expect_clips(1);
}

TEST_F(BatchCommand, AFileOfAnotherSizeIsNotTheClip) {
  write_rows("prompt\nOne\n");
  ASSERT_EQ(run(words()).exit_code, 0);
  const std::string clip = folder() + "/0001.mp4";
  const std::string receipt = read_file(clip + ".json");
  const std::string paid = read_file(clip);
  write_file(clip, "mine");
  const Finished finished = run(words());
  EXPECT_EQ(finished.exit_code, 1) << finished.out;
  EXPECT_NE(finished.out.find("its size is another"), std::string::npos) << finished.out;
  EXPECT_EQ(read_file(clip), "mine");
  write_file(clip, paid);
  EXPECT_EQ(status_of(document_of(words({"--json"})), 0), "\"there\"");
  // Of a version that did not write the size down.
  const std::string bytes = "\"bytes\" : " + std::to_string(paid.size()) + ",";
  const std::size_t at = receipt.find(bytes);
  ASSERT_NE(at, std::string::npos) << receipt;
  write_file(clip + ".json", receipt.substr(0, at) + receipt.substr(at + bytes.size()));
  EXPECT_EQ(status_of(document_of(words({"--json"})), 0), "\"there\"");
  EXPECT_EQ(service_.books().posts.size(), 1U) << service_.books().text();
}

TEST_F(BatchCommand, BeginsNothingAboveTheLimitOfCost) {
  write_rows("prompt\nOne\nTwo\nThree\nFour\n");
  ASSERT_EQ(run(words({"--jobs", "1", "--max-cost", "1000"})).exit_code, 0);
  const auto cost =
      api::as_number(api::member(api::as_object(document_of(words({"--json"})).get()), "cost"));
  ASSERT_TRUE(cost);
  ASSERT_GT(*cost, 0);
  fs::remove_all(folder());
  const std::size_t before = service_.books().posts.size();
  const Finished finished =
      run(words({"--name", "again", "--max-cost", std::to_string(*cost / 4 * 2.5)}));
  EXPECT_EQ(finished.exit_code, 5) << finished.out;
  EXPECT_EQ(service_.books().posts.size() - before, 2U);
  EXPECT_EQ(clips(), 2U);
}

TEST_F(BatchCommand, WhatAKilledRunHasPaidCountsForTheLimitOfCost) {
  write_rows("prompt,ingredient\nOne,late.png\nTwo,\nThree,\n");
  const auto gate = std::make_shared<Gate>();
  Manners manners;
  manners.end_gate = gate;
  service_.behave(manners);
  const auto child = start(words({"--jobs", "1"}));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
  service_.end(service_.books().created().front().id, "completed");
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.created().size() == 2; }));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 4; }));
  child->kill();
  gate->open();
  // It was missing, and could be made now, before the row that the run has left.
  write_file(file("late.png"), "\x89PNG\r\n\x1a\n");
  const Finished finished = run(words({"--max-cost", "7.5"}));
  EXPECT_EQ(finished.exit_code, 5) << finished.out;
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
  EXPECT_EQ(clips(), 2U) << finished.out;
}

TEST_F(BatchCommand, BeginsNothingAfterAClipOfUnknownCostWhereThereIsALimit) {
  write_rows("prompt\nOne\nTwo\n");
  Manners manners;
  manners.tells_cost = false;
  service_.behave(manners);
  for (const char* run_again : {"first", "second"}) {
    SCOPED_TRACE(run_again);
    const Finished finished = run(words({"--max-cost", "1000"}));
    EXPECT_EQ(finished.exit_code, 5) << finished.out;
    EXPECT_EQ(service_.books().posts.size(), 1U);
  }
}

TEST_F(BatchCommand, AZeroBeforeTheEndIsNoCost) {
  write_rows("prompt\nOne\nTwo\n");
  Manners manners;
  manners.costs_zero_until_end = true;
  manners.end_gate = std::make_shared<Gate>();
  service_.behave(manners);
  const auto child = start(words({"--jobs", "1", "--max-cost", "1000"}));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 2; }));
  // The service has lost it: whether it was charged, it does not say.
  manners.every_poll =
      json_answer(404, R"({"error": "no such generation", "error_code": "not_found"})");
  manners.missing_entries = 1;
  service_.behave(manners);
  ASSERT_TRUE(child->wait());
  EXPECT_NE(child->output().find("not begun: --max-cost"), std::string::npos) << child->output();
  EXPECT_EQ(service_.books().posts.size(), 1U);
}

TEST_F(BatchCommand, AZeroAtTheEndIsNoCostWhereOthersWerePaid) {
  write_rows("prompt\nOne\n");
  ASSERT_EQ(run(words()).exit_code, 0);
  write_rows("prompt\nOne\nTwo\nThree\n");
  Manners manners;
  manners.cost = 0;
  service_.behave(manners);
  // It counts as the dearest: for a third one there is no room.
  for (const char* run_again : {"first", "second"}) {
    SCOPED_TRACE(run_again);
    const Finished finished = run(words({"--jobs", "1", "--max-cost", "8"}));
    EXPECT_EQ(finished.exit_code, 5) << finished.out;
    EXPECT_EQ(service_.books().posts.size(), 2U);
  }
}

TEST_F(BatchCommand, TheSameIdOfAnotherServiceIsNotNotedAsDelivered) {
  write_rows("prompt\nOne\n");
  ASSERT_EQ(run(words()).exit_code, 0);
  const std::string id = service_.books().charged().front().id;
  const auto ledger = open();
  const std::int64_t elsewhere = add(*ledger, request(), completed(id));
  ASSERT_EQ(run(words()).exit_code, 0);
  EXPECT_TRUE(std::holds_alternative<payment::Completed>(row(*ledger, elsewhere).state));
}

TEST_F(BatchCommand, CtrlCStopsWhatIsUnfinishedAndTheSameCommandGoesOn) {
  write_rows("prompt,cell-id\nOne,1\nTwo,2\nThree,3\n");
  Manners manners;
  manners.end_gate = std::make_shared<Gate>();
  service_.behave(manners);
  const auto child = start(words({"--jobs", "2"}));
  ASSERT_TRUE(service_.wait_for(
      [](const Books& books) { return books.created().size() == 2 && books.polls >= 2; }));
  child->send(SIGINT);
  ASSERT_TRUE(child->wait());
  EXPECT_EQ(child->exit_code(), 130) << child->output();
  EXPECT_TRUE(service_.books().charged().empty()) << service_.books().text();
  manners.end_gate->open();
  EXPECT_EQ(run(words()).exit_code, 0);
  expect_clips(3);
}

TEST_F(BatchCommand, OneBatchAtATimeWritesToAFolder) {
  write_rows("prompt\nOne\n");
  Manners manners;
  manners.end_gate = std::make_shared<Gate>();
  service_.behave(manners);
  const auto child = start(words());
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 1; }));
  Finished second = run(words({"--name", "another"}));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.out.find("Another batch"), std::string::npos) << second.out;
  // Nor by way of another ledger, which knows nothing of the rows that are being made.
  const std::string own = std::exchange(path_, file("other.db"));
  second = run(words());
  path_ = own;
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.out.find("with another ledger"), std::string::npos) << second.out;
  manners.end_gate->open();
  ASSERT_TRUE(child->wait());
  EXPECT_EQ(child->exit_code(), 0) << child->output();
  expect_clips(1);
  EXPECT_FALSE(fs::exists(folder() + "/.genpro-batch"));
}

// Eight rows, of which some are equal and some share a cell, killed again and again.
TEST_F(BatchCommand, PaysForEachRowOnceWhateverKillsIt) {
  write_rows(
      "prompt,cell-id\n"
      "Same,1\nSame,1\nSame,1\nOther,1\nSame,2\nSame,2\nOther,2\nThird,3\n");
  std::mt19937 random(testing::UnitTest::GetInstance()->random_seed());
  Manners manners;
  manners.post_delay = 5ms;
  service_.behave(manners);
  for (int kills = 0; kills < 40 && clips() < 8; ++kills) {
    const Books before = service_.books();
    const auto child = start(words());
    const unsigned events = random() % 12;
    // A moment of its life, as the service sees it, and a little later.
    service_.wait_for(
        [&](const Books& books) {
          return books.posts.size() + books.polls + books.clip_requests >=
                 before.posts.size() + before.polls + before.clip_requests + events;
        },
        2s);
    g_usleep(random() % 4000);
    child->kill();
  }
  const Finished finished = run(words());
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(service_.books().created().size(), 8U) << service_.books().text();
  expect_clips(8);
}

}  // namespace
}  // namespace genpro::test
