// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings/job_settings.h"

#include <optional>
#include <vector>

#include "api/key.h"
#include "api/key_command.h"
#include "assets/references.h"
#include "base/text.h"

namespace genpro {

namespace {

http::Network network_of(const Settings& settings) {
  return {settings.proxy, settings.ca_file, settings.tls_interaction};
}

api::RequestSettings request_settings_of(const Settings& settings) {
  std::optional<bool> native_audio;
  if (settings.native_audio != Settings().native_audio) {
    native_audio = settings.native_audio == "on";
  }
  return {
      .dialect = settings.dialect,
      .generation_type = settings.generation_type,
      .sheet_route = settings.sheet_route_word(),
      .sheet_id = settings.sheet_id,
      .cell_id = settings.cell_id,
      .layer_id = settings.layer_id,
      .agent_id = settings.agent_id,
      .prompt = settings.prompt,
      .negative_prompt = settings.negative_prompt,
      .asset_ids = settings.asset_ids,
      .model = settings.model_word(),
      .aspect_ratio = settings.aspect_ratio_word(),
      .resolution = settings.resolution,
      .duration = settings.duration,
      .native_audio = native_audio,
      .prompt_var = settings.prompt_var,
      .content_resource_vars = settings.content_resource_vars,
      .variables = settings.variables,
      .extra_data = settings.extra_data,
      .asset_addresses = {},
      .asset_kinds = {},
  };
}

job::Reuse reuse_of(const std::string& word) {
  if (word == "never") return job::Reuse::never;
  return word == "completed" ? job::Reuse::completed : job::Reuse::in_flight;
}

// The ingredients of a request, which gets stand-ins for what is not known yet: enough to check it.
Result<std::optional<job::Ingredients>> find_ingredients(const Settings& settings,
                                                         api::RequestSettings& request) {
  if (trim(settings.ingredients).empty()) {
    return std::optional<job::Ingredients>();
  }
  if (!trim(settings.asset_ids).empty()) {
    return settings_error(
        "ingredients and asset-ids are both set. Set ingredients alone: it takes ids, too.");
  }
  auto list = assets::parse_ingredients(settings.ingredients);
  if (!list) return std::move(list.error());
  auto prompt = assets::parse_prompt(settings.prompt, *list);
  if (!prompt) return std::move(prompt.error());
  job::Ingredients ingredients{request, std::move(*list), std::move(*prompt)};
  std::vector<std::string> ids;
  for (const auto& one : ingredients.list) ids.push_back(one.id.empty() ? "file" : one.id);
  request.asset_ids = join(ids, ",");
  return std::optional(std::move(ingredients));
}

// Ids alone: what they were made of may be known.
job::Ingredients ingredients_of_ids(const api::RequestSettings& request) {
  job::Ingredients ingredients{request, {}, {.texts = {request.prompt}, .ingredients = {}}};
  for (const std::string& id : split_list(request.asset_ids)) {
    ingredients.list.push_back({.path = {}, .id = std::string(plain_id(id))});
  }
  return ingredients;
}

}  // namespace

std::string effective_base_url(const Settings& settings) {
  return settings.api_base_url.empty() ? api::base_url_from_environment() : settings.api_base_url;
}

Result<job::JobSettings> make_job_settings(const Settings& settings) {
  if (!settings.refused.empty()) {
    std::vector<std::string> problems;
    for (const auto& [name, problem] : settings.refused) problems.push_back(problem);
    return settings_error(join(problems, " "));
  }
  api::RequestSettings request_settings = request_settings_of(settings);
  const bool is_attached = !settings.generation_id.empty();
  auto ingredients = is_attached
                         ? decltype(find_ingredients(settings, request_settings))(std::nullopt)
                         : find_ingredients(settings, request_settings);
  if (!ingredients) return std::move(ingredients.error());
  const auto key = api::find_key(settings.api_key, settings.api_key_file);
  if (!key) return key.error();
  auto missing = is_attached ? std::vector<std::string>() : api::missing_settings(request_settings);
  const bool has_key = !trim(*key).empty();
  // The archive may have the clip, which needs none.
  const bool may_need_none = is_attached && !settings.archive.empty();
  if (!has_key && settings.key_command.empty() && !may_need_none) missing.emplace_back("api-key");
  if (!missing.empty()) return api::missing_error(missing);

  job::JobSettings result;
  if (is_attached) {
    if (!is_id(settings.generation_id)) {
      return settings_error("generation-id is \"" + one_line(settings.generation_id, 80) +
                            "\", which is no id. Ids have letters, digits, _ and - only.");
    }
    result.subject = settings.generation_id;
  } else {
    auto request = api::make_request(request_settings);
    if (!request) return request.error();
    result.subject = std::move(*request);
    result.ingredients = std::move(*ingredients);
    const bool has_ids = !trim(settings.asset_ids).empty();
    const bool uses_addresses = std::get<api::GenerationRequest>(result.subject).uses_addresses();
    if (!result.ingredients && has_ids && (uses_addresses || !settings.ledger.empty())) {
      result.ingredients = ingredients_of_ids(request_settings);
    }
  }
  const std::string base_url = effective_base_url(settings);
  auto access = has_key ? api::make_access(base_url, *key) : api::make_access(base_url);
  if (!access) return access.error();
  result.access = std::move(*access);
  if (!has_key) result.key_command = settings.key_command;
  result.access.network = network_of(settings);
  if (auto error = http::check_network(result.access.network)) return *std::move(error);
  result.silence = std::chrono::seconds(settings.stall_timeout);
  result.poll_interval = std::chrono::milliseconds(settings.poll_interval);
  result.generation_timeout = std::chrono::seconds(settings.generation_timeout);
  result.retries = settings.retries;
  result.ledger = settings.ledger;
  result.archive = settings.archive;
  result.reuse = reuse_of(settings.reuse);
  result.passed_over = settings.passed_over;
  result.pays_once = settings.pays_once;
  result.stops = settings.on_shutdown == "stop";
  result.asks_when_in_doubt = settings.when_in_doubt == "ask";
  result.daily_limit = settings.daily_generation_limit;
  result.max_cost = settings.max_cost;
  result.daily_cost_limit = settings.daily_cost_limit;
  const bool has_daily_limit = result.daily_limit > 0 || result.daily_cost_limit > 0;
  if (has_daily_limit && result.ledger.empty() && settings.generation_id.empty()) {
    const std::string limit =
        result.daily_limit > 0 ? "daily-generation-limit" : "daily-cost-limit";
    return settings_error(limit +
                          " is set, but ledger is empty, and without one nothing counts the "
                          "generations. Set ledger to a file, or " +
                          limit + " to 0.");
  }
  return result;
}

Result<api::Access> make_access(const Settings& settings) {
  auto key = api::find_key(settings.api_key, settings.api_key_file);
  if (key && trim(*key).empty() && !settings.key_command.empty()) {
    key = api::run_key_command(settings.key_command);
  }
  if (!key) return key.error();
  if (trim(*key).empty()) return api::missing_error({"api-key"});
  auto access = api::make_access(effective_base_url(settings), *key);
  if (!access) return access;
  access->network = network_of(settings);
  if (auto error = http::check_network(access->network)) return *std::move(error);
  return access;
}

clip::ReaderSettings make_reader_settings(const Settings& settings, job::FinishedClip clip,
                                          std::size_t read_size) {
  clip::ReaderSettings result;
  result.url = std::move(clip.address);
  result.file = std::move(clip.file);
  result.archive = std::move(clip.archive);
  result.network = network_of(settings);
  result.stall_timeout = std::chrono::seconds(settings.stall_timeout);
  result.retries = settings.retries;
  result.max_size = settings.max_clip_size;
  result.read_size = read_size;
  return result;
}

}  // namespace genpro
