// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One playing of a clip: the pipeline that fetches and decodes it, apart from the one that is live,
// so that nothing that happens to it can hold up or end that.
#pragma once

#include <gst/app/gstappsink.h>
#include <gst/audio/audio.h>
#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>

#include "base/guarded.h"
#include "bin/media/clip_file.h"
#include "bin/media/decoded_frames.h"
#include "bin/media/raster.h"
#include "gst/gst_ptr.h"

namespace genpro::bin {

// A source of the bytes of a file; null when GStreamer has no element for it.
ElementPtr make_file_source(const std::string& path);

// Threads: made, started and destroyed by the control's thread, which may wait for decoders to
// end; the rest by any.
class ClipDecoder {
 public:
  // Called on the threads of its pipeline with what its elements say, at once.
  using Tell = std::function<void(MessagePtr)>;

  // `source` gives the bytes of a clip. What it gives is kept in `file` if there is one.
  ClipDecoder(ElementPtr source, const Raster& raster, std::shared_ptr<ClipFile> file, Tell tell);
  ~ClipDecoder();
  ClipDecoder(const ClipDecoder&) = delete;
  ClipDecoder& operator=(const ClipDecoder&) = delete;

  // What the source gives, which is not found out by reading then.
  void set_media_type(const char* media_type) { media_type_ = media_type; }
  // To be called before start(). False when GStreamer lacks an element for it, which is told as an
  // error.
  bool prepare();
  void start();
  // To be called now and then: tells an error when decoding stands still for good, though there is
  // nothing to wait for.
  void check();
  // Up to which byte the clip was read last.
  std::uint64_t position() const { return position_; }
  // What frames are brought into from now on, ahead of being shown.
  void set_raster(const Raster& raster) { *raster_.lock() = raster; }

  void set_context(GstContext* context) { gst_element_set_context(pipeline_.get(), context); }

  DecodedFrames& decoded() { return decoded_; }

 private:
  static GstPadProbeReturn on_bytes(GstPad*, GstPadProbeInfo* info, gpointer self);
  static void on_no_more_pads(GstElement* decoder, gpointer self);
  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer self);
  static GstFlowReturn on_video(GstAppSink* sink, gpointer self);
  static GstFlowReturn on_audio(GstAppSink* sink, gpointer self);
  static void on_video_end(GstAppSink*, gpointer self);
  static void on_audio_end(GstAppSink*, gpointer self);

  // False, and an error or a warning is told, without the elements for it.
  bool add_video(GstPad* pad);
  bool add_audio(GstPad* pad);
  // What takes a stream: elements as gst-launch-1.0 has them, and after them a sink for `caps`.
  ElementPtr make_branch(const std::string& elements, const std::string& caps,
                         GstAppSinkCallbacks callbacks, ErrorPtr* error);
  bool is_reading();
  void warn_of_hdr(const GstVideoInfo& info);
  void end_file();
  bool push_video(GstSample* sample);
  bool push_audio(GstSample* sample);

  ElementPtr source_;
  const char* media_type_ = nullptr;
  Tell tell_;
  Guarded<Raster> raster_;
  std::shared_ptr<ClipFile> file_;
  DecodedFrames decoded_;
  FrameConverter converter_;  // of the thread that decodes video
  std::atomic<std::uint64_t> position_ = 0;
  std::atomic<Time> progress_ = 0;  // monotonic, when something was read or decoded last
  bool is_stuck_ = false;           // and that was told
  bool has_streams_ = false;
  bool is_hdr_ = false;  // and that was told
  // Last, so that its threads are gone first.
  ElementPtr pipeline_;
};

}  // namespace genpro::bin
