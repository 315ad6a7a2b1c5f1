// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of promise 1 share: a service that keeps accounts, a ledger that is nobody's, and
// runs against both, in this process or in one that can be killed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "element/element_fixture.h"
#include "support/child.h"
#include "support/paid_service.h"

namespace genpro::test {

// A generation that does not end by itself.
inline const Manners endless{.polls = never};

// A service, a ledger and a folder for clips, all fresh. The folder of the ledger does not exist
// yet.
struct Bench {
  explicit Bench(Manners manners = {}) { service.behave(std::move(manners)); }

  TempDir folder;
  PaidService service{small_clip()};
  const std::string ledger = folder.file("state/ledger.db");

  // The published example's settings for this service and ledger, then `changes`.
  Settings settings(const Settings& changes = {}) const;
  ElementPtr src(const Settings& changes = {}) const { return src_with(settings(changes)); }
  // In this process, from NULL to EOS or an error and back.
  Streamed run(const Settings& changes = {}) const { return stream(src(changes)); }

  // gst-launch-1.0 with genprosrc and a filesink that writes file(name).
  std::unique_ptr<Child> start(const std::string& name = "clip.mp4", const Settings& changes = {},
                               const std::string& option = "-q") const;
  // The same with these settings only, and these words before it: a shell that prepares something.
  std::unique_ptr<Child> launch(const Settings& all, const std::string& name = "clip.mp4",
                                const std::string& option = "-q",
                                const Environment& environment = {},
                                const std::vector<std::string>& before = {}) const;
  std::string file(const std::string& name = "clip.mp4") const { return folder.file(name); }

  Books books() const { return service.books(); }
  bool wait_for(const PaidService::Condition& condition) const {
    return service.wait_for(condition);
  }
};

// Conditions on the books.
PaidService::Condition posts(std::size_t number);
PaidService::Condition created(std::size_t number);
PaidService::Condition polls(unsigned number);
PaidService::Condition cell_readings(unsigned number);
PaidService::Condition clip_requests(unsigned number);
PaidService::Condition clip_bytes(std::size_t number);
PaidService::Condition stopped(std::size_t number);

// The first generation that came of a POST with this text in its body; empty when there is none.
std::string generation_of(const Books& books, const std::string& text);

// One generation is paid for, and these are the bytes of its clip.
testing::AssertionResult one_charge(const Bench& bench, const std::string& bytes);
// The same, of a file; a file that is not there is a failure.
testing::AssertionResult one_charge_in_file(const Bench& bench, const std::string& path);
// EOS without an error, one charge, the bytes of its clip.
testing::AssertionResult one_charge(const Bench& bench, const Streamed& streamed);
// The process ends by itself, with exit code 0 and no word.
testing::AssertionResult ended_well(const Child& child);

// A genpro-generation message with this id.
BusListener::Match names(const std::string& generation_id);
// The child has written this; false when it has ended without.
testing::AssertionResult says(const Child& child, const std::string& text,
                              std::chrono::milliseconds deadline = generous);

// A pipeline of its own with a genprosrc and a sink that a test runs step by step.
class Production {
 public:
  explicit Production(ElementPtr src)
      : src_(src), collector_(std::make_unique<Collector>(std::move(src))) {}
  ~Production() { stop(); }
  Production(const Production&) = delete;
  Production& operator=(const Production&) = delete;

  void play() { gst_element_set_state(collector_->pipeline(), GST_STATE_PLAYING); }
  // To NULL; false when that hangs. `took` is how long it was.
  bool stop();
  std::chrono::milliseconds took() const { return took_; }
  // To EOS or an error.
  Outcome finish() { return collector_->play_out(); }
  GstElement* src() const { return src_.get(); }
  Collector& collector() { return *collector_; }

 private:
  ElementPtr src_;
  std::unique_ptr<Collector> collector_;
  std::chrono::milliseconds took_{0};
};

}  // namespace genpro::test
