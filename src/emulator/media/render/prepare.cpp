// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/prepare.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "emulator/media/render/clip_conform.h"
#include "emulator/media/render/sniff.h"

namespace genpro::emulator::render {
namespace {

// A pixel below this alpha lets something shine through that an eye can see.
constexpr int kOpaque = 240;
// The share of such pixels that makes an image a logo. The rounded corners of a screenshot stay
// below it.
constexpr double kLogoShare = 0.005;
// A clip shorter than this, in seconds, would flicker when repeated: it is shown as a still.
constexpr double kShortestClip = 0.25;
// Images are reduced to this many times the raster's long side before anything else.
constexpr int kImageScale = 2;
// The longest side of a clip that keeps its own size.
constexpr int kMaxOwnSide = 1920;

std::string name_of(const RenderSpec& spec, int index) {
  const RenderIngredient& ingredient = spec.ingredient(index);
  return "Ingredient " + std::to_string(index + 1) +
         (ingredient.file_name.empty() ? "" : " \"" + ingredient.file_name + "\"");
}

// Runs `work`; a RenderError that it throws becomes a sentence about the ingredient.
template <typename Work>
auto about(const RenderSpec& spec, int index, const Work& work) {
  try {
    return work();
  } catch (const RenderError& error) {
    throw RenderError(name_of(spec, index) + " " + error.what() + ".");
  }
}

// As BGRA, no larger than is of use here.
Raster reduced(const Raster& image, Size raster) {
  const Size shown = image.display_size();
  const double limit = static_cast<double>(kImageScale) * std::max(raster.width, raster.height);
  const double factor = std::min(1.0, limit / std::max(shown.width, shown.height));
  return scaled(image, GST_VIDEO_FORMAT_BGRA,
                {std::max(1, static_cast<int>(std::lround(shown.width * factor))),
                 std::max(1, static_cast<int>(std::lround(shown.height * factor)))});
}

// What is visible of an image: how much of it lets something through, and where it is.
struct Visible {
  double share = 0;  // of pixels that are not opaque
  Rect bounds;       // of pixels that are not wholly transparent; empty when all are
};

Visible look_through(const Raster& image) {
  const Size size = image.size();
  MappedRaster mapped(image, GST_MAP_READ);
  long through = 0;
  int left = size.width;
  int top = size.height;
  int right = -1;
  int bottom = -1;
  for (int y = 0; y < size.height; ++y) {
    const std::uint8_t* row = mapped.row(y);
    for (int x = 0; x < size.width; ++x) {
      const int alpha = row[x * 4 + 3];
      through += alpha < kOpaque;
      if (alpha < 8) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = y;
    }
  }
  Visible visible;
  visible.share = static_cast<double>(through) / (static_cast<double>(size.width) * size.height);
  if (right >= 0) visible.bounds = {left, top, right - left + 1, bottom - top + 1};
  return visible;
}

// Scales a logo. Its transparent pixels may have any colour; weighted by alpha that colour stays
// out of the edges.
Raster scaled_logo(const Raster& logo, Size size) {
  Raster weighted = cropped(logo, whole(logo.size()));
  {
    MappedRaster mapped(weighted, GST_MAP_READWRITE);
    for (int y = 0; y < weighted.size().height; ++y) {
      std::uint8_t* row = mapped.row(y);
      for (int i = 0; i < weighted.size().width * 4; ++i) {
        if (i % 4 != 3) row[i] = static_cast<std::uint8_t>((row[i] * row[i | 3] + 127) / 255);
      }
    }
  }
  Raster result = scaled(weighted, GST_VIDEO_FORMAT_BGRA, size);
  MappedRaster mapped(result, GST_MAP_READWRITE);
  for (int y = 0; y < size.height; ++y) {
    std::uint8_t* row = mapped.row(y);
    for (int i = 0; i < size.width * 4; ++i) {
      const int alpha = row[i | 3];
      if (i % 4 == 3 || alpha == 0) continue;
      row[i] = static_cast<std::uint8_t>(std::min(255, (row[i] * 255 + alpha / 2) / alpha));
    }
  }
  return result;
}

class Opener {
 public:
  Opener(const RenderSpec& spec, Reporter& reporter)
      : spec_(spec), raster_{spec.width, spec.height}, touch_([&] { reporter.touch(); }) {}

  MediaInfo probe(int index) const {
    const RenderIngredient& ingredient = spec_.ingredient(index);
    const std::string fault = find_fault(ingredient.path, ingredient.content_type);
    if (!fault.empty()) throw RenderError(fault);
    const MediaInfo media = probe_media(ingredient.path);
    touch_();
    return media;
  }

  void open(int index, Prepared& prepared) {
    const RenderIngredient& ingredient = spec_.ingredient(index);
    const MediaInfo media = probe(index);
    if (media.video) {
      open_clip(index, ingredient.path, media, prepared);
    } else if (media.image) {
      open_image(index, reduced(read_image(ingredient.path, touch_), raster_), prepared);
    } else if (media.audio) {
      // Audio that cannot be decoded is a fault even in a silent clip.
      if (read_audio(ingredient.path, kAudioRate / 10, touch_).empty()) {
        throw RenderError("holds no audio that can be decoded; upload it again");
      }
      prepared.audios.push_back(index);
    } else {
      throw RenderError(
          "is not an image, video or audio; upload for instance a PNG, JPEG, MP4 or WAV");
    }
  }

  void open_layer(int index, Prepared& prepared) {
    const std::string& path = spec_.ingredient(index).path;
    const MediaInfo media = probe(index);
    if (!media.video && !media.image) {
      open(index, prepared);
      return;
    }
    Visual visual;
    visual.ingredient = index;
    const Raster first = read_first(path, media);
    visual.has_alpha = GST_VIDEO_INFO_HAS_ALPHA(&first.info()) || !prepared.visuals.empty();
    if (media.video) {
      visual.clip = true;
      visual.announced = seconds_of(media);
      visual.has_audio = media.audio;
    } else {
      Raster image(GST_VIDEO_FORMAT_BGRA, raster_);
      if (visual.has_alpha) {
        Framer().contain(first, image);
      } else {
        Framer().fill(first, image);
      }
      visual.media = encode_png(image);
    }
    prepared.visuals.push_back(std::move(visual));
  }

  Look look(int index) const {
    const MediaInfo media = probe(index);
    if (!media.video && !media.image) {
      throw RenderError("has no frames; give a video");
    }
    const Size shown = read_first(spec_.ingredient(index).path, media).display_size();
    const double factor =
        std::min(1.0, static_cast<double>(kMaxOwnSide) / std::max(shown.width, shown.height));
    const auto even = [&](int side) {
      return std::max(16, static_cast<int>(std::lround(side * factor)) / 2 * 2);
    };
    return {{even(shown.width), even(shown.height)}, seconds_of(media), media.audio, media.video};
  }

 private:
  static double seconds_of(const MediaInfo& media) {
    const bool is_known = media.video && GST_CLOCK_TIME_IS_VALID(media.duration);
    return is_known ? static_cast<double>(media.duration) / GST_SECOND : 0;
  }

  Raster read_first(const std::string& path, const MediaInfo& media) const {
    if (!media.video) return read_image(path, touch_);
    const SamplePtr sample = MediaReader(path, StreamKind::video, touch_).next();
    if (!sample) throw RenderError("has no frames that can be decoded; upload it again");
    return Raster::from_sample(sample.get());
  }

  void open_image(int index, const Raster& image, Prepared& prepared) {
    const Visible visible = look_through(image);
    if (visible.share >= kLogoShare) {
      add_logo(image, visible.bounds, prepared);
    } else {
      Visual visual;
      visual.ingredient = index;
      Raster large(GST_VIDEO_FORMAT_BGRA, {static_cast<int>(raster_.width * kPanRoom) / 2 * 2,
                                           static_cast<int>(raster_.height * kPanRoom) / 2 * 2});
      visual.whole = Framer().fill(image, large);
      visual.media = encode_jpeg(large, 95);
      prepared.visuals.push_back(std::move(visual));
    }
  }

  void add_logo(const Raster& image, Rect bounds, Prepared& prepared) {
    if (bounds.width == 0) {
      throw RenderError("is wholly transparent; upload a logo of which something can be seen");
    }
    Raster logo = cropped(image, bounds);
    // A box, and an area: a wide word mark may be wider than a round badge.
    const double side = std::min(raster_.width, raster_.height);
    const double area_factor =
        std::sqrt(0.032 * side * side / (static_cast<double>(bounds.width) * bounds.height));
    const double factor =
        std::min({area_factor, 0.36 * side / bounds.width, 0.22 * side / bounds.height});
    const Size size{std::max(2, static_cast<int>(std::lround(bounds.width * factor))),
                    std::max(2, static_cast<int>(std::lround(bounds.height * factor)))};
    prepared.logos.push_back({encode_png(scaled_logo(logo, size)), size});
  }

  void open_clip(int index, const std::string& path, const MediaInfo& media, Prepared& prepared) {
    Raster first;
    GstClockTime first_time = 0;
    GstClockTime reached = 0;
    MediaReader reader(path, StreamKind::video, touch_);
    while (reached < static_cast<GstClockTime>(kShortestClip * GST_SECOND)) {
      const SamplePtr sample = reader.next();
      if (!sample) break;
      GstBuffer* buffer = gst_sample_get_buffer(sample.get());
      if (!first) {
        first = Raster::from_sample(sample.get());
        first_time = GST_BUFFER_PTS(buffer);
      }
      reached = GST_BUFFER_PTS(buffer) - std::min(GST_BUFFER_PTS(buffer), first_time);
      if (GST_BUFFER_DURATION_IS_VALID(buffer)) reached += GST_BUFFER_DURATION(buffer);
    }
    if (!first) throw RenderError("has no frames that can be decoded; upload it again");
    const bool may_be_logo = GST_VIDEO_INFO_HAS_ALPHA(&first.info());
    const bool still = reached < static_cast<GstClockTime>(kShortestClip * GST_SECOND);
    if (still || may_be_logo) {
      const Raster image = reduced(first, raster_);
      if (still || look_through(image).share >= kLogoShare) {
        open_image(index, image, prepared);
        return;
      }
    }
    Visual visual;
    visual.ingredient = index;
    visual.clip = true;
    visual.announced = seconds_of(media);
    visual.has_audio = media.audio;
    prepared.visuals.push_back(std::move(visual));
  }

  const RenderSpec& spec_;
  Size raster_;
  Touch touch_;
};

Prepared open_all(const RenderSpec& spec, Reporter& reporter,
                  void (Opener::*open)(int index, Prepared& prepared)) {
  Prepared prepared;
  Opener opener(spec, reporter);
  for (int i = 0; i < static_cast<int>(spec.ingredients.size()); ++i) {
    reporter.ingredient(i, spec.ingredient(i).file_name);
    about(spec, i, [&] { (opener.*open)(i, prepared); });
  }
  return prepared;
}

}  // namespace

int schedule_grid(int fps) {
  return fps / std::gcd(fps, 1'000'000'000);
}

std::vector<Slot> make_schedule(int count, int total, int fade, int grid) {
  std::vector<Slot> slots(static_cast<std::size_t>(std::max(count, 0)));
  if (count <= 0) return slots;
  int shared = count > 1 ? std::min(fade, total / count / 3) : 0;
  shared -= shared % grid;
  const auto cut = [&](int index) {
    if (index == count) return total - shared;
    const long cell = static_cast<long>(index) * ((total - shared) / grid) / count;
    return static_cast<int>(cell * grid);
  };
  for (int i = 0; i < count; ++i) {
    Slot& slot = slots[static_cast<std::size_t>(i)];
    slot.start = cut(i);
    slot.frames = cut(i + 1) + shared - slot.start;
    slot.fade_in = i > 0 ? shared : 0;
    slot.fade_out = i + 1 < count ? shared : 0;
  }
  return slots;
}

Prepared open_ingredients(const RenderSpec& spec, Reporter& reporter) {
  return open_all(spec, reporter, &Opener::open);
}

std::vector<Slot> make_transition(int total, int grid) {
  const int held = total / 6 / grid * grid;
  const int shared = total - 2 * held;
  return {{0, total - held, 0, shared}, {held, total - held, shared, 0}};
}

Prepared open_layers(const RenderSpec& spec, Reporter& reporter) {
  return open_all(spec, reporter, &Opener::open_layer);
}

Look look_at(const RenderSpec& spec, int index, Reporter& reporter) {
  reporter.ingredient(index, spec.ingredient(index).file_name);
  return about(spec, index, [&] { return Opener(spec, reporter).look(index); });
}

std::vector<float> read_speech(const RenderSpec& spec, int index, std::size_t frames,
                               Reporter& reporter) {
  reporter.ingredient(index, spec.ingredient(index).file_name);
  return about(spec, index, [&] {
    const Opener opener(spec, reporter);
    std::vector<float> speech;
    if (opener.probe(index).audio) {
      speech = read_audio(spec.ingredient(index).path, frames, [&] { reporter.touch(); });
    }
    if (speech.empty()) throw RenderError("holds no audio that can be decoded; give an audio file");
    return speech;
  });
}

void conform_clips(const RenderSpec& spec, const std::vector<Slot>& slots, Prepared& prepared,
                   Reporter& reporter) {
  const Touch touch = [&] { reporter.touch(); };
  for (std::size_t i = 0; i < prepared.visuals.size(); ++i) {
    Visual& visual = prepared.visuals[i];
    if (!visual.clip) continue;
    const RenderIngredient& ingredient = spec.ingredient(visual.ingredient);
    reporter.ingredient(visual.ingredient, ingredient.file_name);
    about(spec, visual.ingredient, [&] {
      const int frames = slots[i].frames;
      ConformedClip clip = conform_clip(
          ingredient.path, {{spec.width, spec.height}, spec.fps, frames, visual.has_alpha},
          visual.announced, std::filesystem::path(spec.output).parent_path(), touch);
      visual.media = std::move(clip.media);
      if (spec.audio && visual.has_audio) {
        visual.audio = conform_audio(
            ingredient.path,
            static_cast<std::size_t>(frames) * kAudioRate / static_cast<std::size_t>(spec.fps),
            clip.cycle, touch);
      }
    });
  }
}

std::vector<float> read_soundtrack(const RenderSpec& spec, const Prepared& prepared,
                                   std::size_t frames, Reporter& reporter) {
  const Touch touch = [&] { reporter.touch(); };
  std::vector<float> track;
  const std::size_t wanted = frames * kAudioChannels;
  for (const int index : prepared.audios) {
    if (track.size() >= wanted) break;
    const RenderIngredient& ingredient = spec.ingredient(index);
    reporter.ingredient(index, ingredient.file_name);
    about(spec, index, [&] {
      const std::vector<float> audio =
          read_audio(ingredient.path, frames - track.size() / kAudioChannels, touch);
      track.insert(track.end(), audio.begin(), audio.end());
    });
  }
  const std::size_t period = track.size() / kAudioChannels * kAudioChannels;
  if (period == 0) return {};
  repeat_audio(track, period, wanted);
  return track;
}

}  // namespace genpro::emulator::render
