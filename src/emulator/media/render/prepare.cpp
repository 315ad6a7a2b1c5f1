// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/media/render/prepare.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "emulator/media/render/clip_conform.h"
#include "emulator/media/render/sniff.h"

namespace genpro::emulator::render {
namespace {

// A pixel below this alpha lets something shine through that an eye can see.
constexpr int kOpaque = 240;
// The share of such pixels that makes a picture a logo. The rounded corners of a screenshot stay
// below it.
constexpr double kLogoShare = 0.005;
// A clip shorter than this, in seconds, would flicker when repeated: it is shown as a still.
constexpr double kShortestClip = 0.25;
// Pictures are reduced to this many times the raster's long side before anything else.
constexpr int kPictureScale = 2;

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
Raster reduced(const Raster& picture, Size raster) {
  const Size shown = picture.display_size();
  const double limit = static_cast<double>(kPictureScale) * std::max(raster.width, raster.height);
  const double factor = std::min(1.0, limit / std::max(shown.width, shown.height));
  return scaled(picture, GST_VIDEO_FORMAT_BGRA,
                {std::max(1, static_cast<int>(std::lround(shown.width * factor))),
                 std::max(1, static_cast<int>(std::lround(shown.height * factor)))});
}

// What is visible of a picture: how much of it lets something through, and where it is.
struct Visible {
  double share = 0;  // of pixels that are not opaque
  Rect bounds;       // of pixels that are not wholly transparent; empty when all are
};

Visible look_through(const Raster& picture) {
  const Size size = picture.size();
  MappedRaster mapped(picture, GST_MAP_READ);
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

  void open(int index, Prepared& prepared) {
    const RenderIngredient& ingredient = spec_.ingredient(index);
    const std::string fault = find_fault(ingredient.path, ingredient.content_type);
    if (!fault.empty()) throw RenderError(fault);
    const MediaInfo media = probe_media(ingredient.path);
    touch_();
    if (media.video) {
      open_clip(index, ingredient.path, media, prepared);
    } else if (media.image) {
      open_picture(index, reduced(read_picture(ingredient.path, touch_), raster_), prepared);
    } else if (media.audio) {
      // A sound that cannot be decoded is a fault even in a silent clip.
      if (read_sound(ingredient.path, kSoundRate / 10, touch_).empty()) {
        throw RenderError("holds no sound that can be decoded; upload it again");
      }
      prepared.sounds.push_back(index);
    } else {
      throw RenderError(
          "is not a picture, video or sound; upload for instance a PNG, JPEG, MP4 or WAV");
    }
  }

 private:
  void open_picture(int index, const Raster& picture, Prepared& prepared) {
    const Visible visible = look_through(picture);
    if (visible.share >= kLogoShare) {
      add_logo(picture, visible.bounds, prepared);
    } else {
      Visual visual;
      visual.ingredient = index;
      Raster large(GST_VIDEO_FORMAT_BGRA, {static_cast<int>(raster_.width * kPanRoom) / 2 * 2,
                                           static_cast<int>(raster_.height * kPanRoom) / 2 * 2});
      visual.whole = Framer().fill(picture, large);
      visual.media = encode_jpeg(large, 95);
      prepared.visuals.push_back(std::move(visual));
    }
  }

  void add_logo(const Raster& picture, Rect bounds, Prepared& prepared) {
    if (bounds.width == 0) {
      throw RenderError("is wholly transparent; upload a logo of which something can be seen");
    }
    Raster logo = cropped(picture, bounds);
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
    if (!first) throw RenderError("has no pictures that can be decoded; upload it again");
    const bool may_be_logo = GST_VIDEO_INFO_HAS_ALPHA(&first.info());
    const bool still = reached < static_cast<GstClockTime>(kShortestClip * GST_SECOND);
    if (still || may_be_logo) {
      const Raster picture = reduced(first, raster_);
      if (still || look_through(picture).share >= kLogoShare) {
        open_picture(index, picture, prepared);
        return;
      }
    }
    Visual visual;
    visual.ingredient = index;
    visual.clip = true;
    if (GST_CLOCK_TIME_IS_VALID(media.duration)) {
      visual.announced = static_cast<double>(media.duration) / GST_SECOND;
    }
    visual.has_sound = media.audio;
    prepared.visuals.push_back(std::move(visual));
  }

  const RenderSpec& spec_;
  Size raster_;
  Touch touch_;
};

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
  Prepared prepared;
  Opener opener(spec, reporter);
  for (int i = 0; i < static_cast<int>(spec.ingredients.size()); ++i) {
    reporter.ingredient(i, spec.ingredient(i).file_name);
    about(spec, i, [&] { opener.open(i, prepared); });
  }
  return prepared;
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
      ConformedClip clip = conform_clip(ingredient.path, {spec.width, spec.height}, spec.fps,
                                        frames, visual.announced, touch);
      visual.media = std::move(clip.media);
      if (spec.audio && visual.has_sound) {
        visual.sound = conform_sound(
            ingredient.path,
            static_cast<std::size_t>(frames) * kSoundRate / static_cast<std::size_t>(spec.fps),
            clip.cycle, touch);
      }
    });
  }
}

std::vector<float> read_soundtrack(const RenderSpec& spec, const Prepared& prepared,
                                   std::size_t frames, Reporter& reporter) {
  const Touch touch = [&] { reporter.touch(); };
  std::vector<float> track;
  const std::size_t wanted = frames * kSoundChannels;
  for (const int index : prepared.sounds) {
    if (track.size() >= wanted) break;
    const RenderIngredient& ingredient = spec.ingredient(index);
    reporter.ingredient(index, ingredient.file_name);
    about(spec, index, [&] {
      const std::vector<float> sound =
          read_sound(ingredient.path, frames - track.size() / kSoundChannels, touch);
      track.insert(track.end(), sound.begin(), sound.end());
    });
  }
  const std::size_t period = track.size() / kSoundChannels * kSoundChannels;
  if (period == 0) return {};
  repeat_sound(track, period, wanted);
  return track;
}

}  // namespace genpro::emulator::render
