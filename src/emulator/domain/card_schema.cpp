// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/domain/card_schema.h"

#include <algorithm>

#include "catalogue/catalogue.h"
#include "emulator/domain/pricing.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

class CardSchema {
 public:
  CardSchema(JsonWriter& json, Kind kind, const std::vector<std::string>& names)
      : json_(json), kind_(kind), names_(names) {
    for (const auto& name : names) {
      if (const auto* model = catalogue::find_model(name, false)) models_.push_back(model);
    }
  }

  void write(bool is_draft) {
    json_.begin_object().key("type").string("object").key("additionalProperties").boolean(false);
    json_.key("properties").begin_object();
    if (kind_ == Kind::lipsync) {
      add_choice("lipSyncModel", names_);
      add_type("video", "object");
      add_type("audio", "object");
    } else {
      add_video();
    }
    json_.end_object();
    if (!is_draft) add_required();
    json_.end_object();
  }

 private:
  void add_video() {
    add_choice("model", names_);
    add_type("prompt", "object");
    if (kind_ == Kind::ingredients) add_images();
    if (kind_ == Kind::image) add_type("image", "object");
    if (kind_ == Kind::image && any(&catalogue::Model::has_last_frame)) {
      add_type("imageTail", "object");
    }
    const char letter = letter_of(kind_);
    add_choice("ratio",
               words([letter](const catalogue::Model& one) { return one.ratios_for(letter); }));
    add_duration();
    add_choice("outputResolution",
               words([](const catalogue::Model& one) { return one.resolutions; }));
    add_type("nativeAudio", "boolean");
  }

  void add_type(const char* name, const char* type) {
    json_.key(name).begin_object().key("type").string(type).end_object();
  }

  void add_choice(const char* name, const std::vector<std::string>& choices) {
    if (choices.empty()) return;
    json_.key(name).begin_object().key("type").string("string").key("enum").begin_array();
    for (const auto& choice : choices) json_.string(choice);
    json_.end_array().end_object();
  }

  void add_images() {
    unsigned most = 0;
    for (const auto* model : models_) most = std::max(most, model->images);
    json_.key("images").begin_object().key("type").string("array").key("minItems").integer(1);
    if (most > 0) json_.key("maxItems").integer(most);
    json_.end_object();
  }

  // As numbers where they are few, else by their bounds.
  void add_duration() {
    const char letter = letter_of(kind_);
    const auto lists =
        words([letter](const catalogue::Model& one) { return one.seconds_for(letter); });
    if (lists.empty()) return;
    json_.key("duration").begin_object().key("type").string("integer");
    const bool has_range = std::any_of(lists.begin(), lists.end(), [](const std::string& list) {
      return list.find('-') != std::string::npos;
    });
    if (has_range) {
      auto all = catalogue::bounds_of(lists.front());
      for (const auto& list : lists) {
        const auto bounds = catalogue::bounds_of(list);
        all = {std::min(all.least, bounds.least), std::max(all.most, bounds.most)};
      }
      json_.key("minimum").integer(all.least).key("maximum").integer(all.most);
    } else {
      json_.key("enum").begin_array();
      for (const auto& word : lists) json_.integer(parse_digits(word).value_or(0));
      json_.end_array();
    }
    json_.end_object();
  }

  void add_required() {
    json_.key("required").begin_array();
    if (kind_ == Kind::lipsync) {
      json_.string("video").string("audio");
    } else {
      json_.string("model").string("prompt");
      const bool needs_image = !any(&catalogue::Model::images_are_optional);
      if (kind_ == Kind::ingredients && needs_image) json_.string("images");
      if (kind_ == Kind::image && needs_image) json_.string("image");
    }
    json_.end_array();
  }

  bool any(bool catalogue::Model::*flag) const {
    return std::any_of(models_.begin(), models_.end(), [&](const auto* one) { return one->*flag; });
  }

  // Of all models, each once.
  template <typename ListOf>
  std::vector<std::string> words(ListOf list_of) const {
    std::vector<std::string> all;
    for (const auto* model : models_) {
      for (const auto& word : split(list_of(*model), ' ')) {
        const std::string text(word);
        if (!text.empty() && std::find(all.begin(), all.end(), text) == all.end()) {
          all.push_back(text);
        }
      }
    }
    return all;
  }

  JsonWriter& json_;
  const Kind kind_;
  const std::vector<std::string>& names_;
  std::vector<const catalogue::Model*> models_;
};

}  // namespace

void write_card_schemas(JsonWriter& json, Kind kind, const std::vector<std::string>& models) {
  CardSchema schema(json, kind, models);
  json.key("draft_schema");
  schema.write(true);
  json.key("generation_schema");
  schema.write(false);
  json.key("modes").begin_array().string("manual").end_array();
}

}  // namespace genpro::emulator
