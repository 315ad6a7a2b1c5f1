// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs GStreamer pipelines and tells, as one line of JSON, what they took. The same program runs
// every element that is compared, so that what it takes itself is the same for all.
//
//   pipelines stream COUNT DESCRIPTION       until each pipeline has ended
//   pipelines first-frame DESCRIPTION        until the first buffer reaches the element `sink`
//   pipelines null STATE MILLISECONDS COUNT DESCRIPTION
//                                            COUNT times up to STATE for a while, then to NULL;
//                                            STATE is starting or playing, paused, or seeking:
//                                            playing, and a seek is still being carried out
//   pipelines wait COUNT AFTER SECONDS DESCRIPTION
//                                            COUNT pipelines that wait, looked at for SECONDS from
//                                            AFTER seconds on
//
// In a description, `%d` stands for the number of the pipeline, from 0 on.
#include <gst/gst.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gst/gst_ptr.h"
#include "usage.h"

namespace genpro::bench {

namespace {

constexpr GstClockTime patience = 120 * GST_SECOND;

std::string numbered(std::string description, std::size_t number) {
  const std::string place = "%d";
  for (std::size_t at = description.find(place); at != std::string::npos;
       at = description.find(place, at)) {
    description.replace(at, place.size(), std::to_string(number));
  }
  return description;
}

// A pipeline, and how many bytes have reached the element `sink`.
class Pipeline {
 public:
  Pipeline(const std::string& description, std::size_t number) {
    ErrorPtr error;
    element_ = sink_ref(gst_parse_launch(numbered(description, number).c_str(), error.out()));
    if (!element_ || error) throw std::runtime_error(description + ": " + error.message());
    const auto sink = ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(element_.get()), "sink"));
    if (!sink) throw std::runtime_error(description + ": there is no element named sink");
    const auto pad = PadPtr::adopt(gst_element_get_static_pad(sink.get(), "sink"));
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, count, this, nullptr);
  }
  ~Pipeline() { set_state(GST_STATE_NULL); }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void set_state(GstState state) {
    if (gst_element_set_state(element_.get(), state) == GST_STATE_CHANGE_FAILURE) {
      throw std::runtime_error("no change of state: " + reason(0));
    }
  }
  // Goes on at a byte of the clip, and does not wait for that.
  void seek(gint64 byte) {
    if (!gst_element_seek_simple(element_.get(), GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH, byte)) {
      throw std::runtime_error("the seek was refused");
    }
  }
  // As an application does that has read them: they are not kept on the bus.
  void drop_progress() {
    const ObjectPtr<GstBus> bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(element_.get()));
    gst_bus_set_sync_handler(
        bus.get(),
        [](GstBus*, GstMessage* message, gpointer) {
          if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_PROGRESS) return GST_BUS_PASS;
          gst_message_unref(message);
          return GST_BUS_DROP;
        },
        nullptr, nullptr);
  }
  // Until the end of the stream; throws for an error.
  void finish() {
    const ObjectPtr<GstBus> bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(element_.get()));
    const MessagePtr message(gst_bus_timed_pop_filtered(
        bus.get(), patience, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (!message) throw std::runtime_error("a pipeline did not end within two minutes");
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
      throw std::runtime_error(text_of(message.get()));
    }
  }
  // The error that has been posted, waiting for it as long as that; empty when there is none.
  std::string reason(GstClockTime time) {
    const ObjectPtr<GstBus> bus = ObjectPtr<GstBus>::adopt(gst_element_get_bus(element_.get()));
    const MessagePtr message(gst_bus_timed_pop_filtered(bus.get(), time, GST_MESSAGE_ERROR));
    return message ? text_of(message.get()) : "";
  }
  std::size_t bytes() const { return bytes_; }
  // Of the clip that a genprobin named bin has played; 0 without one.
  std::uint64_t dropped() const {
    const ElementPtr bin = ElementPtr::adopt(gst_bin_get_by_name(GST_BIN(element_.get()), "bin"));
    GstStructure* stats = nullptr;
    if (bin) g_object_get(bin.get(), "stats", &stats, nullptr);
    const StructurePtr owned(stats);
    guint64 frames = 0;
    if (stats != nullptr) gst_structure_get_uint64(stats, "frames-dropped", &frames);
    return frames;
  }
  // When the first buffer came, 0 before.
  double first() const { return first_; }

 private:
  static std::string text_of(GstMessage* message) {
    ErrorPtr error;
    GCharPtr debug;
    char* text = nullptr;
    gst_message_parse_error(message, error.out(), &text);
    debug.reset(text);
    return error.message();
  }

  static GstPadProbeReturn count(GstPad*, GstPadProbeInfo* info, gpointer data) {
    auto* self = static_cast<Pipeline*>(data);
    if (self->first_ == 0) self->first_ = usage_now().wall;
    self->bytes_ += gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
  }

  ElementPtr element_;
  std::atomic<std::size_t> bytes_ = 0;
  std::atomic<double> first_ = 0;
};

using Pipelines = std::vector<std::unique_ptr<Pipeline>>;

Pipelines make_pipelines(std::size_t count, const std::string& description) {
  Pipelines pipelines;
  for (std::size_t number = 0; number < count; ++number) {
    pipelines.push_back(std::make_unique<Pipeline>(description, number));
  }
  return pipelines;
}

void stream(std::size_t count, const std::string& description) {
  const Pipelines pipelines = make_pipelines(count, description);
  const Usage before = usage_now();
  for (const auto& pipeline : pipelines) pipeline->set_state(GST_STATE_PLAYING);

  // How far the slowest is when the fastest ends tells how fair they are to each other.
  std::vector<std::thread> waiting;
  std::atomic<bool> one_ended = false;
  std::atomic<double> slowest = 1;
  std::vector<std::string> errors(count);
  for (std::size_t number = 0; number < count; ++number) {
    waiting.emplace_back([&, number] {
      try {
        pipelines[number]->finish();
      } catch (const std::exception& exception) {
        errors[number] = exception.what();
      }
      if (one_ended.exchange(true)) return;
      std::size_t least = SIZE_MAX;
      for (const auto& pipeline : pipelines) least = std::min(least, pipeline->bytes());
      slowest = static_cast<double>(least) / static_cast<double>(pipelines[number]->bytes());
    });
  }
  for (std::thread& thread : waiting) thread.join();
  const Usage after = usage_now();
  std::size_t bytes = 0;
  std::uint64_t dropped = 0;
  for (const auto& pipeline : pipelines) {
    bytes += pipeline->bytes();
    dropped += pipeline->dropped();
  }
  for (const std::string& error : errors) {
    if (!error.empty()) throw std::runtime_error(error);
  }
  std::printf(R"({"wall": %.6f, "cpu": %.6f, "bytes": %zu, "peak": %zu, "fairness": %.4f, )"
              R"("dropped": %)" G_GUINT64_FORMAT "}\n",
              after.wall - before.wall, after.cpu - before.cpu, bytes, peak_resident_bytes(),
              slowest.load(), dropped);
}

void first_frame(const std::string& description) {
  Pipeline pipeline(description, 0);
  const double before = usage_now().wall;
  pipeline.set_state(GST_STATE_PLAYING);
  while (pipeline.first() == 0) {
    const std::string reason = pipeline.reason(GST_MSECOND);
    if (!reason.empty()) throw std::runtime_error(reason);
    if (usage_now().wall - before > 120) throw std::runtime_error("no frame within two minutes");
  }
  std::printf("{\"seconds\": %.6f}\n", pipeline.first() - before);
}

void to_null(const std::string& state, std::chrono::milliseconds time, std::size_t count,
             const std::string& description) {
  std::string list;
  for (std::size_t turn = 0; turn < count; ++turn) {
    Pipeline pipeline(description, turn);
    pipeline.set_state(state == "paused" ? GST_STATE_PAUSED : GST_STATE_PLAYING);
    // Not always at the same moment of what happens then.
    std::this_thread::sleep_for(time + std::chrono::microseconds(turn * 7919 % 20'000));
    if (state == "seeking") pipeline.seek(static_cast<gint64>(turn * 7919 % 1000) * 1000);
    const double before = usage_now().wall;
    pipeline.set_state(GST_STATE_NULL);
    list += (list.empty() ? "" : ", ") + std::to_string((usage_now().wall - before) * 1000);
  }
  std::printf("{\"milliseconds\": [%s]}\n", list.c_str());
}

void wait(std::size_t count, double begin, double time, const std::string& description) {
  // What GStreamer itself takes once is no element's.
  { const Pipelines warm_up = make_pipelines(2, "fakesrc num-buffers=1 ! fakesink name=sink"); }
  const std::size_t resident = resident_bytes();
  const std::size_t threads = thread_count();
  const Pipelines pipelines = make_pipelines(count, description);
  for (const auto& pipeline : pipelines) pipeline->drop_progress();
  for (const auto& pipeline : pipelines) pipeline->set_state(GST_STATE_PLAYING);
  // What it takes to begin is not what waiting takes.
  std::this_thread::sleep_for(std::chrono::duration<double>(begin));
  const Usage before = usage_now();
  std::this_thread::sleep_for(std::chrono::duration<double>(time));
  const Usage after = usage_now();
  for (const auto& pipeline : pipelines) {
    const std::string reason = pipeline->reason(0);
    if (!reason.empty()) throw std::runtime_error(reason);
  }
  std::printf(R"({"resident": %.0f, "threads": %zu, "sockets": %zu, "core": %.6f})"
              "\n",
              (static_cast<double>(resident_bytes()) - static_cast<double>(resident)) /
                  static_cast<double>(count),
              thread_count() - threads, connection_count(),
              (after.cpu - before.cpu) / (after.wall - before.wall));
}

void run(std::span<char*> arguments) {
  const std::string mode = arguments.size() > 1 ? arguments[1] : "";
  if (mode == "stream" && arguments.size() == 4) {
    stream(std::stoul(arguments[2]), arguments[3]);
  } else if (mode == "first-frame" && arguments.size() == 3) {
    first_frame(arguments[2]);
  } else if (mode == "null" && arguments.size() == 6) {
    to_null(arguments[2], std::chrono::milliseconds(std::stoul(arguments[3])),
            std::stoul(arguments[4]), arguments[5]);
  } else if (mode == "wait" && arguments.size() == 6) {
    wait(std::stoul(arguments[2]), std::stod(arguments[3]), std::stod(arguments[4]), arguments[5]);
  } else {
    throw std::runtime_error("what to run is not understood; see pipelines.cpp");
  }
}

}  // namespace

}  // namespace genpro::bench

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  try {
    genpro::bench::run({argv, static_cast<std::size_t>(argc)});
    return 0;
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "%s\n", exception.what());
    return 1;
  }
}
