// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files as ingredients: their names, what they hold, and their upload.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "assets/digests.h"
#include "assets/references.h"
#include "assets/task.h"
#include "assets/uploads.h"
#include "support/fake_resources.h"
#include "unit/ledger_fixture.h"

namespace genpro::assets {
namespace {

using namespace std::chrono_literals;
using test::must;

const std::string png("\x89PNG\r\n\x1a\n0123", 12);

std::string problem(const std::string& text) {
  const auto list = parse_ingredients(text);
  return list ? "" : list.error().message;
}

TEST(Ingredients, AreFilesAddressesAndIdsInOneOrder) {
  const auto list = must(parse_ingredients("/a/photo.jpg, 502 ,\nfile:///b/my%20logo.png,./x-1\n"));
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].path, "/a/photo.jpg");
  EXPECT_EQ(list[1].id, "502");
  EXPECT_EQ(list[1].path, "");
  EXPECT_EQ(list[2].path, "/b/my logo.png");
  EXPECT_EQ(list[3].path, take_string(g_canonicalize_filename("x-1", nullptr)));
  EXPECT_EQ(must(parse_ingredients(R"(/a/a\,b.jpg,/a\b\\,x-1)"))[0].path, "/a/a,b.jpg");
  EXPECT_EQ(must(parse_ingredients(R"(/a/a\,b.jpg,/a\b\\,x-1)"))[1].path, R"(/a\b\)");
  EXPECT_EQ(must(parse_ingredients(R"(/a/a\,b.jpg,/a\b\\,x-1)"))[2].id, "x-1");
  EXPECT_TRUE(must(parse_ingredients(" \n")).empty());
  EXPECT_NE(problem("a.jpg,,b.jpg").find("empty"), std::string::npos);
  EXPECT_NE(problem("https://u:p@c.test/a.png?key=x").find("\"https://c.test/a.png\""),
            std::string::npos)
      << problem("https://u:p@c.test/a.png?key=x");
  EXPECT_NE(problem("file://elsewhere/a.png"), "");
}

TEST(Prompt, NamesIngredientsByNumberNameAndId) {
  const auto list = must(parse_ingredients("/a/Photo.jpg,502,/a/clip.mp4,/a/logo.v2.png"));
  const std::vector<std::string> kinds = {"image", "image", "video", "image"};
  const auto filled = [&](const std::string& text) {
    return fill(must(parse_prompt(text, list)), kinds);
  };
  EXPECT_EQ(filled("@1 and @photo, @PHOTO.JPG."), "Image 1 and Image 1, Image 1.");
  EXPECT_EQ(filled("(@502) turns into @3: @clip's @logo.v2"),
            "(Image 2) turns into Video 1: Video 1's Image 3");
  EXPECT_EQ(filled("me@photo.com, @ home, @@, \\@photo"), "me@photo.com, @ home, @@, @photo");
  EXPECT_FALSE(must(parse_prompt("A lamp", list)).has_references());
  for (const char* wrong : {"@5", "@0", "@phot", "a @logo", "@photo.png", "@503"}) {
    const auto refused = parse_prompt(wrong, list);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_NE(refused.error().message.find("@1 (Photo.jpg)"), std::string::npos)
        << refused.error().message;
  }
  const auto twins = must(parse_ingredients("/a/photo.jpg,/b/photo.png,/c/photo.png"));
  EXPECT_TRUE(parse_prompt("@photo.jpg", twins));
  for (const char* several : {"@photo", "@photo.png"}) EXPECT_FALSE(parse_prompt(several, twins));
}

TEST(Sniffing, GoesByContent) {
  const std::pair<std::string, const char*> contents[] = {
      {png, "image/png"},
      {"\xff\xd8\xff\xe0 JFIF", "image/jpeg"},
      {"RIFF1234WEBPVP8 ", "image/webp"},
      {std::string("\0\0\0\x18"
                   "ftypmp42",
                   12),
       "video/mp4"},
      {"\x1a\x45\xdf\xa3 \x42\x82\x84webm", "video/webm"},
      {"RIFF1234WAVEfmt ", "audio/x-wav"},
      {"ID3\x04", "audio/mpeg"},
      {"\xff\xfb\x90\x64", "audio/mpeg"},
      {"\xff\xf1\x50\x80", "audio/aac"},
  };
  for (const auto& [bytes, type] : contents) EXPECT_EQ(sniff(bytes), type);
  for (const char* other :
       {"<html><body>", "A prompt", "{\"a\": 1}", "\xff\xfeH", "%PDF-1.7", "PK\x03\x04"}) {
    const std::string kind = kind_of(sniff(other));
    EXPECT_TRUE(kind != "image" && kind != "video" && kind != "audio") << other << ": " << kind;
  }
}

std::string checksum(GChecksumType type, const std::string& bytes) {
  return take_string(g_compute_checksum_for_string(type, bytes.data(), std::ssize(bytes)));
}
std::string base64(std::string_view hexadecimal) {
  std::vector<guchar> bytes;
  for (std::size_t i = 0; i < hexadecimal.size(); i += 2) {
    bytes.push_back(static_cast<guchar>(g_ascii_xdigit_value(hexadecimal[i]) * 16 +
                                        g_ascii_xdigit_value(hexadecimal[i + 1])));
  }
  return take_string(g_base64_encode(bytes.data(), bytes.size()));
}

TEST(Digests, AreOfAllPartsInTheirOrder) {
  for (const std::size_t parts : {0U, 1U, 2U, 3U, 25U}) {
    Digests digests(true);
    std::string all;
    for (std::size_t i = 0; i < parts; ++i) {
      // A full block after a short one, as a disk may give them.
      const std::size_t size = i % 2 == 0 ? 1 + 1000 * i : Digests::block_size;
      const auto block = digests.block();
      ASSERT_GE(block.size(), size);
      std::fill_n(block.begin(), size, static_cast<std::uint8_t>(i + 1));
      digests.add(size);
      all.append(size, static_cast<char>(i + 1));
    }
    EXPECT_EQ(digests.sha256(), checksum(G_CHECKSUM_SHA256, all)) << parts;
    EXPECT_EQ(digests.md5(), base64(checksum(G_CHECKSUM_MD5, all))) << parts;
  }
}

TEST(Digests, CanBeGivenUp) {
  Digests digests(true);
  for (int i = 0; i < 3; ++i) digests.add(digests.block().size());
}

// Uploads to a service that counts.
class UploaderTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& bytes) {
    test::write_file(folder_.file(name), bytes);
    return folder_.file(name);
  }
  UploaderSettings settings(const std::string& agent = "42") {
    return {*api::make_access(service_.api_base(), "KEY"), agent, ledger_, 5s, 1};
  }
  std::unique_ptr<Uploader> uploader(const std::string& agent = "42") {
    return std::make_unique<Uploader>(settings(agent));
  }
  static Result<std::string> upload(Uploader& uploader, const std::string& path) {
    const auto files = uploader.read({path}, {});
    if (!files) return files.error();
    return uploader.upload(files->at(0), nullptr, {});
  }
  // By a run of its own.
  std::string id_of(const std::string& path) { return must(upload(*uploader(), path)); }
  std::string problem_of(const std::string& path) {
    const auto id = upload(*uploader(), path);
    return id ? "" : id.error().message;
  }

  test::FakeService service_;
  test::FakeResources resources_{service_};
  test::TemporaryFolder folder_;
  std::string ledger_ = folder_.file("ledger.db");
};

TEST_F(UploaderTest, AFileIsUploadedOnceAndLookedForAfterwards) {
  const std::string photo = file("photo.png", png);
  EXPECT_EQ(id_of(photo), "701");
  EXPECT_EQ(resources_.uploads(), 1U);
  EXPECT_EQ(resources_.gets(), 0U);
  EXPECT_EQ(id_of(photo), "701");
  EXPECT_EQ(id_of(file("copy.png", png)), "701") << "the same bytes";
  EXPECT_EQ(resources_.uploads(), 1U);
  EXPECT_EQ(resources_.gets(), 2U);
  EXPECT_EQ(must(upload(*uploader("43"), photo)), "702") << "another agent's";
  EXPECT_EQ(id_of(file("photo.png", png + "x")), "703") << "other bytes";
}

TEST_F(UploaderTest, OneThatIsGoneIsUploadedAnew) {
  const std::string photo = file("photo.png", png);
  EXPECT_EQ(id_of(photo), "701");
  resources_.remove("701");
  EXPECT_EQ(id_of(photo), "702");
  EXPECT_EQ(id_of(photo), "702");
  EXPECT_EQ(resources_.uploads(), 2U);
}

// A gateway that knows nothing of resources is not believed.
TEST_F(UploaderTest, AGatewaysWordIsNoReasonToUploadAnew) {
  const std::string photo = file("photo.png", png);
  EXPECT_EQ(id_of(photo), "701");
  resources_.fail(test::html_answer(404, "<html>Not found</html>"));
  EXPECT_NE(problem_of(photo), "");
  resources_.fail(std::nullopt);
  EXPECT_EQ(id_of(photo), "701");
  EXPECT_EQ(resources_.uploads(), 1U);
}

TEST_F(UploaderTest, ALostUploadIsTriedAgain) {
  const std::string photo = file("photo.png", png);
  resources_.fail(test::json_answer(503, R"({"error": "Busy"})"));
  EXPECT_NE(problem_of(photo).find("Gave up after 2 tries"), std::string::npos);
  EXPECT_EQ(resources_.uploads(), 2U);
  resources_.fail(
      test::json_answer(422, R"({"error": "No", "error_code": "invalid_content_type"})"));
  EXPECT_NE(problem_of(photo).find("invalid_content_type"), std::string::npos);
  EXPECT_EQ(resources_.uploads(), 3U);
}

TEST_F(UploaderTest, WithoutALedgerNothingIsRemembered) {
  ledger_.clear();
  const std::string photo = file("photo.png", png);
  EXPECT_EQ(id_of(photo), "701");
  EXPECT_EQ(id_of(photo), "702");
}

TEST_F(UploaderTest, WhatIsNoIngredientIsNamed) {
  for (const std::string& path : {folder_.file("missing.png"), file("empty.png", ""),
                                  file("text.png", "A prompt"), folder_.path()}) {
    EXPECT_NE(problem_of(path).find(path), std::string::npos) << problem_of(path);
  }
  const std::string large = file("large.png", png);
  ASSERT_EQ(truncate(large.c_str(), static_cast<off_t>(api::max_upload_size + 1)), 0);
  EXPECT_NE(problem_of(large).find("1 GB"), std::string::npos) << problem_of(large);
  EXPECT_EQ(service_.count(), 0U);
}

TEST_F(UploaderTest, ALargeFileHasAnMd5AsWell) {
  std::string bytes = png;
  bytes.resize(api::max_multipart_size, 'x');
  const File small = must(uploader()->read({file("small.png", bytes)}, {}))[0];
  EXPECT_EQ(small.sha256, checksum(G_CHECKSUM_SHA256, bytes));
  EXPECT_EQ(small.md5, "");
  bytes += 'y';
  const File large = must(uploader()->read({file("large.png", bytes)}, {}))[0];
  EXPECT_EQ(large.sha256, checksum(G_CHECKSUM_SHA256, bytes));
  EXPECT_EQ(large.md5, base64(checksum(G_CHECKSUM_MD5, bytes)));
}

TEST_F(UploaderTest, AFileThatChangesMeanwhileIsNotUploaded) {
  const std::string photo = file("photo.png", png);
  const auto one = uploader();
  const auto files = must(one->read({photo}, {}));
  file("photo.png", png + "more");
  const auto id = one->upload(files[0], nullptr, {});
  ASSERT_FALSE(id);
  EXPECT_NE(id.error().message.find("changed"), std::string::npos) << id.error().message;
  EXPECT_EQ(service_.count(), 0U);
}

TEST_F(UploaderTest, AFileThatIsCutWhileItIsSentIsSaidToHaveChanged) {
  std::string bytes = png;
  bytes.resize(20'000'000, 'x');
  const std::string photo = file("photo.png", bytes);
  Uploader one({*api::make_access(service_.api_base(), "KEY"), "42", ledger_, 5s, 0});
  const auto files = must(one.read({photo}, {}));
  const auto id =
      one.upload(files[0], [&](std::uint64_t) { EXPECT_EQ(truncate(photo.c_str(), 100), 0); }, {});
  ASSERT_FALSE(id);
  EXPECT_NE(id.error().message.find("changed while"), std::string::npos) << id.error().message;
}

TEST_F(UploaderTest, AFileThatHasNotChangedIsNotReadAgain) {
  const std::string photo = file("photo.png", png);
  const struct timespec past[2] = {{1'000'000'000, 5}, {1'000'000'000, 5}};
  ASSERT_EQ(utimensat(AT_FDCWD, photo.c_str(), past, 0), 0);
  const auto first = must(uploader()->read({photo}, {}));
  // As if it had been read long after it changed: its change time cannot be set.
  auto ledger = must(ledger::Ledger::open(ledger_));
  EXPECT_FALSE(must(ledger->digests_of({first[0].stamp})).at(0)) << "it changed just now";
  must(ledger->note_digests({{first[0].stamp, {std::string(64, 'a'), "image/png"}}}));
  EXPECT_EQ(must(uploader()->read({photo}, {}))[0].sha256, std::string(64, 'a'));
  file("photo.png", png);
  EXPECT_EQ(must(uploader()->read({photo}, {}))[0].sha256, first[0].sha256);
}

TEST_F(UploaderTest, TwoAtOnceUploadAFileOnce) {
  const std::string photo = file("photo.png", png);
  std::vector<std::future<std::string>> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(std::async(std::launch::async, [&] { return id_of(photo); }));
  }
  for (auto& id : ids) EXPECT_EQ(id.get(), "701");
  EXPECT_EQ(resources_.uploads(), 1U);
}

TEST_F(UploaderTest, AnotherOnesUploadIsWaitedFor) {
  const std::string photo = file("photo.png", png);
  const std::string id = id_of(file("other.png", png + "x"));
  auto other = must(ledger::Ledger::open(ledger_));
  const ledger::AssetScope scope{service_.api_base(), "42"};
  const auto one = uploader();
  const File read = must(one->read({photo}, {}))[0];
  auto lock = must(other->lock_asset(scope, read.sha256));
  ASSERT_TRUE(lock);
  auto waiting =
      std::async(std::launch::async, [&] { return must(one->upload(read, nullptr, {})); });
  must(other->note_asset(scope, {id, read.sha256, 12, "image/png", "photo.png", 1}));
  lock->release();
  EXPECT_EQ(waiting.get(), id);
  EXPECT_EQ(resources_.uploads(), 1U);
}

TEST_F(UploaderTest, WhoWaitsForAnUploadTakesItOver) {
  const std::string photo = file("photo.png", png);
  auto other = must(ledger::Ledger::open(ledger_));
  const auto one = uploader();
  const File read = must(one->read({photo}, {}))[0];
  auto lock = must(other->lock_asset({service_.api_base(), "42"}, read.sha256));
  ASSERT_TRUE(lock);
  auto waiting =
      std::async(std::launch::async, [&] { return must(one->upload(read, nullptr, {})); });
  // It died: the kernel gives its lock back.
  lock->release();
  EXPECT_EQ(waiting.get(), "701");
}

// ---- Several at once ----

TEST_F(UploaderTest, FilesAreUploadedSideBySideInTheirOrder) {
  std::vector<std::string> paths;
  for (int i = 0; i < 6; ++i) {
    paths.push_back(file(std::to_string(i) + ".png", png + std::to_string(i % 5)));
  }
  const auto files = must(uploader()->read(paths, {}));
  // The first ones are answered only when they are there all at once.
  auto gate = std::make_shared<test::Gate>();
  test::Answer held = test::json_answer(503, R"({"error": "Busy"})");
  held.hold = gate;
  resources_.fail(held);
  auto all = std::async(std::launch::async, [&] {
    return upload_all(settings(), files, OnFailure::stop_others, {}, {});
  });
  EXPECT_TRUE(service_.wait_for(test::FakeResources::is_upload, most_uploads));
  EXPECT_EQ(resources_.uploads(), most_uploads);
  resources_.fail(std::nullopt);
  gate->open();
  const Uploads uploads = all.get();
  EXPECT_FALSE(uploads.failed);
  ASSERT_EQ(uploads.ids.size(), 6U);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(must(uploads.ids[i]), id_of(paths[i])) << "in its place";
    ids.insert(*uploads.ids[i]);
  }
  EXPECT_EQ(ids.size(), 5U);
  EXPECT_EQ(*uploads.ids[5], *uploads.ids[0]) << "the same content";
  EXPECT_LE(resources_.uploads(), most_uploads + 5U);
}

TEST_F(UploaderTest, WhatWasUploadedBeforeIsLookedForSideBySide) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < most_looks; ++i) {
    paths.push_back(file(std::to_string(i) + ".png", png + std::to_string(i)));
  }
  const auto files = must(uploader()->read(paths, {}));
  ASSERT_FALSE(upload_all(settings(), files, OnFailure::stop_others, {}, {}).failed);
  // Answered only when all are asked for at once.
  const auto gate = std::make_shared<test::Gate>();
  service_.set_script([&](const test::Seen& seen) -> std::optional<test::Answer> {
    const std::string id = seen.path.substr(seen.path.rfind('/') + 1);
    test::Answer answer =
        test::json_answer(200, R"({"id": )" + id + R"(, "content_type": "image/png"})");
    answer.hold = gate;
    return answer;
  });
  auto all = std::async(std::launch::async, [&] {
    return upload_all(settings(), files, OnFailure::stop_others, {}, {});
  });
  const auto is_look = [](const test::Seen& seen) {
    return seen.method == "GET" && seen.path.find("/content_resources/") != std::string::npos;
  };
  EXPECT_TRUE(service_.wait_for(is_look, most_looks));
  gate->open();
  EXPECT_FALSE(all.get().failed);
  EXPECT_EQ(resources_.uploads(), most_looks);
}

TEST_F(UploaderTest, TheFirstFailureEndsTheOthersAndKeepsWhatIsThere) {
  std::vector<std::string> paths;
  for (int i = 0; i < 3; ++i) {
    paths.push_back(file(std::to_string(i) + ".png", png + std::to_string(i)));
  }
  EXPECT_EQ(id_of(paths[0]), "701");
  const auto files = must(uploader()->read(paths, {}));
  file("2.png", png + "changed");
  auto gate = std::make_shared<test::Gate>();
  test::Answer held = test::json_answer(503, R"({"error": "Busy"})");
  held.hold = gate;
  service_.set_script([&, held](const test::Seen& seen) -> std::optional<test::Answer> {
    if (!test::FakeResources::is_upload(seen)) {
      return test::json_answer(200, R"({"id": 701, "content_type": "image/png"})");
    }
    return held;
  });
  std::vector<std::string> done;
  std::mutex mutex;
  const Uploads uploads = upload_all(settings(), files, OnFailure::stop_others,
                                     {.progress = nullptr,
                                      .done =
                                          [&](std::size_t, const std::string& id, bool is_new) {
                                            const std::lock_guard lock(mutex);
                                            EXPECT_FALSE(is_new);
                                            done.push_back(id);
                                          }},
                                     {});
  gate->open();
  ASSERT_TRUE(uploads.failed);
  EXPECT_EQ(*uploads.failed, 2U);
  EXPECT_NE(uploads.ids[2].error().message.find("changed"), std::string::npos);
  EXPECT_FALSE(uploads.ids[1]) << "nobody waits for it";
  EXPECT_TRUE(done.empty() || done == std::vector<std::string>{"701"});
}

TEST_F(UploaderTest, OneThatFailsLeavesTheOthersAlone) {
  const auto files = must(uploader()->read(
      {file("0.png", png), file("1.png", png + "1"), file("2.png", png + "2")}, {}));
  file("1.png", png + "changed");
  const Uploads uploads = upload_all(settings(), files, OnFailure::go_on, {}, {});
  EXPECT_TRUE(uploads.ids[0] && uploads.ids[2]);
  EXPECT_FALSE(uploads.ids[1]);
  EXPECT_EQ(uploads.failed, 1U);
  EXPECT_EQ(resources_.uploads(), 2U);
}

TEST_F(UploaderTest, NothingIsToldAnyMoreWhenOnesThatWereStoppedHaveEnded) {
  const auto files = must(uploader()->read({file("0.png", png + std::string(1'000'000, '0'))}, {}));
  std::stop_source stop;
  std::promise<void> over;
  std::promise<bool> told;
  std::atomic<bool> is_first = true;
  // While the body is sent.
  const auto progress = [&](std::uint64_t, std::uint64_t) {
    if (!is_first.exchange(false)) return;
    stop.request_stop();
    told.set_value(over.get_future().wait_for(500ms) == std::future_status::ready);
  };
  const Uploads uploads = upload_all(settings(), files, OnFailure::stop_others,
                                     {.progress = progress, .done = nullptr}, stop.get_token());
  over.set_value();
  EXPECT_FALSE(told.get_future().get()) << "it ended while it was telling";
  EXPECT_FALSE(uploads.ids[0]);
}

// Whatever the disk or the service does.
TEST_F(UploaderTest, ATaskIsStoppedAndNotWaitedFor) {
  const std::string photo = file("photo.png", png);
  auto hold = std::make_shared<test::Gate>();
  test::Answer held = test::json_answer(500, "{}");
  held.hold = hold;
  resources_.fail(held);
  const auto runtime = Runtime::acquire();
  std::unique_ptr<Task> task;
  std::promise<void> ended;
  std::atomic<bool> is_told = false;
  runtime->post([&] {
    task = std::make_unique<Task>(*runtime,
                                  [&](const std::stop_token& stopped, const Task::Post& post) {
                                    const auto one = uploader();
                                    const auto files = one->read({photo}, stopped);
                                    EXPECT_TRUE(files);
                                    if (files) {
                                      EXPECT_FALSE(one->upload(files->at(0), nullptr, stopped));
                                    }
                                    post([&] { is_told = true; });
                                    ended.set_value();
                                  });
  });
  ASSERT_TRUE(service_.wait_for(test::FakeResources::is_upload));
  std::promise<void> gone;
  runtime->post([&] {
    task.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  EXPECT_EQ(ended.get_future().wait_for(test::generous), std::future_status::ready);
  std::promise<void> turn;
  runtime->post([&] { turn.set_value(); });
  turn.get_future().wait();
  EXPECT_FALSE(is_told);
  hold->open();
}

}  // namespace
}  // namespace genpro::assets
