// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/reporter.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "emulator/util/json.h"

namespace genpro::emulator::render {
namespace {

std::string error_line(const std::string& sentence) {
  JsonWriter json;
  return json.begin_object().key("error").string(sentence).end_object().text();
}

}  // namespace

Reporter::Reporter() : last_move_(g_get_monotonic_time()) {
  std::fflush(stdout);
  out_ = FileDescriptor(dup(STDOUT_FILENO));
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
  dup2(out_.get(), STDOUT_FILENO);
}

void Reporter::ingredient(int index, const std::string& file_name) {
  touch();
  JsonWriter json;
  json.begin_object().key("stage").string("ingredient").key("index").integer(index);
  json.key("file_name").string(file_name).end_object();
  const std::lock_guard lock(mutex_);
  ingredient_ = true;
  activity_ = "reading the ingredient \"" + file_name + "\"";
  line(json.text());
}

void Reporter::encode(double progress) {
  touch();
  JsonWriter json;
  json.begin_object().key("stage").string("encode").key("progress").number(progress).end_object();
  const std::lock_guard lock(mutex_);
  ingredient_ = false;
  activity_ = "composing the video";
  line(json.text());
}

void Reporter::done(std::int64_t frames, int width, int height) {
  JsonWriter json;
  json.begin_object().key("done").boolean(true).key("frames").integer(frames);
  json.key("width").integer(width).key("height").integer(height).end_object();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  line(json.text());
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
void Reporter::line(std::string text) {
  text += '\n';
  // False: nobody listens any more; the exit code still tells.
  (void)write_all(out_.get(), text.data(), text.size());
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
