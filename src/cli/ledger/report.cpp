// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/ledger/report.h"

#include "cli/when.h"

namespace genpro::cli {

namespace {

std::string valid(const std::string& text) {
  return take_string(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
}

api::JsonNodePtr texts(const std::vector<std::string>& list) {
  api::JsonArrayPtr array(json_array_new());
  for (const std::string& text : list) {
    json_array_add_string_element(array.get(), valid(text).c_str());
  }
  return to_node(std::move(array));
}

}  // namespace

void set_text(JsonObject* object, const char* name, const std::string& text) {
  json_object_set_string_member(object, name, valid(text).c_str());
}

void set_text_or_null(JsonObject* object, const char* name, const std::string& text) {
  if (text.empty()) {
    json_object_set_null_member(object, name);
  } else {
    set_text(object, name, text);
  }
}

void set_time(JsonObject* object, const char* name, ledger::WallTime time) {
  set_text_or_null(object, name, time == 0 ? "" : utc_time(time));
}

void set_number(JsonObject* object, const char* name, std::optional<double> number) {
  if (number) {
    json_object_set_double_member(object, name, *number);
  } else {
    json_object_set_null_member(object, name);
  }
}

api::JsonNodePtr to_node(api::JsonObjectPtr object) {
  api::JsonNodePtr node(json_node_new(JSON_NODE_OBJECT));
  json_node_take_object(node.get(), object.release());
  return node;
}

api::JsonNodePtr to_node(api::JsonArrayPtr array) {
  api::JsonNodePtr node(json_node_new(JSON_NODE_ARRAY));
  json_node_take_array(node.get(), array.release());
  return node;
}

api::JsonObjectPtr brief_report(const Seen& seen) {
  const ledger::Entry& entry = seen.entry;
  const char* evidence = evidence_text(seen);
  api::JsonObjectPtr report(json_object_new());
  JsonObject* object = report.get();
  json_object_set_int_member(object, "id", entry.id);
  set_time(object, "created_at", entry.created_at);
  set_text(object, "status", word_of(seen));
  set_text(object, "charged", charged_text(seen));
  json_object_set_boolean_member(object, "in_doubt", is_in_doubt(seen));
  json_object_set_boolean_member(object, "followed", seen.is_followed);
  json_object_set_boolean_member(object, "stop_wanted", payment::stop_wanted(entry.state));
  set_text_or_null(object, "generation_id", payment::generation_id(entry.state));
  set_text_or_null(object, "evidence", evidence != nullptr ? evidence : "");
  set_text_or_null(object, "model", entry.identity.model);
  set_number(object, "cost", entry.cost);
  json_object_set_int_member(object, "bytes_delivered",
                             static_cast<std::int64_t>(entry.bytes_delivered));
  json_object_set_boolean_member(object, "delivered", entry.delivered_at != 0);
  set_text(object, "agent_id", entry.identity.agent_id);
  set_text(object, "cell_path", entry.identity.cell_path);
  return report;
}

api::JsonObjectPtr full_report(const Seen& seen,
                               const std::vector<ledger::Ledger::HistoryLine>& history) {
  const ledger::Entry& entry = seen.entry;
  const payment::State state = state_of(seen);
  const payment::Attempt* attempt = payment::attempt(state);
  api::JsonObjectPtr report = brief_report(seen);
  JsonObject* object = report.get();
  set_text(object, "meaning", meaning_of(seen));
  json_object_set_boolean_member(object, "closed", payment::is_closed(state));
  set_text_or_null(object, "reason", payment::reason(state));
  set_time(object, "posted_at", entry.posted_at);
  set_time(object, "ended_at", entry.ended_at);
  set_time(object, "delivered_at", entry.delivered_at);
  set_text(object, "base_url", entry.identity.base_url);
  set_text_or_null(object, "prompt", prompt_of(entry));
  auto request = api::parse_json(entry.identity.request);
  if (request) {
    json_object_set_member(object, "request", request->release());
  } else {
    set_text_or_null(object, "request", entry.identity.request);
  }
  set_text(object, "fingerprint", entry.identity.fingerprint);
  set_text_or_null(object, "idempotency_key", key_of(entry));
  if (attempt != nullptr && attempt->before) {
    json_object_set_member(object, "jobs_before", texts(*attempt->before).release());
  } else {
    json_object_set_null_member(object, "jobs_before");
  }
  api::JsonArrayPtr lines(json_array_new());
  for (const ledger::Ledger::HistoryLine& line : history) {
    api::JsonObjectPtr one(json_object_new());
    set_time(one.get(), "at", line.at);
    set_text(one.get(), "came", line.came);
    set_text(one.get(), "decided", line.decided);
    set_text(one.get(), "status", line.word);
    json_array_add_object_element(lines.get(), one.release());
  }
  json_object_set_array_member(object, "history", lines.release());
  return report;
}

}  // namespace genpro::cli
