// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs a pipeline and keeps everything it says.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "support/fake_service.h"
#include "support/gst_ptr.h"

namespace genpro::test {

struct BusError {
  GQuark domain = 0;
  int code = 0;
  std::string text;
  std::string debug;
  std::string source;   // name of the element
  std::string details;  // as text, empty when there are none
  StructurePtr fields;  // the details themselves, null when there are none
  bool is(GQuark expected_domain, int expected_code) const {
    return domain == expected_domain && code == expected_code;
  }
  // "RESOURCE/SETTINGS", for messages of tests
  std::string name() const;
  // One of the details as text, empty when it is not there.
  std::string detail(const char* field) const;
};

struct Progress {
  GstProgressType type;
  std::string code;
  std::string text;
  StructurePtr fields;
};

// What a pipeline did between its start and NULL.
struct Outcome {
  bool eos = false;  // EOS, and no error before it
  bool timed_out = false;
  std::vector<BusError> errors;
  std::vector<BusError> warnings;
  std::vector<Progress> progress;
  std::vector<StructurePtr> element_messages;
  TagListPtr tags;                 // all tag messages merged, null when there were none
  std::vector<std::string> order;  // "error", "progress-start", "element genpro-generation", "eos"…
  std::string everything;          // every message in full, one a line
  std::string summary() const;
  std::vector<const GstStructure*> named(const char* name) const;
  // Whether a genpro-generation message had this status.
  bool reached(const char* status) const;
};

// Hears every message of a pipeline in the order in which they are posted, also those that a
// change to READY or NULL would drop from its bus. Lives shorter than the pipeline.
class BusListener {
 public:
  explicit BusListener(GstElement* pipeline);
  ~BusListener();
  BusListener(const BusListener&) = delete;
  BusListener& operator=(const BusListener&) = delete;

  using Match = std::function<bool(GstMessage*)>;
  // True as soon as a message (also one of the past) matches, false at the deadline.
  bool wait_for(const Match& match, std::chrono::milliseconds deadline = generous);
  bool wait_for_end(std::chrono::milliseconds deadline = generous);
  Outcome outcome();

 private:
  static GstBusSyncReply on_message(GstBus* bus, GstMessage* message, gpointer user_data);

  ObjectPtr<GstBus> bus_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<MessagePtr> messages_;  // under mutex_
};

// gst_parse_launch(); throws std::runtime_error with its text.
ElementPtr launch(const std::string& description);
// The element of that name in the bin.
ElementPtr child(GstElement* bin, const char* name);

// Sets `target`, waits for EOS or an error, sets READY, then NULL.
Outcome run(GstElement* pipeline, std::chrono::milliseconds deadline = generous);
Outcome run_launch(const std::string& description);

// A change of state in a thread of its own; false when that has not returned at the deadline, which
// is a hang (the thread is left behind then, with a reference).
bool changes_in_time(GstElement* element, GstState state,
                     std::chrono::milliseconds deadline = generous);
inline bool stops_in_time(GstElement* element) {
  return changes_in_time(element, GST_STATE_NULL);
}

// All bytes that come out of `element` up to EOS or an error. Afterwards the element is in NULL, in
// no pipeline, and can be used again.
struct Streamed {
  Outcome outcome;
  std::string bytes;
  std::string caps;  // of the first sample
};
Streamed stream(ElementPtr element, std::chrono::milliseconds deadline = generous);

}  // namespace genpro::test
