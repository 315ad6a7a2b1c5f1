// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/clip/setting_options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include "api/key.h"
#include "api/request.h"
#include "assets/ingredient.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include "settings/profile.h"
#include "settings/table.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> usual_settings = {
    "prompt",  "model",    "aspect-ratio", "duration",     "sheet-id",
    "cell-id", "agent-id", "profile",      "api-key-file",
};

bool is_secret(const Setting& setting) {
  const auto* text = std::get_if<TextMember>(&setting.content);
  return text != nullptr && text->is_secret;
}

// `ledger` is an option of all commands.
bool is_option(const Setting& setting, std::initializer_list<std::string_view> without) {
  const std::string_view name = setting.name;
  return !is_secret(setting) && name != "ledger" &&
         std::ranges::find(without, name) == without.end();
}

// "Blurb (default: 5)" is "Blurb (5)" here, and "Blurb" without a default.
std::string help_of(const Setting& setting) {
  constexpr std::string_view mark = " (default: ";
  std::string text = setting.blurb;
  const std::size_t at = text.rfind(mark);
  if (at == std::string::npos) return text;
  const std::string value = text.substr(at + mark.size(), text.size() - at - mark.size() - 1);
  return text.substr(0, at) + (value == "none" ? "" : " (" + value + ")");
}

std::vector<std::string> words_of(const ChoiceMember& choice) {
  std::vector<std::string> words;
  for (const Choice& one : choice.choices) words.emplace_back(one.word);
  return words;
}

// Those that are known; others are taken as well.
std::vector<std::string> model_words() {
  std::vector<std::string> words{"default"};
  for (const auto& model : catalogue::models()) words.emplace_back(model.name);
  return words;
}

void add(Options& options, const Setting& setting) {
  const std::string_view name = setting.name;
  const std::string help = help_of(setting);
  if (name == "model") {
    options.add_choice(setting.name, model_words(), help);
  } else if (const auto* choice = std::get_if<ChoiceMember>(&setting.content)) {
    options.add_choice(setting.name, words_of(*choice), help);
  } else if (std::holds_alternative<SwitchMember>(setting.content)) {
    options.add_flag(setting.name, help);
  } else if (!std::holds_alternative<TextMember>(setting.content)) {
    options.add_text(setting.name, "N", help);
  } else if (name.ends_with("-file")) {
    options.add_file(setting.name, "FILE", help);
  } else {
    options.add_text(setting.name, "TEXT", help);
  }
}

}  // namespace

void add_settings(Options& options, std::initializer_list<std::string_view> without) {
  options.add_list("ingredient", "ITEM",
                   "File or id of an ingredient; may be given several times, in order");
  for (const bool is_usual : {true, false}) {
    for (const Setting& setting : settings_table()) {
      const bool is_one =
          std::ranges::find(usual_settings, std::string_view(setting.name)) != usual_settings.end();
      if (is_one == is_usual && is_option(setting, without)) add(options, setting);
    }
    if (!is_usual) return;
    options.add_ledger();
    options.begin_rare();
  }
}

Settings read_given_settings(const Options& options, const Globals& globals,
                             bool has_own_max_cost) {
  Settings settings;
  const auto assign = [&](const char* name, const std::string& text) {
    if (const auto error = set(settings, name, text)) {
      throw UsageError(options.program(), "--" + error->message);
    }
  };
  for (const Setting& setting : settings_table()) {
    if (!is_option(setting, {}) || !options.has(setting.name)) continue;
    if (!options.is_given(setting.name)) continue;
    if (has_own_max_cost && setting.name == std::string_view("max-cost")) continue;
    const bool is_switch = std::holds_alternative<SwitchMember>(setting.content);
    assign(setting.name, is_switch ? "true" : *options.value(setting.name));
  }
  if (options.has("ledger") && (options.is_given("ledger") || globals.ledger)) {
    assign("ledger", ledger_path(options, globals));
  }
  const auto ingredients =
      options.has("ingredient") ? options.values("ingredient") : std::vector<std::string>();
  if (!ingredients.empty()) {
    if (settings.is_set("ingredients") || settings.is_set("asset-ids")) {
      throw UsageError(options.program(),
                       "--ingredient takes files and ids, and is not for use with --ingredients "
                       "or --asset-ids.");
    }
    set_ingredients(settings, ingredients, "");
  }
  return settings;
}

Settings read_settings(const Options& options, const Globals& globals, bool has_own_max_cost) {
  Settings settings = read_given_settings(options, globals, has_own_max_cost);
  if (const auto error = complete(settings)) throw UsageError(options.program(), error->message);
  return settings;
}

Error named_as_options(Error error) {
  const auto missing =
      std::ranges::find(error.details, "missing", [](const auto& detail) { return detail.first; });
  if (missing == error.details.end()) return error;
  std::vector<std::string> names;
  for (const std::string& name : split_list(missing->second)) {
    names.push_back(name == "api-key"       ? "--api-key-file"
                    : name == "ingredients" ? "--ingredient (or --ingredients)"
                                            : "--" + name);
  }
  error.message = join(names, ", ", " and ") +
                  (names.size() == 1 ? " is missing. Give it as an option"
                                     : " are missing. Give them as options") +
                  "; genpro init remembers ids and where the API key is, and GEN_AGENT_ID, "
                  "GEN_SHEET_ID, GEN_CELL_ID and GEN_API_KEY stand in for theirs.";
  return error;
}

void require_settings(const Settings& settings, std::initializer_list<const char*> ids) {
  std::vector<std::string> missing;
  for (const char* id : ids) {
    if (text_of(settings, *find_setting(id)).empty()) missing.emplace_back(id);
  }
  const auto key = api::find_key(settings.api_key, settings.api_key_file);
  if (key && trim(*key).empty() && settings.key_command.empty()) missing.emplace_back("api-key");
  if (!missing.empty()) throw CommandError(named_as_options(api::missing_error(missing)));
}

void set_ingredients(Settings& settings, const std::vector<std::string>& ingredients,
                     const std::string& base) {
  std::vector<std::string> entries;
  for (const std::string& ingredient : ingredients) {
    const bool is_relative = !is_id(ingredient) && !ingredient.starts_with("file://") &&
                             fs::path(ingredient).is_relative();
    entries.push_back(is_relative ? (fs::path(base) / ingredient).string() : ingredient);
  }
  settings.asset_ids.clear();
  if (const auto error = set(settings, "ingredients", assets::join_ingredients(entries))) {
    throw CommandError(*error);
  }
}

void add_named(Options& options, std::span<const std::string_view> names) {
  for (const Setting& setting : settings_table()) {
    if (std::ranges::find(names, std::string_view(setting.name)) != names.end()) {
      add(options, setting);
    }
  }
}

void add_access(Options& options, std::initializer_list<std::string_view> more) {
  constexpr std::array<std::string_view, 3> usual = {"profile", "api-base-url", "api-key-file"};
  constexpr std::array<std::string_view, 4> rare = {"proxy", "ca-file", "stall-timeout", "retries"};
  add_named(options, usual);
  add_named(options, more);
  options.begin_rare();
  add_named(options, rare);
}

}  // namespace genpro::cli
