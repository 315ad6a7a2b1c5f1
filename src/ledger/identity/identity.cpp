// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ledger/identity/identity.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/web/url.h"
#include "ledger/identity/fingerprint.h"

namespace genpro::ledger {

namespace {

// Between a service and its cell; no address has it.
constexpr char separator = ' ';

std::string_view without_zeros(std::string_view id) {
  const bool is_number =
      std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  while (is_number && id.size() > 1 && id.front() == '0') id.remove_prefix(1);
  return id;
}

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

std::string cell_of(const std::string& cell_path) {
  const auto parts = split_path(cell_path);
  const bool has_layer = parts.size() == 6;
  if (parts.size() != 4 && !has_layer) return cell_path;
  std::string cell = std::string(without_zeros(parts[1])) + "/";
  cell += without_zeros(parts[3]);
  if (has_layer) (cell += "/") += without_zeros(parts[5]);
  return cell;
}

std::string parse_service(const std::string& base_url) {
  const auto url = parse_url(base_url);
  if (!url) return base_url;
  std::string host = url->is_loopback() ? "localhost" : url->host;
  if (host.size() > 1 && host.back() == '.') host.pop_back();
  std::string service = url->scheme + "://" + host;
  if (url->port != (url->scheme == "https" ? 443 : 80)) service += ":" + std::to_string(url->port);
  const std::string text = url->without_query();
  const std::size_t path = text.find('/', text.find("//") + 2);
  if (path != std::string::npos) service += text.substr(path);
  while (service.ends_with('/')) service.pop_back();
  return service;
}

}  // namespace

std::string service_of(const std::string& base_url) {
  // Rows of one service follow each other.
  struct Latest {
    std::string base_url;
    std::string service;
  };
  thread_local Latest latest;
  if (latest.base_url != base_url) latest = {base_url, parse_service(base_url)};
  return latest.service;
}

std::string place_of(const std::string& base_url, const std::string& cell_path) {
  return service_of(base_url) + separator + cell_of(cell_path);
}

// Older rows have an ingredient's id as it was written: "0502" for 502.
std::string with_plain_ids(const std::string& request) {
  constexpr std::string_view name = "\"asset_resource_ids\":[";
  const std::size_t begin = request.find(name);
  const std::size_t end = begin == std::string::npos ? begin : request.find(']', begin);
  if (end == std::string::npos || request.find("\"0", begin) > end) return request;
  std::string plain = request.substr(0, begin + name.size());
  std::string_view rest = std::string_view(request).substr(plain.size(), end - plain.size());
  while (!rest.empty()) {
    std::string_view id = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(id.size() + 1, rest.size()));
    const bool is_number = id.size() > 2 && id.find_first_not_of("0123456789", 1) == id.size() - 1;
    if (id.starts_with('"') && is_number) id = without_zeros(id.substr(1, id.size() - 2));
    plain += std::string(id) + (rest.empty() ? "" : ",");
  }
  return plain + request.substr(end);
}

std::string fingerprint_of(const std::string& place, const std::string& agent_id,
                           const std::string& request) {
  return fingerprint({place, std::string(without_zeros(agent_id)), with_plain_ids(request)});
}

Identity make_identity(std::string base_url, std::string cell_path, std::string agent_id,
                       std::string model, std::optional<double> length, std::string request,
                       std::string data, std::string contents) {
  Identity identity;
  identity.base_url = std::move(base_url);
  identity.cell_path = std::move(cell_path);
  identity.agent_id = std::move(agent_id);
  identity.model = std::move(model);
  identity.length = length;
  identity.request = std::move(request);
  identity.data = std::move(data);
  identity.contents = std::move(contents);
  identity.place = place_of(identity.base_url, identity.cell_path);
  const std::string& same = identity.contents.empty() ? identity.request : identity.contents;
  identity.fingerprint = fingerprint_of(identity.place, identity.agent_id, same);
  return identity;
}

bool is_at(const std::string& place, const std::string& service) {
  return place.size() > service.size() && place.starts_with(service) &&
         place[service.size()] == separator;
}

// Rows have the low places, uploads and cells the high ones; 0 is for setting the file up.
std::int64_t lock_of(int bit, const std::vector<std::string>& parts) {
  return (std::int64_t{1} << bit) | std::stoll(fingerprint(parts).substr(0, 15), nullptr, 16);
}

std::int64_t lock_of_cell(const std::string& place) {
  return lock_of(62, {place});
}

std::int64_t lock_of_asset(const std::string& service, const std::string& agent_id,
                           const std::string& sha256) {
  return lock_of(61, {service, agent_id, sha256});
}

std::int64_t lock_of_batch(const std::string& batch, const std::string& part) {
  return lock_of(60, {batch, part});
}

payment::ServiceData compare_data(const std::string& one, const std::string& other) {
  if (one.empty() || other.empty()) return payment::ServiceData::unreadable;
  return one == other ? payment::ServiceData::same : payment::ServiceData::different;
}

}  // namespace genpro::ledger
