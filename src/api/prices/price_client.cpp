// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/prices/price_client.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "api/client_call.h"
#include "api/dialect.h"
#include "api/json.h"
#include "base/text.h"
#include "catalogue/catalogue.h"

namespace genpro::api {

namespace {

// The model's name begins with it; with a - for each _.
constexpr std::pair<std::string_view, const char*> raw_jobs[] = {
    {"pika", "generate_pika_video"},
    {"veo", "gemini_video_generation"},
    {"gemini-omni", "gemini_omni_video_generation"},
    {"grok", "grok_video_generation"},
    {"kling", "kling"},
    {"seedance-2.5", "seedance_2_5_video_generation"},
    {"seedance", "seedance_2_0_video_generation"},
    {"minimax-h3-max", "minimax_h3_max_video_generation"},
};

// Words of an estimate that has no price in it, whatever number stands beside them. Which ones the
// service has is not published: what is unknown is no reason to doubt the price.
constexpr std::string_view early_words =
    "pending queued processing in_progress running calculating estimating generating not_ready";
constexpr std::string_view refusing_words =
    "failed failure error refused rejected denied invalid unsupported unavailable expired stopped "
    "cancelled canceled";

// The status of it or one of its items that is among these words, and what is said of that; empty
// when there is none.
std::string find_status(JsonObject* estimate, std::string_view words) {
  std::vector<JsonObject*> parts = {estimate};
  for (JsonNode* item : elements(as_array(member(estimate, "items")))) {
    parts.push_back(as_object(item));
  }
  for (JsonObject* part : parts) {
    const std::string said = as_string(member(part, "status")).value_or("");
    const std::string status = take_string(g_ascii_strdown(said.c_str(), -1));
    if (status.empty() || !catalogue::has_word(words, status)) continue;
    std::string text = "its status is \"" + status + "\"";
    for (const char* name : {"error", "message", "failed_reason"}) {
      const std::string why = as_string(member(part, name)).value_or("");
      if (!why.empty()) return text + " (" + why + ")";
    }
    return text;
  }
  return {};
}

std::optional<double> credits_of(JsonObject* object) {
  for (const char* name : {"estimated_credits", "estimated_credit", "credits"}) {
    const auto credits = as_number(member(object, name));
    if (credits && *credits >= 0) return credits;
  }
  return std::nullopt;
}

// The list that an answer is or has.
JsonArray* list_of(JsonNode* answer) {
  if (JsonArray* list = as_array(answer)) return list;
  for (const char* name : {"credit_transactions", "transactions", "items", "data"}) {
    if (JsonArray* list = as_array(member(as_object(answer), name))) return list;
  }
  return nullptr;
}

void add_id(JsonNode* node, std::vector<std::string>& ids) {
  if (auto id = as_id(node)) ids.push_back(std::move(*id));
}

// A number behind such a word: "Refund for generation 9040".
void add_named(const std::string& text, std::vector<std::string>& ids) {
  std::string_view before;
  for (std::string_view word : split(text, ' ')) {
    while (!word.empty() && (word.front() == '#' || word.front() == '(')) word.remove_prefix(1);
    while (!word.empty() && std::string_view(".,;:)").find(word.back()) != std::string_view::npos) {
      word.remove_suffix(1);
    }
    const bool is_named =
        before == "generation" || before == "job" || before == "user_job" || before == "UserJob";
    if (is_named && is_id(word)) ids.emplace_back(word);
    before = word;
  }
}

// An id of something else, such as a purchase, may be the same number.
bool is_generation_type(JsonNode* type) {
  std::string word = as_string(type).value_or("");
  std::erase(word, '_');
  for (const char* known : {"", "userjob", "generation"}) {
    if (g_ascii_strcasecmp(word.c_str(), known) == 0) return true;
  }
  return false;
}

bool says_refund(JsonObject* entry) {
  for (const char* name : {"purpose", "description"}) {
    const std::string text = as_string(member(entry, name)).value_or("");
    if (take_string(g_ascii_strdown(text.c_str(), -1)).find("refund") != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> generations_of(JsonObject* entry) {
  std::vector<std::string> ids;
  for (const char* name : {"generation_id", "user_job_id"}) add_id(member(entry, name), ids);
  if (is_generation_type(member(entry, "source_type"))) add_id(member(entry, "source_id"), ids);
  for (const char* name : {"source", "user_job", "generation"}) {
    JsonNode* source = member(entry, name);
    JsonObject* object = as_object(source);
    if (object == nullptr) {
      add_named(as_string(source).value_or(""), ids);
      continue;
    }
    if (name == std::string_view("source") && !is_generation_type(member(object, "type"))) continue;
    for (const char* id : {"id", "generation_id", "user_job_id"}) add_id(member(object, id), ids);
  }
  // The number in "AI generation 500 credits" is not an id.
  if (!says_refund(entry)) return ids;
  for (const char* name : {"purpose", "description"}) {
    add_named(as_string(member(entry, name)).value_or(""), ids);
  }
  return ids;
}

// The kind of raw job that a request comes to; the request's own type where that is not known.
std::string job_type_of(const GenerationRequest& request) {
  if (request.type == GenerationType::lipsync) return "infinite_voice_lip_sync";
  std::string model = request.model;
  std::ranges::replace(model, '_', '-');
  for (const auto& [begin, word] : raw_jobs) {
    if (!model.starts_with(begin)) continue;
    const bool is_image = request.type == GenerationType::video_from_image;
    return begin == "kling" && is_image ? "kling_img2video" : word;
  }
  return type_word(request.type);
}

}  // namespace

std::string estimate_body(const GenerationRequest& request, const KnownAssets& assets) {
  const auto body = parse_json_object(request.body);
  JsonObjectPtr data(body ? request.dialect->job_data(body->get())
                          : JsonObjectPtr(json_object_new()));
  for (const std::string_view field : split(request.dialect->asset_fields, ' ')) {
    const std::string name(field);
    if (assets.is_bare && json_object_has_member(data.get(), name.c_str())) {
      json_object_remove_member(data.get(), name.c_str());
    }
  }
  constexpr std::pair<const char*, const char*> frame_fields[] = {
      {"image_resource_id", "image"}, {"image_tail_resource_id", "image_tail"}};
  for (std::size_t i = 0; i < assets.frames.size() && i < std::size(frame_fields); ++i) {
    if (assets.frames[i].empty()) continue;
    const auto& [of_id, name] = frame_fields[i];
    if (json_object_has_member(data.get(), of_id)) json_object_remove_member(data.get(), of_id);
    JsonObjectPtr frame(json_object_new());
    set_text(frame.get(), "value", assets.frames[i]);
    json_object_set_object_member(data.get(), name, frame.release());
  }
  // A word of the request's own for a raw job, in place of that of its type.
  JsonNode* type = body ? member(body->get(), "generation_type") : nullptr;
  const std::string own_type = as_string(type).value_or("");
  const bool is_raw = !own_type.empty() && !find_type(own_type);
  JsonObjectPtr job(json_object_new());
  json_object_set_string_member(job.get(), "user_job_type",
                                (is_raw ? own_type : job_type_of(request)).c_str());
  json_object_set_object_member(job.get(), "data", data.release());
  JsonObjectPtr whole(json_object_new());
  json_object_set_member(whole.get(), "agent_id", id_node(request.agent_id).release());
  json_object_set_object_member(whole.get(), "user_job", job.release());
  return to_text(std::move(whole));
}

Result<double, NoPrice> parse_estimate(std::string_view body) {
  const auto object = parse_json_object(body);
  if (!object) return NoPrice{object.error()};
  for (const auto& [words, kind] : {std::pair(refusing_words, NoPrice::Kind::refused),
                                    std::pair(early_words, NoPrice::Kind::early)}) {
    std::string status = find_status(object->get(), words);
    if (!status.empty()) return NoPrice{std::move(status), kind};
  }
  if (const auto credits = credits_of(object->get())) return *credits;
  double sum = 0;
  const auto items = elements(as_array(member(object->get(), "items")));
  for (JsonNode* item : items) {
    const auto credits = credits_of(as_object(item));
    if (!credits) return NoPrice{"an item of it has no estimated_credits"};
    sum += *credits;
  }
  if (!items.empty()) return sum;
  return NoPrice{"it has no estimated_credits"};
}

Result<std::vector<Transaction>, std::string> parse_transactions(std::string_view body) {
  const auto node = parse_json(body);
  if (!node) return node.error();
  JsonArray* list = list_of(node->get());
  if (list == nullptr) return std::string("it is no list of transactions");
  std::vector<Transaction> transactions;
  for (JsonNode* element : elements(list)) {
    JsonObject* entry = as_object(element);
    if (entry == nullptr) continue;
    Transaction transaction;
    transaction.id = as_id(member(entry, "id")).value_or("");
    transaction.is_incoming = as_text(member(entry, "is_incoming")) == "true";
    transaction.amount = std::abs(as_number(member(entry, "amount")).value_or(0));
    transaction.generations = generations_of(entry);
    transactions.push_back(std::move(transaction));
  }
  return transactions;
}

void PriceClient::estimate(const GenerationRequest& request, const KnownAssets& assets,
                           std::function<void(Result<double, Failure>)> done) {
  auto call =
      make_call("POST", {"the request for an estimate",
                         "the route of estimates, or an id in the request", "Check agent-id."});
  call->request.json_body = estimate_body(request, assets);
  call->done = [done](Result<HttpReply, Failure> reply, const Subject& subject) {
    if (!reply) return done(std::move(reply.error()));
    const auto credits = parse_estimate(reply->body);
    if (credits) return done(*credits);
    const NoPrice& none = credits.error();
    Failure failure = failure_from_shape(*reply, none.reason, subject);
    if (none.kind != NoPrice::Kind::unreadable) {
      // Asked again, it would refuse again.
      const bool is_early = none.kind == NoPrice::Kind::early;
      failure.retryable = is_early;
      failure.error.message = std::string("The GEN API gives no estimate for this request") +
                              (is_early ? " yet: " : ": ") +
                              one_line(redact(none.reason, subject.secret), 200) +
                              (is_early ? ". Try again later." : ". Check its model and settings.");
    }
    done(std::move(failure));
  };
  begin(call, "user_jobs/estimate", {});
}

void PriceClient::get_transactions(
    const std::string& agent_id, unsigned page,
    std::function<void(Result<std::vector<Transaction>, Failure>)> done) {
  auto call = make_call("GET", {"the credit transactions of agent " + one_line(agent_id, 80),
                                "the credit transactions", "Check agent-id."});
  if (page > 0) call->query = "&page=" + std::to_string(page);
  call->done = reading(std::move(done), parse_transactions);
  begin(call, "credit_transactions", agent_id);
}

}  // namespace genpro::api
