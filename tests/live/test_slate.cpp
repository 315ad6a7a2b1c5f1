// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the slate says, as the log has it.
#include "live/live_fixture.h"

namespace genpro::test {
namespace {

struct Missing {
  const char* name;
  unsigned status;  // of the answer; 0: none is needed
  const char* code;
  Settings changes;
  const char* words;
};
// GTest prints it.
std::ostream& operator<<(std::ostream& out, const Missing& missing) {
  return out << missing.name;
}

class Slate : public testing::TestWithParam<Missing> {};

TEST_P(Slate, SaysWhatIsMissing) {
  const auto& [name, status, code, changes, words] = GetParam();
  const LogListener log("genprobin:5");
  LiveService service;
  if (status > 0) {
    service.set_post(json_answer(static_cast<int>(status),
                                 R"({"error": "No", "error_code": ")" + std::string(code) + "\"}"));
  }
  Settings settings = {{"placeholder", "slate"}};
  settings.insert(settings.end(), changes.begin(), changes.end());
  Studio studio(live_bin(service, settings));
  studio.play();
  EXPECT_TRUE(log.wait_for(std::string("the slate says: ") + words + " |"));
  studio.stop();
}

INSTANTIATE_TEST_SUITE_P(
    Of, Slate,
    testing::Values(Missing{"Credits", 402, "usable_gen_credit_required", {}, "No credits"},
                    Missing{"MoreCredits", 422, "insufficient_credits_for_job", {}, "No credits"},
                    Missing{"Key", 401, "unauthorized", {}, "Key refused"},
                    Missing{"Right", 403, "forbidden", {}, "Not allowed"},
                    Missing{"Agent", 422, "agent_not_found", {}, "Not found"},
                    Missing{"Setting", 0, "", {{"sheet-id", ""}}, "A setting is missing: sheet-id"},
                    Missing{"Settings",
                            0,
                            "",
                            {{"sheet-id", ""}, {"prompt", ""}},
                            "Settings are missing: sheet-id, prompt"}),
    [](const auto& info) { return info.param.name; });

// The key does not go to the clip's server.
TEST(SlateOfAClip, DoesNotBlameTheKeyForItsServer) {
  const LogListener log("genprobin:5");
  LiveService service;
  service.set_clip(clip_of({.frames = 5}));
  service.fake().files().set_script([](const Seen&, int) { return json_answer(401, "{}"); });
  Studio studio(live_bin(service, {{"placeholder", "slate"}}));
  studio.play();
  EXPECT_TRUE(log.wait_for("the slate says: Loading failed |"));
  studio.stop();
}

TEST(SlateTime, IsWhatIsLeftByEarlierOnes) {
  LiveService service;
  service.set_clip(clip_of({.frames = 5}));
  service.hold_from(3);
  const Settings settings = {{"placeholder", "slate"}, {"reuse", "never"}};
  {
    Studio studio(live_bin(service, settings));
    studio.play();
    ASSERT_TRUE(studio.signals().wait_for("clip-ended 9041"));
    studio.generate();
    ASSERT_TRUE(studio.signals().wait_for("clip-ended 9042"));
    studio.stop();
  }
  ASSERT_NO_FATAL_FAILURE(set_durations(service.ledger(), 600));
  const LogListener log("genprobin:5");
  Studio studio(live_bin(service, settings));
  studio.play();
  EXPECT_TRUE(log.wait_for(" | about 1"));
  EXPECT_TRUE(log.wait_for(" left | "));
  studio.stop();
}

}  // namespace
}  // namespace genpro::test
