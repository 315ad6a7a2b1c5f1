// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/preparation.h"

#include <utility>

#include "assets/uploads.h"
#include "base/text.h"

namespace genpro::job {

namespace {

using assets::File;
using assets::Ingredient;

// Stands for a file in the request until the file's id is known.
std::string stand_in(const std::string& sha256) {
  return "sha256-" + sha256;
}

std::string amount(std::uint64_t bytes) {
  return take_string(g_format_size(bytes));
}

// The ids of all ingredients, once each of the files is a content resource.
Result<std::vector<std::string>> upload_files(const assets::UploaderSettings& settings,
                                              const std::vector<File>& files,
                                              const std::vector<Ingredient>& list,
                                              const std::function<void(std::string)>& tell,
                                              const std::stop_token& stopped) {
  std::vector<std::string> ids;
  std::vector<File> to_upload;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < list.size(); ++i) {
    ids.push_back(list[i].id);
    if (list[i].path.empty()) continue;
    to_upload.push_back(files[i]);
    places.push_back(i);
  }
  const std::string what = places.size() == 1 ? assets::name_of(list[places.front()])
                                              : std::to_string(places.size()) + " files";
  const assets::UploadsTold told{
      .progress =
          [&](std::uint64_t done, std::uint64_t all) {
            tell("Uploading " + what + ": " + std::to_string(done * 100 / all) + " % of " +
                 amount(all));
          },
      .done =
          [&](std::size_t file, const std::string& id, bool is_new) {
            tell(assets::name_of(list[places[file]]) + " is content resource " + id +
                 (is_new ? "" : ", which was uploaded before"));
          }};
  const assets::Uploads uploads =
      assets::upload_all(settings, to_upload, assets::OnFailure::stop_others, told, stopped);
  if (uploads.failed) return uploads.ids[*uploads.failed].error();
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!uploads.ids[i]) return uploads.ids[i].error();
    ids[places[i]] = *uploads.ids[i];
  }
  return ids;
}

}  // namespace

Preparation::Preparation(Runtime& runtime, const JobSettings& settings, Tell tell)
    : runtime_(runtime),
      settings_(settings),
      ingredients_(*settings.ingredients),
      tell_(std::move(tell)),
      ledger_(runtime, settings.ledger),
      uploader_(std::make_shared<assets::Uploader>(uploader_settings())),
      types_(ingredients_.list.size()),
      digests_(ingredients_.list.size()),
      files_(ingredients_.list.size()) {}

assets::UploaderSettings Preparation::uploader_settings() const {
  return {settings_.access, ingredients_.request.agent_id, settings_.ledger, settings_.silence,
          settings_.retries};
}

void Preparation::read(ReadDone done) {
  read_done_ = std::move(done);
  if (ledger_.is_kept()) return look_up_ids();
  timer_.start(std::chrono::milliseconds(0), [this] { read_files(); });
}

void Preparation::look_up_ids() {
  std::vector<std::string> ids;
  for (const Ingredient& ingredient : ingredients_.list) ids.push_back(ingredient.id);
  ledger_.ask<std::vector<std::optional<ledger::Asset>>>(
      [scope = ledger::AssetScope{settings_.access.base.text, ingredients_.request.agent_id},
       ids = std::move(ids)](ledger::Ledger& ledger) { return ledger.assets_of(scope, ids); },
      [this](const Result<std::vector<std::optional<ledger::Asset>>>& assets) {
        if (!assets) return std::exchange(read_done_, nullptr)(assets.error());
        for (std::size_t i = 0; i < digests_.size(); ++i) {
          if (!(*assets)[i]) continue;
          digests_[i] = (*assets)[i]->sha256;
          types_[i] = (*assets)[i]->content_type;
        }
        read_files();
      });
}

// The files, and the types of ids where the prompt calls ingredients by their kinds.
void Preparation::read_files() {
  std::vector<std::string> paths;
  std::vector<std::size_t> places;
  std::vector<std::size_t> unknown;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (!ingredients_.list[i].path.empty()) {
      paths.push_back(ingredients_.list[i].path);
      places.push_back(i);
    } else if (ingredients_.prompt.has_references() && types_[i].empty()) {
      unknown.push_back(i);
    }
  }
  if (paths.empty() && unknown.empty()) return finish_reading();
  task_ = std::make_unique<assets::Task>(
      runtime_, [this, uploader = uploader_, paths, places, unknown, list = ingredients_.list](
                    const std::stop_token& stopped, const assets::Task::Post& post) {
        auto files = uploader->read(paths, stopped);
        std::vector<std::string> types;
        for (std::size_t i = 0; files && i < unknown.size(); ++i) {
          auto type = uploader->type_of(list[unknown[i]].id, stopped);
          if (!type) {
            files = std::move(type.error());
          } else {
            types.push_back(std::move(*type));
          }
        }
        post([this, files = std::move(files), types = std::move(types), places, unknown] {
          if (!files) return std::exchange(read_done_, nullptr)(files.error());
          for (std::size_t i = 0; i < places.size(); ++i) {
            files_[places[i]] = (*files)[i];
            types_[places[i]] = (*files)[i].content_type;
            digests_[places[i]] = (*files)[i].sha256;
          }
          for (std::size_t i = 0; i < unknown.size(); ++i) types_[unknown[i]] = types[i];
          finish_reading();
        });
      });
}

void Preparation::finish_reading() {
  std::vector<std::string> ids;
  std::vector<std::string> contents;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const Ingredient& ingredient = ingredients_.list[i];
    if (ingredient.path.empty()) ids.push_back(ingredient.id);
    contents.push_back(digests_[i].empty() ? ingredient.id : stand_in(digests_[i]));
  }
  const ReadDone done = std::exchange(read_done_, nullptr);
  auto by_contents = api::make_request(with_ids(contents));
  if (!by_contents) return done(std::move(by_contents.error()));
  uses_addresses_ = by_contents->uses_addresses();
  Contents result{std::move(*by_contents), {}};
  if (ids.size() == files_.size() && !uses_addresses_) {
    auto request = api::make_request(with_ids(std::move(ids)));
    if (!request) return done(std::move(request.error()));
    result.request = std::move(*request);
  }
  done(std::move(result));
}

api::RequestSettings Preparation::with_ids(std::vector<std::string> ids) const {
  std::vector<std::string> kinds;
  for (const std::string& type : types_) kinds.push_back(assets::kind_of(type));
  api::RequestSettings request = ingredients_.request;
  request.prompt = assets::fill(ingredients_.prompt, kinds);
  request.asset_ids = join(ids, ",");
  request.asset_kinds = std::move(kinds);
  return request;
}

void Preparation::upload(UploadDone done) {
  upload_done_ = std::move(done);
  task_ = std::make_unique<assets::Task>(
      runtime_, [this, uploader = std::move(uploader_), settings = uploader_settings(),
                 files = files_, list = ingredients_.list, uses_addresses = uses_addresses_](
                    const std::stop_token& stopped, const assets::Task::Post& post) {
        const auto tell = [this, post](std::string text) {
          post([this, text = std::move(text)] { tell_(text); });
        };
        auto ids = upload_files(settings, files, list, tell, stopped);
        std::vector<std::string> addresses;
        std::vector<std::string> types;
        for (std::size_t i = 0; ids && uses_addresses && i < list.size(); ++i) {
          auto resource = uploader->resource_of((*ids)[i], stopped);
          if (resource) {
            addresses.push_back(std::move(resource->url));
            types.push_back(std::move(resource->content_type));
          } else {
            ids = std::move(resource.error());
          }
        }
        post([this, ids = std::move(ids), addresses = std::move(addresses),
              types = std::move(types)] {
          const UploadDone finished = std::exchange(upload_done_, nullptr);
          if (!ids) return finished(ids.error());
          for (std::size_t i = 0; i < types.size(); ++i) {
            if (types_[i].empty()) types_[i] = types[i];
          }
          api::RequestSettings request = with_ids(*ids);
          request.asset_addresses = addresses;
          finished(api::make_request(request));
        });
      });
}

}  // namespace genpro::job
