// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/library.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "assets/ingredient.h"
#include "base/text.h"
#include "base/threads/runtime.h"
#include "cli/ledger/file.h"
#include "job/identity.h"
#include "job/preparation.h"
#include "settings/job_settings.h"
#include "settings/profile.h"
#include "settings/table.h"
#include "settings/uri.h"

namespace genpro::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".genpro";
// Of Identity::data: the cell and its columns decide nothing.
constexpr const char* nothing_is_left = "-";

HttpError unusable(const std::string& text) {
  return {422, text};
}

Settings completed(Settings settings) {
  if (const auto error = complete(settings)) throw unusable(error->message);
  return settings;
}

// Changes with what the ingredients hold, which the recipe itself does not tell.
std::string stamps_of(const Settings& settings) {
  std::string text;
  const auto ingredients = assets::parse_ingredients(settings.ingredients);
  if (!ingredients) return text;
  for (const assets::Ingredient& ingredient : *ingredients) {
    struct stat status {};
    if (ingredient.path.empty() || stat(ingredient.path.c_str(), &status) != 0) continue;
    text += " " + std::to_string(status.st_size) + "/" + std::to_string(status.st_mtim.tv_sec) +
            "." + std::to_string(status.st_mtim.tv_nsec);
  }
  return text;
}

// What is asked for, with what its files hold in place of their ids.
std::optional<api::GenerationRequest> contents_of(const job::JobSettings& settings) {
  const auto* request = std::get_if<api::GenerationRequest>(&settings.subject);
  if (request == nullptr || !settings.ingredients) {
    return request != nullptr ? std::optional(*request) : std::nullopt;
  }
  // The service alone knows of what kind an id is.
  const auto& [unused, list, prompt] = *settings.ingredients;
  const bool has_ids = !std::ranges::all_of(list, &std::string::empty, &assets::Ingredient::id);
  if (has_ids && prompt.has_references()) return std::nullopt;
  struct Reading {
    Reading(Runtime& runtime, job::JobSettings own)
        : settings(std::move(own)), preparation(runtime, settings, [](const std::string&) {}) {}
    const job::JobSettings settings;
    job::Preparation preparation;
  };
  using Contents = Result<job::Preparation::Contents>;
  auto contents = run_to_end<Contents>([&](Runtime& runtime, std::function<void(Contents)> done) {
    auto reading = std::make_unique<Reading>(runtime, settings);
    reading->preparation.read(std::move(done));
    return reading;
  });
  if (!contents) return std::nullopt;
  return std::move(contents->by_contents);
}

}  // namespace

Library::Library(Settings common, std::string folder)
    : common_(std::move(common)),
      folder_(folder.empty() ? folder
                             : take_string(g_canonicalize_filename(folder.c_str(), nullptr))) {
  std::error_code failure;
  if (!folder_.empty()) fs::directory_iterator(folder_, failure);
  if (failure) {
    throw std::runtime_error("The folder of recipes, " + one_line(folder_, 200) +
                             ", cannot be read: " + failure.message() + ". Name another one.");
  }
}

std::vector<std::string> Library::recipes() const {
  std::vector<std::string> names;
  if (folder_.empty()) return names;
  std::error_code failure;
  for (auto at = fs::directory_iterator(folder_, failure);
       !failure && at != fs::directory_iterator(); at.increment(failure)) {
    std::string name = at->path().filename().string();
    std::error_code unreadable;
    const bool is_recipe = name.ends_with(suffix) && !name.starts_with('.') && is_utf8(name) &&
                           at->is_regular_file(unreadable);
    if (is_recipe) names.push_back(name.substr(0, name.size() - suffix.size()));
  }
  std::ranges::sort(names);
  return names;
}

Wanted Library::recipe(const std::string& name) const {
  const auto names = recipes();
  // A name that is not listed is none, whatever file it may lead to.
  if (std::ranges::find(names, name) == names.end()) {
    throw HttpError(404, "There is no recipe \"" + one_line(name, 80) + "\".");
  }
  const std::string path = folder_ + "/" + name + std::string(suffix);
  auto read =
      apply_uri(common_, "genpro://" + take_string(g_uri_escape_string(path.c_str(), "/", FALSE)));
  if (!read) throw unusable(read.error().message);
  Settings& settings = *read;
  // One clip, however often it is opened, and whoever leaves.
  set(settings, "reuse", "completed");
  set(settings, "on-shutdown", "detach");
  settings.pays_once = true;
  settings = completed(std::move(settings));
  if (settings.ledger.empty() && settings.generation_id.empty()) {
    throw unusable(
        "ledger is empty, and without one a clip would be charged again each time it is made. Set "
        "ledger to a file.");
  }
  const auto uri = make_uri(settings);
  if (!uri) throw unusable("The recipe \"" + one_line(name, 80) + "\" has no prompt.");
  return {"recipe " + name + " " + *uri + stamps_of(settings), settings};
}

std::string Library::ledger() const {
  std::string path = completed(common_).ledger;
  if (path.empty())
    throw HttpError(404, "ledger is empty, so that there is nothing to be counted.");
  return path;
}

std::vector<ledger::Entry> Library::generations() const {
  std::vector<ledger::Entry> entries;
  const Settings settings = completed(common_);
  const std::string service = ledger::service_of(effective_base_url(settings));
  const auto ledger = settings.ledger.empty() ? nullptr : open_ledger(settings.ledger);
  if (!ledger) return entries;
  std::set<std::string> ids;
  for (ledger::Entry& entry : need(ledger->list({}))) {
    const bool is_finished = std::holds_alternative<payment::Completed>(entry.state) ||
                             std::holds_alternative<payment::Delivered>(entry.state);
    const bool is_here = ledger::service_of(entry.identity.base_url) == service;
    if (!is_finished || !is_here) continue;
    if (ids.insert(payment::generation_id(entry.state)).second) entries.push_back(std::move(entry));
  }
  return entries;
}

std::string Library::made_for(const Wanted& recipe, const std::vector<ledger::Entry>& entries) {
  if (!recipe.settings.generation_id.empty()) return recipe.settings.generation_id;
  const auto settings = make_job_settings(recipe.settings);
  const auto request = settings ? contents_of(*settings) : std::nullopt;
  if (!request) return "";
  const auto identity = job::identify(settings->access, *request, nothing_is_left);
  // As the ledger chooses: first what was not delivered, then what was delivered last.
  const auto place = [](const ledger::Entry& entry) {
    return std::tuple(entry.delivered_at == 0, entry.delivered_at, entry.id);
  };
  const ledger::Entry* made = nullptr;
  for (const ledger::Entry& entry : entries) {
    const auto data = ledger::compare_data(entry.identity.data, identity.data);
    if (entry.identity.fingerprint != identity.fingerprint ||
        !payment::can_serve(entry.state, payment::Reuse::completed, data, false)) {
      continue;
    }
    if (made == nullptr || place(*made) < place(entry)) made = &entry;
  }
  const bool is_certain = made != nullptr && made->identity.data == nothing_is_left;
  return is_certain ? payment::generation_id(made->state) : "";
}

Wanted Library::generation(const std::string& id) const {
  Settings settings = completed(common_);
  const std::string service = ledger::service_of(effective_base_url(settings));
  const auto ledger =
      is_id(id) && !settings.ledger.empty() ? open_ledger(settings.ledger) : nullptr;
  const auto entries = ledger ? need(ledger->find_generation(id)) : std::vector<ledger::Entry>();
  const bool is_known = std::ranges::any_of(entries, [&](const ledger::Entry& entry) {
    return ledger::service_of(entry.identity.base_url) == service;
  });
  if (!is_known) {
    throw HttpError(404, "The ledger has no generation \"" + one_line(id, 80) + "\".");
  }
  set(settings, "generation-id", id);
  return {"generation " + id, std::move(settings)};
}

}  // namespace genpro::cli
