// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/cue_actions.h"

#include "base/callback.h"
#include "bin/configure.h"
#include "common/logging.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

namespace {

ControlOf control_of = nullptr;

Time time_of(guint64 when) {
  return running_time(when).value_or(at_once);
}

gboolean on_take(gpointer element, guint64 when) {
  return act(element, "take", "no clip is cued or waited for", [&](PlayoutControl& control) {
    return control.playout()->timeline.take(time_of(when));
  });
}

gboolean on_untake(gpointer element) {
  return act(element, "untake", "no take is armed",
             [](PlayoutControl& control) { return control.playout()->timeline.untake(); });
}

gboolean on_clear(gpointer element, guint64 when) {
  return act(element, "clear", "no clip is on", [&](PlayoutControl& control) {
    return control.playout()->timeline.clear(time_of(when));
  });
}

gboolean on_replay(gpointer element, guint64 when) {
  return act(element, "replay", "no clip was on",
             [&](PlayoutControl& control) { return control.replay(time_of(when)); });
}

gboolean on_freeze(gpointer element, guint64 when) {
  return act(element, "freeze", "no clip is on", [&](PlayoutControl& control) {
    return control.playout()->timeline.freeze(time_of(when));
  });
}

gboolean on_unfreeze(gpointer element, guint64 when) {
  return act(element, "unfreeze", "no clip is frozen", [&](PlayoutControl& control) {
    return control.playout()->timeline.unfreeze(time_of(when));
  });
}

gboolean on_seek_cue(gpointer element, guint64 position) {
  return act(element, "seek-cue", "there is no clip to be cued, or no position to cue it at",
             [&](PlayoutControl& control) {
               const auto time = running_time(position);
               return time && control.seek_cue(*time);
             });
}

}  // namespace

gboolean act(gpointer element, const char* name, const char* why_not,
             const std::function<bool(PlayoutControl&)>& action) {
  bool is_done = false;
  guard_c_callback(name, [&] {
    const auto control = control_of(element);
    const bool is_running = control && control->is_running();
    is_done = is_running && action(*control);
    if (is_done) return;
    GST_WARNING_OBJECT(element, "%s: %s", name,
                       is_running ? why_not : "the element is not in PAUSED or PLAYING");
  });
  return is_done ? TRUE : FALSE;
}

void install_cue_signals(GType type, ControlOf control) {
  control_of = control;
  const auto flags = static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
  const std::pair<const char*, GCallback> timed[] = {
      {"take", G_CALLBACK(on_take)},         {"clear", G_CALLBACK(on_clear)},
      {"replay", G_CALLBACK(on_replay)},     {"freeze", G_CALLBACK(on_freeze)},
      {"unfreeze", G_CALLBACK(on_unfreeze)}, {"seek-cue", G_CALLBACK(on_seek_cue)},
  };
  for (const auto& [name, callback] : timed) {
    g_signal_new_class_handler(name, type, flags, callback, nullptr, nullptr, nullptr,
                               G_TYPE_BOOLEAN, 1, G_TYPE_UINT64);
  }
  g_signal_new_class_handler("untake", type, flags, G_CALLBACK(on_untake), nullptr, nullptr,
                             nullptr, G_TYPE_BOOLEAN, 0);
  g_signal_new("clip-cued", type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr, nullptr, G_TYPE_NONE, 2,
               G_TYPE_STRING, G_TYPE_UINT64);
}

}  // namespace genpro::bin
