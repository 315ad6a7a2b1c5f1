// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/api/services.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_idempotency_key = 255;
constexpr std::int64_t idempotency_milliseconds = std::int64_t{24} * 60 * 60 * 1000;

}  // namespace

std::string agent_of(Services& services, const Request& request) {
  const auto agent = request.query_value("agent_id");
  if (!agent || agent->empty()) {
    throw ApiError(422, "agent_not_found",
                   "The query parameter agent_id is missing. Add ?agent_id= to the URL.");
  }
  check_agent(services, *agent);
  return *agent;
}

std::string agent_of(Services& services, const Exchange& exchange) {
  std::optional<std::string> agent;
  if (exchange.request.query_value("agent_id").value_or("").empty()) {
    if (const JsonNodePtr body = find_json_object(exchange.json_text())) {
      agent = optional_id(json_node_get_object(body.get()), "agent_id", "agent_id");
    }
  }
  if (!agent) return agent_of(services, exchange.request);
  check_agent(services, *agent);
  return *agent;
}

void check_agent(Services& services, const std::string& agent) {
  if (services.store.agent(agent)) return;
  throw ApiError(422, "agent_not_found",
                 "There is no agent \"" + clean_label(agent) +
                     "\". GET /v1/agents lists them; --agent adds one.");
}

Sheet sheet_of(Services& services, const Request& request) {
  const std::string& id = request.parameters.at(0);
  auto sheet = services.store.sheet(id);
  if (!sheet) {
    throw ApiError(404, "spreadsheet_not_found",
                   "There is no sheet \"" + clean_label(id) +
                       "\". The emulator has 101, the ones of --sheet and --seed, and what was "
                       "created.");
  }
  return *sheet;
}

Cell cell_of(Services& services, const Request& request) {
  const Sheet sheet = sheet_of(services, request);
  const std::string& id = request.parameters.at(1);
  return found(services.store.cell(sheet.id, id), "cell", id, "sheet " + clean_label(sheet.id),
               "GET the sheet to see its cells; --cell adds one.");
}

JsonObject* wrapped_object(JsonNode* body, const char* name) {
  JsonObject* outer = json_node_get_object(body);
  JsonNode* inner = json_member(outer, name);
  if (inner == nullptr) return outer;
  if (JsonObject* object = json_object_in(inner)) return object;
  throw validation_error(std::string(name) + " must be an object.");
}

std::pair<JsonNodePtr, JsonObject*> wrapped_body(const Exchange& exchange, const char* name) {
  JsonNodePtr body = parse_json_object(exchange.json_text());
  JsonObject* object = wrapped_object(body.get(), name);
  return {std::move(body), object};
}

std::string required_text(JsonObject* object, const char* name, const std::string& shown) {
  JsonNode* node = json_member(object, name);
  if (!json_is_string(node) || trim(json_text(node)).empty()) {
    throw validation_error(shown + " must be a string that is not empty.");
  }
  return json_text(node);
}

std::optional<std::int64_t> optional_number(JsonObject* object, const char* name,
                                            const std::string& shown) {
  JsonNode* node = json_member(object, name);
  if (node == nullptr) return {};
  const auto number = json_whole_number(node);
  if (!number) throw validation_error(shown + " must be a whole number.");
  return number;
}

std::optional<std::string> optional_id(JsonObject* object, const char* name,
                                       const std::string& shown) {
  JsonNode* node = json_member(object, name);
  if (node == nullptr) return {};
  if (!json_is_integer(node) && !json_is_string(node)) {
    throw validation_error(shown + " must be an id: a number or a string.");
  }
  const std::string id = json_value_text(node);
  return id.empty() ? std::nullopt : std::optional(id);
}

void check_idempotency_key(const Request& request, const char* call) {
  if (!request.header("idempotency-key").empty()) return;
  throw ApiError(422, "idempotency_key_required",
                 std::string("The header Idempotency-Key is missing, which ") + call + " needs.");
}

Reply answer_once(Services& services, const Request& request, const std::string& what,
                  const std::function<Reply()>& act, bool is_action) {
  Store& store = services.store;
  const std::string key = request.header("idempotency-key");
  if (key.size() > max_idempotency_key) {
    throw validation_error("The Idempotency-Key header is longer than 255 bytes.");
  }
  const std::int64_t now = now_milliseconds();
  const std::int64_t since = now - idempotency_milliseconds;
  const std::string fingerprint = sha256_hex(what);
  if (!key.empty()) {
    if (const auto earlier = store.remembered(key, since)) {
      if (earlier->fingerprint != fingerprint) {
        if (is_action) {
          throw ApiError(409, "idempotency_conflict",
                         "This Idempotency-Key was used for another body in the last 24 hours.");
        }
        throw validation_error(
            "This Idempotency-Key was used for another request in the last 24 hours. Use a new "
            "key for a new request.");
      }
      return Reply::json(earlier->status, earlier->body);
    }
  }
  Store::Change change(store);
  Reply reply = act();
  if (!key.empty()) store.remember(key, {fingerprint, reply.status, reply.text, now}, since);
  change.commit();
  return reply;
}

}  // namespace genpro::emulator
