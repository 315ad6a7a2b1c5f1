// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Outputs as a CDN serves them.
#include "emulator_fixture.h"

namespace genpro::emulator::test {

class Files : public EmulatorTest {
 protected:
  void SetUp() override {
    EmulatorTest::SetUp();
    upload_two();
    clip = clip_of(generate("a"));
    whole_ = client_->get(clip);
  }
  std::string clip;
  Response whole_;
};

TEST_F(Files, AreWholeAndDescribed) {
  EXPECT_EQ(whole_.status, 200u);
  EXPECT_EQ(whole_.body, fake_clip());
  EXPECT_EQ(whole_.header("content-type"), "video/mp4");
  EXPECT_EQ(whole_.header("content-length"), "100000");
  EXPECT_EQ(whole_.header("accept-ranges"), "bytes");
  EXPECT_TRUE(whole_.header("last-modified").ends_with(" GMT"));
  const std::string tag = whole_.header("etag");
  EXPECT_TRUE(tag.size() > 2 && tag.front() == '"' && tag.back() == '"') << tag;
  const std::string thumbnail =
      client_->get("/v1/generations/9040").json()["output_resources"].at(0)["thumbnail_url"].text();
  EXPECT_EQ(client_->get(thumbnail).header("content-type"), "image/jpeg");
  EXPECT_NE(client_->get(clip_of(generate("b"))).header("etag"), tag);
  EXPECT_EQ(client_->get(clip).header("etag"), tag);
}

TEST_F(Files, AnswerHeadWithoutABody) {
  const auto head = client_->send("HEAD", clip);
  EXPECT_EQ(head.status, 200u);
  EXPECT_EQ(head.header("content-length"), "100000");
  EXPECT_EQ(head.header("etag"), whole_.header("etag"));
  EXPECT_TRUE(head.body.empty());
  // The connection still is in step.
  EXPECT_EQ(client_->get(clip).body.size(), 100'000u);
}

TEST_F(Files, ServeSingleRanges) {
  struct Case {
    const char* range;
    std::size_t first, last;
  };
  for (const Case& c : {Case{"bytes=0-0", 0, 0}, Case{"bytes=10-19", 10, 19},
                        Case{"bytes=99990-", 99990, 99999}, Case{"bytes=-7", 99993, 99999},
                        Case{"bytes=-200000", 0, 99999}, Case{"bytes=50000-999999", 50000, 99999},
                        Case{"bytes=0-", 0, 99999}, Case{"bytes=0-99999999999999999999", 0, 99999},
                        Case{"bytes=-99999999999999999999", 0, 99999}, Case{"BYTES = 5-6", 5, 6},
                        Case{"bytes=99999-99999", 99999, 99999}}) {
    const auto part = client_->get(clip, {{"Range", c.range}});
    if (std::string(c.range) == "BYTES = 5-6") {
      // Not the grammar of the standard: the whole file is a right answer too.
      EXPECT_TRUE(part.status == 200 || part.status == 206);
      continue;
    }
    EXPECT_EQ(part.status, 206u) << c.range;
    EXPECT_EQ(part.header("content-range"),
              "bytes " + std::to_string(c.first) + "-" + std::to_string(c.last) + "/100000");
    EXPECT_EQ(part.body, fake_clip().substr(c.first, c.last - c.first + 1)) << c.range;
    EXPECT_EQ(part.header("etag"), whole_.header("etag"));
    EXPECT_EQ(part.header("content-type"), "video/mp4");
  }
}

TEST_F(Files, RefuseRangesBehindTheEnd) {
  for (const char* range :
       {"bytes=100000-", "bytes=100000-100001", "bytes=-0", "bytes=99999999999999999999-"}) {
    const auto response = client_->get(clip, {{"Range", range}});
    EXPECT_EQ(response.status, 416u) << range;
    EXPECT_EQ(response.header("content-range"), "bytes */100000");
  }
}

TEST_F(Files, IgnoreRangesThatMakeNoSense) {
  for (const char* range :
       {"bytes=5-3", "bytes=", "bytes=a-b", "lines=1-2", "bytes=1", "bytes=0-1,4-5", "bytes=--5"}) {
    const auto response = client_->get(clip, {{"Range", range}});
    EXPECT_EQ(response.status, 200u) << range;
    EXPECT_EQ(response.body.size(), 100'000u) << range;
  }
}

TEST_F(Files, KeepTheConditionsOfARange) {
  const auto with = [this](const std::string& condition) {
    return client_->get(clip, {{"Range", "bytes=1-4"}, {"If-Range", condition}}).status;
  };
  EXPECT_EQ(with(whole_.header("etag")), 206u);
  EXPECT_EQ(with("\"other\""), 200u);
  EXPECT_EQ(with("W/" + whole_.header("etag")), 200u);
  EXPECT_EQ(with(whole_.header("last-modified")), 206u);
  EXPECT_EQ(with("Mon, 01 Jan 2001 00:00:00 GMT"), 200u);
  EXPECT_EQ(with("nonsense"), 200u);
}

TEST_F(Files, AreNotSentAgainToWhoHasThem) {
  const auto with = [this](const Headers& headers) { return client_->get(clip, headers); };
  const std::string tag = whole_.header("etag");
  const auto same = with({{"If-None-Match", tag}});
  EXPECT_EQ(same.status, 304u);
  EXPECT_TRUE(same.body.empty());
  EXPECT_EQ(same.header("etag"), tag);
  EXPECT_EQ(with({{"If-None-Match", "\"a\", W/" + tag}}).status, 304u);
  EXPECT_EQ(with({{"If-None-Match", "*"}}).status, 304u);
  EXPECT_EQ(with({{"If-None-Match", "\"a\""}}).status, 200u);
  EXPECT_EQ(with({{"If-Modified-Since", whole_.header("last-modified")}}).status, 304u);
  EXPECT_EQ(with({{"If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT"}}).status, 200u);
  EXPECT_EQ(
      with({{"If-None-Match", "\"a\""}, {"If-Modified-Since", whole_.header("last-modified")}})
          .status,
      200u);
}

TEST_F(Files, OthersAreNotThere) {
  for (const std::string& path :
       std::vector<std::string>{"/outputs/vid_ingredients_001.mp4", "/outputs/", "/outputs",
                                "/uploads/x", "/thumbnails/.", "/outputs/vid_ingredients_001.mp4/x",
                                "/unfinished/x", "/jobs/9040-1/spec.json", "/lock"}) {
    expect_error(client_->get(path), 404, "not_found");
  }
  expect_error(client_->send("DELETE", clip), 405, "method_not_allowed", "GET");
}

TEST_F(Files, HaveAddressesThatNobodyCanGuess) {
  // No key is asked for, so that each has 128 random bits.
  const std::string next = clip_of(generate("b"));
  EXPECT_EQ(client_->get(next, {{"X-API-Key", ""}}).status, 200u);
  const auto token = [](const std::string& path) { return path.substr(5, path.find('/', 5) - 5); };
  EXPECT_EQ(token(clip).size(), 32u) << clip;
  EXPECT_NE(token(clip), token(next));
  for (const std::string& wrong : {std::string(32, '0'), token(next), std::string("x")}) {
    expect_error(client_->get("/cdn/" + wrong + clip.substr(clip.find('/', 5))), 404, "not_found");
  }
  // A generation keeps its address.
  EXPECT_EQ(clip_of("/v1/generations/9040"), clip);
  restart();
  EXPECT_EQ(clip_of("/v1/generations/9040"), clip);
}

}  // namespace genpro::emulator::test
