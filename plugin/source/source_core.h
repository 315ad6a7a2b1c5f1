// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What genprosrc does between start and stop: wait for the generation, then hand on its clip.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/guarded.h"
#include "base/runtime.h"
#include "clip/coverage.h"
#include "clip/reader.h"
#include "common/messages.h"
#include "common/settings.h"
#include "gst_ptr.h"
#include "job/job.h"
#include "source/error_watch.h"
#include "source/shutdown_group.h"

namespace genpro {

// Threads: start() and stop() belong to state changes, create() and seek() to the streaming thread
// (or to who holds its lock), the rest to any. Only create() waits, and set_interrupted() wakes it.
//
// Locks: `face_` and `flow_` are never held together, and neither while a message is posted or
// another object is called. The locks of Job and Reader may be taken inside `flow_`.
class SourceCore {
 public:
  // The shell's part of handing on: what has to happen on the pad.
  class Pad {
   public:
    virtual ~Pad() = default;
    virtual void set_caps(CapsPtr caps) = 0;
    // To be pushed between the segment and the next buffer.
    virtual void queue_tags(TagListPtr tags) = 0;
    // The clip's size in bytes is known now.
    virtual void set_size(std::uint64_t size) = 0;
    // One of the properties `status`, `cost`, `generation-id` changed.
    virtual void notify(const char* property) = 0;
  };

  // `element` and `pad` outlive the core.
  SourceCore(GstElement* element, Pad& pad) : element_(element), pad_(pad) {}

  // Posts an error and returns false when the settings are no good; nothing is sent then.
  bool start(const Settings& settings, std::size_t block_size);
  void stop();
  void set_interrupted(bool interrupted);
  // An EOS event is about to interrupt create() and to be pushed in place of a buffer.
  void announce_eos() { eos_announced_ = true; }
  // The end of the stream is about to be pushed; `is_limited`: the application has set a number of
  // buffers, which may be why.
  void note_end(bool is_limited);
  // The element has posted an error.
  void note_error() { has_posted_error_ = true; }

  // The next buffer, which the base class expects to begin at `offset`. Posts the error before it
  // returns GST_FLOW_ERROR.
  GstFlowReturn create(std::uint64_t offset, GstBuffer** buffer);
  // Continues at `position`, up to `stop` (bytes). Does not wait.
  bool seek(std::uint64_t position, std::optional<std::uint64_t> stop);

  bool is_seekable();
  std::optional<std::uint64_t> size();
  // The clip's address without its query, which may be what gives access to it; empty before it is
  // known.
  std::string uri();
  job::Status status();
  double cost();
  // The current generation, else the one that was set.
  std::string generation_id(const Settings& settings);
  // Whether this run has ended with an error that was posted.
  bool has_failed() const { return failed_; }

 private:
  // What other threads may look at.
  struct Face {
    job::Status status = job::Status::idle;
    std::string generation_id;
    double cost = -1;
  };
  // What other threads may wake.
  struct Flow {
    std::shared_ptr<Runtime> runtime;
    std::shared_ptr<job::Job> job;
    std::shared_ptr<clip::Reader> reader;
    Interruption interruption;
  };
  enum class Tags { unsent, queued, sent };

  // `begun_at`: see Interruption.
  GstFlowReturn advance(std::uint64_t offset, std::uint64_t begun_at, GstBuffer** buffer);
  GstFlowReturn await_clip(std::uint64_t begun_at);
  GstFlowReturn next_block(std::uint64_t offset, std::uint64_t begun_at,
                           clip::Reader::Block* block);
  GstFlowReturn identify(clip::Reader& reader, const clip::Reader::Block& block);
  GstFlowReturn finish_clip();
  void open(const job::Update& update);
  void send_tags();
  void report(job::Status status, const job::Update* update = nullptr);
  void tell(const job::DoubtNotice& doubt);
  void warn(GstResourceError code, const std::string& text);
  GstFlowReturn fail(Error error);
  void end_progress(GstProgressType type, const std::string& text);
  std::shared_ptr<clip::Reader> reader();
  bool is_delivered();
  const char* delivery_text();

  GstElement* const element_;
  Pad& pad_;
  Guarded<Face> face_;
  Guarded<Flow> flow_;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> eos_announced_ = false;
  std::atomic<bool> has_posted_error_ = false;
  // The reader has come to the clip's end, and each push before that was successful: the base class
  // asks for no buffer otherwise.
  std::atomic<bool> has_read_to_end_ = false;
  // The end was pushed, with all bytes before it.
  std::atomic<bool> was_handed_on_ = false;
  // The first bytes were looked at. Only then can the stream be read from elsewhere.
  std::atomic<bool> identified_ = false;

  // The rest is of the streaming thread, once started.
  std::unique_ptr<ErrorWatch> pipeline_errors_;
  std::unique_ptr<ShutdownGroupMember> shutdown_group_;
  Settings settings_;
  std::size_t block_size_ = 0;
  std::string title_;
  std::chrono::steady_clock::time_point started_;
  bool in_progress_ = false;  // a PROGRESS start without its end
  Tags tags_ = Tags::unsent;
  clip::Coverage coverage_;
  std::uint64_t next_offset_ = 0;  // of the reader's next block
  std::optional<std::uint64_t> stop_;
};

}  // namespace genpro
