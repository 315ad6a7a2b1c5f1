// SPDX-License-Identifier: LGPL-2.1-or-later
#include "catalogue/catalogue.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace genpro::catalogue {

namespace {

// clang-format off
constexpr std::array<Model, 20> table = {{
    // name, seed, types, ratios, seconds, default, resolutions, images, last frame[, seconds of ingredients, ratio of image, images are optional]
    {"pika", true, "G", "1:1 9:16 16:9", "", 0, "", 0, false},
    {"kling_1_6", true, "G", "1:1 9:16 16:9", "5 10", 0, "", 0, false},
    {"seedance_lite", true, "G", "1:1 9:16 16:9", "", 0, "", 0, false},
    {"veo_3_1", true, "G", "1:1 9:16 16:9", "1-8", 0, "", 0, false},
    {"veo_3_1_fast", true, "G", "1:1 9:16 16:9", "1-8", 0, "", 0, false},
    {"veo_3", true, "T", "1:1 9:16 16:9", "", 0, "", 0, false},
    {"kling_2_6", true, "I", "1:1 9:16 16:9", "", 0, "", 0, false},
    {"gemini-omni-1.1-flash", false, "TIG", "9:16 16:9", "", 0, "", 1, false},
    {"grok", false, "TIG", "1:1 16:9 9:16 4:3 3:4 3:2 2:3", "1-15", 5, "", 14, false},
    {"kling-v3", false, "TIG", "1:1 9:16 16:9", "3-15", 3, "", 4, true, "3-15", false},
    {"kling-v2-6", false, "I", "", "5 10", 5, "", 0, true},
    {"minimax-h3-max", false, "I", "1:1 9:16 16:9", "5-15", 0, "480p 768p 1080p", 0, false},
    {"seedance-2.0", false, "TIG", "1:1 9:16 16:9", "4-15", 5, "480p 720p 1080p", 9, false, "4-15", true, true},
    {"seedance-2.0-less-restriction", false, "TIG", "1:1 9:16 16:9", "4-15", 5, "480p 720p 1080p", 9, false},
    {"seedance-2.0-fast", false, "TIG", "1:1 9:16 16:9", "4-15", 0, "480p 720p", 9, false},
    {"seedance-2.5", false, "TIG", "16:9 9:16 4:3 3:4", "4-30", 5, "480p 720p 1080p", 9, false, "4-30", true, true},
    {"seedance-2.5-less-restriction", false, "TIG", "16:9 9:16 4:3 3:4", "4-30", 0, "480p 720p 1080p", 9, false},
    {"veo-3.1", false, "TIG", "9:16 16:9", "4 6 8", 8, "", 3, true, "8"},
    {"veo-3.1-fast", false, "TI", "9:16 16:9", "4 6 8", 8, "", 0, true},
    {"veo-3.1-lite", false, "TI", "9:16 16:9", "4 6 8", 8, "", 0, false},
}};
// clang-format on

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

unsigned Model::prompt_limit() const {
  if (of_seed) return 0;
  if (name.starts_with("kling")) return 2500;
  return name.starts_with("veo") ? 3000 : 4000;
}

std::span<const OtherType> other_types() {
  static constexpr std::array<OtherType, 3> types = {{
      {"lipsync", "vidsheet actions", "gen sync.so"},
      {"render", "vidsheet", ""},
      {"remove_background", "vidsheet", "transparent"},
  }};
  return types;
}

std::span<const Model> models() {
  return table;
}

const Model* find_model(std::string_view name, bool of_seed) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Model& model) {
    return model.name == name && model.of_seed == of_seed;
  });
  return found != table.end() ? &*found : nullptr;
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool has_seconds(std::string_view list, unsigned seconds) {
  const std::size_t dash = list.find('-');
  if (dash == std::string_view::npos) return has_word(list, std::to_string(seconds));
  const auto least = number(list.substr(0, dash));
  const auto most = number(list.substr(dash + 1));
  return least && most && seconds >= *least && seconds <= *most;
}

Seconds bounds_of(std::string_view list) {
  const std::size_t first = std::min(list.find_first_of(" -"), list.size());
  const std::size_t last = list.find_last_of(" -");
  return {number(list.substr(0, first)).value_or(0),
          number(list.substr(last == std::string_view::npos ? 0 : last + 1)).value_or(0)};
}

}  // namespace genpro::catalogue
