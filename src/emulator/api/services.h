// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What all handlers share: the services behind them, and how the agent, the sheet or the cell of a
// request is found.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "emulator/api/views.h"
#include "emulator/domain/generations.h"
#include "emulator/domain/resources.h"
#include "emulator/domain/today.h"
#include "emulator/domain/webhooks.h"
#include "emulator/faults/faults.h"
#include "emulator/http/exchange.h"
#include "emulator/http/files.h"
#include "emulator/media/xlsx.h"
#include "emulator/store/folders.h"
#include "emulator/store/store.h"
#include "emulator/util/api_error.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

struct Services {
  Store& store;
  Resources& resources;
  Generations& generations;
  const Folders& folders;
  Webhooks& webhooks;
  XlsxReader& xlsx;
  Faults& faults;
  FileServer files;
  Dialect dialect = Dialect::both;
};

// What a route does with the body of a request.
enum class BodyKind { ignored, json, fields, upload, file, variables, blob };

struct Route {
  const char* method;  // or several, with a space in between
  // Segments: words, {} for any text, and {sheet_route} for either word of sheet calls.
  const char* path;
  BodyKind body;
  std::function<Reply(Services&, Exchange&)> handle;
  // Paths that are not below /v1 are the emulator's own unless they say otherwise.
  Endpoint endpoint = Endpoint::other;
};

// There is one organization; agents belong to it.
inline constexpr std::int64_t organization_id = 1;

// One table a concern. Of two patterns that fit the earlier one counts.
std::vector<Route> action_routes();
std::vector<Route> generation_routes();
std::vector<Route> resource_routes();
std::vector<Route> variable_routes();
std::vector<Route> sheet_routes();
std::vector<Route> cell_routes();
std::vector<Route> account_routes();
std::vector<Route> price_routes();
std::vector<Route> agent_routes();
std::vector<Route> fault_routes();

// All throw ApiError when there is no such thing. Sheets and cells are the first and the second {}
// of the path; the agent is in the query.
std::string agent_of(Services& services, const Request& request);
// Where the query has no agent_id, one at the top of a JSON body is as good: clients are seen to
// put it there.
std::string agent_of(Services& services, const Exchange& exchange);
// Throws 422 agent_not_found.
void check_agent(Services& services, const std::string& agent);
Sheet sheet_of(Services& services, const Request& request);
Cell cell_of(Services& services, const Request& request);
// The third {}.
Layer layer_of(Services& services, const Request& request);

// What `thing` holds. Throws 404 when that is nothing: no such `kind` with this id in `place`.
template <typename T>
T found(std::optional<T> thing, const char* kind, const std::string& id, const std::string& place,
        const std::string& advice) {
  if (thing) return *std::move(thing);
  throw not_found(std::string("There is no ") + kind + " \"" + clean_label(id) + "\" in " + place +
                  ". " + advice);
}
// The same for things with a number in a sheet, of which a text may be none.
template <typename T>
T found_in_sheet(std::optional<T> (Store::*find)(const std::string&, std::int64_t),
                 Services& services, const Sheet& sheet, const char* kind, const std::string& id,
                 const std::string& advice) {
  const auto number = parse_digits(id);
  return found(number ? (services.store.*find)(sheet.id, *number) : std::nullopt, kind, id,
               "sheet " + clean_label(sheet.id), advice);
}
inline constexpr const char* nothing_changed = "Nothing was changed.";

inline Views views_of(Services& services, const Exchange& exchange) {
  return {services.store, exchange.request.origin, services.faults};
}

// The object under `name` in the body, or the body itself: clients are seen to leave the wrapping
// out.
JsonObject* wrapped_object(JsonNode* body, const char* name);
// The same of a request; the first of the two owns it.
std::pair<JsonNodePtr, JsonObject*> wrapped_body(const Exchange& exchange, const char* name);
std::string required_text(JsonObject* object, const char* name, const std::string& shown);
// A whole number, also as digits in a string; nothing when it is missing. Throws ApiError 422.
std::optional<std::int64_t> optional_number(JsonObject* object, const char* name,
                                            const std::string& shown);

// An id, a number or a text, as text; nothing when it is missing or empty. Throws ApiError 422.
std::optional<std::string> optional_id(JsonObject* object, const char* name,
                                       const std::string& shown);

// Throws 422 idempotency_key_required. `call`: what needs one.
void check_idempotency_key(const Request& request, const char* call);

// Runs `act` inside a change of the store. With an Idempotency-Key its answer is remembered for 24
// hours: the same key and `what` give that answer and nothing else; another `what` is a 422, or a
// 409 idempotency_conflict for an action.
Reply answer_once(Services& services, const Request& request, const std::string& what,
                  const std::function<Reply()>& act, bool is_action = false);

}  // namespace genpro::emulator
