// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The user, the organization and its credits.
#include "emulator/api/services.h"

namespace genpro::emulator {

namespace {

// There is one organization, and any id names it.
constexpr const char* organization_uuid = "3f8e2a54-9a0d-4c1e-8d53-6a1f0b7c2e91";
constexpr const char* default_organization = "GEN emulator";

std::string organization_name(Services& services) {
  return services.store.organization().value_or(default_organization);
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

Reply list_workspaces(Services& services, Exchange&) {
  JsonWriter json;
  json.begin_array().begin_object().key("id").integer(organization_id);
  json.key("name").string(organization_name(services)).end_object().end_array();
  return Reply::json(200, json.text());
}

void write_organization(JsonWriter& json, Services& services, const std::string& id) {
  const double credit = credits(services.store.credit());
  json.begin_object().key("id").id(id).key("uuid").string(organization_uuid);
  json.key("organization_id").id(id).key("name").string(organization_name(services));
  json.key("avatar").null().key("user_role").string("owner").key("credit").number(credit);
  json.key("available_credit").begin_object();
  json.key("generic").number(credit).key("aura").integer(0).end_object();
  json.key("total_members").integer(1).key("credit_plan").null().end_object();
}

Reply list_organizations(Services& services, Exchange&) {
  JsonWriter json;
  json.begin_array();
  write_organization(json, services, std::to_string(organization_id));
  return Reply::json(200, json.end_array().text());
}

Reply get_organization(Services& services, Exchange& exchange) {
  JsonWriter json;
  write_organization(json, services, exchange.request.parameters.at(0));
  return Reply::json(200, json.text());
}

// Clients send JSON or a form.
std::string name_in(Exchange& exchange) {
  const std::string text = [&exchange] {
    const auto* form = dynamic_cast<const FieldsBody*>(exchange.body.get());
    if (form == nullptr) return exchange.json_text();
    JsonWriter json;
    json.begin_object();
    const auto name = form->fields().find("organization[name]");
    if (name != form->fields().end()) json.key("name").string(name->second);
    return json.end_object().text();
  }();
  const JsonNodePtr body = parse_json_object(text);
  return required_text(wrapped_object(body.get(), "organization"), "name", "organization.name");
}

Reply update_organization(Services& services, Exchange& exchange) {
  services.store.name_organization(name_in(exchange));
  return get_organization(services, exchange);
}

}  // namespace

std::vector<Route> account_routes() {
  return {
      {"GET", "v1/me", BodyKind::ignored, &get_me},
      {"GET", "v1/workspaces", BodyKind::ignored, &list_workspaces},
      {"GET", "v1/organizations", BodyKind::ignored, &list_organizations},
      {"GET", "v1/organizations/{}", BodyKind::ignored, &get_organization},
      {"PATCH", "v1/organizations/{}", BodyKind::fields, &update_organization},
  };
}

}  // namespace genpro::emulator
