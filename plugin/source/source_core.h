// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What genprosrc does between start and stop: wait for the generation, then stream its clip.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "base/guarded.h"
#include "base/threads/runtime.h"
#include "base/web/byte_ranges.h"
#include "clip/fast_start.h"
#include "clip/random_reader.h"
#include "clip/reader.h"
#include "common/generation.h"
#include "gst/gst_ptr.h"
#include "source/pipeline_watch.h"
#include "source/shutdown_group.h"

namespace genpro {

// Threads: start() and stop() belong to state changes, create() and seek() to the streaming thread
// (or to who holds its lock), the rest to any. Only create() waits, and set_interrupted() wakes it.
//
// Lock: `run_` is not held while a message is posted or another object is called. The locks of
// Generation, Job and Reader may be taken inside it.
class SourceCore {
 public:
  // What the GObject does on its behalf.
  class Pad {
   public:
    virtual ~Pad() = default;
    virtual void set_caps(CapsPtr caps) = 0;
    // To be pushed between the segment and the next buffer.
    virtual void queue_tags(TagListPtr tags) = 0;
    // The clip's size in bytes is known now.
    virtual void set_size(std::uint64_t size) = 0;
  };

  // `element` and `pad` outlive the core.
  SourceCore(GstElement* element, Pad& pad) : element_(element), pad_(pad) {}

  // To be called before the first start(): the clip is that of a generation that somebody else has
  // asked for, who is told what comes of it and starts the element when the clip is known.
  void attach(std::shared_ptr<Generation> generation) { attached_ = std::move(generation); }
  // Posts an error and returns false when the settings are no good; nothing is sent then.
  // `is_pulled`: an element downstream asks for bytes where it wants them.
  bool start(const Settings& settings, std::size_t block_size, bool is_pulled);
  void stop();
  void set_interrupted(bool interrupted);
  // An EOS event is about to interrupt create() and to be pushed in place of a buffer.
  void announce_eos() { run_.lock()->is_eos_announced = true; }
  // The end of the stream is about to be pushed; `is_limited`: the application has set a number of
  // buffers, which may be why.
  void note_end(bool is_limited);
  // The element has posted an error.
  void note_error() { run_.lock()->has_posted_error = true; }

  // The next buffer, which the base class expects to begin at `offset`, of at most `length` bytes;
  // in pull mode of fewer only at the end. Posts the error before it returns GST_FLOW_ERROR.
  GstFlowReturn create(std::uint64_t offset, std::size_t length, GstBuffer** buffer);
  // Continues at `position`, up to `stop` (bytes). Does not wait.
  bool seek(std::uint64_t position, std::optional<std::uint64_t> stop);

  bool is_seekable();
  std::optional<std::uint64_t> size();
  // Of the current or the last run.
  GenerationReport report();
  // Whether this run has ended with an error that was posted.
  bool has_failed() { return std::holds_alternative<Failed>(run_.lock()->state); }

 private:
  struct Waiting {};  // for the clip's address
  struct Reading {
    std::shared_ptr<clip::Reader> reader;
    // The first bytes were looked at. Only then can the stream be read from elsewhere.
    bool is_identified = false;
    // The reader has come to the clip's end, and each push before that was successful: the base
    // class asks for no buffer otherwise.
    bool is_at_end = false;
    // The end was pushed, with all bytes before it.
    bool is_pushed = false;
  };
  struct Failed {};  // an error was posted, after which nothing more is said
  using State = std::variant<Waiting, Reading, Failed>;

  // What other threads may look at, or wake. A new one for each run but for the interruption.
  struct Run {
    // Null before the first one.
    std::shared_ptr<Generation> generation;
    State state;
    bool is_eos_announced = false;
    bool has_posted_error = false;  // also of the base class
    // Of the calls that wait; another one for those that begin after it.
    std::stop_source interruption;
  };

  // What belongs to the streaming thread, once started. A new one for each run.
  enum class Tags { unsent, queued, sent };
  struct Stream {
    std::size_t block_size = 0;
    bool is_pulled = false;
    bool has_faststart = false;
    // In pull mode, to give the index first, or after a seek that the clip's server has no ranges
    // for; once there is a clip.
    std::unique_ptr<clip::RandomReader> random_reader;
    std::optional<clip::FastStart> fast_start;  // of that
    bool is_random() const { return is_pulled || has_faststart || random_reader; }
    Tags tags = Tags::unsent;
    ByteRanges pushed;
    std::optional<clip::Reader::Block> rest;  // of the reader's latest block, to be pushed next
    std::uint64_t next_offset = 0;            // of what is pushed next
    std::optional<std::uint64_t> stop;
  };

  GstFlowReturn advance(std::uint64_t offset, std::size_t length,
                        const std::stop_token& interrupted, GstBuffer** buffer);
  GstFlowReturn await_clip(const std::stop_token& interrupted);
  // Nothing more will come.
  void cancel_progress();
  // `length` bytes from `offset` on: in push mode perhaps fewer, in pull mode only at the end.
  GstFlowReturn read(std::uint64_t offset, std::size_t length, const std::stop_token& interrupted,
                     clip::Reader::Block* block);
  // By the random reader; the clip's head, whatever is asked for, as long as that has not been
  // identified.
  clip::Reader::Outcome read_anywhere(std::uint64_t offset, std::size_t length,
                                      const std::stop_token& interrupted);
  // In push mode, in the clip's own order.
  clip::Reader::Outcome read_next(const std::stop_token& interrupted);
  // The first `length` bytes of a block; the others are its rest.
  clip::Reader::Block split(clip::Reader::Block block, std::size_t length);
  // Looks at the clip's first bytes.
  GstFlowReturn identify(const BytesPtr& head);
  // Whether all of the clip has been given downstream.
  bool is_all_pushed();
  GstFlowReturn finish_clip();
  void tell_warning(clip::Reader& reader);
  void open(job::FinishedClip clip);
  void send_tags();
  GstFlowReturn fail(Error error);
  // After the error was told.
  GstFlowReturn end_in_error();
  std::shared_ptr<Generation> generation() { return run_.lock()->generation; }
  // Null when no clip is read.
  std::shared_ptr<clip::Reader> reader();
  std::shared_ptr<clip::Reader> take_reader();
  bool is_identified();
  bool is_delivered();
  const char* delivery_text();

  GstElement* const element_;
  Pad& pad_;
  std::shared_ptr<Generation> attached_;
  Guarded<Run> run_;
  std::unique_ptr<PipelineWatch> pipeline_;
  std::unique_ptr<ShutdownGroupMember> shutdown_group_;
  Stream stream_;
};

}  // namespace genpro
