// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/util/timer.h"

#include <glib-unix.h>

namespace genpro::emulator {

namespace {

using Callback = std::function<bool()>;

gboolean call(gpointer data) noexcept {
  bool goes_on = false;
  guard_c_callback("a source", [&] { goes_on = (*static_cast<Callback*>(data))(); });
  return goes_on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

// `function` has the type that the source asks for, and is given the callback. GLib keeps that
// until it has returned, also when the source is destroyed meanwhile.
AttachedSourcePtr attach(GSource* source, GSourceFunc function, Callback callback) {
  g_source_set_callback(source, function, std::make_unique<Callback>(std::move(callback)).release(),
                        [](gpointer data) noexcept {
                          const std::unique_ptr<Callback> owned(static_cast<Callback*>(data));
                        });
  g_source_attach(source, g_main_context_get_thread_default());
  return AttachedSourcePtr(source);
}

constexpr auto readable = static_cast<GIOCondition>(G_IO_IN | G_IO_HUP);

}  // namespace

AttachedSourcePtr watch_descriptor(int fd, Callback ready) {
  const GUnixFDSourceFunc function = [](gint, GIOCondition, gpointer data) { return call(data); };
  return attach(g_unix_fd_source_new(fd, readable), G_SOURCE_FUNC(function), std::move(ready));
}

AttachedSourcePtr watch_socket(GSocket* socket, Callback ready) {
  const GSocketSourceFunc function = [](GSocket*, GIOCondition, gpointer data) {
    return call(data);
  };
  return attach(g_socket_create_source(socket, readable, nullptr), G_SOURCE_FUNC(function),
                std::move(ready));
}

void Timer::start(double seconds, std::function<void()> callback) {
  source_ = attach(g_timeout_source_new(static_cast<guint>(seconds * 1000.0 + 0.5)), call,
                   [callback = std::move(callback)] {
                     callback();
                     return false;
                   });
}

}  // namespace genpro::emulator
