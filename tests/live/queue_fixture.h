// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What items are queued with, and what is seen of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/guarded.h"
#include "live/gapless_run.h"

namespace genpro::test {

inline unsigned enqueue(GstElement* bin, const std::string& text) {
  guint number = 0;
  g_signal_emit_by_name(bin, "enqueue", text.c_str(), &number);
  return number;
}

inline unsigned enqueue_prompt(GstElement* bin, const std::string& prompt) {
  return enqueue(bin, R"({"prompt": ")" + prompt + R"("})");
}

inline bool remove_item(GstElement* bin, unsigned number) {
  gboolean is_done = FALSE;
  g_signal_emit_by_name(bin, "remove", number, &is_done);
  return is_done != FALSE;
}

inline bool move_item(GstElement* bin, unsigned number, unsigned position) {
  gboolean is_done = FALSE;
  g_signal_emit_by_name(bin, "move", number, position, &is_done);
  return is_done != FALSE;
}

inline bool skip(GstElement* bin) {
  gboolean is_done = FALSE;
  g_signal_emit_by_name(bin, "skip", &is_done);
  return is_done != FALSE;
}

class QueueTest : public testing::Test, public GaplessRun {
 protected:
  void make(const Settings& changes = {}) {
    service.set_clip(clip_of({.frames = 30}));
    Settings settings = {{"framerate", "30/1"}};
    settings.insert(settings.end(), changes.begin(), changes.end());
    studio = std::make_unique<Studio>(live_bin(service, settings));
  }
  std::string queue() { return get_property(bin(), "queue"); }
  bool wait_for_item(unsigned number, const std::string& state) {
    const std::string part =
        R"({"number":)" + std::to_string(number) + R"(,"state":")" + state + "\"";
    return eventually([&] { return queue().find(part) != std::string::npos; });
  }
  bool wait_for_start(int number) {
    return studio->signals().wait_for("clip-started " + LiveService::id(number));
  }
  bool wait_for_end(int number) {
    return studio->signals().wait_for("clip-ended " + LiveService::id(number));
  }
  // Of the clips, in order.
  std::vector<int> on_air() {
    std::vector<int> numbers;
    for (const std::string& word : studio->signals().words()) {
      constexpr std::string_view started = "clip-started ";
      if (word.starts_with(started))
        numbers.push_back(std::stoi(word.substr(started.size())) - 9040);
    }
    return numbers;
  }
  // Of the clips that were on air, in order.
  std::vector<guint> items() {
    std::vector<guint> numbers;
    const Outcome outcome = studio->bus().outcome();
    for (const GstStructure* fields : outcome.named("genpro-clip")) {
      guint number = 0;
      gst_structure_get_uint(fields, "item", &number);
      if (g_strcmp0(gst_structure_get_string(fields, "event"), "started") == 0) {
        numbers.push_back(number);
      }
    }
    return numbers;
  }
  std::vector<std::string> reasons() {
    std::vector<std::string> reasons;
    const Outcome outcome = studio->bus().outcome();
    for (const GstStructure* fields : outcome.named("genpro-clip")) {
      const char* const reason = gst_structure_get_string(fields, "reason");
      if (reason != nullptr) reasons.emplace_back(reason);
    }
    return reasons;
  }
  // From the first frame of one clip to the last one of another there is no placeholder.
  void expect_no_gap(int first, int last) {
    const auto begin =
        std::ranges::find_if(pictures, [=](const Shown& shown) { return shown.is_of(first); });
    const auto end = std::find_if(pictures.rbegin(), pictures.rend(), [=](const Shown& shown) {
                       return shown.is_of(last);
                     }).base();
    ASSERT_LT(begin, end);
    EXPECT_TRUE(std::all_of(begin, end, [](const Shown& shown) { return shown.mark.has_value(); }))
        << text_of(pictures);
  }
};

}  // namespace genpro::test
