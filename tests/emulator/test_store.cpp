// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is there after the end of the process, however it ends.
#include <signal.h>

#include <filesystem>
#include <limits>
#include <random>

#include "child_process.h"
#include "emulator/store/store.h"
#include "emulator_fixture.h"

namespace genpro::emulator::test {

// Waits for a warning of GLib's that has these words in it, from any thread.
class WarningWatch {
 public:
  explicit WarningWatch(std::string words)
      : words_(std::move(words)), before_(g_log_set_default_handler(&WarningWatch::on_log, this)) {}
  ~WarningWatch() { g_log_set_default_handler(before_, nullptr); }
  WarningWatch(const WarningWatch&) = delete;
  WarningWatch& operator=(const WarningWatch&) = delete;

  bool wait() const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return is_heard_; });
  }

 private:
  static void on_log(const char*, GLogLevelFlags, const char* message, gpointer data) noexcept {
    auto* self = static_cast<WarningWatch*>(data);
    if (std::string_view(message).find(self->words_) == std::string_view::npos) return;
    const std::lock_guard lock(self->mutex_);
    self->is_heard_ = true;
    self->changed_.notify_all();
  }

  std::string words_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool is_heard_ = false;
  GLogFunc before_;
};

class StoreTest : public EmulatorTest {
 protected:
  std::string data(const std::string& name) const { return folder_.path("data/" + name); }
};

TEST_F(StoreTest, ARestartChangesNothing) {
  upload_two();
  wait_for(generate("a"), "completed");
  wait_for(generate("[refuse]"), "failed");
  const auto stopped = generate("[hang]");
  client_->post(stopped + "/stop", "{}");
  call("PATCH", "cells/3300",
       R"({"value":"x","additional_attributes":{"model":"seedance_lite","own":[1]}})");
  call("POST", "columns", R"({"title":"Script","type":"text"})");
  call("POST", "rows", "{}");
  call("POST", "cells/3300/layers", R"({"name":"l","type":"clip"})");
  client_->post("/v1/vidsheet/101/import_global_variables?agent_id=42",
                R"({"variables":{"b":"1","a":"2"}})");
  client_->send("PATCH", "/v1/agents/42/automation_config",
                R"({"webhook_url":"http://127.0.0.1:9/x","polling_enabled":false})",
                {{"Content-Type", "application/json"}});
  const auto idempotent = client_->post(generate_path, body_with("k"), {{"Idempotency-Key", "k"}});
  wait_for("/v1/generations/9043", "completed");

  const std::vector<std::string> paths{"/v1/vidsheet/101?agent_id=42&with_execution_cost=true",
                                       "/v1/content_resources?agent_id=42",
                                       "/v1/agents/42/automation_config",
                                       "/v1/organizations/1",
                                       "/v1/me",
                                       "/_emulator/generations/9040",
                                       "/_emulator/generations/9041",
                                       "/_emulator/generations/9042"};
  std::vector<std::string> before;
  const auto answer = [this](const std::string& path) {
    std::string body = client_->get(path).body;
    const std::string port = ":" + std::to_string(emulator_->port()) + "/";
    for (auto at = body.find(port); at != std::string::npos; at = body.find(port)) {
      body.replace(at, port.size(), ":PORT/");
    }
    return body;
  };
  for (const auto& path : paths) before.push_back(answer(path));
  restart();
  for (std::size_t i = 0; i < paths.size(); ++i) EXPECT_EQ(answer(paths[i]), before[i]) << paths[i];
  EXPECT_EQ(client_->get(clip_of("/v1/generations/9040")).body, fake_clip());
  EXPECT_EQ(
      client_->get(client_->get("/v1/content_resources/501?agent_id=42").json()["url"].text()).body,
      png_bytes());
  EXPECT_EQ(client_->post(generate_path, body_with("k"), {{"Idempotency-Key", "k"}}).body,
            idempotent.body);
  expect_error(client_->post(generate_path, body_with("other"), {{"Idempotency-Key", "k"}}), 422,
               "validation_error", "Idempotency-Key");
  // Ids go on.
  EXPECT_EQ(client_->upload("c.png", png_bytes()).json()["content_resource"]["id"].number(), 503);
  EXPECT_EQ(wait_for(generate("b"), "completed")["output_resources"].at(0)["id"].number(), 1902);
}

TEST_F(StoreTest, WhatWasUnfinishedStartsOverWithoutASecondCharge) {
  start([](EmulatorSettings& settings) { settings.latency = 1000; });
  upload_two();
  const auto first = generate("a");
  const auto second = generate("b");
  const auto gone = generate("c");
  EXPECT_EQ(credit(), 989.5);
  client_->send("DELETE", "/v1/content_resources/502?agent_id=42");
  restart([](EmulatorSettings& settings) { settings.latency = 0; });
  // An ingredient that went while it rendered was still there for the render; for a new one it is
  // not.
  for (const auto& path : {first, second, gone}) {
    const Json failed = wait_for(path, "failed");
    EXPECT_NE(failed["failed_reason"].text().find("502"), std::string::npos) << failed.dump();
  }
  EXPECT_EQ(credit(), 1000);

  start([](EmulatorSettings& settings) { settings.latency = 0.03; });
  upload_two();
  const auto hanging = generate("[hang]");
  wait_for(hanging, "processing");
  restart([](EmulatorSettings& settings) { settings.latency = 0; });
  wait_for(hanging, "processing");
  EXPECT_EQ(credit(), 996.5);
  const Json history = inspect(hanging)["history"];
  std::vector<std::string> words;
  for (std::size_t i = 0; i < history.size(); ++i) words.push_back(history.at(i)["status"].text());
  EXPECT_EQ(words, (std::vector<std::string>{"pending", "processing", "pending", "processing"}));
  client_->post(hanging + "/stop", "{}");
  EXPECT_EQ(credit(), 1000);
}

TEST_F(StoreTest, StraysGoAndTheRestStays) {
  upload_two();
  wait_for(generate("a"), "completed");
  emulator_.reset();
  const std::string token(32, 'a');
  for (const std::string& name :
       {"uploads/" + token + ".png", "blobs/" + token + std::string(16, 'b'),
        std::string("outputs/vid_ingredients_077.mp4"), std::string("outputs/mine.txt"),
        std::string("uploads/notes.txt"), std::string("jobs/x"), std::string("unfinished/x")}) {
    folder_.write("data/" + name, "x");
  }
  restart();
  EXPECT_FALSE(std::filesystem::exists(data("uploads/" + token + ".png")));
  EXPECT_TRUE(std::filesystem::is_empty(data("blobs")));
  EXPECT_FALSE(std::filesystem::exists(data("outputs/vid_ingredients_077.mp4")));
  EXPECT_TRUE(std::filesystem::exists(data("outputs/mine.txt")));
  EXPECT_TRUE(std::filesystem::exists(data("uploads/notes.txt")));
  EXPECT_EQ(client_->get(clip_of("/v1/generations/9040")).status, 200u);
}

TEST_F(StoreTest, ADirectUploadCanGoOnAfterARestart) {
  const std::string bytes = mp4_bytes(5000);
  const auto announce = [&] {
    return client_
        ->post("/v1/direct_upload",
               R"({"blob":{"filename":"a.mp4","byte_size":5000,"content_type":"video/mp4",)"
               R"("checksum":")" +
                   md5_base64(bytes) + "\"}}")
        .json();
  };
  const auto take = [&](const Json& announced) {
    return client_->post(
        "/v1/content_resources?agent_id=42",
        R"({"content_resource":{"file":")" + announced["signed_id"].text() + "\"}}");
  };
  const Json first = announce();
  const Json second = announce();
  const auto put = [&](const Json& announced) {
    const std::string url = announced["direct_upload"]["url"].text();
    return client_->send("PUT", url.substr(url.find("/storage/")), bytes,
                         {{"Content-Type", "video/mp4"}, {"Content-MD5", md5_base64(bytes)}});
  };
  ASSERT_EQ(put(first).status, 200u);
  restart();
  EXPECT_EQ(take(first).status, 201u);
  expect_error(take(second), 422, "content_resource_creation_failed", "have not arrived");
  ASSERT_EQ(put(second).status, 200u);
  EXPECT_EQ(take(second).status, 201u);
}

TEST_F(StoreTest, CreditsOfTheCommandLineAreForANewStore) {
  start([](EmulatorSettings& settings) { settings.credit = 10; });
  upload_two();
  wait_for(generate("a"), "completed");
  restart([](EmulatorSettings& settings) { settings.credit = 10; });
  EXPECT_EQ(credit(), 6.5);
  restart();
  EXPECT_EQ(credit(), 6.5);
}

TEST_F(StoreTest, IdsOfTheCommandLineAreAddedToAnyStore) {
  call("PATCH", "cells/3300", R"({"value":"kept"})");
  restart([](EmulatorSettings& settings) {
    settings.known.sheets.insert("7");
    settings.known.cells.insert("c-1");
    settings.known.agents.insert("a-1");
  });
  for (const char* path : {"101/cells/c-1", "7/cells/c-1", "7/cells/3300"}) {
    EXPECT_EQ(client_->get(std::string("/v1/vidsheet/") + path + "?agent_id=a-1").status, 200u)
        << path;
  }
  EXPECT_EQ(cell()["value"].text(), "kept");
  EXPECT_EQ(call("GET", "rows").size(), 2u);
}

TEST_F(StoreTest, AStoreOfSomethingElseIsLeftAlone) {
  emulator_.reset();
  std::filesystem::remove_all(folder_.path("data"));
  std::filesystem::create_directory(folder_.path("data"));
  folder_.write("data/store.db",
                "this is no database, but a text of some length: " + std::string(4096, 'x'));
  const std::string before = read_file(data("store.db"));
  try {
    restart();
    FAIL() << "it was taken";
  } catch (const std::runtime_error& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("store.db cannot be used"), std::string::npos)
        << refusal.what();
  }
  EXPECT_EQ(read_file(data("store.db")), before);

  std::filesystem::remove_all(folder_.path("data"));
  restart();
  emulator_.reset();
  { Database(data("store.db")).execute("PRAGMA user_version = 99"); }
  try {
    restart();
    FAIL() << "it was taken";
  } catch (const std::runtime_error& refusal) {
    EXPECT_NE(std::string(refusal.what()).find("newer"), std::string::npos) << refusal.what();
  }
}

TEST_F(StoreTest, AStoreThatAnotherProgramHoldsIsTriedAgain) {
  upload_two();
  Database other(data("store.db"));
  other.execute("BEGIN IMMEDIATE");
  const auto busy = client_->post(generate_path, body_with("a"));
  expect_error(busy, 503, "store_busy", "Try again");
  EXPECT_EQ(busy.header("retry-after"), "1");
  // Readers do not wait.
  EXPECT_EQ(client_->get("/v1/organizations/1").status, 200u);
  other.execute("ROLLBACK");
  wait_for(generate("a"), "completed");
  EXPECT_EQ(credit(), 996.5);
}

TEST_F(StoreTest, ARenderThatEndsWhileTheStoreIsHeldIsNotLost) {
  start([](EmulatorSettings& settings) { settings.latency = 0.3; });
  upload_two();
  const auto path = generate("a");
  {
    const WarningWatch warnings("cannot go on");
    Database other(data("store.db"));
    other.execute("BEGIN IMMEDIATE");
    // Until a step has given up once.
    EXPECT_TRUE(warnings.wait());
    other.execute("ROLLBACK");
  }
  EXPECT_EQ(wait_for(path, "completed")["execution_cost"].number(), 3.5);
  EXPECT_EQ(credit(), 996.5);
}

// Generations are asked for over and over, each until it is answered, while the process is killed
// at any moment. In the end each was made and paid once, and has its clip.
TEST_F(StoreTest, NothingIsLostOrPaidTwiceWhenItIsKilled) {
  emulator_.reset();
  const std::string folder = folder_.path("killed");
  std::mt19937 random(std::random_device{}());
  std::unique_ptr<ChildProcess> process;
  const auto begin = [&] {
    process =
        std::make_unique<ChildProcess>(std::vector<std::string>{KILLABLE_EMULATOR, folder, "0.02"});
    ASSERT_TRUE(process->wait_for_output("/v1\n")) << process->errors();
    const std::string output = process->output();
    const auto at = output.find("http://");
    client_ = std::make_unique<Client>(output.substr(at, output.find("/v1") - at));
  };
  begin();
  upload_two();
  std::map<std::string, double> generations;  // by key
  int kills = 0;
  for (int round = 0; round < 12; ++round) {
    std::jthread killer;
    const auto last = static_cast<int>(random() % 40);
    for (int i = 0;; ++i) {
      // Beside what is asked for then.
      if (i == last) killer = std::jthread([&] { kill(process->pid(), SIGKILL); });
      const std::string key = "key-" + std::to_string(generations.size());
      try {
        if (i >= 8) {
          client_->get("/v1/generations/9040");
          continue;
        }
        const auto answer =
            client_->post(generate_path, body_with("a"), {{"Idempotency-Key", key}});
        ASSERT_EQ(answer.status, 201u) << answer.body;
        generations[key] = answer.json()["generation_id"].number();
      } catch (const std::runtime_error&) {
        break;
      }
    }
    killer.join();
    EXPECT_EQ(process->wait(), 128 + SIGKILL);
    ++kills;
    begin();
  }
  EXPECT_EQ(kills, 12);
  std::set<double> ids;
  for (const auto& [key, id] : generations) {
    ids.insert(id);
    // The one whose answer was lost last has no id yet.
    const std::string path = "/v1/generations/" + std::to_string(static_cast<long>(id));
    EXPECT_EQ(client_->get(clip_of(path)).body, fake_clip());
    // The answer is still known.
    EXPECT_EQ(client_->post(generate_path, body_with("a"), {{"Idempotency-Key", key}})
                  .json()["generation_id"]
                  .number(),
              id);
  }
  EXPECT_EQ(ids.size(), generations.size());
  const Json jobs = cell()["user_jobs"];
  // One more may have been made whose answer nobody got.
  EXPECT_GE(jobs.size(), generations.size());
  EXPECT_LE(jobs.size(), generations.size() + 1);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    wait_for("/v1/generations/" + jobs.at(i)["id"].dump(), "completed");
  }
  EXPECT_NEAR(credit(), 1e6 - 3.5 * static_cast<double>(jobs.size()), 1e-9);
  process->kill(SIGKILL);
  process->wait();
  Store store(folder + "/store.db");
  EXPECT_EQ(store.credit(), 1'000'000'000 - 3500 * static_cast<MilliCredits>(jobs.size()));
}

TEST(Change, IsKeptWholeOrNotAtAll) {
  const TemporaryFolder folder;
  Store store(folder.path("store.db"));
  store.mark_filled(1000);
  int actions = 0;
  {
    Store::Change outer(store);
    store.book(1, 5, "outer");
    store.after_commit([&] { ++actions; });
    {
      Store::Change inner(store);
      store.book(1, 70, "inner");
      store.after_commit([&] { actions += 10; });
    }
    EXPECT_EQ(store.credit(), 1005);
    {
      Store::Change inner(store);
      store.book(1, 200, "inner");
      store.after_commit([&] { actions += 100; });
      inner.commit();
    }
    EXPECT_EQ(actions, 0);
    outer.commit();
  }
  EXPECT_EQ(store.credit(), 1205);
  EXPECT_EQ(actions, 101);
  {
    const Store::Change abandoned(store);
    store.book(1, 5, "abandoned");
    store.after_commit([&] { ++actions; });
  }
  EXPECT_EQ(store.credit(), 1205);
  EXPECT_EQ(actions, 101);
}

TEST(Ids, EndWithAnErrorInsteadOfComingAgain) {
  const TemporaryFolder folder;
  Store store(folder.path("store.db"));
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
  store.reserve(Sequence::sheet, last - 2);
  EXPECT_EQ(store.next_id(Sequence::sheet), last - 1);
  EXPECT_THROW(store.next_id(Sequence::sheet), StoreError);
  store.reserve(Sequence::row, last);
  EXPECT_THROW(store.next_id(Sequence::row), StoreError);
  EXPECT_THROW(store.next_id(Sequence::row), StoreError);
  // The others count on.
  EXPECT_EQ(store.next_id(Sequence::column), 200);
}

TEST(Change, AnswersAreForgottenAfterTheirTime) {
  const TemporaryFolder folder;
  Store store(folder.path("store.db"));
  store.remember("old", {"f", 201, "a", 100}, 0);
  store.remember("new", {"f", 201, "b", 200}, 0);
  EXPECT_EQ(store.remembered("old", 100)->body, "a");
  EXPECT_FALSE(store.remembered("old", 101));
  store.remember("newer", {"f", 201, "c", 300}, 150);
  EXPECT_FALSE(store.remembered("old", 0));
  EXPECT_EQ(store.remembered("new", 0)->body, "b");
}

TEST(Observer, HearsOfEachChangeOnceItIsKept) {
  const TemporaryFolder folder;
  Store store(folder.path("store.db"));
  std::vector<Status> heard;
  store.observe([&](const Generation& generation) { heard.push_back(generation.status); });
  Generation generation;
  generation.id = 9040;
  store.save(generation);
  {
    Store::Change change(store);
    generation.status = Status::processing;
    store.save(generation);
    EXPECT_EQ(heard.size(), 1u);
    change.commit();
  }
  {
    const Store::Change abandoned(store);
    generation.status = Status::completed;
    store.save(generation);
  }
  EXPECT_EQ(heard, (std::vector<Status>{Status::pending, Status::processing}));
  EXPECT_EQ(store.history(9040).size(), 2u);
}

}  // namespace genpro::emulator::test
