// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/faults/faults.h"

#include <array>
#include <cstdio>
#include <type_traits>

#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"
#include "emulator/util/timer.h"

namespace genpro::emulator {

namespace {

constexpr std::size_t max_value = 1000;
// Addresses whose uses are counted at once.
constexpr std::size_t max_links = 10'000;

constexpr const char* errors_syntax =
    "STATUS[:code=CODE][:retry-after=SECONDS][:rate=0..1][:count=N][:skip=N][,STATUS…]";
constexpr const char* trigger_syntax = "[:rate=0..1][:count=N][:skip=N]";

// In the order of Endpoint.
constexpr std::array<const char*, 5> error_names{"post-errors", "poll-errors", "upload-errors",
                                                 "download-errors", "other-errors"};

// FNV-1a: each fault has a chance of its own, whatever else is switched on.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

std::int64_t random_seed() {
  // Short enough to be typed.
  return static_cast<std::int64_t>(std::stoul(random_token(4), nullptr, 16));
}

}  // namespace

Reply payment_reply(const std::string& message, std::uint64_t credits) {
  // A hundredth of a dollar each, as text.
  char dollars[32];
  std::snprintf(dollars, sizeof dollars, "%llu.%02llu",
                static_cast<unsigned long long>(credits / 100),
                static_cast<unsigned long long>(credits % 100));
  JsonWriter json;
  json.begin_object().key("code").string("payment_required").key("message").string(message);
  json.key("retryable").boolean(false).key("errors").begin_array().end_array();
  json.key("funding_error_kind").string("insufficient_credits");
  json.key("x402_credit_purchase").begin_object().key("status").string("available");
  json.key("amount_usd").string(dollars);
  json.key("credits").integer(static_cast<std::int64_t>(credits)).end_object();
  return Reply::json(402, json.end_object().text());
}

struct Faults::Kind {
  const char* name;
  std::string syntax;
  const char* initial;
  const char* description;
  Value (*read)(std::string_view text, const Models& models);
};

template <auto read>
Faults::Value Faults::read_as(std::string_view text, const Models& models) {
  if constexpr (std::is_invocable_v<decltype(read), std::string_view>) {
    return read(text);
  } else {
    return read(text, models);
  }
}

const std::vector<Faults::Kind>& Faults::kinds() {
  static const std::vector<Kind> all{
      {"latency", "[MODEL=]fixed:S|uniform:MIN:MAX|lognormal:MEDIAN:SIGMA[,…]", "lognormal:45:0.5",
       "Seconds that a generation takes, by its model; instead of --latency.",
       &read_as<read_latency>},
      {"failed-generations",
       "[model=MODEL:][rate=0..1:][count=N:][skip=N:][reason=TEXT to the end]",
       "reason=The model could not make a video of this request.",
       "Generations that start fail at the end of their latency, and are refunded.",
       &read_as<read_failure>},
      {"post-errors", errors_syntax, "503",
       "Generating and continuing are refused, before anything is charged.", &read_as<read_errors>},
      {"poll-errors", errors_syntax, "503", "Reading a generation's status is refused.",
       &read_as<read_errors>},
      {"upload-errors", errors_syntax, "503", "Uploads are refused, direct ones too.",
       &read_as<read_errors>},
      {"download-errors", errors_syntax, "503", "Reading a clip is refused.",
       &read_as<read_errors>},
      {"other-errors", errors_syntax, "503",
       "Everything else of the API is refused: cells, sheets, stopping, credits.",
       &read_as<read_errors>},
      {"not-ready",
       "source_not_ready|generation_pending[:retry-after=SECONDS][:rate=0..1][:count=N][:skip=N]",
       "generation_pending:retry-after=1",
       "Generating and continuing are put off with a 202, before anything is charged.",
       &read_as<read_wait>},
      {"payment-required", std::string("CREDITS") + trigger_syntax, "500",
       "Generating and continuing are refused with a 402 that offers credits for money.",
       &read_as<read_payment>},
      {"stop-refunds", std::string("none|untold") + trigger_syntax, "none",
       "A generation that is stopped is not refunded, or is and does not say so.",
       &read_as<read_refund>},
      {"lost-answers", std::string("closed|silent") + trigger_syntax, "closed",
       "A generate or continue call is taken and charged, and its answer never comes: the "
       "connection is closed, or stays open without a word.",
       &read_as<read_lost>},
      {"cut-downloads", std::string("BYTES") + trigger_syntax, "100k",
       "The connection is closed after so many bytes of a clip.", &read_as<read_cut>},
      {"slow-downloads", std::string("BYTES") + trigger_syntax, "50k",
       "A clip comes with so many bytes a second.", &read_as<read_slow>},
      {"expiring-urls", "seconds=S|requests=N[:status=400..499]", "seconds=60:status=403",
       "A clip's address is refused so long after it was given out, or after so many requests; "
       "reading the generation gives a fresh one. Addresses from before are refused at once.",
       &read_as<read_expiry>},
  };
  return all;
}

Faults::Faults(Models models, std::optional<std::int64_t> seed)
    : models_(std::move(models)), seed_(seed ? *seed : random_seed()) {
  for (const auto& kind : kinds()) faults_.push_back({&kind, false, kind.initial, {}, Dice(), 0});
}

Faults::Fault& Faults::fault(const std::string& name) {
  for (auto& fault : faults_) {
    if (name == fault.kind->name) return fault;
  }
  std::vector<std::string> names;
  for (const auto& fault : faults_) names.emplace_back(fault.kind->name);
  throw FaultError("There is no fault \"" + clean_label(name) + "\". The faults are " +
                   join(names) + ".");
}

template <typename T>
T* Faults::active(const char* name, Fault*& found) {
  found = &fault(name);
  return found->enabled ? &std::get<T>(found->value) : nullptr;
}

Dice Faults::dice_for(const Kind& kind) const {
  return Dice(static_cast<std::uint64_t>(seed_) ^ hash_of(kind.name));
}

void Faults::set(const std::string& name, const std::optional<std::string>& given) {
  Fault& chosen = fault(name);
  const std::string text = given.value_or(chosen.text);
  const auto complain = [&](const std::string& problem) {
    return FaultError("\"" + clean_label(text) + "\" is no value of " + name + ": " + problem +
                      ". Write it as " + chosen.kind->syntax + ", for example " +
                      chosen.kind->initial + ".");
  };
  if (text.empty()) throw complain("it is empty");
  if (text.size() > max_value) throw complain("it is longer than 1000 bytes");
  if (!g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr)) {
    throw complain("it is no UTF-8");
  }
  try {
    chosen.value = chosen.kind->read(text, models_);
  } catch (const FaultError& problem) {
    throw complain(problem.what());
  }
  chosen.text = text;
  chosen.enabled = true;
  chosen.dice = dice_for(*chosen.kind);
  chosen.acted = 0;
}

void Faults::remove(const std::string& name) {
  Fault& chosen = fault(name);
  chosen.enabled = false;
  chosen.text = chosen.kind->initial;
  chosen.acted = 0;
}

void Faults::remove_all() {
  for (const auto& kind : kinds()) remove(kind.name);
}

void Faults::set_seed(std::int64_t seed) {
  seed_ = seed;
  for (auto& fault : faults_) fault.dice = dice_for(*fault.kind);
}

std::string Faults::json() const {
  JsonWriter json;
  json.begin_object().key("faults").begin_array();
  for (const auto& fault : faults_) {
    json.begin_object().key("name").string(fault.kind->name);
    json.key("enabled").boolean(fault.enabled).key("value").string(fault.text);
    json.key("default").string(fault.kind->initial).key("syntax").string(fault.kind->syntax);
    json.key("description").string(fault.kind->description);
    json.key("acted").integer(static_cast<std::int64_t>(fault.acted)).end_object();
  }
  return json.end_array().key("seed").integer(seed_).end_object().text();
}

std::optional<Reply> Faults::put_off() {
  Fault* chosen = nullptr;
  auto* wait = active<WaitValue>("not-ready", chosen);
  if (wait != nullptr && wait->trigger.fires(chosen->dice)) {
    ++chosen->acted;
    JsonWriter json;
    const bool is_pending = wait->code == "generation_pending";
    json.begin_object().key("status").string(is_pending ? "generating" : "queued");
    json.key("error_code").string(wait->code).key("retryable").boolean(true);
    if (wait->retry_after) {
      json.key("retry_after_seconds").integer(static_cast<std::int64_t>(*wait->retry_after));
    }
    json.key("message").string(
        "The emulator was asked to put this off by its fault not-ready. Send the same request "
        "again, or switch that off.");
    return Reply::json(202, json.end_object().text());
  }
  auto* payment = active<PaymentValue>("payment-required", chosen);
  if (payment == nullptr || !payment->trigger.fires(chosen->dice)) return {};
  ++chosen->acted;
  return payment_reply(
      "The emulator was asked for this error by its fault payment-required. Switch that off, or "
      "try "
      "again.",
      payment->credits);
}

StopRefund Faults::stop_refund() {
  Fault* chosen = nullptr;
  auto* refund = active<RefundValue>("stop-refunds", chosen);
  if (refund == nullptr || !refund->trigger.fires(chosen->dice)) return StopRefund::told;
  ++chosen->acted;
  return refund->untold ? StopRefund::untold : StopRefund::none;
}

std::optional<Reply> Faults::refusal(Endpoint endpoint) {
  if (endpoint == Endpoint::own) return {};
  if (endpoint == Endpoint::post) {
    if (auto reply = put_off()) return reply;
  }
  const char* name = error_names.at(static_cast<std::size_t>(endpoint));
  Fault* chosen = nullptr;
  auto* rules = active<ErrorsValue>(name, chosen);
  if (rules == nullptr) return {};
  for (auto& rule : *rules) {
    if (!rule.trigger.fires(chosen->dice)) continue;
    ++chosen->acted;
    Reply reply = error_reply(rule.status, rule.code,
                              std::string("The emulator was asked for this error by its fault ") +
                                  name + ". Switch that off, or try again.");
    if (rule.retry_after) {
      reply.headers.emplace_back("Retry-After", std::to_string(*rule.retry_after));
    }
    return reply;
  }
  return {};
}

void Faults::disturb(Endpoint endpoint, const Request& request, Reply& reply) {
  Fault* chosen = nullptr;
  // A refusal is no answer that could be lost with what was charged.
  if (endpoint == Endpoint::post && reply.status < 300) {
    auto* lost = active<LostValue>("lost-answers", chosen);
    if (lost == nullptr || !lost->trigger.fires(chosen->dice)) return;
    ++chosen->acted;
    reply.fate = lost->silent ? Reply::Fate::silent : Reply::Fate::closed;
  }
  if (endpoint != Endpoint::download || request.method != "GET" || !reply.bytes) return;
  auto* cut = active<CutValue>("cut-downloads", chosen);
  // An answer that ends before is no occasion.
  if (cut != nullptr && g_bytes_get_size(reply.bytes.get()) > cut->bytes &&
      cut->trigger.fires(chosen->dice)) {
    ++chosen->acted;
    reply.cut_after = cut->bytes;
  }
  auto* slow = active<SlowValue>("slow-downloads", chosen);
  if (slow != nullptr && slow->trigger.fires(chosen->dice)) {
    ++chosen->acted;
    reply.bytes_per_second = slow->bytes_per_second;
  }
}

std::optional<double> Faults::latency(const std::string& model) {
  Fault* chosen = nullptr;
  const auto* rules = active<LatencyValue>("latency", chosen);
  if (rules == nullptr) return {};
  const LatencyRule* fitting = nullptr;
  for (const auto& rule : *rules) {
    if (rule.model == model || (rule.model.empty() && fitting == nullptr)) fitting = &rule;
  }
  if (fitting == nullptr) return {};
  ++chosen->acted;
  return fitting->seconds.draw(chosen->dice);
}

std::optional<std::string> Faults::failure(const std::string& model) {
  Fault* chosen = nullptr;
  auto* failing = active<FailureValue>("failed-generations", chosen);
  if (failing == nullptr || (!failing->model.empty() && failing->model != model)) return {};
  if (!failing->trigger.fires(chosen->dice)) return {};
  ++chosen->acted;
  return failing->reason;
}

std::string Faults::link(const std::string& url) {
  Fault* chosen = nullptr;
  if (active<ExpiryValue>("expiring-urls", chosen) == nullptr) return url;
  return url + "?issued=" + std::to_string(now_milliseconds()) +
         "&serial=" + std::to_string(++last_serial_);
}

bool Faults::has_expired(const Request& request, const ExpiryValue& expiry) {
  const auto issued = parse_digits(request.query_value("issued").value_or(""));
  const auto serial = parse_digits(request.query_value("serial").value_or(""));
  if (!issued || !serial || *serial <= oldest_serial_ || *serial > last_serial_) return true;
  const double age = static_cast<double>(now_milliseconds() - *issued) / 1000.0;
  if (expiry.seconds && age >= *expiry.seconds) return true;
  if (!expiry.requests) return false;
  if (uses_.size() >= max_links && !uses_.contains(*serial)) {
    oldest_serial_ = uses_.begin()->first;
    uses_.erase(uses_.begin());
    if (*serial <= oldest_serial_) return true;
  }
  return ++uses_[*serial] > *expiry.requests;
}

void Faults::check_link(const Request& request) {
  Fault* chosen = nullptr;
  const auto* expiry = active<ExpiryValue>("expiring-urls", chosen);
  if (expiry == nullptr || !has_expired(request, *expiry)) return;
  ++chosen->acted;
  throw ApiError(expiry->status, "url_expired",
                 "This address has expired, as the fault expiring-urls says. GET the generation "
                 "for a fresh one.");
}

}  // namespace genpro::emulator
