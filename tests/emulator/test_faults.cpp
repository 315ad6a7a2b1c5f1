// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What faults do to requests, and that it ends when they are switched off.
#include "faults_fixture.h"

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>

#include "base/file_descriptor.h"

namespace genpro::emulator::test {

namespace {

// Connections that the test's client may keep for later, both ends.
constexpr std::size_t spare_files = 16;

std::size_t open_files() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

FileDescriptor connection_with(std::uint16_t port, const std::string& request) {
  FileDescriptor fd(connect_to(port));
  EXPECT_EQ(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  return fd;
}

bool is_readable(const FileDescriptor& fd) {
  pollfd polled{fd.get(), POLLIN, 0};
  return poll(&polled, 1, 0) > 0;
}

}  // namespace

class FaultErrors : public FaultsTest {};

TEST_F(FaultErrors, ComeInTheirOrderAndOnlyAsOftenAsWanted) {
  const double before = credit();
  set("post-errors", "429:retry-after=7:count=2,503:code=upstream_away:count=1");
  for (int i = 0; i < 2; ++i) {
    const auto limited = client_->post(generate_path, body_with("a"));
    expect_error(limited, 429, "rate_limited", "post-errors");
    EXPECT_EQ(limited.header("retry-after"), "7");
  }
  const auto away = client_->post(generate_path, body_with("a"));
  expect_error(away, 503, "upstream_away");
  EXPECT_EQ(away.header("retry-after"), "");
  EXPECT_EQ(job_count(), 0u);
  EXPECT_EQ(credit(), before);
  EXPECT_EQ(acted("post-errors"), 3);
  wait_for(generate("a"), "completed");
}

TEST_F(FaultErrors, LetPassWhatIsToBeSkipped) {
  set("other-errors", "500:skip=2:count=1");
  EXPECT_EQ(client_->get("/v1/me").status, 200u);
  EXPECT_EQ(client_->get("/v1/me").status, 200u);
  expect_error(client_->get("/v1/me"), 500, "internal_error");
  EXPECT_EQ(client_->get("/v1/me").status, 200u);
}

// Each kind of request, and what it is answered with when nothing is wrong.
TEST_F(FaultErrors, ActOnTheirOwnKindOfRequestOnly) {
  const std::string generation = generate("a");
  wait_for(generation, "completed");
  const std::string clip = clip_of(generation);
  const std::string announcement = R"({"blob":{"filename":"a.png","byte_size":200,"checksum":")" +
                                   md5_base64(png_bytes()) + R"(","content_type":"image/png"}})";
  const std::vector<std::pair<std::string, std::function<unsigned()>>> kinds{
      {"post-errors", [&] { return client_->post(generate_path, body_with("a")).status; }},
      {"poll-errors", [&] { return client_->get(generation).status; }},
      {"upload-errors", [&] { return client_->upload("c.png", png_bytes()).status; }},
      {"upload-errors", [&] { return client_->post("/v1/direct_upload", announcement).status; }},
      {"download-errors", [&] { return client_->get(clip).status; }},
      {"other-errors",
       [&] { return client_->get("/v1/vidsheet/101/cells/3300?agent_id=42").status; }},
      {"other-errors", [&] { return client_->get("/v1/organizations/1").status; }},
  };
  for (const char* name :
       {"post-errors", "poll-errors", "upload-errors", "download-errors", "other-errors"}) {
    set(name, "418");
    for (const auto& [kind, ask] : kinds) {
      const unsigned status = ask();
      if (kind == name) {
        EXPECT_EQ(status, 418u) << name;
      } else {
        EXPECT_LT(status, 300u) << name << " acts on " << kind;
      }
    }
    switch_off(name);
  }
  for (const auto& [kind, ask] : kinds) EXPECT_LT(ask(), 300u) << kind << " still acts";
}

TEST_F(FaultErrors, OfARateAreTheSameForTheSameSeed) {
  const auto pattern = [this](int seed) {
    EXPECT_EQ(post_fault(R"({"seed":)" + std::to_string(seed) +
                         R"(,"name":"other-errors","value":"500:rate=0.3"})")
                  .status,
              200u);
    std::string result;
    for (int i = 0; i < 150; ++i) {
      result += client_->get("/v1/me").status == 500 ? 'x' : '.';
      // Another fault that has its own chance must not change this one's.
      if (i == 50) set("poll-errors", "500:rate=0.5");
      if (i > 50) client_->get("/v1/generations/1");
    }
    return result;
  };
  const std::string first = pattern(7);
  const auto errors = std::count(first.begin(), first.end(), 'x');
  EXPECT_GT(errors, 15);
  EXPECT_LT(errors, 90);
  EXPECT_EQ(pattern(7), first);
  EXPECT_NE(pattern(8), first);
}

class LostAnswers : public FaultsTest {};

TEST_F(LostAnswers, AreTakenAndChargedAndTheConnectionIsClosed) {
  const double before = credit();
  set("lost-answers", "closed:count=1");
  EXPECT_EQ(raw_exchange(emulator_->port(), generate_request("once"), false), "");
  EXPECT_EQ(job_count(), 1u);
  EXPECT_EQ(acted("lost-answers"), 1);
  // Who asks again with the same key gets the answer that was lost.
  const std::string again = raw_exchange(emulator_->port(), generate_request("once"), true);
  EXPECT_NE(again.find("201"), std::string::npos) << again;
  EXPECT_EQ(job_count(), 1u);
  wait_for("/v1/generations/9040", "completed");
  EXPECT_LT(credit(), before);
}

TEST_F(LostAnswers, LeaveRefusalsAlone) {
  set("lost-answers", "closed");
  expect_error(client_->post(generate_path, "{}"), 422, "validation_error");
  EXPECT_EQ(client_->post("/v1/vidsheet/actions", "{}").status, 422u);
  EXPECT_EQ(acted("lost-answers"), 0);
  switch_off("lost-answers");
  EXPECT_EQ(client_->post(generate_path, body_with("a")).status, 201u);
}

TEST_F(LostAnswers, StaySilentUntilTheClientGivesUp) {
  constexpr std::size_t count = 20;
  set("lost-answers", "silent");
  const std::size_t files = open_files();
  {
    std::vector<FileDescriptor> waiting;
    for (std::size_t i = 0; i < count; ++i) {
      waiting.push_back(connection_with(emulator_->port(), generate_request(std::to_string(i))));
    }
    EXPECT_TRUE(eventually([this] { return job_count() == count; }));
    // Others are served meanwhile.
    wait_for("/v1/generations/9040", "completed");
    switch_off("lost-answers");
    EXPECT_EQ(client_->post(generate_path, body_with("a")).status, 201u);
    for (const auto& fd : waiting) EXPECT_FALSE(is_readable(fd));
    EXPECT_TRUE(eventually([&] { return open_files() >= files + 2 * count; })) << open_files();
  }
  wait_for("/v1/generations/9060", "completed");
  // The emulator is in this process: its ends of the connections are closed as well.
  EXPECT_TRUE(eventually([&] { return open_files() <= files + spare_files; })) << open_files();
}

TEST_F(LostAnswers, AreForgottenWithTheEmulator) {
  set("lost-answers", "silent");
  const FileDescriptor fd = connection_with(emulator_->port(), generate_request("k"));
  EXPECT_TRUE(eventually([this] { return job_count() == 1; }));
  restart();
  EXPECT_TRUE(eventually([&] { return is_readable(fd); })) << "The connection is still open.";
  EXPECT_EQ(listed("lost-answers")["enabled"].dump(), "false");
}

class Downloads : public FaultsTest {
 protected:
  void SetUp() override {
    FaultsTest::SetUp();
    generation_ = generate("a");
    wait_for(generation_, "completed");
    clip_ = clip_of(generation_);
  }
  std::string generation_;
  std::string clip_;
};

TEST_F(Downloads, AreCutAtTheByte) {
  set("cut-downloads", "30k");
  std::string joined;
  int requests = 0;
  while (joined.size() < fake_clip().size() && ++requests < 10) {
    const std::string answer = raw_exchange(
        emulator_->port(),
        get_request(clip_, "Range: bytes=" + std::to_string(joined.size()) + "-\r\n"), false);
    const auto left = fake_clip().size() - joined.size();
    // The head promises all that was asked for.
    EXPECT_NE(answer.find("Content-Length: " + std::to_string(left)), std::string::npos) << answer;
    if (left <= 30'000) {
      joined += body_of(answer).substr(0, left);
      break;
    }
    EXPECT_EQ(body_of(answer).size(), 30'000u);
    joined += body_of(answer);
  }
  EXPECT_EQ(requests, 4);
  EXPECT_EQ(joined, fake_clip());
  EXPECT_EQ(acted("cut-downloads"), 3);
  EXPECT_EQ(client_->send("HEAD", clip_).header("content-length"), "100000");
  switch_off("cut-downloads");
  EXPECT_EQ(client_->get(clip_).body, fake_clip());
}

TEST_F(Downloads, AreCutOnlyAsOftenAsWanted) {
  set("cut-downloads", "1:count=1");
  EXPECT_EQ(body_of(raw_exchange(emulator_->port(), get_request(clip_), false)),
            fake_clip().substr(0, 1));
  EXPECT_EQ(client_->get(clip_).body, fake_clip());
}

TEST_F(Downloads, AreSlow) {
  set("slow-downloads", "200k");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client_->get(clip_).body, fake_clip());
  // Half a second by its rate; no machine is so slow that it would be quicker.
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(400));
  EXPECT_EQ(client_->get(clip_, {{"Range", "bytes=500-10499"}}).body,
            fake_clip().substr(500, 10'000));
  EXPECT_EQ(acted("slow-downloads"), 2);
  switch_off("slow-downloads");
  EXPECT_EQ(client_->get(clip_).body, fake_clip());
  EXPECT_EQ(acted("slow-downloads"), 2);
}

TEST_F(Downloads, ThatAreSlowMayBeGivenUp) {
  constexpr std::size_t count = 20;
  set("slow-downloads", "2k");
  const std::size_t files = open_files();
  {
    std::vector<FileDescriptor> reading;
    for (std::size_t i = 0; i < count; ++i) {
      reading.push_back(connection_with(emulator_->port(), get_request(clip_)));
    }
    std::string seen;
    EXPECT_TRUE(eventually([&] {
      char buffer[4096];
      const ssize_t n = recv(reading.front().get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) seen.append(buffer, static_cast<std::size_t>(n));
      return seen.find("\r\n\r\n") != std::string::npos && body_of(seen).size() > 100;
    }));
    EXPECT_LT(body_of(seen).size(), fake_clip().size());
    // Others are served meanwhile.
    EXPECT_EQ(client_->get(generation_).status, 200u);
    EXPECT_TRUE(eventually([&] { return open_files() >= files + 2 * count; })) << open_files();
  }
  EXPECT_TRUE(eventually([&] { return open_files() <= files + spare_files; })) << open_files();
  EXPECT_EQ(client_->get(generation_).status, 200u);
}

TEST_F(Downloads, AreSlowAndThenCut) {
  ASSERT_EQ(post_fault(R"({"faults":[{"name":"slow-downloads","value":"100k"},
                           {"name":"cut-downloads","value":20000}]})")
                .status,
            200u);
  EXPECT_EQ(body_of(raw_exchange(emulator_->port(), get_request(clip_), false)),
            fake_clip().substr(0, 20'000));
}

TEST_F(Downloads, ExpireAfterSomeRequests) {
  EXPECT_EQ(clip_.find('?'), std::string::npos);
  set("expiring-urls", "requests=2");
  // An address from before.
  expect_error(client_->get(clip_), 403, "url_expired", "fresh");
  const std::string first = clip_of(generation_);
  EXPECT_EQ(client_->get(first).body, fake_clip());
  EXPECT_EQ(client_->get(first, {{"Range", "bytes=0-9"}}).status, 206u);
  expect_error(client_->get(first), 403, "url_expired", "fresh");
  EXPECT_EQ(client_->get(clip_of(generation_)).body, fake_clip());
  expect_error(client_->get(clip_ + "?issued=1&serial=99999"), 403, "url_expired");
  set("expiring-urls", "requests=0:status=410");
  expect_error(client_->get(clip_of(generation_)), 410, "url_expired");
  switch_off("expiring-urls");
  EXPECT_EQ(client_->get(first).body, fake_clip());
  EXPECT_EQ(client_->get(clip_).body, fake_clip());
}

TEST_F(Downloads, ExpireAfterSomeTime) {
  set("expiring-urls", "seconds=3600");
  const std::string url = clip_of(generation_);
  EXPECT_EQ(client_->get(url).status, 200u);
  // What has been given out lasts as long as the fault says now.
  set("expiring-urls", "seconds=0.05:status=404");
  EXPECT_TRUE(eventually([&] { return client_->get(url).status == 404; }));
  expect_error(client_->get(url), 404, "url_expired");
}

class FaultyGenerations : public FaultsTest {};

TEST_F(FaultyGenerations, TakeAsLongAsTheirModelIsTold) {
  set("latency", "pika=fixed:3600,kling_1_6=uniform:0:0.05");
  const std::string slow = generate("a");
  wait_for(generate("b", R"("model":"kling_1_6")"), "completed");
  // A model without a latency of its own has the one of --latency.
  wait_for(generate("c", R"("model":"seedance_lite")"), "completed");
  EXPECT_EQ(status_of(slow), "pending");
  EXPECT_EQ(acted("latency"), 2);
  set("latency", "fixed:3600,pika=lognormal:0.01:0.5");
  wait_for(generate("d"), "completed");
  const std::string other = generate("e", R"("model":"seedance_lite")");
  switch_off("latency");
  wait_for(generate("f", R"("model":"seedance_lite")"), "completed");
  EXPECT_EQ(status_of(other), "pending");
  EXPECT_EQ(status_of(slow), "pending");
}

TEST_F(FaultyGenerations, FailWithTheirReasonAndAreRefunded) {
  const double before = credit();
  set("failed-generations", "count=1:reason=Refused: \\\"logos\\\", a=b.");
  const std::string path = generate("a");
  const Json failed = wait_for(path, "failed");
  EXPECT_EQ(failed["failed_reason"].text(), "Refused: \"logos\", a=b.");
  EXPECT_EQ(failed["output_resources"].size(), 0u);
  EXPECT_EQ(credit(), before);
  wait_for(generate("b"), "completed");
  // It is charged again, and has better luck.
  EXPECT_EQ(client_->post(path + "/continue", "{}").status, 200u);
  wait_for(path, "completed");
}

TEST_F(FaultyGenerations, FailByTheirModel) {
  set("failed-generations", "model=pika");
  const std::string failing = generate("a");
  wait_for(generate("b", R"("model":"veo_3_1")"), "completed");
  EXPECT_EQ(wait_for(failing, "failed")["failed_reason"].text(),
            "The model could not make a video of this request.");
  switch_off("failed-generations");
  wait_for(generate("c"), "completed");
}

}  // namespace genpro::emulator::test
