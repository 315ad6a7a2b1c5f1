// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/reporter.h"

#include <json-glib/json-glib.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>

#include "base/glib_ptr.h"

namespace genpro::emulator::render {
namespace {

std::string object_line(const std::function<void(JsonObject*)>& fill) {
  const Owned<JsonNode, json_node_unref> root(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(root.get(), json_object_new());
  fill(json_node_get_object(root.get()));
  return take_string(json_to_string(root.get(), FALSE)) + "\n";
}

std::string valid_text(const std::string& text) {
  return take_string(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
}

std::string error_line(const std::string& sentence) {
  return object_line([&](JsonObject* object) {
    json_object_set_string_member(object, "error", valid_text(sentence).c_str());
  });
}

}  // namespace

Reporter::Reporter() : last_move_(g_get_monotonic_time()) {
  std::fflush(stdout);
  fd_ = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  watchdog_ = std::thread([this] { watch(); });
}

Reporter::~Reporter() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_all();
  watchdog_.join();
  std::fflush(stdout);
  dup2(fd_, STDOUT_FILENO);
  close(fd_);
}

void Reporter::ingredient(int index, const std::string& file_name) {
  touch();
  const std::string text = object_line([&](JsonObject* object) {
    json_object_set_string_member(object, "stage", "ingredient");
    json_object_set_int_member(object, "index", index);
    json_object_set_string_member(object, "file_name", valid_text(file_name).c_str());
  });
  const std::lock_guard lock(mutex_);
  ingredient_ = true;
  activity_ = "reading the ingredient \"" + file_name + "\"";
  line(text);
}

void Reporter::encode(double progress) {
  touch();
  const std::string text = object_line([&](JsonObject* object) {
    json_object_set_string_member(object, "stage", "encode");
    json_object_set_double_member(object, "progress", progress);
  });
  const std::lock_guard lock(mutex_);
  ingredient_ = false;
  activity_ = "composing the video";
  line(text);
}

void Reporter::done(std::int64_t frames, int width, int height) {
  const std::string text = object_line([&](JsonObject* object) {
    json_object_set_boolean_member(object, "done", TRUE);
    json_object_set_int_member(object, "frames", frames);
    json_object_set_int_member(object, "width", width);
    json_object_set_int_member(object, "height", height);
  });
  const std::lock_guard lock(mutex_);
  ended_ = true;
  line(text);
}

void Reporter::error(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = true;
  line(error_line(sentence));
}

void Reporter::set_stall_timeout(int seconds) {
  const std::lock_guard lock(mutex_);
  stall_seconds_ = seconds;
}

void Reporter::set_leftovers(std::vector<std::string> paths) {
  const std::lock_guard lock(mutex_);
  leftovers_ = std::move(paths);
}

// With the lock held, so that lines do not mix.
void Reporter::line(const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t written = write(fd_, text.data() + sent, text.size() - sent);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // Nobody listens any more; the exit code still tells.
    sent += static_cast<std::size_t>(written);
  }
}

// With the lock held.
std::string Reporter::stall_sentence() const {
  return "The renderer made no progress for " + std::to_string(stall_seconds_) + " seconds while " +
         activity_ + "; " +
         (ingredient_ ? "save that ingredient again in a common format, or leave it out."
                      : "try again when the machine is less busy.");
}

void Reporter::watch() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    wake_.wait_for(lock, std::chrono::milliseconds(500));
    if (ended_) return;
    if (g_get_monotonic_time() - last_move_.load() < stall_seconds_ * G_USEC_PER_SEC) continue;
    for (const std::string& path : leftovers_) unlink(path.c_str());
    line(error_line(stall_sentence()));
    // The rendering thread is stuck in foreign code: nothing can be unwound.
    _exit(1);
  }
}

}  // namespace genpro::emulator::render
