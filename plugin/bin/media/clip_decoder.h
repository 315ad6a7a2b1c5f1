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
#include <vector>

#include "base/guarded.h"
#include "bin/media/clip_file.h"
#include "bin/media/decoded_frames.h"
#include "bin/media/lost_frames.h"
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
  // Takes the place of the source before start(), and is not kept.
  void set_source(ElementPtr source);
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

  // To be called before start(); see DecodedFrames.
  void set_loudness_target(double target);

  void set_context(GstContext* context) { gst_element_set_context(pipeline_.get(), context); }

  DecodedFrames& decoded() { return decoded_; }
  // How long the clip is, or says that it is.
  std::optional<Time> length();
  // It has ended before the time that it tells, and that was told.
  bool is_truncated() const { return is_truncated_; }

 private:
  // What a demuxer has read of a stream.
  struct Stream {
    ClipDecoder* decoder = nullptr;
    PadPtr pad;
    Time end = 0;
    bool is_all = false;
    enum class Kind { unused, video, audio } kind = Kind::unused;
    // Of what may be the video that is shown.
    std::optional<LostFrames> lost = LostFrames();
  };
  using Streams = std::vector<std::unique_ptr<Stream>>;

  static void on_element(GstBin*, GstElement* element, gpointer self);
  static void on_stream(GstElement* demuxer, GstPad* pad, gpointer self);
  static GstPadProbeReturn on_read(GstPad* pad, GstPadProbeInfo* info, gpointer stream);
  static GstPadProbeReturn on_decoding(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static GstPadProbeReturn on_bytes(GstPad*, GstPadProbeInfo* info, gpointer self);
  static void on_no_more_pads(GstElement* decoder, gpointer self);
  static bool is_interlaced(GstPad* pad);
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
  // From now on what is read of the stream of that pad is told.
  void follow(GstPad* pad, Stream::Kind kind);
  void tell_read(const Stream& stream);
  bool is_reading();
  void fail_to_play(const std::string& why);
  // How a clip is to be turned, by the names of GstVideoOrientationMethod.
  const char* direction_of(GstPad* pad);
  // For a clip none of whose streams is video.
  std::string why_no_video();
  void warn_of_hdr(const GstVideoInfo& info);
  void end_file();
  // A stream, which the sink takes, has ended.
  void end_stream(GstAppSink* sink);
  void watch_source();
  bool push_video(GstAppSink* sink, GstSample* sample);
  void tell_late(GstAppSink* sink, Time start, Time end, Time lateness);
  // Of the stream that is shown; nothing where its samples need not be frames.
  template <typename Act>
  void with_lost_frames(Act act) {
    auto streams = streams_.lock();
    for (const auto& stream : *streams) {
      if (stream->kind == Stream::Kind::video && stream->lost) act(*stream->lost);
    }
  }
  void tell_lost_frames();
  bool push_audio(GstSample* sample);

  ElementPtr source_;
  const char* media_type_ = nullptr;
  Tell tell_;
  Guarded<Raster> raster_;
  std::shared_ptr<ClipFile> file_;
  DecodedFrames decoded_;
  // Of the thread that decodes video.
  FrameConverter converter_;
  std::optional<Time> last_start_;  // of a frame that was kept
  // Of the thread that decodes audio.
  std::unique_ptr<LoudnessMeter> loudness_;
  Guarded<BufferPtr> moov_;  // until the streams are known
  std::atomic<std::uint64_t> position_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;  // that were read, also again
  std::atomic<Time> progress_ = 0;        // monotonic, when something was read or decoded last
  std::atomic<bool> is_stuck_ = false;    // and that was told
  std::atomic<bool> has_streams_ = false;
  std::atomic<bool> has_frame_ = false;
  std::atomic<bool> has_ended_ = false;
  std::atomic<bool> is_truncated_ = false;
  bool is_hdr_ = false;  // and that was told
  Guarded<Streams> streams_;
  ElementPtr queue_;  // of decodebin, between a demuxer and what decodes
  // Last, so that its threads are gone first.
  ElementPtr pipeline_;
};

}  // namespace genpro::bin
