// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of genprosrc share: an element with the settings of the published example, quick
// enough for a test, and the rules that every error has to keep.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/bus.h"
#include "support/fake_service.h"
#include "support/gst_ptr.h"
#include "support/media.h"

namespace genpro::test {

inline constexpr const char* test_key = "gen_pat_Zq81XsecretW0rd";
inline constexpr const char* seed_prompt =
    "A dynamic product showcase video featuring the uploaded product image, camera orbiting around "
    "it with particle effects and dramatic lighting";

// Property and value as text; in this order, so that a later one wins.
using Settings = std::vector<std::pair<std::string, std::string>>;

// The published example's settings, with the key, a short poll interval and one retry.
Settings seed_settings(const std::string& api_base);

void set_property(GstElement* element, const std::string& name, const std::string& value);
std::string get_property(GstElement* element, const std::string& name);
// What gst-launch-1.0 and gst-inspect-1.0 need to load the plugin as it is built; often nothing.
std::vector<std::pair<std::string, std::string>> tool_environment();
// A genprosrc with nothing set.
ElementPtr bare_src();
// A genprosrc with `settings` only.
ElementPtr src_with(const Settings& settings);
// A genprosrc with the seed's settings and then `changes`.
ElementPtr seed_src(const FakeService& service, const Settings& changes = {});

// A clip of a few kilobytes, made once in this process.
const std::string& small_clip();
// The same, padded to `size`.
std::string large_clip(std::size_t size, std::uint32_t seed = 1);

struct Code {
  GQuark domain;
  int code;
};
inline Code resource(GstResourceError code) {
  return {GST_RESOURCE_ERROR, code};
}
inline Code stream_error(GstStreamError code) {
  return {GST_STREAM_ERROR, code};
}

// What an error should be. Lists name alternatives; an empty list or text is not looked at.
struct Expected {
  std::vector<Code> codes;
  std::vector<std::string> mentions;  // each one, in text or debug text, without regard to case
  std::string http_status;            // detail http-status-code
  std::string error_code;             // detail error-code
  std::string generation_id;          // detail generation-id
  std::string charged;                // detail charged
  std::string retryable;              // detail retryable, TRUE or FALSE
};

// Exactly one error, by `source`, as expected, fit to be read by a person; progress ended after it.
void expect_one_error(const Outcome& outcome, const Expected& expected);
// Nothing that changes anything was asked of the service.
void expect_nothing_posted(const FakeService& service);
// START first, at most one end and that last; `end` is "progress-complete" and so on.
void expect_progress(const Outcome& outcome, const std::string& end);
// The key is in none of the CDN's requests.
void expect_cdn_saw_no_key(const FakeService& service);

// The outage of a generation's service was told once, with its id.
void expect_one_outage(const Outcome& outcome);
// All of an element's POSTs carry one and the same key.
void expect_one_idempotency_key(const FakeService& service);

// How long a time of the boot clock is by the clock that tests measure with, a little less.
std::chrono::milliseconds by_boot_clock(std::chrono::seconds time);

// What arrives at the end of `genprosrc ! fakesink`, across flushes: the bytes since the last
// flush and where the segment that they belong to begins.
class Collector {
 public:
  // A pipeline with the source and a sink; the sink does not wait for the clock.
  explicit Collector(ElementPtr src);
  ~Collector();
  GstElement* pipeline() const { return pipeline_.get(); }
  GstElement* src() const { return src_.get(); }
  BusListener& listener() { return *listener_; }
  // Sets PAUSED and waits until a buffer waits at the sink; false when that fails.
  bool preroll();
  // A flushing seek in bytes, sent to the sink; `stop` -1: to the end.
  bool seek(std::int64_t start, std::int64_t stop = -1);
  // Waits until the pipeline has its state (after a seek: until it has prerolled again).
  bool settle(std::chrono::milliseconds deadline = generous);
  // To PLAYING, until EOS or an error.
  Outcome play_out(std::chrono::milliseconds deadline = generous);
  std::string bytes() const;
  std::int64_t segment_start() const;

 private:
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer user_data);

  mutable std::mutex mutex_;
  std::string bytes_;                // under mutex_
  std::int64_t segment_start_ = -1;  // under mutex_
  ElementPtr src_;
  Running pipeline_;
  ElementPtr sink_;
  std::unique_ptr<BusListener> listener_;
};

// A service and an element that asks it. Many of them wait at the same time, so that they take
// together what one of them takes.
class Trial {
 public:
  FakeService service;

  Trial() { service.set_clip({.bytes = small_clip()}); }
  void start(const Settings& changes = {});
  // To EOS or an error.
  Outcome end() { return collector_->play_out(); }
  std::string bytes() const { return collector_->bytes(); }

 private:
  std::unique_ptr<Collector> collector_;
};

}  // namespace genpro::test
