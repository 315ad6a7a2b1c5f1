// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings/uri.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "api/dialect.h"
#include "api/key.h"
#include "assets/ingredient.h"
#include "base/text.h"
#include "base/web/url.h"
#include "settings/job_settings.h"
#include "settings/profile.h"
#include "settings/table.h"

namespace genpro {

namespace {

constexpr std::string_view generation_host = "generation";
constexpr const char* recipe_group = "genpro";
constexpr std::string_view recipe_suffix = ".genpro";
constexpr off_t largest_recipe = 1 << 20;

struct Parameter {
  std::string text;
  std::string recipe;  // the file that says so; empty: the URI itself does
};
// By name.
using Parameters = std::map<std::string, Parameter>;
using Failure = std::optional<Error>;

Error unreadable(std::string message) {
  return {.kind = ErrorKind::open_read, .message = std::move(message)};
}

std::string in_quotes(std::string_view text) {
  return "\"" + one_line(text, 80) + "\"";
}

// Nothing where the encoding is broken, or what it stands for is no text.
std::optional<std::string> decoded(std::string_view text) {
  const GCharPtr result(
      g_uri_unescape_segment(text.data(), text.data() + text.size(), /*illegal_characters=*/""));
  if (!result || !is_utf8(result.get())) return std::nullopt;
  return result.get();
}

// ---- Where ----

Failure read_place(const std::string& host, std::string_view path, Parameters& parameters) {
  const auto id = decoded(path.substr(std::min<std::size_t>(1, path.size())));
  if (!is_id(host) || !id || !is_id(*id)) {
    return settings_error(
        "The URI names no generation (genpro://generation/ID), cell (genpro://SHEET/CELL) "
        "or recipe (genpro:///FOLDER/NAME.genpro): \"" +
        one_line(host + std::string(path), 80) + "\".");
  }
  if (host == generation_host) {
    parameters["generation-id"] = {*id, {}};
  } else {
    parameters["sheet-id"] = {host, {}};
    parameters["cell-id"] = {*id, {}};
  }
  return std::nullopt;
}

// As assets::parse_ingredients() reads it, with names relative to `folder`.
Result<std::string> resolved_ingredients(const std::string& list, const std::string& folder) {
  const auto ingredients = assets::parse_ingredients(list, folder.c_str());
  if (!ingredients) return ingredients.error();
  std::vector<std::string> entries;
  for (const auto& [path, id] : *ingredients) entries.push_back(path.empty() ? id : path);
  return assets::join_ingredients(entries);
}

Result<std::string> read_value(GKeyFile* recipe, const char* name, const std::string& folder) {
  ErrorPtr error;
  if (std::string_view(name) == "ingredients") {
    // Its commas are escaped in its own way.
    const GCharPtr list(g_key_file_get_value(recipe, recipe_group, name, error.out()));
    return resolved_ingredients(list ? list.get() : "", folder);
  }
  const GCharPtr value(g_key_file_get_string(recipe, recipe_group, name, error.out()));
  if (!value || error) {
    return settings_error(std::string(name) + " is malformed: " + one_line(error.message()));
  }
  return std::string(value.get());
}

Failure read_recipe(std::string_view path, Parameters& parameters) {
  const auto file = decoded(path);
  if (!file || !file->ends_with(recipe_suffix)) {
    return settings_error(
        "The URI's recipe is " + in_quotes(path) +
        ", whose name has to end in .genpro. A cell is written genpro://SHEET/CELL.");
  }
  const std::string recipe = "The recipe " + in_quotes(*file);
  struct stat status {};
  // Not to wait for a pipe or a device.
  if (stat(file->c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return unreadable(recipe + " is no file that can be read. Check its name.");
  }
  if (status.st_size > largest_recipe) return settings_error(recipe + " is larger than 1 MiB.");
  const Owned<GKeyFile, g_key_file_unref> keys(g_key_file_new());
  ErrorPtr error;
  if (!g_key_file_load_from_file(keys.get(), file->c_str(), G_KEY_FILE_NONE, error.out())) {
    const std::string reason = recipe + " cannot be read: " + one_line(error.message());
    if (error->domain == G_FILE_ERROR) return unreadable(reason + ". Check who may read it.");
    return settings_error(reason + ". It is a key file with a group [genpro].");
  }
  const StrvPtr groups(g_key_file_get_groups(keys.get(), nullptr));
  for (char** group = groups.get(); *group != nullptr; ++group) {
    if (std::string_view(*group) != recipe_group) {
      return settings_error(recipe + " has a group " + in_quotes(*group) +
                            ", and [genpro] is all it may have.");
    }
  }
  const StrvPtr names(g_key_file_get_keys(keys.get(), recipe_group, nullptr, nullptr));
  if (!names) {
    return settings_error(recipe + " has no group [genpro]. Write that line above its settings.");
  }
  const std::string folder = take_string(g_path_get_dirname(file->c_str()));
  for (char** name = names.get(); *name != nullptr; ++name) {
    auto value = read_value(keys.get(), *name, folder);
    if (!value) return settings_error(recipe + ": " + value.error().message);
    parameters[*name] = {std::move(*value), *file};
  }
  return std::nullopt;
}

// ---- What ----

Failure read_query(std::string_view query, Parameters& parameters) {
  for (const std::string_view part : split(query, '&')) {
    const std::size_t sign = part.find('=');
    const auto name = decoded(part.substr(0, sign));
    if (!name || sign == std::string_view::npos) {
      return settings_error("The URI's parameter " + in_quotes(part.substr(0, sign)) +
                            " is malformed. Write NAME=VALUE, and %26 for an & in a value.");
    }
    auto value = decoded(part.substr(sign + 1));
    if (!value) {
      return settings_error("The value of the URI's parameter " + in_quotes(*name) +
                            " is not percent-encoded UTF-8. Write %25 for a %.");
    }
    if (!parameters.emplace(*name, Parameter{std::move(*value), {}}).second) {
      return settings_error("The URI has the parameter " + in_quotes(*name) + " twice.");
    }
  }
  return std::nullopt;
}

Result<Parameters> read_uri(const std::string& text) {
  constexpr auto flags = static_cast<GUriFlags>(G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED);
  ErrorPtr error;
  const UriPtr uri(g_uri_parse(text.c_str(), flags, error.out()));
  if (!uri) return settings_error("The URI is malformed: " + one_line(error.message()));
  if (g_uri_get_userinfo(uri.get()) != nullptr || g_uri_get_port(uri.get()) >= 0) {
    return settings_error(
        "A genpro URI has no user, password or port. The key is set by the property "
        "api-key-file, or by GEN_API_KEY.");
  }
  if (g_uri_get_fragment(uri.get()) != nullptr) {
    return settings_error("The URI has a #. Write %23 for one in a value.");
  }
  Parameters query;
  if (const char* written = g_uri_get_query(uri.get()); written != nullptr && *written != '\0') {
    if (auto failure = read_query(written, query)) return *std::move(failure);
  }

  const char* host = g_uri_get_host(uri.get());
  const char* path = g_uri_get_path(uri.get());
  const bool has_host = host != nullptr && *host != '\0';
  const bool is_recipe = !has_host && !std::string_view("/").starts_with(path);
  Parameters parameters;
  Failure failure;
  if (is_recipe) failure = read_recipe(path, parameters);
  if (has_host) failure = read_place(host, path, parameters);
  if (failure) return *std::move(failure);
  for (auto& [name, value] : query) {
    if (!is_recipe && parameters.contains(name)) {
      return settings_error("The URI has " + in_quotes(name) + " in its path already.");
    }
    parameters[name] = std::move(value);
  }
  return parameters;
}

// ---- Settings ----

bool is_secret(const Setting& setting) {
  const auto* text = std::get_if<TextMember>(&setting.content);
  return text != nullptr && text->is_secret;
}

// A URI may come from anywhere. What decides where the key is and who can read it, which files are
// written, and what may be spent, is said by the user of this machine.
bool is_for_user(std::string_view name) {
  constexpr std::string_view names[] = {
      "api-key-command",  "api-key-file",           "archive", "ca-file",
      "daily-cost-limit", "daily-generation-limit", "ledger",  "proxy"};
  return std::ranges::find(names, name) != std::end(names);
}

// The beginning of a sentence about what the parameter says.
std::string place_of(const Parameter& parameter) {
  return parameter.recipe.empty() ? "In the URI, "
                                  : "In the recipe " + in_quotes(parameter.recipe) + ", ";
}

// `base` is where the key would go: the service's own origin, or the one that has been set without
// the URI. `place`: of what leads there.
Failure check_origin(Settings without_uri, const std::string& base, const std::string& place) {
  const auto named = parse_url(base);
  if (!named) {
    return settings_error(place + "api-base-url is no address of an API: " + named.error() + ".");
  }
  if (auto failure = complete(without_uri)) return failure;
  for (const std::string& known :
       {effective_base_url(without_uri), std::string(api::default_base_url)}) {
    const auto url = parse_url(known);
    if (url && url->origin() == named->origin()) return std::nullopt;
  }
  return settings_error(place + "api-base-url is at " + one_line(named->origin(), 80) +
                        ", and the key would be sent there. Set the property, GEN_API_BASE_URL, or "
                        "api-base-url in a profile of the configuration.");
}

// Beside those of profiles.
bool has_key(const Settings& settings) {
  const char* variable = g_getenv("GEN_API_KEY");
  return settings.is_set("api-key") || settings.is_set("api-key-file") ||
         (variable != nullptr && *variable != '\0');
}

Failure set_parameter(Settings& settings, const std::string& name, const Parameter& parameter) {
  const bool is_of_uri = parameter.recipe.empty();
  const std::string what = is_of_uri ? "The URI's parameter " + in_quotes(name)
                                     : "The setting " + in_quotes(name) + " of the recipe " +
                                           in_quotes(parameter.recipe);
  if (is_for_user(name)) {
    return settings_error(what + " is not for a " + (is_of_uri ? "URI" : "recipe") +
                          " to set, which may come from anywhere. Set the property, or write it "
                          "into a profile of the configuration.");
  }
  const Setting* setting = find_setting(name);
  if (setting == nullptr) {
    return settings_error(what + " is unknown. Its " + (is_of_uri ? "parameters" : "settings") +
                          " are properties of genprosrc, which gst-inspect-1.0 genprosrc lists.");
  }
  if (is_secret(*setting)) {
    return settings_error(what + " is a secret, and " + (is_of_uri ? "URIs" : "recipes") +
                          " are shown and kept. Set the property, api-key-file, or GEN_API_KEY.");
  }
  if (auto failure = set(settings, name, parameter.text)) {
    failure->message = place_of(parameter) + failure->message;
    return failure;
  }
  return std::nullopt;
}

// Whoever set a limit did so for all that is asked for here: a profile has others in mind, and a
// max-cost only lowers what holds without it.
Failure keep_limits(Settings& settings, const Settings& without_uri) {
  Settings before = without_uri;
  Settings named = without_uri;
  named.profile = settings.profile;
  Settings after = settings;
  for (Settings* one : {&before, &named, &after}) {
    if (auto failure = complete(*one)) return failure;
  }
  const auto keep = [&](const char* name, auto member) -> Failure {
    for (const auto limit : {before.*member, named.*member}) {
      const bool is_looser = after.*member <= 0 || after.*member > limit;
      if (limit <= 0 || !is_looser) continue;
      after.*member = limit;
      if (auto failure = set(settings, name, number_text(limit))) return failure;
    }
    return std::nullopt;
  };
  if (auto failure = keep("daily-generation-limit", &Settings::daily_generation_limit)) {
    return failure;
  }
  if (auto failure = keep("daily-cost-limit", &Settings::daily_cost_limit)) return failure;
  return keep("max-cost", &Settings::max_cost);
}

void imply(Settings& settings) {
  set(settings, "reuse", "completed");
  set(settings, "on-shutdown", "detach");
}

}  // namespace

Result<Settings> apply_uri(Settings settings, const std::string& uri) {
  const auto parameters = read_uri(uri);
  if (!parameters) return parameters.error();
  Settings without_uri = settings;
  imply(settings);
  for (const auto& [name, parameter] : *parameters) {
    if (auto failure = set_parameter(settings, name, parameter)) return *std::move(failure);
  }
  if (parameters->contains("profile") || parameters->contains("max-cost")) {
    if (auto failure = keep_limits(settings, without_uri)) return *std::move(failure);
  }
  if (parameters->contains("api-base-url") || parameters->contains("profile")) {
    // A profile's own key is for where the profile says.
    if (!has_key(without_uri)) without_uri.profile = settings.profile;
    Settings with_uri = settings;
    if (auto failure = complete(with_uri)) return *std::move(failure);
    const auto leading = parameters->contains("api-base-url") ? parameters->find("api-base-url")
                                                              : parameters->find("profile");
    if (auto failure = check_origin(std::move(without_uri), effective_base_url(with_uri),
                                    place_of(leading->second))) {
      return *std::move(failure);
    }
  }
  return settings;
}

namespace {

// Whether there is more than defaults: a prompt, where the type takes one, else its ingredients; a
// render takes neither.
bool says_what(const Settings& settings) {
  const api::Dialect* dialect = api::find_dialect(settings.dialect);
  const auto type = api::find_type(settings.generation_type);
  const api::Form* form = dialect != nullptr && type ? dialect->form_of(*type) : nullptr;
  if (form == nullptr || form->has("prompt")) {
    return !settings.prompt.empty() || !settings.prompt_var.empty();
  }
  return !form->has("ingredients") || !settings.ingredients.empty() ||
         !settings.asset_ids.empty() || !settings.content_resource_vars.empty();
}

}  // namespace

std::optional<std::string> make_uri(const Settings& settings) {
  const bool is_attached = !settings.generation_id.empty();
  if (!is_attached && !says_what(settings)) return std::nullopt;
  const std::string host = is_attached ? std::string(generation_host) : settings.sheet_id;
  const std::string& id = is_attached ? settings.generation_id : settings.cell_id;
  const bool has_place = is_id(host) && is_id(id) && is_attached == (host == generation_host);
  Settings implied;
  imply(implied);
  std::string uri = std::string(uri_protocol) + "://";
  uri += has_place ? host + "/" + id : "/";
  char sign = '?';
  for (const Setting& setting : settings_table()) {
    const std::string_view name = setting.name;
    const bool is_in_path = has_place && (is_attached ? name == "generation-id"
                                                      : name == "sheet-id" || name == "cell-id");
    if (is_in_path || is_secret(setting) || is_for_user(name)) continue;
    const std::string text = text_of(settings, setting);
    if (text == text_of(implied, setting)) continue;
    uri += std::exchange(sign, '&') + std::string(name) + "=" +
           take_string(g_uri_escape_string(text.c_str(), ",:/", FALSE));
  }
  return uri;
}

}  // namespace genpro
