// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_fixture.h"

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "base/glib_ptr.h"
#include "gst/gst_ptr.h"

namespace genpro::emulator::render::test {
namespace {

void finish(GstElement* pipeline, const std::string& description) {
  const BusPtr bus = BusPtr::adopt(gst_element_get_bus(pipeline));
  const MessagePtr message(
      gst_bus_timed_pop_filtered(bus.get(), 30 * GST_SECOND,
                                 static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  if (message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) return;
  ErrorPtr error;
  if (message) gst_message_parse_error(message.get(), error.out(), nullptr);
  ADD_FAILURE() << description << ": " << (error ? error.message() : "no end within 30 s");
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  ErrorPtr error;
  folder_ = take_string(g_dir_make_tmp("genpro-render-XXXXXX", error.out()));
  if (error) ADD_FAILURE() << error.message();
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string TemporaryFolder::listing() const {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    names.insert(entry.path().filename().string());
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : " ") + name;
  return list;
}

void run_pipeline(const std::string& description) {
  ErrorPtr error;
  const PipelinePtr pipeline(gst_parse_launch(description.c_str(), error.out()));
  if (error) {
    ADD_FAILURE() << description << ": " << error.message();
    return;
  }
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  finish(pipeline.get(), description);
}

void write_picture(const std::string& path, const std::string& encoder, const std::string& format,
                   int width, int height, const std::function<Rgba(int x, int y)>& pixel) {
  const std::string description =
      "appsrc name=in format=time caps=video/x-raw,format=RGBA,width=" + std::to_string(width) +
      ",height=" + std::to_string(height) +
      ",framerate=1/1 ! videoconvert ! video/x-raw,format=" + format + " ! " + encoder +
      " ! filesink location=\"" + path + "\"";
  ErrorPtr error;
  const PipelinePtr pipeline(gst_parse_launch(description.c_str(), error.out()));
  ASSERT_FALSE(error) << description << ": " << error.message();
  const ElementPtr source = pipeline.by_name("in");
  std::vector<std::uint8_t> bytes;
  bytes.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 4);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Rgba value = pixel(x, y);
      bytes.insert(bytes.end(), {value.r, value.g, value.b, value.a});
    }
  }
  GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
  GST_BUFFER_PTS(buffer) = 0;
  GST_BUFFER_DURATION(buffer) = GST_SECOND;
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  gst_app_src_push_buffer(GST_APP_SRC(source.get()), buffer);
  gst_app_src_end_of_stream(GST_APP_SRC(source.get()));
  finish(pipeline.get(), description);
}

void write_plain_picture(const std::string& path, const std::string& encoder, int width, int height,
                         Rgba colour) {
  write_picture(path, encoder, encoder.starts_with("jpegenc") ? kJpeg : "RGBA", width, height,
                [&](int, int) { return colour; });
}

void write_gif(const std::string& path, int pictures, int width, int height, Rgba colour) {
  std::string bytes = "GIF89a";
  const auto number = [&](int value) {
    bytes += static_cast<char>(value & 0xff);
    bytes += static_cast<char>(value >> 8);
  };
  number(width);
  number(height);
  bytes += std::string("\xf6\0\0", 3);
  for (const std::uint8_t channel : {colour.r, colour.g, colour.b}) {
    bytes += static_cast<char>(channel);
  }
  bytes += std::string(127 * 3, '\0');
  // Codes of eight bits, as long as the table is cleared before it grows.
  std::string codes;
  for (int left = width * height; left > 0; left -= 100) {
    codes += '\x80' + std::string(static_cast<std::size_t>(std::min(left, 100)), '\0');
  }
  codes += '\x81';
  for (int i = 0; i < pictures; ++i) {
    bytes += std::string("\x21\xf9\x04\x08\x0a\0\0\0\x2c\0\0\0\0", 13);
    number(width);
    number(height);
    bytes += std::string("\0\x07", 2);
    for (std::size_t at = 0; at < codes.size(); at += 255) {
      const std::string block = codes.substr(at, 255);
      bytes += static_cast<char>(block.size());
      bytes += block;
    }
    bytes += '\0';
  }
  write_file(path, bytes + ";");
}

void write_clip(const std::string& path, const ClipRecipe& recipe) {
  const std::string pattern = recipe.colour.empty()
                                  ? "pattern=ball"
                                  : "pattern=solid-color foreground-color=" + recipe.colour;
  std::string description =
      recipe.muxer + " name=mux ! filesink location=\"" + path +
      "\" videotestsrc num-buffers=" + std::to_string(recipe.frames) + " " + pattern +
      " ! video/x-raw,format=I420,width=" + std::to_string(recipe.width) +
      ",height=" + std::to_string(recipe.height) + ",framerate=" + recipe.rate + " ! " +
      recipe.encoder + " ! queue ! mux.";
  if (recipe.sound) {
    const GCharPtr rate(g_strdup(recipe.rate.c_str()));
    const double fps = g_ascii_strtod(rate.get(), nullptr);
    const int buffers = static_cast<int>(recipe.frames / fps * 44100 / 1024) + 1;
    description += " audiotestsrc freq=1000 volume=0.5 num-buffers=" + std::to_string(buffers) +
                   " ! audio/x-raw,rate=44100,channels=1 ! voaacenc ! queue ! mux.";
  }
  run_pipeline(description);
}

std::string read_file(const std::string& path) {
  char* contents = nullptr;
  gsize length = 0;
  ErrorPtr error;
  if (!g_file_get_contents(path.c_str(), &contents, &length, error.out())) {
    ADD_FAILURE() << error.message();
    return {};
  }
  const GCharPtr owned(contents);
  return {contents, length};
}

void write_file(const std::string& path, const std::string& bytes) {
  ErrorPtr error;
  EXPECT_TRUE(g_file_set_contents(path.c_str(), bytes.data(), static_cast<gssize>(bytes.size()),
                                  error.out()))
      << error.message();
}

}  // namespace genpro::emulator::render::test
