// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator/http/message.h"

#include "base/sqlite.h"
#include "emulator/util/api_error.h"
#include "emulator/util/json.h"
#include "emulator/util/text.h"

namespace genpro::emulator {

std::string Request::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found != headers.end() ? found->second : std::string();
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

std::string Request::media_type() const {
  const std::string type = header("content-type");
  return to_lower(trim(std::string_view(type).substr(0, type.find(';'))));
}

Reply error_reply(unsigned status, const std::string& code, const std::string& text) {
  JsonWriter json;
  json.begin_object().key("error").string(text).key("error_code").string(code).end_object();
  return Reply::json(status, json.text());
}

std::optional<Reply> refusal_of(const std::function<void()>& action) {
  try {
    action();
    return {};
  } catch (const ApiError& error) {
    return error_reply(error.status(), error.code(), error.what());
  } catch (const sqlite::Failure& error) {
    if (error.is_busy()) {
      Reply reply =
          error_reply(503, "store_busy", "Another program holds the emulator's store. Try again.");
      reply.headers.emplace_back("Retry-After", "1");
      return reply;
    }
    return error_reply(500, "store_failed",
                       std::string("The emulator's store failed: ") + error.what() +
                           ". Look whether its disk is full, then try again.");
  } catch (const std::exception& error) {
    return error_reply(500, "internal_error",
                       std::string("The emulator failed: ") + error.what() + ".");
  }
}

Reply answer_of(const std::function<Reply()>& action) {
  Reply reply;
  auto refusal = refusal_of([&] { reply = action(); });
  return refusal ? std::move(*refusal) : std::move(reply);
}

std::optional<std::vector<std::string>> split_path(std::string_view encoded) {
  if (encoded.empty() || encoded.front() != '/') return {};
  encoded.remove_prefix(1);
  if (!encoded.empty() && encoded.back() == '/') encoded.remove_suffix(1);
  std::vector<std::string> segments;
  for (const auto part : split(encoded, '/')) {
    auto segment = percent_decode(part, false);
    if (!segment) return {};
    segments.push_back(std::move(*segment));
  }
  return segments;
}

std::optional<std::vector<std::pair<std::string, std::string>>> split_query(
    std::string_view encoded) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto part : split(encoded, '&')) {
    const auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = percent_decode(equals == part.npos ? "" : part.substr(equals + 1), true);
    if (!name || !value) return {};
    if (name->empty()) continue;
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

}  // namespace genpro::emulator
