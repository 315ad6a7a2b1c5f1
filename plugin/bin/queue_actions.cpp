// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/queue_actions.h"

#include "base/callback.h"
#include "bin/item_settings.h"
#include "common/logging.h"
#include "common/messages.h"

#define GST_CAT_DEFAULT genpro::bin_debug

namespace genpro::bin {

namespace {

QueueAccess access;

// Null also while a run ends, from when on its queue is that of the next one.
std::shared_ptr<PlayoutControl> running_control(gpointer element) {
  auto control = access.control(element);
  const bool runs = control && control->is_running() && control->has_queue(access.items(element));
  return runs ? control : nullptr;
}

void notify_queue(gpointer element) {
  g_object_notify(G_OBJECT(element), "queue");
}

void warn(gpointer element, Error error) {
  error.charged = Charged::no;
  error.retryable = false;
  append(error, "The item was not queued.");
  const auto tell = [error](GstElement* target) { post_as_warning(target, bin_debug, error); };
  const auto control = running_control(element);
  if (!control || !control->call_later(tell)) tell(GST_ELEMENT(element));
}

guint on_enqueue(gpointer element, const char* text) {
  guint number = 0;
  guard_c_callback("enqueue", [&] {
    const auto control = running_control(element);
    if (control && control->has_ended()) {
      return warn(element,
                  settings_error("The output has ended, and no item can follow. Set the element to "
                                 "READY, queue items and start it again."));
    }
    auto settings = item_settings(access.defaults(element), text == nullptr ? "" : text);
    if (!settings) return warn(element, std::move(settings.error()));
    number = access.add(element, std::move(*settings));
    GST_INFO_OBJECT(element, "item %u is queued", number);
    if (const auto now_running = running_control(element)) return now_running->on_enqueued();
    notify_queue(element);
  });
  return number;
}

// Of an item that is there, in a run or before it.
template <typename InRun, typename Before>
gboolean change(gpointer element, const char* name, guint number, const InRun& in_run,
                const Before& before) {
  bool is_done = false;
  guard_c_callback(name, [&] {
    const auto control = running_control(element);
    is_done = control ? in_run(*control) : before(*access.items(element)->lock());
    if (is_done && !control) notify_queue(element);
    if (is_done) return;
    GST_WARNING_OBJECT(element, "%s: there is no item %u in the queue that is not on air yet", name,
                       number);
  });
  return is_done ? TRUE : FALSE;
}

gboolean on_remove(gpointer element, guint number) {
  return change(
      element, "remove", number,
      [&](PlayoutControl& control) { return control.remove_item(number); },
      [&](ItemQueue& items) { return items.remove(number); });
}

gboolean on_move(gpointer element, guint number, guint position) {
  return change(
      element, "move", number,
      [&](PlayoutControl& control) { return control.move_item(number, position); },
      [&](ItemQueue& items) { return items.move(number, position); });
}

gboolean on_skip(gpointer element) {
  return act(element, "skip", "no clip is on, or none is to follow it",
             [](PlayoutControl& control) { return control.playout()->timeline.skip(); });
}

}  // namespace

void install_queue_signals(GType type, const QueueAccess& queue_access) {
  access = queue_access;
  const auto flags = static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
  g_signal_new_class_handler("enqueue", type, flags, G_CALLBACK(on_enqueue), nullptr, nullptr,
                             nullptr, G_TYPE_UINT, 1, G_TYPE_STRING);
  g_signal_new_class_handler("remove", type, flags, G_CALLBACK(on_remove), nullptr, nullptr,
                             nullptr, G_TYPE_BOOLEAN, 1, G_TYPE_UINT);
  g_signal_new_class_handler("move", type, flags, G_CALLBACK(on_move), nullptr, nullptr, nullptr,
                             G_TYPE_BOOLEAN, 2, G_TYPE_UINT, G_TYPE_UINT);
  g_signal_new_class_handler("skip", type, flags, G_CALLBACK(on_skip), nullptr, nullptr, nullptr,
                             G_TYPE_BOOLEAN, 0);
}

}  // namespace genpro::bin
