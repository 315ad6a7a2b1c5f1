// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/faults/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <utility>

#include "emulator/util/text.h"

namespace genpro::emulator {

namespace {

constexpr double longest = 24 * 60 * 60;  // seconds
constexpr std::uint64_t most = 1'000'000'000'000;
constexpr const char* default_reason = "The model could not make a video of this request.";

[[noreturn]] void refuse(const std::string& problem) {
  throw FaultError(problem);
}

std::string in_quotes(std::string_view text) {
  return "\"" + clean_label(text) + "\"";
}

// Plain decimal notation: what else a number may look like is a typing error here.
std::optional<double> parse_decimal(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) return {};
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

double read_number(std::string_view text, const std::string& what, double least, double greatest) {
  const auto number = parse_decimal(text);
  if (!number || *number < least || *number > greatest) {
    char range[80];
    std::snprintf(range, sizeof range, "a number from %.12g to %.12g", least, greatest);
    refuse(what + " must be " + range + ", not " + in_quotes(text));
  }
  return *number;
}

std::uint64_t read_whole(std::string_view text, const std::string& what, std::uint64_t least,
                         std::uint64_t greatest) {
  const auto number = parse_digits(text);
  if (!number || static_cast<std::uint64_t>(*number) < least ||
      static_cast<std::uint64_t>(*number) > greatest) {
    refuse(what + " must be a whole number from " + std::to_string(least) + " to " +
           std::to_string(greatest) + ", not " + in_quotes(text));
  }
  return static_cast<std::uint64_t>(*number);
}

// "1500", "100k", "2M".
std::uint64_t read_bytes(std::string_view text, const std::string& what) {
  std::uint64_t unit = 1;
  std::string_view digits = text;
  if (text.ends_with('k')) unit = 1000;
  if (text.ends_with('M')) unit = 1'000'000;
  if (unit > 1) digits.remove_suffix(1);
  const auto number = parse_digits(digits);
  if (!number || *number < 1 || static_cast<std::uint64_t>(*number) > most / unit) {
    refuse(what + " must be a whole number of bytes, at least 1, as in 1500, 100k or 2M, not " +
           in_quotes(text));
  }
  return static_cast<std::uint64_t>(*number) * unit;
}

struct Option {
  std::string name;
  std::string value;
};

Option read_option(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) refuse(in_quotes(word) + " is not understood");
  return {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))};
}

// Takes the option when it says when a fault acts.
bool take(const Option& option, Trigger& trigger) {
  if (option.name == "rate") {
    trigger.rate = read_number(option.value, "rate", 0, 1);
  } else if (option.name == "count") {
    trigger.count = read_whole(option.value, "count", 1, most);
  } else if (option.name == "skip") {
    trigger.skip = read_whole(option.value, "skip", 0, most);
  } else {
    return false;
  }
  return true;
}

// The options from the second word on, all of which say when the fault acts.
Trigger read_trigger(const std::vector<std::string_view>& words) {
  Trigger trigger;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Option option = read_option(words[i]);
    if (!take(option, trigger)) refuse("there is no option " + in_quotes(option.name));
  }
  return trigger;
}

std::string read_model(const std::string& name, const Models& models) {
  if (std::find(models.begin(), models.end(), name) == models.end()) {
    refuse("the models are " + join(models) + ", not " + in_quotes(name));
  }
  return name;
}

Distribution read_distribution(std::string_view text) {
  const auto words = split(text, ':');
  const std::string_view kind = words[0];
  Distribution result;
  if (kind == "fixed" && words.size() == 2) {
    result.first = read_number(words[1], "the latency", 0, longest);
  } else if (kind == "uniform" && words.size() == 3) {
    result.kind = Distribution::Kind::uniform;
    result.first = read_number(words[1], "the least latency", 0, longest);
    result.second = read_number(words[2], "the greatest latency", result.first, longest);
  } else if (kind == "lognormal" && words.size() == 3) {
    result.kind = Distribution::Kind::lognormal;
    result.first = read_number(words[1], "the median", 0.001, longest);
    result.second = read_number(words[2], "sigma", 0, 10);
  } else {
    refuse(in_quotes(text) +
           " is none of fixed:SECONDS, uniform:MIN:MAX and lognormal:MEDIAN:SIGMA");
  }
  return result;
}

std::string code_of_status(unsigned status) {
  static constexpr std::array<std::pair<unsigned, const char*>, 7> codes{
      {{401, "unauthorized"},
       {403, "permission_denied"},
       {404, "not_found"},
       {422, "validation_error"},
       {429, "rate_limited"},
       {500, "internal_error"},
       {503, "service_unavailable"}}};
  for (const auto& [known, code] : codes) {
    if (known == status) return code;
  }
  return status < 500 ? "bad_request" : "server_error";
}

std::string read_code(const std::string& text) {
  if (text.empty() || text.size() > 80 ||
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
    refuse("code must be made of small letters, digits and _, not " + in_quotes(text));
  }
  return text;
}

ErrorRule read_error(std::string_view text) {
  const auto words = split(text, ':');
  ErrorRule rule;
  rule.status = static_cast<unsigned>(read_whole(words[0], "the status", 400, 599));
  rule.code = code_of_status(rule.status);
  if (rule.status == 429) rule.retry_after = 1;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Option option = read_option(words[i]);
    if (take(option, rule.trigger)) continue;
    if (option.name == "code") {
      rule.code = read_code(option.value);
    } else if (option.name == "retry-after") {
      rule.retry_after = read_whole(option.value, "retry-after", 0, 86400);
    } else {
      refuse("there is no option " + in_quotes(option.name));
    }
  }
  return rule;
}

std::string read_reason(std::string_view text) {
  if (trim(text).empty()) refuse("the reason is empty");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) refuse("the reason must be one line");
  }
  return std::string(trim(text));
}

}  // namespace

double Dice::normal() {
  // Box and Muller; the logarithm of 0 is avoided.
  const double radius = std::sqrt(-2 * std::log(1 - unit()));
  return radius * std::cos(2 * std::numbers::pi * unit());
}

bool Trigger::fires(Dice& dice) {
  if (skip > 0) {
    --skip;
    return false;
  }
  if (count && *count == 0) return false;
  if (rate < 1 && dice.unit() >= rate) return false;
  if (count) --*count;
  return true;
}

double Distribution::draw(Dice& dice) const {
  switch (kind) {
    case Kind::fixed:
      return first;
    case Kind::uniform:
      return first + (second - first) * dice.unit();
    case Kind::lognormal:
      return std::min(first * std::exp(second * dice.normal()), longest);
  }
  return first;
}

LatencyValue read_latency(std::string_view text, const Models& models) {
  LatencyValue rules;
  for (const auto& item : split(text, ',')) {
    LatencyRule rule;
    std::string_view distribution = item;
    const auto equals = item.find('=');
    if (equals != std::string::npos) {
      rule.model = read_model(std::string(item.substr(0, equals)), models);
      distribution.remove_prefix(equals + 1);
    }
    rule.seconds = read_distribution(distribution);
    for (const auto& earlier : rules) {
      if (earlier.model != rule.model) continue;
      refuse(rule.model.empty() ? "there are two latencies for all models"
                                : "there are two latencies for " + rule.model);
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

ErrorsValue read_errors(std::string_view text) {
  ErrorsValue rules;
  for (const auto& item : split(text, ',')) rules.push_back(read_error(item));
  return rules;
}

LostValue read_lost(std::string_view text) {
  const auto words = split(text, ':');
  if (words[0] != "closed" && words[0] != "silent") {
    refuse("it begins with closed or silent, not " + in_quotes(words[0]));
  }
  return {words[0] == "silent", read_trigger(words)};
}

CutValue read_cut(std::string_view text) {
  const auto words = split(text, ':');
  return {read_bytes(words[0], "the length"), read_trigger(words)};
}

SlowValue read_slow(std::string_view text) {
  const auto words = split(text, ':');
  return {static_cast<double>(read_bytes(words[0], "the rate a second")), read_trigger(words)};
}

ExpiryValue read_expiry(std::string_view text) {
  ExpiryValue value;
  for (const auto& word : split(text, ':')) {
    const Option option = read_option(word);
    if (option.name == "seconds") {
      value.seconds = read_number(option.value, "seconds", 0, longest);
    } else if (option.name == "requests") {
      value.requests = read_whole(option.value, "requests", 0, most);
    } else if (option.name == "status") {
      value.status = static_cast<unsigned>(read_whole(option.value, "status", 400, 499));
    } else {
      refuse("there is no option " + in_quotes(option.name));
    }
  }
  if (!value.seconds && !value.requests) refuse("it needs seconds or requests, or both");
  return value;
}

WaitValue read_wait(std::string_view text) {
  const auto words = split(text, ':');
  WaitValue value;
  value.code = words[0];
  if (value.code != "source_not_ready" && value.code != "generation_pending") {
    refuse("it begins with source_not_ready or generation_pending, not " + in_quotes(words[0]));
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Option option = read_option(words[i]);
    if (take(option, value.trigger)) continue;
    if (option.name != "retry-after") refuse("there is no option " + in_quotes(option.name));
    value.retry_after = read_whole(option.value, "retry-after", 0, 86400);
  }
  return value;
}

PaymentValue read_payment(std::string_view text) {
  const auto words = split(text, ':');
  return {read_whole(words[0], "the number of credits", 1, 1'000'000), read_trigger(words)};
}

RefundValue read_refund(std::string_view text) {
  const auto words = split(text, ':');
  if (words[0] != "none" && words[0] != "untold") {
    refuse("it begins with none or untold, not " + in_quotes(words[0]));
  }
  return {words[0] == "untold", read_trigger(words)};
}

FailureValue read_failure(std::string_view text, const Models& models) {
  FailureValue value;
  value.reason = default_reason;
  // The reason is a sentence and may hold any sign: it takes all that is left.
  for (std::string_view rest = text; !rest.empty();) {
    const auto colon = rest.find(':');
    Option option = read_option(rest.substr(0, colon));
    if (option.name == "reason") {
      value.reason = read_reason(rest.substr(rest.find('=') + 1));
      break;
    }
    if (option.name == "model") {
      value.model = read_model(option.value, models);
    } else if (!take(option, value.trigger)) {
      refuse("there is no option " + in_quotes(option.name));
    }
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return value;
}

}  // namespace genpro::emulator
