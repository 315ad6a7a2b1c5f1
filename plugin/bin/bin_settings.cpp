// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/bin_settings.h"

#include <gst/video/video.h>

#include <tuple>

#include "base/text.h"
#include "common/enums.h"

namespace genpro {

namespace {

enum Number {
  number_width = 1,
  number_height,
  number_framerate,
  number_format,
  number_placeholder,
  number_placeholder_location,
  number_at_end,
  number_on_error,
  number_fade,
  number_auto_generate,
  numbers_end,
};

constexpr auto in_playing = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                     GST_PARAM_MUTABLE_PLAYING);

GType format_type() {
  static const GEnumValue values[] = {
      {GST_VIDEO_FORMAT_UNKNOWN, "What follows prefers, with alpha for a transparent placeholder",
       "auto"},
      {GST_VIDEO_FORMAT_I420, "Planar YUV 4:2:0", "I420"},
      {GST_VIDEO_FORMAT_NV12, "YUV 4:2:0 with interleaved chroma", "NV12"},
      {GST_VIDEO_FORMAT_YUY2, "Packed YUV 4:2:2", "YUY2"},
      {GST_VIDEO_FORMAT_UYVY, "Packed YUV 4:2:2, as SDI cards take it", "UYVY"},
      {GST_VIDEO_FORMAT_Y42B, "Planar YUV 4:2:2", "Y42B"},
      {GST_VIDEO_FORMAT_BGRx, "RGB in 32 bits", "BGRx"},
      {GST_VIDEO_FORMAT_RGBx, "RGB in 32 bits, the other way round", "RGBx"},
      {GST_VIDEO_FORMAT_AYUV, "YUV 4:4:4 with alpha", "AYUV"},
      {GST_VIDEO_FORMAT_A420, "Planar YUV 4:2:0 with alpha", "A420"},
      {GST_VIDEO_FORMAT_BGRA, "RGB with alpha", "BGRA"},
      {GST_VIDEO_FORMAT_RGBA, "RGB with alpha, the other way round", "RGBA"},
      {GST_VIDEO_FORMAT_ARGB, "RGB with alpha first", "ARGB"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproVideoFormat", values);
  return type;
}

GType placeholder_type() {
  using Kind = bin::PlaceholderKind;
  static const GEnumValue values[] = {
      {static_cast<int>(Kind::black), "A black picture", "black"},
      {static_cast<int>(Kind::transparent), "A picture that lets through what is behind it",
       "transparent"},
      {static_cast<int>(Kind::slate), "Status, elapsed time and model in letters", "slate"},
      {static_cast<int>(Kind::image), "The image of placeholder-location", "image"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproPlaceholder", values);
  return type;
}

GType at_end_type() {
  using bin::AtEnd;
  static const GEnumValue values[] = {
      {static_cast<int>(AtEnd::placeholder), "The placeholder", "placeholder"},
      {static_cast<int>(AtEnd::hold), "The last picture, in silence", "hold"},
      {static_cast<int>(AtEnd::loop), "The clip from its beginning", "loop"},
      {static_cast<int>(AtEnd::eos), "The end of the stream", "eos"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproAtEnd", values);
  return type;
}

GType on_error_type() {
  static const GEnumValue values[] = {
      {on_error_placeholder, "A warning, and the placeholder", "placeholder"},
      {on_error_error, "An error", "error"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproOnError", values);
  return type;
}

GParamSpec* number_spec(const char* name, const char* nick, const char* blurb, unsigned maximum) {
  return g_param_spec_uint(name, nick, blurb, 0, maximum, 0, in_playing);
}

GParamSpec* text_spec(const char* name, const char* nick, const char* blurb, const char* initial) {
  return g_param_spec_string(name, nick, blurb, initial, in_playing);
}

std::string text_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text == nullptr ? "" : text;
}

}  // namespace

const unsigned last_bin_setting = last_setting + numbers_end - 1;

void install_bin_settings(GObjectClass* object_class) {
  const auto install = [object_class](Number number, GParamSpec* spec) {
    g_object_class_install_property(object_class, last_setting + number, spec);
  };
  install(number_width,
          number_spec("width", "Width",
                      "Of the picture in pixels, where what follows leaves a choice; 0: from "
                      "aspect-ratio, 1280, 720 or 720 (default: 0)",
                      16384));
  install(number_height,
          number_spec("height", "Height",
                      "Of the picture in pixels, where what follows leaves a choice; 0: from "
                      "aspect-ratio, 720, 1280 or 720 (default: 0)",
                      16384));
  install(number_framerate,
          text_spec("framerate", "Frame rate",
                    "Pictures a second, such as 25 or 30000/1001, where what follows leaves a "
                    "choice (default: 30/1)",
                    "30/1"));
  install(number_format,
          g_param_spec_enum("format", "Format",
                            "Of the picture, where what follows leaves a choice (default: auto)",
                            format_type(), GST_VIDEO_FORMAT_UNKNOWN, in_playing));
  install(number_placeholder, g_param_spec_enum("placeholder", "Placeholder",
                                                "What is shown while no clip is (default: black)",
                                                placeholder_type(), 0, in_playing));
  install(number_placeholder_location,
          text_spec("placeholder-location", "Placeholder location",
                    "File with the image that is shown with placeholder=image (default: none)",
                    nullptr));
  install(number_at_end,
          g_param_spec_enum("at-end", "At end", "What follows a clip (default: placeholder)",
                            at_end_type(), 0, in_playing));
  install(number_on_error,
          g_param_spec_enum("on-error", "On error",
                            "What a generation or a clip that fails is (default: placeholder)",
                            on_error_type(), on_error_placeholder, in_playing));
  install(number_fade, number_spec("fade", "Fade",
                                   "Time in ms in which one picture fades into the other, and "
                                   "sound with it; 0: cut (default: 0)",
                                   60'000));
  install(number_auto_generate,
          g_param_spec_boolean("auto-generate", "Generate automatically",
                               "Whether a change of prompt, variables, ingredients, model, aspect "
                               "ratio or duration in PLAYING starts a new generation, which is "
                               "paid for (default: false)",
                               FALSE, in_playing));
}

bool set_bin_setting(BinSettings& settings, unsigned id, const GValue* value) {
  if (set_setting(settings.generation, id, value)) return true;
  switch (id - last_setting) {
    case number_width:
      settings.width = g_value_get_uint(value);
      return true;
    case number_height:
      settings.height = g_value_get_uint(value);
      return true;
    case number_framerate:
      settings.framerate = text_of(value);
      return true;
    case number_format:
      settings.format = g_value_get_enum(value);
      return true;
    case number_placeholder:
      settings.placeholder = g_value_get_enum(value);
      return true;
    case number_placeholder_location:
      settings.placeholder_location = text_of(value);
      return true;
    case number_at_end:
      settings.at_end = g_value_get_enum(value);
      return true;
    case number_on_error:
      settings.on_error = g_value_get_enum(value);
      return true;
    case number_fade:
      settings.fade = g_value_get_uint(value);
      return true;
    case number_auto_generate:
      settings.auto_generate = g_value_get_boolean(value) != FALSE;
      return true;
    default:
      return false;
  }
}

bool get_bin_setting(const BinSettings& settings, unsigned id, GValue* value) {
  if (get_setting(settings.generation, id, value)) return true;
  switch (id - last_setting) {
    case number_width:
      g_value_set_uint(value, settings.width);
      return true;
    case number_height:
      g_value_set_uint(value, settings.height);
      return true;
    case number_framerate:
      g_value_set_string(value, settings.framerate.c_str());
      return true;
    case number_format:
      g_value_set_enum(value, settings.format);
      return true;
    case number_placeholder:
      g_value_set_enum(value, settings.placeholder);
      return true;
    case number_placeholder_location:
      g_value_set_string(value, settings.placeholder_location.empty()
                                    ? nullptr
                                    : settings.placeholder_location.c_str());
      return true;
    case number_at_end:
      g_value_set_enum(value, settings.at_end);
      return true;
    case number_on_error:
      g_value_set_enum(value, settings.on_error);
      return true;
    case number_fade:
      g_value_set_uint(value, settings.fade);
      return true;
    case number_auto_generate:
      g_value_set_boolean(value, settings.auto_generate);
      return true;
    default:
      return false;
  }
}

bool asks_for_another(const Settings& one, const Settings& other) {
  const auto request = [](const Settings& s) {
    return std::tie(s.prompt, s.asset_ids, s.model, s.aspect_ratio, s.duration, s.prompt_var,
                    s.content_resource_vars, s.variables, s.extra_data);
  };
  return request(one) != request(other);
}

Result<bin::WantedRaster> wanted_raster(const BinSettings& settings) {
  bin::WantedRaster wanted;
  wanted.width = static_cast<int>(settings.width);
  wanted.height = static_cast<int>(settings.height);
  wanted.format = static_cast<GstVideoFormat>(settings.format);
  wanted.aspect_ratio = settings.generation.aspect_ratio;
  wanted.wants_alpha = settings.placeholder == static_cast<int>(bin::PlaceholderKind::transparent);
  GValue rate = G_VALUE_INIT;
  g_value_init(&rate, GST_TYPE_FRACTION);
  const bool is_rate = gst_value_deserialize(&rate, settings.framerate.c_str());
  if (is_rate) {
    wanted.fps_n = gst_value_get_fraction_numerator(&rate);
    wanted.fps_d = gst_value_get_fraction_denominator(&rate);
  }
  g_value_unset(&rate);
  // Between a frame a minute and 1,000 a second.
  const bool is_in_range = is_rate && wanted.fps_n > 0 && wanted.fps_d > 0 &&
                           wanted.fps_n <= 1000LL * wanted.fps_d &&
                           60LL * wanted.fps_n >= wanted.fps_d;
  if (!is_in_range) {
    Error error;
    error.kind = ErrorKind::settings;
    error.message = "framerate is \"" + one_line(settings.framerate, 80) +
                    "\", which is no rate of pictures. Set it to something between 1/60 and 1000, "
                    "such as 25 or 30000/1001.";
    return error;
  }
  return wanted;
}

}  // namespace genpro
