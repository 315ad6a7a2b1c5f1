// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/bin_settings.h"

#include <gst/video/video.h>

#include <array>
#include <iterator>
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
  number_preroll,
  number_on_starve,
  number_on_error,
  number_fade,
  number_auto_generate,
  number_loudness_target,
  number_stats_interval,
  number_start_mode,
  number_take_at,
  number_take_at_timecode,
  number_needed_by,
  number_needed_by_time,
  number_fallback_location,
  number_late_clip,
  number_prefetch,
  numbers_end,
};

constexpr auto in_playing = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                     GST_PARAM_MUTABLE_PLAYING);

struct Format {
  GstVideoFormat format;
  const char* meaning;
  const char* word;
};
// By their numbers in the enumeration, which begin at 0.
constexpr Format formats[] = {
    {GST_VIDEO_FORMAT_UNKNOWN, "As downstream prefers", "auto"},
    {GST_VIDEO_FORMAT_I420, "Planar 4:2:0", "I420"},
    {GST_VIDEO_FORMAT_NV12, "Semi-planar 4:2:0", "NV12"},
    {GST_VIDEO_FORMAT_YUY2, "Packed 4:2:2", "YUY2"},
    {GST_VIDEO_FORMAT_UYVY, "Packed 4:2:2, SDI", "UYVY"},
    {GST_VIDEO_FORMAT_Y42B, "Planar 4:2:2", "Y42B"},
    {GST_VIDEO_FORMAT_BGRx, "BGR, 32 bits", "BGRx"},
    {GST_VIDEO_FORMAT_RGBx, "RGB, 32 bits", "RGBx"},
    {GST_VIDEO_FORMAT_AYUV, "4:4:4 with alpha", "AYUV"},
    {GST_VIDEO_FORMAT_A420, "4:2:0 with alpha", "A420"},
    {GST_VIDEO_FORMAT_BGRA, "BGR with alpha", "BGRA"},
    {GST_VIDEO_FORMAT_RGBA, "RGB with alpha", "RGBA"},
    {GST_VIDEO_FORMAT_ARGB, "Alpha before RGB", "ARGB"},
};

GType format_type() {
  static const GType type = [] {
    static std::array<GEnumValue, std::size(formats) + 1> values{};
    for (std::size_t i = 0; i < std::size(formats); ++i) {
      values[i] = {static_cast<int>(i), formats[i].meaning, formats[i].word};
    }
    return register_enum("GstGenproVideoFormat", values.data());
  }();
  return type;
}

GType placeholder_type() {
  using Kind = bin::PlaceholderKind;
  static const GEnumValue values[] = {
      {static_cast<int>(Kind::black), "Black frames", "black"},
      {static_cast<int>(Kind::transparent), "Transparent frames", "transparent"},
      {static_cast<int>(Kind::slate), "Slate with status", "slate"},
      {static_cast<int>(Kind::image), "Image file", "image"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproPlaceholder", values);
  return type;
}

GType at_end_type() {
  using bin::AtEnd;
  static const GEnumValue values[] = {
      {static_cast<int>(AtEnd::placeholder), "The placeholder", "placeholder"},
      {static_cast<int>(AtEnd::hold), "Hold last frame", "hold"},
      {static_cast<int>(AtEnd::loop), "Loop the clip", "loop"},
      {static_cast<int>(AtEnd::eos), "End of stream", "eos"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproAtEnd", values);
  return type;
}

GType on_starve_type() {
  using bin::OnStarve;
  static const GEnumValue values[] = {
      {static_cast<int>(OnStarve::hold), "Hold last frame", "hold"},
      {static_cast<int>(OnStarve::placeholder), "The placeholder", "placeholder"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproOnStarve", values);
  return type;
}

GType on_error_type() {
  static const GEnumValue values[] = {
      {on_error_placeholder, "Warn and continue", "placeholder"},
      {on_error_error, "End in error", "error"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproOnError", values);
  return type;
}

GType start_mode_type() {
  static const GEnumValue values[] = {
      {start_mode_auto, "When ready", "auto"},
      {start_mode_cue, "Held until taken", "cue"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproStartMode", values);
  return type;
}

GType late_clip_type() {
  using bin::LateClip;
  static const GEnumValue values[] = {
      {static_cast<int>(LateClip::drop), "Give it up", "drop"},
      {static_cast<int>(LateClip::cue), "Hold it cued", "cue"},
      {static_cast<int>(LateClip::take), "Take when ready", "take"},
      {0, nullptr, nullptr},
  };
  static const GType type = register_enum("GstGenproLateClip", values);
  return type;
}

GParamSpec* time_spec(const char* name, const char* nick, const char* blurb) {
  return g_param_spec_uint64(name, nick, blurb, 0, G_MAXUINT64, GST_CLOCK_TIME_NONE, in_playing);
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

void set_text(GValue* value, const std::string& text) {
  g_value_set_string(value, text.empty() ? nullptr : text.c_str());
}

}  // namespace

unsigned last_bin_setting() {
  return last_setting() + numbers_end - 1;
}

unsigned take_at_setting() {
  return last_setting() + number_take_at;
}
unsigned take_at_timecode_setting() {
  return last_setting() + number_take_at_timecode;
}

void install_bin_settings(GObjectClass* object_class) {
  const auto install = [object_class](Number number, GParamSpec* spec) {
    g_object_class_install_property(object_class, last_setting() + number, spec);
  };
  install(number_width,
          number_spec("width", "Width",
                      "Of the video in pixels, where downstream leaves a choice; 0: from "
                      "aspect-ratio, 1280, 720 or 720 (default: 0)",
                      16384));
  install(number_height,
          number_spec("height", "Height",
                      "Of the video in pixels, where downstream leaves a choice; 0: from "
                      "aspect-ratio, 720, 1280 or 720 (default: 0)",
                      16384));
  install(number_framerate,
          text_spec("framerate", "Frame rate",
                    "Frames a second, such as 25 or 30000/1001, where downstream leaves a "
                    "choice (default: 30/1)",
                    "30/1"));
  install(number_format,
          g_param_spec_enum("format", "Format",
                            "Of the video, where downstream leaves a choice (default: auto)",
                            format_type(), 0, in_playing));
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
  install(number_preroll,
          text_spec("preroll", "Preroll",
                    "How much of a clip has to be there before it is on, in ms, or \"whole\" "
                    "(default: 0)",
                    "0"));
  install(number_on_starve,
          g_param_spec_enum("on-starve", "On starve",
                            "What is shown while a clip comes slower than it plays (default: hold)",
                            on_starve_type(), 0, in_playing));
  install(number_on_error,
          g_param_spec_enum("on-error", "On error",
                            "What a generation or a clip that fails is (default: placeholder)",
                            on_error_type(), on_error_placeholder, in_playing));
  install(number_fade, number_spec("fade", "Fade",
                                   "Time in ms in which video and audio are crossfaded; 0: cut "
                                   "(default: 0)",
                                   60'000));
  install(number_auto_generate,
          g_param_spec_boolean("auto-generate", "Generate automatically",
                               "Whether a change in PLAYING of anything that a request is made of "
                               "(prompt, ingredients, model, resolution, dialect and so on) starts "
                               "a new generation, which is paid for (default: false)",
                               FALSE, in_playing));
  install(
      number_loudness_target,
      g_param_spec_double("loudness-target", "Loudness target",
                          "What clips are brought to, in LUFS, such as -23; 0: they are as loud "
                          "as they are (default: 0)",
                          -70, 0, 0, in_playing));
  install(number_stats_interval,
          number_spec("stats-interval", "Statistics interval",
                      "Time in ms between messages with the statistics; 0: none (default: 0)",
                      3'600'000));
  install(number_start_mode,
          g_param_spec_enum("start-mode", "Start mode", "When a clip goes on air (default: auto)",
                            start_mode_type(), start_mode_auto, in_playing));
  install(number_take_at,
          time_spec("take-at", "Take at",
                    "Running time in ns at which the next clip goes on air (default: none)"));
  install(number_take_at_timecode,
          text_spec("take-at-timecode", "Take at timecode",
                    "Timecode of the frame with which the next clip goes on air, where the video "
                    "pad's frames get one (default: none)",
                    nullptr));
  install(number_needed_by,
          time_spec("needed-by", "Needed by",
                    "Running time in ns at which the fallback goes on air unless the clip is ready "
                    "(default: none)"));
  install(number_needed_by_time,
          text_spec("needed-by-time", "Needed by time",
                    "The same as a date and time in ISO 8601; needed-by counts where both are set "
                    "(default: none)",
                    nullptr));
  install(number_fallback_location,
          text_spec("fallback-location", "Fallback location",
                    "File with the image or the clip that goes on air in place of a clip that is "
                    "late (default: none)",
                    nullptr));
  install(number_late_clip,
          g_param_spec_enum("late-clip", "Late clip",
                            "What becomes of a clip that is not ready when it is needed (default: "
                            "drop)",
                            late_clip_type(), 0, in_playing));
  install(number_prefetch,
          g_param_spec_uint("prefetch", "Prefetch",
                            "How many generations run ahead of what is on air, where items are "
                            "queued (default: 1)",
                            1, 16, 1, in_playing));
}

bool set_bin_setting(BinSettings& settings, unsigned id, const GValue* value) {
  if (set_setting(settings.generation, id, value)) return true;
  switch (id - last_setting()) {
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
    case number_preroll:
      settings.preroll = text_of(value);
      return true;
    case number_on_starve:
      settings.on_starve = g_value_get_enum(value);
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
    case number_loudness_target:
      settings.loudness_target = g_value_get_double(value);
      return true;
    case number_stats_interval:
      settings.stats_interval = g_value_get_uint(value);
      return true;
    case number_start_mode:
      settings.start_mode = g_value_get_enum(value);
      return true;
    case number_take_at:
      settings.take_at = g_value_get_uint64(value);
      return true;
    case number_take_at_timecode:
      settings.take_at_timecode = text_of(value);
      return true;
    case number_needed_by:
      settings.needed_by = g_value_get_uint64(value);
      return true;
    case number_needed_by_time:
      settings.needed_by_time = text_of(value);
      return true;
    case number_fallback_location:
      settings.fallback_location = text_of(value);
      return true;
    case number_late_clip:
      settings.late_clip = g_value_get_enum(value);
      return true;
    case number_prefetch:
      settings.prefetch = g_value_get_uint(value);
      return true;
    default:
      return false;
  }
}

bool get_bin_setting(const BinSettings& settings, unsigned id, GValue* value) {
  if (get_setting(settings.generation, id, value)) return true;
  switch (id - last_setting()) {
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
      set_text(value, settings.placeholder_location);
      return true;
    case number_at_end:
      g_value_set_enum(value, settings.at_end);
      return true;
    case number_preroll:
      g_value_set_string(value, settings.preroll.c_str());
      return true;
    case number_on_starve:
      g_value_set_enum(value, settings.on_starve);
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
    case number_loudness_target:
      g_value_set_double(value, settings.loudness_target);
      return true;
    case number_stats_interval:
      g_value_set_uint(value, settings.stats_interval);
      return true;
    case number_start_mode:
      g_value_set_enum(value, settings.start_mode);
      return true;
    case number_take_at:
      g_value_set_uint64(value, settings.take_at);
      return true;
    case number_take_at_timecode:
      set_text(value, settings.take_at_timecode);
      return true;
    case number_needed_by:
      g_value_set_uint64(value, settings.needed_by);
      return true;
    case number_needed_by_time:
      set_text(value, settings.needed_by_time);
      return true;
    case number_fallback_location:
      set_text(value, settings.fallback_location);
      return true;
    case number_late_clip:
      g_value_set_enum(value, settings.late_clip);
      return true;
    case number_prefetch:
      g_value_set_uint(value, settings.prefetch);
      return true;
    default:
      return false;
  }
}

bool asks_for_another(const Settings& one, const Settings& other) {
  const auto request = [](const Settings& s) {
    return std::tuple(s.prompt, s.asset_ids, s.ingredients, s.model_word(), s.aspect_ratio_word(),
                      s.duration, s.prompt_var, s.content_resource_vars, s.variables, s.extra_data,
                      s.dialect, s.generation_type, s.resolution, s.native_audio,
                      s.negative_prompt);
  };
  return request(one) != request(other);
}

Result<bin::WantedRaster> wanted_raster(const BinSettings& settings) {
  bin::WantedRaster wanted;
  wanted.width = static_cast<int>(settings.width);
  wanted.height = static_cast<int>(settings.height);
  wanted.format = formats[settings.format].format;
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
                    "\", which is no frame rate. Set it to something between 1/60 and 1000, "
                    "such as 25 or 30000/1001.";
    return error;
  }
  return wanted;
}

}  // namespace genpro
