// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/page/page.h"

#include <algorithm>

#include "emulator/domain/pricing.h"

namespace genpro::emulator {

namespace {

constexpr std::int64_t default_limit = 24;
constexpr std::int64_t max_limit = 100;

// Nothing from elsewhere, nothing inline, no frame around it, no text that becomes script.
constexpr const char* security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::vector<std::pair<std::string, std::string>> page_headers() {
  return {{"Content-Security-Policy", security_policy},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Referrer-Policy", "no-referrer"},
          {"X-Content-Type-Options", "nosniff"},
          {"X-Frame-Options", "DENY"},
          // A newer emulator on the same port has a newer page.
          {"Cache-Control", "no-cache"}};
}

Reply serve_asset(const std::string& name) {
  for (const auto& asset : page_assets()) {
    if (asset.name != name) continue;
    Reply reply;
    reply.content_type = asset.content_type;
    reply.text = asset.content;
    reply.headers = page_headers();
    return reply;
  }
  throw not_found("There is no such file.");
}

// What the page has to know before it may ask for anything else.
Reply serve_settings(const Page& page) {
  JsonWriter json;
  json.begin_object().key("key_required").boolean(page.needs_key()).end_object();
  Reply reply = Reply::json(200, json.text());
  reply.headers = page_headers();
  return reply;
}

// What the form speaks and offers: {"dialect": "seed" or "today", "credit", "agents", "cells",
// "models": [{"name", "credits_per_second", "aspect_ratios"}]}.
Reply form_choices(Services& services, Exchange&) {
  Store& store = services.store;
  const bool is_of_today = services.dialect == Dialect::today;
  JsonWriter json;
  json.begin_object();
  json.key("dialect").string(is_of_today ? "today" : "seed");
  json.key("credit").number(credits(store.credit()));
  json.key("agents").begin_array();
  for (const auto& agent : store.agents()) {
    json.begin_object().key("id").id(agent.id).key("name").string(agent.name).end_object();
  }
  json.end_array().key("cells").begin_array();
  const auto write_cell = [&json](const Sheet& sheet, const std::vector<Column>& columns,
                                  const Cell& cell) {
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&](const auto& c) { return c.id == cell.column; });
    // Only those hold a video; the others are what its variables take their values from.
    if (column != columns.end() && column->type != "video") return;
    json.begin_object().key("sheet_id").id(sheet.id).key("sheet_title").string(sheet.title);
    json.key("cell_id").id(cell.id).key("column_title");
    json.string(column != columns.end() ? column->title : "").end_object();
  };
  for (const auto& sheet : store.sheets()) {
    const auto columns = store.columns(sheet.id);
    for (const auto& row : store.rows(sheet.id)) {
      for (const auto& cell : store.cells_of_row(sheet.id, row.id))
        write_cell(sheet, columns, cell);
    }
  }
  json.end_array().key("models").begin_array();
  for (const auto& model : model_names_of(Kind::ingredients, is_of_today)) {
    json.begin_object().key("name").string(model).key("credits_per_second");
    json.number(credits(model_named(model)->price)).key("aspect_ratios").begin_array();
    for (const auto& ratio : aspect_ratios_of(model, Kind::ingredients, is_of_today)) {
      json.string(ratio);
    }
    json.end_array().end_object();
  }
  return Reply::json(200, json.end_array().end_object().text());
}

std::int64_t number_in_query(const Request& request, const char* name, std::int64_t otherwise) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return otherwise;
  const auto number = parse_digits(*text);
  if (!number) throw validation_error(std::string(name) + " must be a whole number.");
  return *number;
}

// Newest first: ?limit=24, and ?before= the last id of the part before.
Reply list_generations(Services& services, Exchange& exchange) {
  const Request& request = exchange.request;
  const std::int64_t limit =
      std::clamp<std::int64_t>(number_in_query(request, "limit", default_limit), 1, max_limit);
  const std::int64_t before = number_in_query(request, "before", INT64_MAX);
  // One more tells whether there is more.
  auto found = services.store.generations_before(before, limit + 1);
  const bool has_more = found.size() > static_cast<std::size_t>(limit);
  if (has_more) found.pop_back();
  const Views views = views_of(services, exchange);
  JsonWriter json;
  json.begin_object().key("generations");
  json.raw(json_array(found, [&](const Generation& generation) {
    return page_entry(views, services.generations, generation);
  }));
  json.key("has_more").boolean(has_more).end_object();
  return Reply::json(200, json.text());
}

// The exact requests and answers about one generation.
Reply list_exchanges(Page& page, Services& services, Exchange& exchange) {
  const auto id = parse_digits(exchange.request.parameters.at(0));
  if (!id) throw not_found("There is no such generation.");
  const Generation generation = services.generations.get(*id);
  JsonWriter json;
  json.begin_object().key("generation_id").integer(*id).key("request").raw(generation.request);
  json.key("exchanges").begin_array();
  for (const auto& record : page.journal().of(*id)) {
    json.begin_object().key("method").string(record.method);
    json.key("target").string(record.target).key("headers").raw(record.headers);
    json.key("request").string(record.request);
    json.key("status").integer(record.status).key("answer").string(record.answer);
    json.key("arrived").boolean(record.arrived).key("times").integer(record.times);
    json.key("first_at_ts").integer(record.first_at).key("last_at_ts").integer(record.last_at);
    json.end_object();
  }
  return Reply::json(200, json.end_array().end_object().text());
}

Reply follow_events(Page& page, Exchange& exchange) {
  // Whoever wants the head only would wait for an end that does not come.
  if (exchange.request.method == "HEAD") {
    Reply reply;
    reply.content_type = "text/event-stream";
    return reply;
  }
  return page.events().open(exchange.request.origin);
}

}  // namespace

void Page::note(const Request& request, const std::string& body, const Reply& reply) noexcept {
  journal_.note(request, body, reply);
  if (request.method == "GET" || request.method == "HEAD" || request.path.size() < 2) return;
  if (reply.status > 299) return;
  const std::string& subject = request.path[1];
  if (subject == "content_resources") events_.changed("resources");
  // What the form offers: agents, and the cells of sheets. What is in a cell is none of that.
  const bool shapes_sheet = (subject == "autocontentengine" || subject == "vidsheet") &&
                            (request.path.size() < 4 || request.path[3] != "cells");
  if (subject == "agents" || shapes_sheet) events_.changed("form");
  if (request.path[0] == "_emulator" && request.path[1] == "faults") events_.changed("faults");
}

std::vector<Route> page_routes(Page& page) {
  return {
      {"GET", "", BodyKind::ignored,
       [](Services&, Exchange&) { return serve_asset("index.html"); }},
      {"GET", "page/settings.json", BodyKind::ignored,
       [&page](Services&, Exchange&) { return serve_settings(page); }},
      {"GET", "page/{}", BodyKind::ignored,
       [](Services&, Exchange& exchange) {
         return serve_asset(exchange.request.parameters.at(0));
       }},
      {"GET", "_emulator/form", BodyKind::ignored, &form_choices},
      {"GET", "_emulator/generations", BodyKind::ignored, &list_generations},
      {"GET", "_emulator/generations/{}/exchanges", BodyKind::ignored,
       [&page](Services& services, Exchange& exchange) {
         return list_exchanges(page, services, exchange);
       }},
      {"GET", "_emulator/events", BodyKind::ignored,
       [&page](Services&, Exchange& exchange) { return follow_events(page, exchange); }},
  };
}

}  // namespace genpro::emulator
