// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The time of day, and timers on the calling thread's main context.
#pragma once

#include <cstdint>
#include <functional>

#include "base/callback.h"
#include "base/glib_ptr.h"

namespace genpro::emulator {

using SourcePtr = Owned<GSource, g_source_unref>;

// A GSource that is detached from its context when its owner goes.
class AttachedSource {
 public:
  AttachedSource() = default;
  // Takes a new source over and attaches it to the thread's default context.
  explicit AttachedSource(GSource* source) : source_(source) {
    g_source_attach(source, g_main_context_get_thread_default());
  }
  AttachedSource(AttachedSource&&) noexcept = default;
  AttachedSource& operator=(AttachedSource&& other) noexcept {
    reset();
    source_ = std::move(other.source_);
    return *this;
  }
  AttachedSource(const AttachedSource&) = delete;
  AttachedSource& operator=(const AttachedSource&) = delete;
  ~AttachedSource() { reset(); }

  void reset() {
    if (source_) g_source_destroy(source_.get());
    source_.reset();
  }
  explicit operator bool() const { return source_ != nullptr; }

 private:
  SourcePtr source_;
};

// Of the wall clock, since 1970.
inline std::int64_t now_milliseconds() {
  return g_get_real_time() / 1000;
}

// One shot; gone with its owner.
class Timer {
 public:
  using Callback = std::function<void()>;

  // Calls `callback` once, `seconds` from now. Starting again drops the earlier call.
  void start(double seconds, Callback callback) {
    GSource* source = g_timeout_source_new(static_cast<guint>(seconds * 1000.0 + 0.5));
    g_source_set_callback(source, &Timer::fire, new_callback(std::move(callback)),
                          [](gpointer data) { delete_callback(data); });
    source_ = AttachedSource(source);
  }
  void cancel() { source_.reset(); }

 private:
  static Callback* new_callback(Callback callback) {
    return std::make_unique<Callback>(std::move(callback)).release();
  }
  static void delete_callback(gpointer data) {
    const std::unique_ptr<Callback> owned(static_cast<Callback*>(data));
  }
  static gboolean fire(gpointer data) {
    // A copy: the callback may destroy the timer, and with it the function that is running.
    guard_c_callback("a timer", [data] {
      const Callback callback = *static_cast<Callback*>(data);
      callback();
    });
    return G_SOURCE_REMOVE;
  }

  AttachedSource source_;
};

}  // namespace genpro::emulator
