// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Owning pointers for GLib, GObject and boxed C types. Every C handle that crosses more than one
// statement lives in one of these, so that no path with two exits has to release it by hand.
#pragma once

#include <gio/gio.h>
#include <glib-object.h>
#include <glib.h>

#include <compare>
#include <memory>
#include <string>
#include <utility>

namespace genpro {

// Calls a C release function; an empty type, so that the pointer is as large as the raw one.
template <auto Release>
struct Releaser {
  template <typename T>
  void operator()(T* value) const noexcept {
    if (value != nullptr) Release(value);
  }
};

// Sole owner of `T*`, released with `Release`.
template <typename T, auto Release>
using Owned = std::unique_ptr<T, Releaser<Release>>;

using GCharPtr = Owned<char, g_free>;
using BytesPtr = Owned<GBytes, g_bytes_unref>;
using MainContextPtr = Owned<GMainContext, g_main_context_unref>;
using MainLoopPtr = Owned<GMainLoop, g_main_loop_unref>;
using UriPtr = Owned<GUri, g_uri_unref>;
using StrvPtr = Owned<char*, g_strfreev>;
using DateTimePtr = Owned<GDateTime, g_date_time_unref>;

// A source that is attached to a main context only as long as it has an owner.
inline void destroy_source(GSource* source) noexcept {
  g_source_destroy(source);
  g_source_unref(source);
}
using AttachedSourcePtr = Owned<GSource, destroy_source>;

// One reference to a GObject. Copying takes a reference, destroying gives it back.
template <typename T>
class ObjectPtr {
 public:
  ObjectPtr() noexcept = default;
  // Takes over a reference the caller owns ("transfer full").
  static ObjectPtr adopt(T* object) noexcept {
    ObjectPtr result;
    result.object_ = object;
    return result;
  }
  // Adds a reference to a borrowed object ("transfer none").
  static ObjectPtr ref(T* object) noexcept {
    if (object != nullptr) g_object_ref(object);
    return adopt(object);
  }
  ObjectPtr(const ObjectPtr& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) g_object_ref(object_);
  }
  ObjectPtr(ObjectPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ObjectPtr& operator=(ObjectPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~ObjectPtr() {
    if (object_ != nullptr) g_object_unref(object_);
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  auto operator<=>(const ObjectPtr&) const noexcept = default;
  void reset() noexcept { *this = ObjectPtr(); }
  // Gives the reference to the caller.
  T* release() noexcept { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

// A GError out-parameter: pass `error.out()` to a C function, then look at it.
class ErrorPtr {
 public:
  GError** out() noexcept {
    g_clear_error(&error_);
    return &error_;
  }
  ErrorPtr() noexcept = default;
  explicit ErrorPtr(GError* error) noexcept : error_(error) {}
  ErrorPtr(const ErrorPtr&) = delete;
  ErrorPtr& operator=(const ErrorPtr&) = delete;
  ErrorPtr(ErrorPtr&& other) noexcept : error_(std::exchange(other.error_, nullptr)) {}
  ErrorPtr& operator=(ErrorPtr&& other) noexcept {
    std::swap(error_, other.error_);
    return *this;
  }
  ~ErrorPtr() { g_clear_error(&error_); }

  explicit operator bool() const noexcept { return error_ != nullptr; }
  GError* get() const noexcept { return error_; }
  const GError* operator->() const noexcept { return error_; }
  bool matches(GQuark domain, int code) const noexcept {
    return g_error_matches(error_, domain, code);
  }
  // The message, or an empty text when nothing went wrong.
  std::string message() const { return error_ != nullptr ? error_->message : std::string(); }

 private:
  GError* error_ = nullptr;
};

// Takes over a string that C allocated with g_malloc; null becomes empty.
inline std::string take_string(char* text) {
  GCharPtr owned(text);
  return owned ? std::string(owned.get()) : std::string();
}

}  // namespace genpro
