// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro batch` as many processes with one ledger, as on many machines: they share the rows out.
#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "cli/service_fixture.h"
#include "support/fast_clock.h"

namespace genpro::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

enum class Kept { in_a_file, on_a_server };

class SharedBatch : public ServiceCliTest, public testing::WithParamInterface<Kept> {
 protected:
  void SetUp() override {
    if (GetParam() == Kept::in_a_file) return;
    if (!PostgresServer::is_installed()) GTEST_SKIP() << "PostgreSQL is not installed";
    path_ = shared_postgres().new_ledger();
    // Not faster: so many processes may need a while from an intention to its request, which does
    // not leave when it took 10 s on that clock.
    g_setenv(clock_factor_variable, "3", TRUE);
  }
  void TearDown() override {
    g_unsetenv(clock_factor_variable);
    ServiceCliTest::TearDown();
  }
  std::string folder(const std::string& host) const { return file("out-" + host); }
  std::vector<std::string> words(const std::string& folder,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"batch", file("rows.csv"), "--out", folder};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void write_rows(const std::string& text) const { write_file(file("rows.csv"), text); }
  std::set<std::string> clips_in(const std::string& folder) const {
    std::set<std::string> clips;
    if (!fs::exists(folder)) return clips;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".mp4") clips.insert(read_file(entry.path().string()));
    }
    return clips;
  }
  std::set<std::string> paid_clips() const {
    std::set<std::string> clips;
    for (const PaidGeneration& generation : service_.books().charged()) {
      clips.insert(service_.clip(generation.id));
    }
    return clips;
  }
  // Nothing ends before the gate opens.
  std::shared_ptr<Gate> hold() {
    Manners manners;
    manners.end_gate = std::make_shared<Gate>();
    service_.behave(manners);
    return manners.end_gate;
  }
  static JsonObject* row_of(const api::JsonNodePtr& document, guint row) {
    JsonArray* rows = api::as_array(api::member(api::as_object(document.get()), "rows"));
    return json_array_get_object_element(rows, row);
  }
};

// Some rows are equal, and some share a cell.
const std::string mixed_rows =
    "prompt,cell-id\n"
    "Same,1\nSame,1\nSame,1\nOther,1\nSame,2\nSame,2\nOther,2\nThird,3\n"
    "Fourth,4\nFifth,5\nSixth,6\nSame,7\nSame,7\nEighth,8\nNinth,9\nTenth,1\n";
constexpr std::size_t number_of_mixed_rows = 16;

TEST_P(SharedBatch, EightProcessesOfWhichSomeAreKilledPayForEachRowOnce) {
  write_rows(mixed_rows);
  std::mt19937 random(testing::UnitTest::GetInstance()->random_seed());
  Manners manners;
  manners.post_delay = 5ms;
  service_.behave(manners);
  std::vector<std::unique_ptr<Child>> hosts;
  for (int host = 0; host < 8; ++host) {
    hosts.push_back(start(words(folder(std::to_string(host)), {"--jobs", "2"})));
  }
  // At some moments, as the service sees them.
  for (int killed = 0; killed < 4; ++killed) {
    const std::size_t events = 4 + random() % 10 + 12 * static_cast<std::size_t>(killed);
    service_.wait_for([&](const Books& books) {
      return books.posts.size() + books.polls + books.clip_requests >= events;
    });
    hosts[killed]->kill();
  }
  std::set<std::string> clips;
  for (int host = 0; host < 8; ++host) {
    if (host >= 4) {
      ASSERT_TRUE(hosts[host]->wait(5min)) << hosts[host]->output();
      EXPECT_EQ(hosts[host]->exit_code(), 0) << hosts[host]->output();
    }
    clips.merge(clips_in(folder(std::to_string(host))));
  }
  EXPECT_EQ(service_.books().created().size(), number_of_mixed_rows) << service_.books().text();
  EXPECT_EQ(paid_clips().size(), number_of_mixed_rows);
  EXPECT_EQ(clips, paid_clips());
  // Each row has another one of them, and nothing is left to be done.
  const auto document = document_of(words(folder("late"), {"--json"}));
  std::set<std::string> generations;
  for (guint row = 0; row < number_of_mixed_rows; ++row) {
    EXPECT_EQ(member_text(row_of(document, row), "status"), "\"done\"") << row;
    generations.insert(member_text(row_of(document, row), "generation_id"));
  }
  EXPECT_EQ(generations.size(), number_of_mixed_rows);
  EXPECT_EQ(service_.books().created().size(), number_of_mixed_rows);
}

TEST_P(SharedBatch, OneFolderIsForAllOfThem) {
  write_rows(mixed_rows);
  std::vector<std::unique_ptr<Child>> hosts;
  for (int host = 0; host < 4; ++host) hosts.push_back(start(words(folder("all"))));
  for (const auto& host : hosts) {
    ASSERT_TRUE(host->wait(5min)) << host->output();
    EXPECT_EQ(host->exit_code(), 0) << host->output();
    EXPECT_EQ(host->output().find("elsewhere"), std::string::npos) << host->output();
  }
  EXPECT_EQ(service_.books().created().size(), number_of_mixed_rows) << service_.books().text();
  EXPECT_EQ(clips_in(folder("all")), paid_clips());
  EXPECT_EQ(paid_clips().size(), number_of_mixed_rows);
}

TEST_P(SharedBatch, ADeadProcessesRowIsTakenOverByOneThatWaits) {
  write_rows("prompt\nOne\n");
  const auto gate = hold();
  const auto first = start(words(folder("first")));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 2; }));
  const auto second = start(words(folder("second")));
  ASSERT_TRUE(eventually([&] { return fs::exists(folder("second")); }));
  first->kill();
  gate->open();
  ASSERT_TRUE(second->wait(5min)) << second->output();
  EXPECT_EQ(second->exit_code(), 0) << second->output();
  EXPECT_EQ(service_.books().posts.size(), 1U) << service_.books().text();
  EXPECT_EQ(clips_in(folder("second")), paid_clips());
}

TEST_P(SharedBatch, EachTellsWhatOthersDid) {
  write_rows("prompt,cell-id\nOne,1\nTwo,2\n");
  const auto gate = hold();
  const auto first = start(words(folder("first"), {"--jobs", "2"}));
  ASSERT_TRUE(service_.wait_for([](const Books& books) { return books.polls >= 4; }));
  const auto second = start(words(folder("second"), {"--json"}));
  ASSERT_TRUE(eventually([&] { return fs::exists(folder("second")); }));
  const auto created = service_.books().created();
  ASSERT_EQ(created.size(), 2U);
  for (const PaidGeneration& generation : created) {
    service_.end(generation.id, generation.cell == "101/1" ? "failed" : "completed");
  }
  for (const auto* host : {&first, &second}) {
    ASSERT_TRUE((*host)->wait(5min)) << (*host)->output();
    EXPECT_EQ((*host)->exit_code(), 1) << (*host)->output();
  }
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
  const std::string output = second->output();
  EXPECT_NE(output.find("\"failed\""), std::string::npos) << output;
  EXPECT_NE(output.find("\"elsewhere\""), std::string::npos) << output;
  EXPECT_NE(output.find(folder("first") + "/0002.mp4"), std::string::npos) << output;
  // A row that failed is tried again by who begins after that; the other one's clip is fetched.
  gate->open();
  const auto third = document_of(words(folder("third"), {"--json"}));
  EXPECT_EQ(member_text(row_of(third, 0), "status"), "\"done\"");
  EXPECT_EQ(member_text(row_of(third, 1), "status"), "\"done\"");
  EXPECT_EQ(service_.books().posts.size(), 3U) << service_.books().text();
}

TEST_P(SharedBatch, WhatWasMadeElsewhereIsFetchedOrMadeAnewWhereThatIsWished) {
  write_rows("prompt\nOne\nTwo\n");
  ASSERT_EQ(run(words(folder("first"))).exit_code, 0);
  const Finished second = run(words(folder("second")));
  EXPECT_EQ(second.exit_code, 0) << second.out;
  EXPECT_EQ(clips_in(folder("second")), clips_in(folder("first")));
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
  EXPECT_EQ(run(words(folder("third"), {"--name", "another"})).exit_code, 0);
  EXPECT_EQ(service_.books().posts.size(), 4U) << service_.books().text();
  EXPECT_EQ(clips_in(folder("third")).size(), 2U);
}

TEST_P(SharedBatch, AClipThatIsRemovedFromItsFolderIsMadeAnewOnce) {
  write_rows("prompt\nOne\n");
  ASSERT_EQ(run(words(folder("first"))).exit_code, 0);
  fs::remove(folder("first") + "/0001.mp4");
  EXPECT_EQ(run(words(folder("second"))).exit_code, 0);
  EXPECT_EQ(service_.books().posts.size(), 1U);
  EXPECT_EQ(run(words(folder("first"))).exit_code, 0);
  EXPECT_EQ(service_.books().posts.size(), 2U) << service_.books().text();
  EXPECT_EQ(clips_in(folder("first")).size(), 1U);
}

// One that is killed between the two leaves a receipt without a clip, and another one has the row
// then.
TEST_P(SharedBatch, AReceiptWithoutItsClipIsNoneOfAClipThatWasRemoved) {
  write_rows("prompt\nOne\n");
  ASSERT_EQ(run(words(folder("second"))).exit_code, 0);
  std::string receipt = read_file(folder("second") + "/0001.mp4.json");
  const std::string member = "\"receipt_id\" : \"";
  const std::size_t at = receipt.find(member);
  ASSERT_NE(at, std::string::npos) << receipt;
  receipt[at + member.size()] = receipt[at + member.size()] == '0' ? '1' : '0';
  fs::create_directory(folder("first"));
  write_file(folder("first") + "/0001.mp4.json", receipt);
  const Finished finished = run(words(folder("first")));
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(clips_in(folder("first")), clips_in(folder("second"))) << finished.out;
  EXPECT_EQ(service_.books().posts.size(), 1U) << service_.books().text();
}

TEST_P(SharedBatch, AFileThatHoldsSomethingElseIsNotTakenForTheOneThatARowWasMadeOf) {
  ASSERT_EQ(run({"generate", "--prompt", "A", "-o", file("one.mp4")}).exit_code, 0);
  const std::string id = service_.books().created().front().id;
  const std::string png = "\x89PNG\r\n\x1a\n";
  write_file(file("a.png"), png + "one");
  write_rows("generation-id,ingredient\n" + id + ",a.png\n");
  ASSERT_EQ(run(words(folder("first"))).exit_code, 0);
  write_file(file("a.png"), png + "two");
  const Finished second = run(words(folder("second")));
  EXPECT_EQ(second.exit_code, 1) << second.out;
  EXPECT_NE(second.out.find("held something else"), std::string::npos) << second.out;
  // Where it is not there at all, nothing is to be done with it.
  fs::remove(file("a.png"));
  EXPECT_EQ(run(words(folder("second"))).exit_code, 0);
}

TEST_P(SharedBatch, TheLimitOfCostIsOneForAll) {
  write_rows(mixed_rows);
  std::vector<std::unique_ptr<Child>> hosts;
  for (int host = 0; host < 4; ++host) {
    hosts.push_back(start(words(folder(std::to_string(host)), {"--max-cost", "20"})));
  }
  for (const auto& host : hosts) {
    ASSERT_TRUE(host->wait(5min)) << host->output();
    EXPECT_EQ(host->exit_code(), 5) << host->output();
  }
  // Each is 3.5.
  EXPECT_EQ(service_.books().created().size(), 5U) << service_.books().text();
}

class SharedBatchOnServer : public SharedBatch {
 protected:
  // What failed for want of the server is made by whoever comes next. So is what a busy machine
  // held up for so long that its request was not sent any more.
  void expect_done(const std::string& folder) {
    Finished last = run(words(folder, {"--fetch-all"}));
    for (int tries = 0; tries < 5 && last.exit_code != 0; ++tries) {
      last = run(words(folder, {"--fetch-all"}));
    }
    EXPECT_EQ(last.exit_code, 0) << last.out;
    EXPECT_EQ(service_.books().created().size(), number_of_mixed_rows) << service_.books().text();
    EXPECT_EQ(paid_clips().size(), number_of_mixed_rows);
    EXPECT_EQ(clips_in(folder), paid_clips());
  }
};

TEST_P(SharedBatchOnServer, NoRowIsPaidTwiceWhenConnectionsAreCut) {
  write_rows(mixed_rows);
  const auto cut_all = [&] {
    const std::string name = path_.substr(path_.rfind('/') + 1);
    (void)shared_postgres().sql(
        name, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '" +
                  name + "' AND pid <> pg_backend_pid()");
  };
  Manners manners;
  manners.post_delay = 20ms;
  service_.behave(manners);
  std::vector<std::unique_ptr<Child>> hosts;
  for (int host = 0; host < 4; ++host) {
    hosts.push_back(start(words(folder(std::to_string(host)), {"--jobs", "2"})));
  }
  for (std::size_t cuts = 1; cuts <= 5; ++cuts) {
    service_.wait_for([&](const Books& books) { return books.posts.size() >= 2 * cuts; });
    cut_all();
  }
  for (const auto& host : hosts) ASSERT_TRUE(host->wait(5min)) << host->output();
  expect_done(folder("last"));
}

TEST_P(SharedBatchOnServer, RowsWaitForAServerThatIsStartedAnew) {
  write_rows(mixed_rows);
  const auto gate = hold();
  const auto host = start(words(folder("all"), {"--jobs", "2"}));
  const std::string name = path_.substr(path_.rfind('/') + 1);
  const auto are_noted = [&] {
    try {
      return shared_postgres().sql(name,
                                   "SELECT count(*) FROM genpro.batch_rows WHERE "
                                   "generation_id <> ''") == "2";
    } catch (const std::runtime_error&) {
      return false;  // Nobody has made the tables yet.
    }
  };
  ASSERT_TRUE(eventually(are_noted)) << host->output();
  shared_postgres().stop();
  gate->open();
  ASSERT_TRUE(eventually([&] { return clips_in(folder("all")).size() == 2; })) << host->output();
  EXPECT_FALSE(host->wait(3s)) << "the other rows have failed: " << host->output();
  shared_postgres().start();
  ASSERT_TRUE(host->wait(5min)) << host->output();
  expect_done(folder("all"));
}

INSTANTIATE_TEST_SUITE_P(Ledgers, SharedBatch, testing::Values(Kept::in_a_file, Kept::on_a_server),
                         [](const auto& kept) {
                           return kept.param == Kept::in_a_file ? "File" : "Server";
                         });
INSTANTIATE_TEST_SUITE_P(Ledgers, SharedBatchOnServer, testing::Values(Kept::on_a_server));

}  // namespace
}  // namespace genpro::test
