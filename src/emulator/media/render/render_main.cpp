// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/render_main.h"

#include <ges/ges.h>
#include <glib/gstdio.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <vector>

#include "emulator/media/render/audio_track.h"
#include "emulator/media/render/drawing.h"
#include "emulator/media/render/matte.h"
#include "emulator/media/render/prepare.h"
#include "emulator/media/render/render_spec.h"
#include "emulator/media/render/reporter.h"
#include "emulator/media/render/timeline.h"

namespace genpro::emulator::render {
namespace {

constexpr int kThumbnailSide = 480;
constexpr int kThumbnailQuality = 88;
constexpr int kLengthOfStills = 5;  // seconds, of layers without a clip
// Containers say the length of a clip with less than a frame too much.
constexpr double kLengthRounding = 0.05;

// A file under construction: it gets its name when it is complete, and is removed when it never is.
class PartFile {
 public:
  explicit PartFile(std::string path) : path_(std::move(path)), part_(path_ + ".part") {}
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() {
    if (!kept_ && !path_.empty()) g_unlink(part_.c_str());
  }
  const std::string& part() const { return part_; }
  void keep() {
    if (g_rename(part_.c_str(), path_.c_str()) != 0) {
      throw RenderError("The file \"" + path_ + "\" cannot be written (" + std::strerror(errno) +
                        "); check the folder's rights and space.");
    }
    kept_ = true;
  }

 private:
  std::string path_;
  std::string part_;
  bool kept_ = false;
};

void write_thumbnail(const Raster& still, const std::string& path) {
  const Size size = still.size();
  const double factor = static_cast<double>(kThumbnailSide) / std::max(size.width, size.height);
  const Size small{std::max(1, static_cast<int>(std::lround(size.width * factor))),
                   std::max(1, static_cast<int>(std::lround(size.height * factor)))};
  const MemoryFile jpeg =
      encode_jpeg(scaled(still, GST_VIDEO_FORMAT_BGRA, small), kThumbnailQuality);
  char* contents = nullptr;
  gsize length = 0;
  ErrorPtr error;
  if (g_file_get_contents(jpeg.path().c_str(), &contents, &length, error.out())) {
    const GCharPtr owned(contents);
    g_file_set_contents(path.c_str(), contents, static_cast<gssize>(length), error.out());
  }
  if (error) {
    throw RenderError("The thumbnail cannot be written (" + error.message() +
                      "); check the folder's rights and space.");
  }
}

// The decoders of libav for these formats need whole images in one buffer, which nothing gives
// them here; gdk-pixbuf's are not chosen unless asked for.
void prefer_image_decoders() {
  const auto feature = ObjectPtr<GstPluginFeature>::adopt(
      gst_registry_lookup_feature(gst_registry_get(), "gdkpixbufdec"));
  if (feature) gst_plugin_feature_set_rank(feature.get(), GST_RANK_SECONDARY);
}

std::size_t samples_of(int seconds) {
  return static_cast<std::size_t>(seconds) * kAudioRate;
}

// The frames of the first ingredient in their own size for as long as the second one is heard.
Prepared open_lipsync(RenderSpec& spec, std::vector<float>& soundtrack, Reporter& reporter) {
  if (spec.ingredients.size() != 2) {
    throw RenderError("A lipsync is made of a video and an audio file; give these two.");
  }
  soundtrack = read_speech(spec, 1, samples_of(kMostSeconds), reporter);
  spec.duration = static_cast<int>((soundtrack.size() + samples_of(1) * kAudioChannels - 1) /
                                   (samples_of(1) * kAudioChannels));
  soundtrack.resize(samples_of(spec.duration) * kAudioChannels);
  const Size size = look_at(spec, 0, reporter).size;
  spec.width = size.width;
  spec.height = size.height;
  spec.ingredients.pop_back();
  Prepared prepared = open_ingredients(spec, reporter);
  for (Visual& visual : prepared.visuals) visual.has_audio = false;
  return prepared;
}

Prepared open_stack(RenderSpec& spec, Reporter& reporter) {
  Prepared prepared = open_layers(spec, reporter);
  if (prepared.visuals.empty()) {
    throw RenderError("None of the layers has an image or a clip; give one that has.");
  }
  double longest = 0;
  for (const Visual& visual : prepared.visuals) longest = std::max(longest, visual.announced);
  if (spec.duration == 0) {
    const double length = std::min(longest, 1.0 * kMostSeconds);
    spec.duration = length > 0 ? std::max(1, static_cast<int>(std::ceil(length - kLengthRounding)))
                               : kLengthOfStills;
  }
  return prepared;
}

std::vector<Slot> slots_of(const RenderSpec& spec, int count) {
  const int total = spec.duration * spec.fps;
  const int grid = schedule_grid(spec.fps);
  if (spec.kind == Kind::layers)
    return std::vector<Slot>(static_cast<std::size_t>(count), {0, total});
  if (spec.kind == Kind::image && count == 2) return make_transition(total, grid);
  if (count > total / grid) {
    throw RenderError("A video of " + std::to_string(spec.duration) + " s has room for at most " +
                      std::to_string(total / grid) + " images and clips, and there are " +
                      std::to_string(count) + "; ask for a longer one or give fewer.");
  }
  // Half a second of cross-fade.
  return make_schedule(count, total, spec.fps / 2, grid);
}

void render(RenderSpec spec, Reporter& reporter) {
  PartFile video(spec.output);
  PartFile thumbnail(spec.thumbnail);
  reporter.set_leftovers(spec.thumbnail.empty() ? std::vector{video.part()}
                                                : std::vector{video.part(), thumbnail.part()});
  const auto keep = [&](const EncodedClip& clip, Size size) {
    if (!spec.thumbnail.empty()) {
      write_thumbnail(clip.still, thumbnail.part());
      thumbnail.keep();
    }
    video.keep();
    reporter.done(clip.frames, size.width, size.height);
  };
  if (spec.kind == Kind::matte) {
    const EncodedClip clip = render_matte(spec, video.part(), reporter);
    return keep(clip, clip.still.size());
  }

  std::vector<float> soundtrack;
  Prepared prepared = spec.kind == Kind::lipsync  ? open_lipsync(spec, soundtrack, reporter)
                      : spec.kind == Kind::layers ? open_stack(spec, reporter)
                                                  : open_ingredients(spec, reporter);
  const int total = spec.duration * spec.fps;
  const Size raster{spec.width, spec.height};
  if (prepared.visuals.empty()) {
    Visual backdrop;
    // PNG keeps the grain that hides the gradients' bands.
    backdrop.media =
        encode_png(make_backdrop(spec.prompt, {static_cast<int>(spec.width * kPanRoom) / 2 * 2,
                                               static_cast<int>(spec.height * kPanRoom) / 2 * 2}));
    prepared.visuals.push_back(std::move(backdrop));
  }
  const std::vector<Slot> slots = slots_of(spec, static_cast<int>(prepared.visuals.size()));
  conform_clips(spec, slots, prepared, reporter);

  Composition composition{spec, slots, prepared, std::nullopt, {}, {}};
  const bool has_caption = spec.kind == Kind::ingredients || spec.kind == Kind::image;
  if (const auto caption = make_caption(has_caption ? spec.prompt : "", raster)) {
    composition.caption = encode_png(*caption);
    composition.caption_size = caption->size();
  }
  if (spec.audio) {
    if (soundtrack.empty()) {
      soundtrack = read_soundtrack(spec, prepared, samples_of(spec.duration), reporter);
    }
    composition.audio = make_audio(spec, slots, prepared, std::move(soundtrack));
    spec.audio = !composition.audio.empty();
  }
  const TimelinePtr timeline = make_timeline(composition, reporter);
  const EncodedClip clip = encode_timeline(timeline.get(), spec, video.part(), reporter);
  if (clip.frames != total || !clip.still) {
    throw RenderError("The composed video has " + std::to_string(clip.frames) +
                      " frames instead of " + std::to_string(total) + "; try again.");
  }
  keep(clip, raster);
}

}  // namespace

int render_main(const char* spec_path) {
  Reporter reporter;
  try {
    const RenderSpec spec = RenderSpec::load(spec_path);
    reporter.set_stall_timeout(spec.stall_timeout);
    ErrorPtr error;
    if (!gst_init_check(nullptr, nullptr, error.out()) || !ges_init()) {
      throw RenderError("GStreamer could not be started (" + error.message() +
                        "); check its installation.");
    }
    prefer_image_decoders();
    render(spec, reporter);
    return 0;
  } catch (const std::bad_alloc&) {
    reporter.error(
        "Rendering needs more memory than the renderer may take; give smaller or fewer "
        "ingredients.");
    return 1;
  } catch (const std::exception& error) {
    reporter.error(error.what());
    return 1;
  }
}

}  // namespace genpro::emulator::render
