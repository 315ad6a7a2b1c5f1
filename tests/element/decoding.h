// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a demuxer or decoder makes of a clip, from whatever source.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "element/element_fixture.h"

namespace genpro::test {

// Of each track each buffer: its time, duration and content.
using Decoded =
    std::map<std::string, std::vector<std::tuple<GstClockTime, GstClockTime, std::string>>>;

class Decoding {
 public:
  // `between`: an element between the two, and what it is to decode.
  explicit Decoding(const ElementPtr& src, const std::string& between = "identity",
                    const char* decoder = "decodebin");

  GstElement* pipeline() const { return pipeline_.get(); }
  Outcome play() { return run(pipeline_.get()); }
  // From a seek to the end of what it leads to.
  Outcome play(double rate, GstSeekFlags flags, GstClockTime start, GstClockTime stop);
  // Since the last flush.
  Decoded decoded();

 private:
  static void on_pad(GstElement* element, GstPad* pad, Decoding* self);
  static GstPadProbeReturn on_flush(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data);

  Running pipeline_;
  std::mutex mutex_;
  Decoded decoded_;  // under mutex_
};

ElementPtr file_src(const std::string& path);
// By filesrc and decodebin.
Decoded decoded_from_file(const std::string& path);

}  // namespace genpro::test
