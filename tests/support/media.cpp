// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/media.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include <glib/gstdio.h>

#include "support/bus.h"
#include "support/gst_ptr.h"

namespace genpro::test {
namespace {

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

void run_or_throw(const std::string& description) {
  const Outcome outcome = run_launch(description);
  if (!outcome.eos)
    throw std::runtime_error("test media: " + description + ": " + outcome.summary());
}

}  // namespace

std::string make_mp4(const MediaSpec& spec) {
  const TempDir folder;
  const std::string file = folder.file("made.mp4");
  run_or_throw("videotestsrc num-buffers=" + std::to_string(spec.frames) +
               " pattern=" + std::to_string(spec.pattern) +
               " ! video/x-raw,format=I420,framerate=24/1,width=" + std::to_string(spec.width) +
               ",height=" + std::to_string(spec.height) +
               " ! x264enc speed-preset=ultrafast threads=1 ! h264parse ! mp4mux faststart=" +
               (spec.moov_at_end ? "false" : "true") +
               " faststart-file=" + folder.file("faststart") + " ! filesink location=" + file);
  return read_file(file);
}

std::string padded_mp4(std::string mp4, std::size_t size, std::uint32_t seed) {
  if (size < mp4.size() + 8) throw std::runtime_error("test media: nothing to pad");
  const std::size_t box = size - mp4.size();
  for (int shift = 24; shift >= 0; shift -= 8) mp4.push_back(static_cast<char>(box >> shift));
  mp4 += "free";
  mp4.reserve(size);
  std::uint32_t state = seed * 2654435761U + 1;
  while (mp4.size() < size) {
    state = state * 1664525U + 1013904223U;
    mp4.push_back(static_cast<char>(state >> 24));
  }
  return mp4;
}

std::size_t box_position(const std::string& mp4, const std::string& name) {
  for (std::size_t at = 0; at + 8 <= mp4.size();) {
    if (mp4.compare(at + 4, 4, name) == 0) return at;
    const std::uint32_t size = big_endian(mp4, at);
    if (size < 8) break;
    at += size;
  }
  return std::string::npos;
}

int decoded_frames(const std::string& mp4) {
  const TempDir folder;
  const std::string file = folder.file("in.mp4");
  write_file(file, mp4);
  const ElementPtr source = sink_ref(gst_element_factory_make("filesrc", nullptr));
  g_object_set(source.get(), "location", file.c_str(), nullptr);
  return decoded_frames(source);
}

int decoded_frames(const ElementPtr& source) {
  Running pipeline(launch("decodebin name=d ! fakesink name=sink sync=false signal-handoffs=true"));
  gst_bin_add(GST_BIN(pipeline.get()), source.get());
  if (!gst_element_link(source.get(), child(pipeline.get(), "d").get())) {
    throw std::runtime_error("cannot link");
  }
  int frames = 0;
  g_signal_connect(child(pipeline.get(), "sink").get(), "handoff",
                   G_CALLBACK(+[](GstElement*, GstBuffer*, GstPad*, int* count) { ++*count; }),
                   &frames);
  const Outcome outcome = run(pipeline.get());
  if (outcome.eos) return frames;
  std::cerr << outcome.summary() << "\n";
  return -1;
}

std::string sha256(const std::string& bytes) {
  return take_string(g_compute_checksum_for_data(
      G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(bytes.data()), bytes.size()));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

TempDir::TempDir() {
  ErrorPtr error;
  path_ = take_string(g_dir_make_tmp("genpro-test-XXXXXX", error.out()));
  if (path_.empty()) throw std::runtime_error("no temporary folder: " + error.message());
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace genpro::test
