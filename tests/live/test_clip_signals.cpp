// SPDX-License-Identifier: LGPL-2.1-or-later
//
// That the beginning and the end of each clip are told once, whatever its rate and that of the
// output.
#include <algorithm>

#include "live/live_test.h"

namespace genpro::test {
namespace {

using Words = std::vector<std::string>;

class ClipSignals : public testing::TestWithParam<const char*> {};

// One frame more moves the clip's end to another place within a frame of the output.
TEST_P(ClipSignals, ComeOnceForAClipOf2997FramesASecond) {
  for (const int frames : {1, 2, 29, 30, 31, 32}) {
    SCOPED_TRACE(std::to_string(frames) + " frames");
    LiveService service;
    service.set_clip(clip_of({.frames = frames, .fps_n = 30'000, .fps_d = 1001}));
    Studio studio(live_bin(service, {{"framerate", GetParam()}}));
    studio.play();
    EXPECT_TRUE(studio.signals().wait_for("clip-ended 9041"));
    ASSERT_TRUE(studio.wait_for_placeholder());
    studio.stop();
    EXPECT_EQ(studio.signals().words(),
              (Words{"started 9041", "completed 9041", "clip-started 9041", "clip-ended 9041"}));
  }
}

std::string rate_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(At, ClipSignals, testing::Values("25/1", "30/1"), rate_name);

}  // namespace
}  // namespace genpro::test
