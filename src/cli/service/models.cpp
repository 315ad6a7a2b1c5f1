// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "api/key.h"
#include "api/prices/offer_client.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/members.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/service/ask.h"
#include "cli/table.h"

namespace genpro::cli {

namespace {

using catalogue::Model;

constexpr unsigned longest_wait = 5;  // seconds, for an answer that may be missing

constexpr std::array<std::pair<const char*, char>, 3> types = {{
    {"video_from_ingredients", 'G'},
    {"video_from_text", 'T'},
    {"video_from_image", 'I'},
}};

std::string dialects_of(const Model& model) {
  return model.of_seed ? "seed" : "vidsheet, actions";
}

std::string types_of(const Model& model) {
  std::vector<std::string> words;
  for (const auto& [word, letter] : types) {
    // "video_from_text" is "text" here.
    if (model.makes(letter)) words.emplace_back(word + std::string_view("video_from_").size());
  }
  return join(words);
}

std::string or_dash(std::string_view text) {
  return text.empty() ? "-" : std::string(text);
}

// `letter`: the type alone that is asked about; 0: all.
std::string_view seconds_of(const Model& model, char letter) {
  return letter == 0 ? model.seconds : model.seconds_for(letter);
}

std::string_view ratios_of(const Model& model, char letter) {
  return letter == 0 ? model.ratios : model.ratios_for(letter);
}

api::JsonNodePtr document_of(const Model& model, char letter) {
  Members document;
  document.set("model", std::string(model.name));
  document.set("dialects", dialects_of(model));
  document.set("types", types_of(model));
  document.set_or_null("aspect_ratios", std::string(ratios_of(model, letter)));
  document.set_or_null("seconds", std::string(seconds_of(model, letter)));
  document.set_or_null("resolutions", std::string(model.resolutions));
  document.set("images", static_cast<std::int64_t>(model.images));
  document.set("last_frame", model.has_last_frame);
  return document.take();
}

// The service's names for what it makes.
constexpr std::array<std::pair<const char*, char>, 3> cards = {{
    {"video-from-ingredients", 'G'},
    {"video-from-text", 'T'},
    {"video-from-image", 'I'},
}};

std::vector<std::string> words_of(std::string_view words) {
  std::vector<std::string> list;
  for (const std::string_view word : split(words, ' ')) list.emplace_back(word);
  return list;
}

std::string other_text(const catalogue::OtherType& type) {
  const std::string where = join(words_of(type.dialects));
  if (type.models.empty()) {
    return std::string(type.type) + " takes no model, in dialect " + where + ".\n";
  }
  return std::string(type.type) + " takes the model " + join(words_of(type.models)) +
         ", in dialect " + where + ".\n";
}

api::JsonNodePtr other_document(const catalogue::OtherType& type) {
  api::JsonArrayPtr array(json_array_new());
  for (const std::string& name :
       type.models.empty() ? std::vector<std::string>() : words_of(type.models)) {
    Members document;
    document.set("model", name);
    document.set("dialects", join(words_of(type.dialects)));
    document.set("types", std::string(type.type));
    json_array_add_element(array.get(), document.take().release());
  }
  return api::to_node(std::move(array));
}

// Asked once: the table is there without it. Why there is no answer is told.
template <typename T>
Answered<T> answer_to(const Service& service, const Question<api::OfferClient, T>& question) {
  auto answer = ask_once<api::OfferClient, T>(service, question);
  if (!answer) tell("The service does not tell: " + answer.error().error.message);
  return answer;
}

// Without a connection, or with a key that is refused, the next question fails just as well.
bool is_worth_another(const api::Failure& failure) {
  const unsigned status = failure.error.http_status;
  return status != 0 && status != 401 && status != 403;
}

void tell_prices(const Service& service) {
  const auto prices = answer_to<std::vector<api::Price>>(
      service, [](api::OfferClient& client, auto done) { client.get_prices(std::move(done)); });
  if (!prices) return;
  std::vector<std::string> costs;
  for (const api::Price& price : *prices) {
    std::string cost = one_line(price.model, 60) + " " + number_text(price.credits);
    if (!price.unit.empty()) cost += " a " + one_line(price.unit, 20);
    if (std::ranges::find(costs, cost) == costs.end()) costs.push_back(std::move(cost));
  }
  if (!costs.empty()) tell("Credits, as the service says: " + join(costs) + ".");
}

// What the service's card takes that the table has for none of its models, by the names of
// settings.
std::vector<std::string> unknown_to_table(const api::CardOffer& offer, char letter) {
  const auto is_known = [letter](auto has) {
    return std::ranges::any_of(catalogue::models(), [&](const Model& model) {
      return !model.of_seed && model.makes(letter) && has(model);
    });
  };
  std::vector<std::string> values;
  const auto add = [&values](const char* setting, const std::string& value) {
    values.push_back(std::string(setting) + " " + one_line(value, 20));
  };
  for (const std::string& word : offer.ratio.words) {
    const bool has = is_known(
        [&](const Model& model) { return catalogue::has_word(model.ratios_for(letter), word); });
    if (!has) add("aspect-ratio", word);
  }
  for (const std::string& word : offer.resolution.words) {
    const bool has =
        is_known([&](const Model& model) { return catalogue::has_word(model.resolutions, word); });
    if (!has) add("resolution", word);
  }
  for (const std::string& word : offer.duration.words) {
    const auto seconds = parse_unsigned(word);
    const bool has = is_known([&](const Model& model) {
      return seconds &&
             catalogue::has_seconds(model.seconds_for(letter), static_cast<unsigned>(*seconds));
    });
    if (!has) add("duration", word);
  }
  const auto is_within = [&](auto fits) {
    return is_known([&](const Model& model) {
      const std::string_view seconds = model.seconds_for(letter);
      return !seconds.empty() && fits(catalogue::bounds_of(seconds));
    });
  };
  const std::optional<double> least = offer.duration.least;
  const std::optional<double> most = offer.duration.most;
  if (least && !is_within([&](catalogue::Seconds known) { return known.least <= *least; })) {
    add("duration", "from " + number_text(*least));
  }
  if (most && !is_within([&](catalogue::Seconds known) { return known.most >= *most; })) {
    add("duration", "up to " + number_text(*most));
  }
  return values;
}

// What the service has that the table has not, and the other way round. False: there is no use in
// asking it for more.
bool compare(const Service& service, const std::string& agent, char letter) {
  std::vector<std::string> offered;
  std::vector<std::string> behind;
  for (const auto& [card, type] : cards) {
    if (letter != 0 && type != letter) continue;
    const auto offer =
        answer_to<api::CardOffer>(service, [&, card = card](api::OfferClient& client, auto done) {
          client.get_card(card, agent, std::move(done));
        });
    if (!offer) return is_worth_another(offer.error());
    for (const std::string& name : offer->models) {
      if (std::ranges::find(offered, name) == offered.end()) offered.push_back(name);
    }
    const auto values = unknown_to_table(*offer, type);
    if (!values.empty()) behind.push_back(card + std::string(": ") + join(values));
  }
  std::vector<std::string> fresh;
  for (const std::string& name : offered) {
    if (catalogue::find_model(name, false) == nullptr) fresh.push_back(one_line(name, 60));
  }
  std::vector<std::string> gone;
  for (const Model& model : catalogue::models()) {
    const bool is_asked = !model.of_seed && (letter == 0 || model.makes(letter));
    if (is_asked && std::ranges::find(offered, model.name) == offered.end()) {
      gone.emplace_back(model.name);
    }
  }
  if (!fresh.empty()) tell("The service has as well: " + join(fresh) + ".");
  if (!gone.empty()) tell("The service does not list: " + join(gone) + ".");
  if (!behind.empty()) {
    tell("The service takes as well what the table has for no model: " + join(behind, "; ") + ".");
  }
  if (fresh.empty() && gone.empty()) tell("The service lists the same models for its cards.");
  return true;
}

}  // namespace

int run_models(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "The models that this version knows, and what each of them takes. The service may\n"
      "know others, which are asked for by name as well. Where there is a key, it is asked\n"
      "what it has, and standard error tells where the table is behind.");
  std::vector<std::string> words;
  for (const auto& type : types) words.emplace_back(type.first);
  for (const auto& type : catalogue::other_types()) words.emplace_back(type.type);
  options.add_choice("type", words, "Only those that make " + join(words, ", ", " or "));
  options.add_flag("json", "Print a JSON array");
  options.add_text("agent-id", "TEXT",
                   "Id of the agent whose models the service is asked for (GEN_AGENT_ID, else the "
                   "profile's)");
  add_access(options);
  const auto arguments = options.parse(argc, argv);
  if (!arguments) return exit_done;
  if (!arguments->empty()) {
    throw UsageError(options.program(), "There is no argument \"" + arguments->front() + "\".");
  }
  // Before anything is printed: a profile may be wrong.
  Settings settings = read_settings(options, globals);
  settings.stall_timeout = std::min(settings.stall_timeout, longest_wait);
  char letter = 0;
  if (const auto type = options.value("type")) {
    for (const auto& [word, known] : types) {
      if (*type == word) letter = known;
    }
    for (const auto& other : catalogue::other_types()) {
      if (*type != other.type) continue;
      if (options.is_given("json")) {
        print_json(other_document(other));
      } else {
        print(other_text(other));
      }
      return exit_done;
    }
    if (letter == 0) {
      throw UsageError(options.program(), "--type is \"" + one_line(*type, 80) + "\". Set it to " +
                                              join(words, ", ", " or ") + ".");
    }
  }
  std::vector<Model> models;
  for (const Model& model : catalogue::models()) {
    if (letter == 0 || model.makes(letter)) models.push_back(model);
  }
  if (options.is_given("json")) {
    print_json(
        array_of(models, [letter](const Model& model) { return document_of(model, letter); }));
  } else {
    Table table({{"Model"}, {"Dialects"}, {"From"}, {"Ratios"}, {"Seconds"}, {"Resolutions"}});
    for (const Model& model : models) {
      table.add({std::string(model.name), dialects_of(model), types_of(model),
                 or_dash(ratios_of(model, letter)), or_dash(seconds_of(model, letter)),
                 or_dash(model.resolutions)});
    }
    print(table.text());
  }
  const auto key = api::find_key(settings.api_key, settings.api_key_file);
  const bool has_key = (key && !trim(*key).empty()) || !settings.key_command.empty();
  if (!has_key) return exit_done;
  try {
    const Service service(settings);
    const bool has_agent = !settings.agent_id.empty();
    if (!has_agent) tell("With --agent-id the service is asked which models it has, too.");
    if (!has_agent || compare(service, settings.agent_id, letter)) tell_prices(service);
  } catch (const CommandError& failure) {
    // What was printed is what there is to know without the service.
    tell(std::string("The service was not asked: ") + failure.what());
  }
  return exit_done;
}

}  // namespace genpro::cli
