// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "api/dialect.h"
#include "api/key.h"
#include "base/text.h"
#include "ledger/store/address.h"

namespace genpro {

namespace {

std::optional<std::string> problem_of_ledger(std::string_view text) {
  if (ledger::has_password(text)) {
    return " holds a password, which everybody would see who reads the setting. Have it in "
           "PGPASSWORD, or in the file that PGPASSFILE names.";
  }
  if (ledger::is_mistaken_address(text)) {
    return " is neither a file nor the address of a PostgreSQL server. Write that as "
           "postgresql://HOST/DATABASE.";
  }
  return std::nullopt;
}

// The first one of each is the default. A meaning is two or three words, as editors list them.
constexpr Choice dialect_words[] = {
    {"seed", "Cells, ids"},
    {"vidsheet", "Cells, addresses"},
    {"actions", "Actions with cards"},
};
constexpr Choice generation_types[] = {
    {"video_from_ingredients", "From ingredients"},
    {"video_from_text", "From text alone"},
    {"video_from_image", "From end frames"},
    {"lipsync", "Video with audio"},
    {"render", "Layers composited"},
    {"remove_background", "Without its background"},
};
constexpr Choice native_audios[] = {
    {"default", "Model's own way"},
    {"on", "With audio"},
    {"off", "Without audio"},
};
constexpr Choice reuses[] = {
    {"in-flight", "Unfinished or undelivered"},
    {"never", "New each time"},
    {"completed", "Also delivered ones"},
};
constexpr Choice on_shutdowns[] = {
    {"stop", "Stop for refund"},
    {"detach", "Leave it running"},
};
constexpr Choice when_in_doubts[] = {
    {"likely", "Follow likely one"},
    {"ask", "End in error"},
};

// Of a text that is not to be sent.
constexpr const char* unset_word = "default";

// What a typing error exceeds and a use does not.
constexpr unsigned longest_duration = 3600;
constexpr unsigned most_generations = 1'000'000;
constexpr double most_credits = 1e9;
constexpr unsigned week = 7 * 24 * 3600;
constexpr unsigned hour = 3600;
constexpr unsigned most_retries = 100;

// What, where, who, how long; what nearly every request has comes first.
const std::array table = {
    Setting{"prompt", "Prompt",
            "What the video shows, in words; may hold {{variable}}; required unless prompt-var or "
            "generation-id is set (default: none)",
            TextMember{&Settings::prompt}},
    Setting{
        "ingredients", "Ingredients",
        "Files, file:// URIs and ids of content resources, in order, such as "
        "photo.jpg,502,logo.png; files are uploaded once; @photo or @1 in the prompt names one; "
        "in place of asset-ids (default: none)",
        TextMember{&Settings::ingredients}},
    Setting{"model", "Model",
            "Model that makes the video, by the service's name for it; genpro models lists those "
            "that are known; default: not sent, the cell decides (default: default)",
            TextMember{&Settings::model, unset_word}},
    Setting{"aspect-ratio", "Aspect ratio",
            "Width to height of the video, such as 1:1, 9:16 or 16:9; default: not sent, the cell "
            "decides (default: default)",
            TextMember{&Settings::aspect_ratio, unset_word}},
    Setting{"duration", "Duration",
            "Length of the video in seconds, at most 3600; 0: not sent, the cell decides (default: "
            "0)",
            NumberMember{&Settings::duration, 0, longest_duration}},
    Setting{"generation-type", "Generation type",
            "Kind of generation; video_from_image takes the first frame and the last one as "
            "ingredients, lipsync a video and an audio file (default: video_from_ingredients)",
            ChoiceMember{&Settings::generation_type, generation_types}},
    Setting{"dialect", "Dialect",
            "What the service is spoken to in: routes and names of fields (default: seed)",
            ChoiceMember{&Settings::dialect, dialect_words}},
    Setting{"negative-prompt", "Negative prompt",
            "What the video is not to show; dialect vidsheet only (default: none)",
            TextMember{&Settings::negative_prompt}},
    Setting{"resolution", "Resolution",
            "Resolution of the video, such as 720p; not in dialect seed (default: none)",
            TextMember{&Settings::resolution}},
    Setting{"native-audio", "Native audio",
            "Whether the model makes audio; not in dialect seed (default: default)",
            ChoiceMember{&Settings::native_audio, native_audios}},
    Setting{"asset-ids", "Asset ids",
            "Ids of the ingredients, uploaded content resources, such as 501,502 (default: none)",
            TextMember{&Settings::asset_ids}},
    Setting{"profile", "Profile",
            "Group of the file genpro/config in the XDG config folder, whose lines stand in for "
            "settings that are not set (default: default, where there is one)",
            TextMember{&Settings::profile}},
    Setting{"api-base-url", "API base URL",
            "Address of the GEN API; plain http to this machine only (default: GEN_API_BASE_URL, "
            "else the profile's, else https://api.gen.pro/v1)",
            TextMember{&Settings::api_base_url, api::default_base_url}},
    Setting{"api-key", "API key",
            "Key of the GEN API, sent to the API's origin only and never readable (default: "
            "api-key-file, else GEN_API_KEY, else the profile's)",
            TextMember{&Settings::api_key, nullptr, true}},
    Setting{"api-key-file", "API key file",
            "File whose first line is the key of the GEN API (default: none)",
            TextMember{&Settings::api_key_file}},
    Setting{"proxy", "Proxy",
            "Address of the proxy to the API and the clips, such as "
            "http://user:password@host:3128; read without its login (default: that of the "
            "environment or the desktop)",
            TextMember{&Settings::proxy}},
    Setting{"ca-file", "CA file",
            "File with the certificates (PEM) of the authorities that are trusted (default: the "
            "system's)",
            TextMember{&Settings::ca_file}},
    Setting{"sheet-route", "Sheet route",
            "Route word of the API's sheet calls; where it is not set, vidsheet in the other "
            "dialects (default: autocontentengine)",
            TextMember{&Settings::sheet_route, "autocontentengine"}},
    Setting{"sheet-id", "Sheet id",
            "Id of the sheet; required (default: GEN_SHEET_ID, else the profile's)",
            TextMember{&Settings::sheet_id}},
    Setting{"cell-id", "Cell id",
            "Id of the sheet's cell; required (default: GEN_CELL_ID, else the profile's)",
            TextMember{&Settings::cell_id}},
    Setting{"layer-id", "Layer id",
            "Id of the cell's layer that the video is for; not in dialect seed (default: none)",
            TextMember{&Settings::layer_id}},
    Setting{"agent-id", "Agent id",
            "Id of the agent; required (default: GEN_AGENT_ID, else the profile's)",
            TextMember{&Settings::agent_id}},
    Setting{"prompt-var", "Prompt variable",
            "Name of the variable that the service takes the prompt from (default: none)",
            TextMember{&Settings::prompt_var}},
    Setting{"content-resource-vars", "Content resource variables",
            "Names of the variables that the service takes ingredient ids from, such as "
            "product,logo (default: none)",
            TextMember{&Settings::content_resource_vars}},
    Setting{"variables", "Variables",
            "JSON object whose members fill {{name}} in the prompt; other names are left for the "
            "service (default: none)",
            TextMember{&Settings::variables}},
    Setting{"extra-data", "Extra data",
            "JSON object merged last into the request's data, for fields that have no property "
            "(default: none)",
            TextMember{&Settings::extra_data}},
    Setting{"generation-id", "Generation id",
            "Set: attach to this generation and ask for no new one. Read: the current generation "
            "(default: none)",
            TextMember{&Settings::generation_id}},
    Setting{"reuse", "Reuse",
            "Which earlier generation of the same request may serve this one (default: in-flight)",
            ChoiceMember{&Settings::reuse, reuses}},
    Setting{"on-shutdown", "On shutdown",
            "What becomes of an unfinished generation when the pipeline shuts down (default: "
            "stop)",
            ChoiceMember{&Settings::on_shutdown, on_shutdowns}},
    Setting{"when-in-doubt", "When in doubt",
            "What follows when it cannot be proven which generation a request has made (default: "
            "likely)",
            ChoiceMember{&Settings::when_in_doubt, when_in_doubts}},
    Setting{"ledger", "Ledger",
            "File that keeps account of paid generations, shared by all processes, or address of a "
            "PostgreSQL database that many machines share (postgresql://…); empty: none, and a run "
            "that is killed may be paid for twice (default: genpro/ledger.db in the XDG state "
            "folder)",
            TextMember{&Settings::ledger, nullptr, false, true}},
    Setting{
        "archive", "Archive",
        "Folder that keeps each clip, made where there is none; a clip that it has is read from "
        "there, without the service (default: GEN_ARCHIVE, else the profile's, else none)",
        TextMember{&Settings::archive}},
    Setting{"daily-generation-limit", "Daily generation limit",
            "New generations in 24 hours by this ledger and agent; 0: no limit (default: 0)",
            NumberMember{&Settings::daily_generation_limit, 0, most_generations}},
    Setting{"max-cost", "Maximum cost",
            "Credits that a new generation may be estimated at, and is not asked for beyond; 0: no "
            "limit (default: 0)",
            AmountMember{&Settings::max_cost, most_credits}},
    Setting{"daily-cost-limit", "Daily cost limit",
            "Credits that new generations may cost in 24 hours by this ledger and agent, as far as "
            "that is estimated; 0: no limit (default: 0)",
            AmountMember{&Settings::daily_cost_limit, most_credits}},
    Setting{"generation-timeout", "Generation timeout",
            "Longest wait for the generation in seconds; 0: no limit (default: 3600)",
            NumberMember{&Settings::generation_timeout, 0, week}},
    Setting{"poll-interval", "Poll interval",
            "Time between two questions for the status in milliseconds; 0: adaptive, 0.5 to 30 s, "
            "longer where a process waits for hundreds (default: 0)",
            NumberMember{&Settings::poll_interval, 0, hour * 1000}},
    Setting{"stall-timeout", "Stall timeout",
            "Time without any byte in seconds after which a connection is made anew (default: 15)",
            NumberMember{&Settings::stall_timeout, 1, hour}},
    Setting{"retries", "Retries",
            "How often a failed step is tried again, with growing waits (default: 5)",
            NumberMember{&Settings::retries, 0, most_retries}},
    Setting{"max-clip-size", "Maximum clip size",
            "Largest clip that is read, in bytes (default: 4294967296)",
            SizeMember{&Settings::max_clip_size}},
    Setting{
        "faststart", "Fast start",
        "Give a clip's index (moov) before its media also where it comes last, for readers that "
        "cannot seek (default: false)",
        SwitchMember{&Settings::faststart}, true},
};

std::string words(std::span<const Choice> choices) {
  std::vector<std::string> names;
  for (const Choice& choice : choices) names.emplace_back(choice.word);
  return join(names, ", ", " or ");
}

// What is wrong, to follow the name; nothing when it is set.
std::optional<std::string> assign(Settings& settings, const Setting& setting,
                                  std::string_view text) {
  const auto not_among = [text](const std::string& values) {
    return " is \"" + one_line(text, 80) + "\". Set it to " + values + ".";
  };
  const auto number = [&](auto& member, unsigned long long least,
                          unsigned long long most) -> std::optional<std::string> {
    const auto value = parse_unsigned(text);
    if (!value || *value < least || *value > most) {
      return not_among("a whole number from " + std::to_string(least) + " to " +
                       std::to_string(most));
    }
    member = static_cast<std::remove_reference_t<decltype(member)>>(*value);
    return std::nullopt;
  };
  return std::visit(
      Overloaded{
          [&](const TextMember& content) -> std::optional<std::string> {
            if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
              return " is no UTF-8 text. Write it in UTF-8.";
            }
            if (content.member == &Settings::ledger) {
              if (auto problem = problem_of_ledger(text)) return problem;
            }
            settings.*content.member = text;
            return std::nullopt;
          },
          [&](const ChoiceMember& content) -> std::optional<std::string> {
            if (std::ranges::find(content.choices, text, &Choice::word) == content.choices.end()) {
              return not_among(words(content.choices));
            }
            settings.*content.member = text;
            return std::nullopt;
          },
          [&](const NumberMember& content) {
            return number(settings.*content.member, content.minimum, content.maximum);
          },
          [&](const AmountMember& content) -> std::optional<std::string> {
            const std::string digits(text);
            char* end = nullptr;
            const double amount = g_ascii_strtod(digits.c_str(), &end);
            const bool is_number = !digits.empty() && end == digits.c_str() + digits.size() &&
                                   digits.find_first_not_of("0123456789.eE+-") == std::string::npos;
            if (!is_number || !std::isfinite(amount) || amount < 0 || amount > content.maximum) {
              return not_among("a number of credits from 0 to " + number_text(content.maximum));
            }
            settings.*content.member = amount;
            return std::nullopt;
          },
          [&](const SizeMember& content) {
            return number(settings.*content.member, 1, std::numeric_limits<std::uint64_t>::max());
          },
          [&](const SwitchMember& content) -> std::optional<std::string> {
            if (text != "true" && text != "false") return not_among("true or false");
            settings.*content.member = text == "true";
            return std::nullopt;
          },
      },
      setting.content);
}

}  // namespace

std::span<const Setting> settings_table() {
  return table;
}

const Setting* find_setting(std::string_view name) {
  const auto found = std::ranges::find(table, name, &Setting::name);
  return found != table.end() ? &*found : nullptr;
}

void note_set(Settings& settings, const Setting& setting) {
  settings.refused.erase(setting.name);
  const auto* text = std::get_if<TextMember>(&setting.content);
  if (text != nullptr && !text->has_empty && (settings.*text->member).empty()) {
    settings.given.erase(setting.name);
  } else {
    settings.given.emplace(setting.name);
  }
}

std::optional<Error> set(Settings& settings, std::string_view name, std::string_view text) {
  const Setting* setting = find_setting(name);
  if (setting == nullptr) {
    std::vector<std::string> names;
    for (const Setting& known : table) names.emplace_back(known.name);
    return settings_error("There is no setting \"" + one_line(name, 80) + "\". The settings are " +
                          join(names, ", ", " and ") + ".");
  }
  const auto problem = assign(settings, *setting, text);
  if (!problem) {
    note_set(settings, *setting);
    return std::nullopt;
  }
  return settings_error(setting->name + *problem);
}

std::string text_of(const Settings& settings, const Setting& setting) {
  return std::visit(
      Overloaded{
          [&](const TextMember& text) { return settings.*text.member; },
          [&](const ChoiceMember& choice) { return settings.*choice.member; },
          [&](const NumberMember& number) { return std::to_string(settings.*number.member); },
          [&](const AmountMember& amount) { return number_text(settings.*amount.member); },
          [&](const SizeMember& size) { return std::to_string(settings.*size.member); },
          [&](const SwitchMember& content) -> std::string {
            return settings.*content.member ? "true" : "false";
          },
      },
      setting.content);
}

std::string Settings::model_word() const {
  return model == unset_word ? "" : model;
}

std::string Settings::aspect_ratio_word() const {
  return aspect_ratio == unset_word ? "" : aspect_ratio;
}

std::string Settings::sheet_route_word() const {
  const bool is_own = is_set("sheet-route") || sheet_route != Settings().sheet_route;
  if (is_own) return sheet_route;
  const api::Dialect* known = api::find_dialect(dialect);
  return (known != nullptr ? *known : api::seed_dialect).sheet_route;
}

}  // namespace genpro
