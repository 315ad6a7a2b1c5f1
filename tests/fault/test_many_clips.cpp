// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Several clips at once, which are read by several threads.
#include <future>

#include "fault/delivery_fixture.h"

namespace genpro::test {
namespace {

constexpr std::size_t clips = 6;

class ManyClips : public testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t number = 0; number < clips; ++number) {
      auto& service = services_.emplace_back(std::make_unique<FakeService>());
      contents_.push_back(large_clip(long_size, static_cast<unsigned>(10 + number)));
      service->set_clip({.bytes = contents_.back()});
    }
  }
  // All of them, at the same time.
  void expect_whole() {
    std::vector<std::future<Streamed>> runs;
    for (const auto& service : services_) {
      runs.push_back(std::async(std::launch::async, [&service] {
        return stream(seed_src(*service, {{"stall-timeout", "5"}, {"generation-id", "9040"}}));
      }));
    }
    for (std::size_t number = 0; number < clips; ++number) {
      const Streamed streamed = runs[number].get();
      EXPECT_TRUE(streamed.outcome.eos) << streamed.outcome.summary();
      EXPECT_EQ(sha256(streamed.bytes), sha256(contents_[number])) << "clip " << number;
      expect_cdn_saw_no_key(*services_[number]);
    }
  }

  std::vector<std::unique_ptr<FakeService>> services_;
  std::vector<std::string> contents_;
};

TEST_F(ManyClips, EachIsWhole) {
  expect_whole();
}

TEST_F(ManyClips, EachIsWholeAfterABreak) {
  for (const auto& service : services_) {
    service->files().add_trouble({.kind = Trouble::Kind::reset, .at = late});
  }
  expect_whole();
}

// The job asks the service for a fresh address in another thread than the clip is read in.
TEST_F(ManyClips, EachIsWholeAfterItsAddressHasExpired) {
  for (std::size_t number = 0; number < clips; ++number) {
    FakeService& service = *services_[number];
    service.push_poll(
        json_answer(200, FakeService::completed_json(service.cdn_url() + "/before.mp4")));
    service.push_poll(json_answer(200, FakeService::completed_json(service.clip_url())));
    service.files().set_clip("/before.mp4", {.bytes = contents_[number]});
    service.files().set_script([asked = 0](const Seen& seen, int) mutable -> std::optional<Answer> {
      if (seen.path != "/before.mp4" || ++asked == 1) return std::nullopt;
      return html_answer(403, "<h1>expired</h1>");
    });
    service.files().add_trouble({.kind = Trouble::Kind::cut, .at = late});
  }
  expect_whole();
  for (const auto& service : services_) EXPECT_EQ(service->count(is_poll), 2U);
}

}  // namespace
}  // namespace genpro::test
