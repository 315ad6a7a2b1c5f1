// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/account_client.h"

#include <utility>

#include "api/client_call.h"
#include "api/json.h"
#include "base/text.h"

namespace genpro::api {

namespace {

std::optional<Organization> read_organization(JsonNode* node) {
  JsonObject* object = as_object(node);
  if (object == nullptr) return std::nullopt;
  Organization organization;
  organization.id = as_id(member(object, "id")).value_or("");
  organization.name = as_string(member(object, "name")).value_or("");
  JsonObject* credit = as_object(member(object, "available_credit"));
  if (credit != nullptr) organization.credit = as_number(member(credit, "generic"));
  return organization;
}

// Reads a list of organizations, or one. The error is a fragment that says what is wrong.
Result<std::vector<Organization>, std::string> parse_organizations(std::string_view body) {
  const auto node = parse_json(body);
  if (!node) return node.error();
  std::vector<Organization> organizations;
  JsonArray* list = as_array(node->get());
  for (JsonNode* entry : list != nullptr ? elements(list) : std::vector{node->get()}) {
    auto one = read_organization(entry);
    if (!one) return std::string("it is no list of organizations");
    organizations.push_back(std::move(*one));
  }
  return organizations;
}

// Reads the generations that a cell's answer lists, in its order. Entries without an id are left
// out.
Result<std::vector<Generation>, std::string> parse_cell_generations(std::string_view body) {
  const auto object = parse_json_object(body);
  if (!object) return object.error();
  JsonArray* jobs = as_array(member(object->get(), "user_jobs"));
  if (jobs == nullptr) return std::string("it has no list of user_jobs");
  std::vector<Generation> generations;
  for (JsonNode* job : elements(jobs)) {
    auto generation = parse_generation(canonical_json(job));
    if (generation && !generation->id.empty()) generations.push_back(std::move(*generation));
  }
  return generations;
}

}  // namespace

void AccountClient::get_organizations(
    const std::string& id, std::function<void(Result<std::vector<Organization>, Failure>)> done) {
  auto call = make_call(
      "GET", {"the credits", id.empty() ? "organizations" : "organization " + one_line(id, 80),
              "Check the organization's id, and that the key is of its owner."});
  call->done = reading(std::move(done), parse_organizations);
  begin(call, id.empty() ? "organizations" : "organizations/" + id, {});
}

void AccountClient::get_cell_generations(
    const std::string& cell_path, const std::string& agent_id,
    std::function<void(Result<std::vector<Generation>, Failure>)> done) {
  auto call = make_call("GET", {"the cell's generations", "the cell",
                                "Check sheet-id, cell-id, agent-id and sheet-route."});
  call->done = reading(std::move(done), parse_cell_generations);
  begin(call, cell_path, agent_id);
}

void AccountClient::continue_generation(const std::string& id, const std::string& agent_id,
                                        const std::string& idempotency_key, Done done) {
  auto call = make_call("POST", {"the request to continue generation " + one_line(id, 80),
                                 "generation " + one_line(id, 80),
                                 "Check its id, and that the key is of its owner."});
  call->may_be_sent_again = false;
  call->request.headers = {{"Idempotency-Key", idempotency_key}};
  call->done = reading(std::move(done), parse_generation);
  if (!is_id(id)) return refuse(call, "\"" + one_line(id, 80) + "\" is no id");
  // It is not published in which of the two places the service reads it.
  if (!agent_id.empty()) call->request.json_body = agent_body(agent_id);
  begin(call, "generations/" + id + "/continue",
        agent_id.empty() ? std::nullopt : std::optional(agent_id));
}

}  // namespace genpro::api
