// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What things cost, and what was booked.
#include <algorithm>
#include <cmath>

#include "emulator/api/services.h"
#include "emulator/domain/pricing.h"

namespace genpro::emulator {

namespace {

constexpr std::int64_t page_length = 20;

// What a card costs, by model. The provider publishes no form for it.
Reply list_prices(Services& services, Exchange&) {
  JsonWriter json;
  json.begin_array();
  const auto write = [&](Kind kind, bool is_of_today) {
    for (const auto& name : model_names_of(kind, is_of_today)) {
      const Model& model = *model_named(name);
      json.begin_object().key("generation_type").string(kind_word(kind));
      json.key("model").string(name).key("unit").string(model.is_flat ? "clip" : "second");
      json.key("credits").number(credits(model.price)).end_object();
    }
  };
  if (services.dialect != Dialect::today) write(Kind::ingredients, false);
  if (services.dialect != Dialect::seed) {
    for (const Kind kind : {Kind::ingredients, Kind::text, Kind::image, Kind::lipsync, Kind::render,
                            Kind::remove_background}) {
      write(kind, true);
    }
  }
  return Reply::json(200, json.end_array().text());
}

// What is told of it is enough; what a request would have to have besides is not asked for.
GenerationSettings settings_of(const Services& services, JsonObject* job) {
  const JsonNodePtr data = data_of_job(job);
  JsonObject* fields = json_node_get_object(data.get());
  const std::string word = required_text(job, "user_job_type", "user_job.user_job_type");
  const auto type = job_type_named(word, fields);
  if (!type) throw validation_error("There is no user_job_type \"" + clean_label(word) + "\".");
  GenerationSettings settings;
  settings.kind = type->kind;
  // The seed has no estimates: what does not say that it is of it is priced as of today.
  const bool is_new = services.dialect == Dialect::today || has_words_of_today(word, fields) ||
                      json_member(fields, "asset_resource_ids") == nullptr;
  settings.model = type->model.empty() ? default_model(type->kind, is_new) : type->model;
  for (const char* name : {"model", "lip_sync_model", "lipSyncModel"}) {
    JsonNode* node = json_member(fields, name);
    if (node != nullptr && json_is_string(node)) settings.model = json_text(node);
  }
  if (model_named(settings.model) == nullptr) {
    throw validation_error("There is no model \"" + clean_label(settings.model) + "\".");
  }
  const auto duration = optional_number(fields, "duration", "user_job.data.duration");
  const std::int64_t seconds =
      duration.value_or(default_duration(settings.model).value_or(settings.duration));
  if (seconds < 1 || seconds > 60) {
    throw validation_error("user_job.data.duration must be a number of seconds from 1 to 60.");
  }
  settings.duration = static_cast<int>(seconds);
  return settings;
}

Reply estimate(Services& services, Exchange& exchange) {
  if (services.dialect == Dialect::seed) {
    throw not_found("This emulator speaks the seed's dialect alone, which has no estimates.");
  }
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* object = json_node_get_object(body.get());
  agent_of(services, exchange);
  std::vector<JsonObject*> jobs;
  if (JsonObject* one = json_object_in(json_member(object, "user_job"))) jobs.push_back(one);
  if (const auto several = json_elements(json_member(object, "user_jobs"))) {
    for (JsonNode* job : *several) jobs.push_back(json_object_in(job));
  }
  if (jobs.empty() || std::find(jobs.begin(), jobs.end(), nullptr) != jobs.end()) {
    throw validation_error("user_job must be an object with user_job_type and data.");
  }
  JsonWriter items;
  items.begin_array();
  MilliCredits sum = 0;
  for (JsonObject* job : jobs) {
    const MilliCredits cost = price(settings_of(services, job));
    sum += cost;
    items.begin_object()
        .key("user_job_type")
        .string(required_text(job, "user_job_type", "user_job_type"));
    items.key("estimated_credits").number(credits(cost)).end_object();
  }
  const std::string key = sha256_hex(canonical_json(body.get()));
  JsonWriter json;
  json.begin_object().key("estimate_id").string(key.substr(0, 16));
  json.key("estimate_request_key").string(key).key("estimated_credits").number(credits(sum));
  json.key("status").string("completed").key("items").raw(items.end_array().text());
  return Reply::json(200, json.end_object().text());
}

// Newest first, ?page= from 1 on.
Reply list_transactions(Services& services, Exchange& exchange) {
  const std::string agent = agent_of(services, exchange);
  const auto page = parse_digits(exchange.request.query_value("page").value_or("1"));
  if (!page || *page < 1 || *page > 1'000'000) {
    throw validation_error("page must be a whole number from 1 on.");
  }
  const auto bookings = services.store.bookings(agent, (*page - 1) * page_length, page_length);
  return Reply::json(
      200, json_array(bookings, [](const Booking& booking) {
        JsonWriter json;
        json.begin_object().key("id").integer(booking.id);
        json.key("amount").number(std::abs(credits(booking.amount)));
        json.key("purpose").string(booking.reason).key("is_incoming").boolean(booking.amount > 0);
        json.key("created_at").string(iso_time(booking.at));
        json.key("source").begin_object().key("type").string("UserJob");
        json.key("id").integer(booking.generation).end_object();
        return json.end_object().text();
      }));
}

}  // namespace

std::vector<Route> price_routes() {
  return {
      {"GET", "v1/pricing_configs", BodyKind::ignored, &list_prices},
      {"POST", "v1/user_jobs/estimate", BodyKind::json, &estimate},
      {"GET", "v1/credit_transactions", BodyKind::ignored, &list_transactions},
  };
}

}  // namespace genpro::emulator
