// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the rendering process says on its standard output, one JSON object a line, and the watchdog
// that ends the process when nothing moves any more.
//
// Threads: touch() from any thread; the others from the rendering thread, except that the
// watchdog's own thread writes the error of a stall, and then ends the process.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"

namespace genpro::emulator::render {

// What ends a rendering. The text is one sentence for the person who asked for the video: what
// happened, to which ingredient, what to do. Thrown on the rendering thread only, never through a
// GLib or GStreamer callback.
class RenderError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Reporter {
 public:
  // Keeps the real standard output to itself: whatever a decoder prints goes to standard error.
  Reporter();
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  // Said before an ingredient is opened, so that a crash can be put down to it.
  void ingredient(int index, const std::string& file_name);
  // No ingredient is being opened any more.
  void encode(double progress);
  void done(std::int64_t frames, int width, int height);
  void error(const std::string& sentence);

  // Something moved: the watchdog starts to count anew.
  void touch() noexcept { last_move_.store(g_get_monotonic_time()); }
  // How long nothing may move, from now on; 20 until then.
  void set_stall_timeout(int seconds);
  // Files to remove when the watchdog ends the process.
  void set_leftovers(std::vector<std::string> paths);

 private:
  void watch();
  void line(std::string text);
  std::string stall_sentence() const;

  FileDescriptor out_;
  std::atomic<std::int64_t> last_move_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool ended_ = false;
  int stall_seconds_ = 20;
  std::string activity_ = "starting";
  bool ingredient_ = false;  // the activity is an ingredient's
  std::vector<std::string> leftovers_;
  std::thread watchdog_;
};

}  // namespace genpro::emulator::render
