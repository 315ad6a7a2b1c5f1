// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Agents, and the webhooks that are told of their generations.
#include <cstring>

#include "emulator/api/services.h"

namespace genpro::emulator {

namespace {

// The agent that the path names.
Agent agent_in_path(Services& services, const Request& request) {
  check_agent(services, request.parameters.at(0));
  return services.store.agent(request.parameters[0]).value();
}

Reply list_agents(Services& services, Exchange& exchange) {
  const auto workspace = exchange.request.query_value("workspace_id");
  const bool ours =
      !workspace || workspace->empty() || *workspace == std::to_string(organization_id);
  const auto agents = ours ? services.store.agents() : std::vector<Agent>();
  return Reply::json(200, json_array(agents, [](const Agent& agent) {
                       JsonWriter json;
                       json.begin_object().key("id").id(agent.id).key("name").string(agent.name);
                       return json.key("workspace_id").integer(organization_id).end_object().text();
                     }));
}

// Avatars and voices are no part of the emulator.
std::string agent_json(const Agent& agent) {
  JsonWriter json;
  json.begin_object().key("id").id(agent.id).key("name").string(agent.name);
  json.key("description").string_or_null(agent.description);
  json.key("organization_id").integer(organization_id);
  json.key("workspace_id").integer(organization_id);
  json.key("time_zone").string_or_null(agent.time_zone);
  json.key("primary_avatar_id").null().key("primary_avatar_url").null();
  json.key("agent_setup_project_id").null().key("role").string("owner");
  return json.key("default_user_voice").null().end_object().text();
}

Reply wrapped_agent(unsigned status, const Agent& agent) {
  JsonWriter json;
  json.begin_object().key("agent").raw(agent_json(agent)).end_object();
  return Reply::json(status, json.text());
}

// Leaves `text` as it is when there is no such member; null takes it away.
void take_text(JsonObject* fields, const std::string& name, std::optional<std::string>& text) {
  JsonNode* node = json_object_get_member(fields, name.c_str());
  if (node == nullptr) return;
  if (JSON_NODE_HOLDS_NULL(node)) {
    text.reset();
  } else if (json_is_string(node)) {
    text = json_text(node);
  } else {
    throw validation_error("agent." + name + " must be a string or null.");
  }
}

// What else clients send (keys of other services, avatars, voices) is not kept.
void take_fields(JsonObject* fields, Agent& agent) {
  if (agent.name.empty() || json_object_has_member(fields, "name")) {
    agent.name = required_text(fields, "name", "agent.name");
  }
  take_text(fields, "description", agent.description);
  take_text(fields, "time_zone", agent.time_zone);
}

Reply get_agent(Services& services, Exchange& exchange) {
  return Reply::json(200, agent_json(agent_in_path(services, exchange.request)));
}

Reply create_agent(Services& services, Exchange& exchange) {
  const auto [body, fields] = wrapped_body(exchange, "agent");
  Agent agent;
  take_fields(fields, agent);
  return answer_once(services, exchange.request, "agent\n" + canonical_json(body.get()), [&] {
    agent.id = services.store.next_agent_id();
    agent.created_at = now_milliseconds();
    services.store.save(agent);
    return wrapped_agent(201, agent);
  });
}

Reply update_agent(Services& services, Exchange& exchange) {
  Agent agent = agent_in_path(services, exchange.request);
  const auto [body, fields] = wrapped_body(exchange, "agent");
  take_fields(fields, agent);
  services.store.save(agent);
  return wrapped_agent(200, agent);
}

Reply delete_agent(Services& services, Exchange& exchange) {
  const Agent agent = agent_in_path(services, exchange.request);
  if (const auto running = services.store.open_generation_of(agent.id)) {
    throw validation_error("Agent \"" + clean_label(agent.id) + "\" cannot be deleted while its " +
                           "generation " + std::to_string(*running) +
                           " runs. Stop it, or wait for its end.");
  }
  Store::Change change(services.store);
  services.store.remove_agent(agent.id);
  services.store.after_commit([&services] { services.webhooks.wake(); });
  change.commit();
  return wrapped_agent(200, agent);
}

std::string config_json(Services& services, const Agent& agent) {
  JsonWriter json;
  json.begin_object();
  for (const char* kind : {"webhook", "callback"}) {
    const auto hook = services.store.hook(agent.id, kind);
    json.key(std::string(kind) + "_url");
    json.string_or_null(hook ? std::optional(hook->url) : std::nullopt);
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
  if (!is_hook_url(url)) {
    throw validation_error(shown +
                           " must be an http or https URL, or null to hear of nothing more.");
  }
  return url;
}

Reply update_config(Services& services, Exchange& exchange) {
  Agent agent = agent_in_path(services, exchange.request);
  const auto [body, fields] = wrapped_body(exchange, "automation_config");
  Store::Change change(services.store);
  for (const std::string kind : {"webhook", "callback"}) {
    const std::string name = kind + "_url";
    if (JsonNode* url = json_object_get_member(fields, name.c_str())) {
      services.store.set_hook(agent.id, kind, url_of(url, "automation_config." + name));
    }
  }
  if (JsonNode* polling = json_member(fields, "polling_enabled")) {
    if (!json_is_boolean(polling)) {
      throw validation_error("automation_config.polling_enabled must be true or false.");
    }
    agent.polling_enabled = json_is_true(polling);
    services.store.save(agent);
  }
  services.store.after_commit([&services] { services.webhooks.wake(); });
  change.commit();
  return Reply::json(200, config_json(services, agent));
}

Reply test_hook(Services& services, Exchange& exchange) {
  const Agent agent = agent_in_path(services, exchange.request);
  // Of test_webhook or test_callback.
  const std::string kind = exchange.request.path.back().substr(std::strlen("test_"));
  const auto result = [](const std::string& problem) {
    JsonWriter json;
    json.begin_object().key("success").boolean(problem.empty());
    if (!problem.empty()) json.key("error").string(problem);
    return Reply::json(200, json.end_object().text());
  };
  const auto hook = services.store.hook(agent.id, kind);
  if (!hook) return result("No " + kind + "_url is set. PATCH automation_config first.");
  if (!is_hook_url(hook->url)) {
    return result("The " + kind + "_url \"" + clean_label(hook->url) +
                  "\" is no http or https URL. PATCH automation_config.");
  }
  JsonWriter seconds;
  const std::string problem = "The " + kind +
                              "_url did not answer the test event with a 2xx within " +
                              seconds.number(services.webhooks.test_seconds()).text() +
                              " seconds. See what the server there has to say.";
  return Reply::when_ready(
      [&services, hook = *hook, problem, result](const Reply::Respond& respond) {
        services.webhooks.test(hook, [problem, respond, result](bool taken) {
          respond(result(taken ? std::string() : problem));
        });
      });
}

}  // namespace

std::vector<Route> agent_routes() {
  return {
      {"GET", "v1/agents", BodyKind::ignored, &list_agents},
      {"POST", "v1/agents", BodyKind::json, &create_agent},
      {"GET", "v1/agents/{}", BodyKind::ignored, &get_agent},
      {"PATCH", "v1/agents/{}", BodyKind::json, &update_agent},
      {"DELETE", "v1/agents/{}", BodyKind::ignored, &delete_agent},
      {"GET", "v1/agents/{}/automation_config", BodyKind::ignored, &get_config},
      {"PATCH", "v1/agents/{}/automation_config", BodyKind::json, &update_config},
      {"POST", "v1/agents/{}/automation_config/test_webhook", BodyKind::ignored, &test_hook},
      {"POST", "v1/agents/{}/automation_config/test_callback", BodyKind::ignored, &test_hook},
  };
}

}  // namespace genpro::emulator
