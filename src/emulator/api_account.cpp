// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who one is, what there is to spend, what things cost, and who wants to hear of changes.
#include <libsoup/soup.h>

#include "emulator/api_error.h"
#include "emulator/json.h"
#include "emulator/services.h"
#include "emulator/text.h"

namespace genpro::emulator {

namespace {

// There is one organization, and any id names it.
constexpr std::int64_t organization_id = 1;
constexpr const char* organization_name = "GEN emulator";
constexpr std::size_t max_url = 2000;

// The agent that the path names.
Agent agent_in_path(Services& services, const Request& request) {
  auto agent = services.store.agent(request.parameters.at(0));
  if (!agent) {
    throw ApiError(422, "agent_not_found",
                   "There is no agent \"" + clean_label(request.parameters[0]) +
                       "\". GET /v1/agents lists them; --agent adds one.");
  }
  return *agent;
}

Reply get_me(Services& services, Exchange&) {
  std::int64_t since = 0;
  for (const auto& agent : services.store.agents()) {
    if (since == 0 || agent.created_at < since) since = agent.created_at;
  }
  JsonWriter json;
  json.begin_object().key("id").integer(1).key("email").string("user@localhost");
  json.key("name").string("GEN emulator user").key("username").string("emulator");
  json.key("created_at").string(iso_time(since)).end_object();
  return Reply::json(200, json.text());
}

Reply list_workspaces(Services&, Exchange&) {
  JsonWriter json;
  json.begin_array().begin_object().key("id").integer(organization_id);
  json.key("name").string(organization_name).end_object().end_array();
  return Reply::json(200, json.text());
}

Reply get_organization(Services& services, Exchange& exchange) {
  JsonWriter json;
  json.begin_object().key("id").id(exchange.request.parameters.at(0));
  json.key("name").string(organization_name).key("available_credit").begin_object();
  json.key("generic").number(static_cast<double>(services.store.credit()) / 1000.0);
  json.key("aura").integer(0).end_object().end_object();
  return Reply::json(200, json.text());
}

void write_agent(JsonWriter& json, const Agent& agent) {
  json.begin_object().key("id").id(agent.id).key("name").string(agent.name);
  json.key("workspace_id").integer(organization_id).end_object();
}

Reply list_agents(Services& services, Exchange& exchange) {
  const auto workspace = exchange.request.query_value("workspace_id");
  const bool ours =
      !workspace || workspace->empty() || *workspace == std::to_string(organization_id);
  JsonWriter json;
  json.begin_array();
  if (ours) {
    for (const auto& agent : services.store.agents()) write_agent(json, agent);
  }
  return Reply::json(200, json.end_array().text());
}

Reply get_agent(Services& services, Exchange& exchange) {
  JsonWriter json;
  write_agent(json, agent_in_path(services, exchange.request));
  return Reply::json(200, json.text());
}

// What a card costs, by model. The provider publishes no form for it.
Reply list_prices(Services&, Exchange&) {
  JsonWriter json;
  json.begin_array();
  for (const auto& model : model_names()) {
    json.begin_object().key("generation_type").string("video_from_ingredients");
    json.key("model").string(model).key("unit").string("second").key("credits");
    json.number(static_cast<double>(price(model, 1).value_or(0)) / 1000.0).end_object();
  }
  return Reply::json(200, json.end_array().text());
}

std::string config_json(Services& services, const Agent& agent) {
  JsonWriter json;
  json.begin_object();
  for (const char* kind : {"webhook", "callback"}) {
    json.key(std::string(kind) + "_url");
    if (const auto hook = services.store.hook(agent.id, kind)) {
      json.string(hook->url);
    } else {
      json.null();
    }
  }
  json.key("polling_enabled").boolean(agent.polling_enabled);
  return json.end_object().text();
}

Reply get_config(Services& services, Exchange& exchange) {
  return Reply::json(200, config_json(services, agent_in_path(services, exchange.request)));
}

// The address in a member; empty for null, which ends it.
std::string url_of(JsonNode* node, const std::string& shown) {
  if (JSON_NODE_HOLDS_NULL(node)) return {};
  const std::string url = json_is_string(node) ? json_text(node) : std::string();
  const UriPtr uri(g_uri_parse(url.c_str(), static_cast<GUriFlags>(SOUP_HTTP_URI_FLAGS), nullptr));
  const std::string scheme = uri ? g_uri_get_scheme(uri.get()) : "";
  const char* host = uri ? g_uri_get_host(uri.get()) : nullptr;
  if ((scheme != "http" && scheme != "https") || host == nullptr || *host == '\0' ||
      url.size() > max_url) {
    throw validation_error(shown +
                           " must be an http or https URL, or null to hear of nothing more.");
  }
  return url;
}

Reply update_config(Services& services, Exchange& exchange) {
  Agent agent = agent_in_path(services, exchange.request);
  const JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* fields = wrapped_object(body.get(), "automation_config");
  Store::Change change(services.store);
  for (const std::string kind : {"webhook", "callback"}) {
    const std::string name = kind + "_url";
    if (JsonNode* url = json_object_get_member(fields, name.c_str())) {
      services.store.set_hook(agent.id, kind, url_of(url, "automation_config." + name));
    }
  }
  if (JsonNode* polling = json_member(fields, "polling_enabled")) {
    if (!JSON_NODE_HOLDS_VALUE(polling) || json_node_get_value_type(polling) != G_TYPE_BOOLEAN) {
      throw validation_error("automation_config.polling_enabled must be true or false.");
    }
    agent.polling_enabled = json_is_true(polling);
    services.store.save(agent);
  }
  services.store.after_commit([&services] { services.webhooks.wake(); });
  change.commit();
  return Reply::json(200, config_json(services, agent));
}

Reply test_hook(Services& services, const Request& request, const std::string& kind) {
  const Agent agent = agent_in_path(services, request);
  const auto result = [](const std::string& problem) {
    JsonWriter json;
    json.begin_object().key("success").boolean(problem.empty());
    if (!problem.empty()) json.key("error").string(problem);
    return Reply::json(200, json.end_object().text());
  };
  const auto hook = services.store.hook(agent.id, kind);
  if (!hook) return result("No " + kind + "_url is set. PATCH automation_config first.");
  return Reply::when_ready([&services, hook = *hook, result](const Reply::Respond& respond) {
    services.webhooks.test(
        hook, [respond, result](const std::string& problem) { respond(result(problem)); });
  });
}

Reply test_webhook(Services& services, Exchange& exchange) {
  return test_hook(services, exchange.request, "webhook");
}

Reply test_callback(Services& services, Exchange& exchange) {
  return test_hook(services, exchange.request, "callback");
}

}  // namespace

std::vector<Route> account_routes() {
  return {
      {"GET", "v1/me", BodyKind::ignored, &get_me},
      {"GET", "v1/workspaces", BodyKind::ignored, &list_workspaces},
      {"GET", "v1/organizations/{}", BodyKind::ignored, &get_organization},
      {"GET", "v1/pricing_configs", BodyKind::ignored, &list_prices},
      {"GET", "v1/agents", BodyKind::ignored, &list_agents},
      {"GET", "v1/agents/{}", BodyKind::ignored, &get_agent},
      {"GET", "v1/agents/{}/automation_config", BodyKind::ignored, &get_config},
      {"PATCH", "v1/agents/{}/automation_config", BodyKind::json, &update_config},
      {"POST", "v1/agents/{}/automation_config/test_webhook", BodyKind::ignored, &test_webhook},
      {"POST", "v1/agents/{}/automation_config/test_callback", BodyKind::ignored, &test_callback},
  };
}

}  // namespace genpro::emulator
