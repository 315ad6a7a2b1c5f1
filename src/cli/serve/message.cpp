// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/serve/message.h"

#include <algorithm>

#include "base/glib_ptr.h"
#include "base/text.h"

namespace genpro::cli {

namespace {

const char* reason_of(unsigned status) {
  using Reason = std::pair<unsigned, const char*>;
  static constexpr Reason reasons[] = {{200, "OK"},
                                       {206, "Partial Content"},
                                       {304, "Not Modified"},
                                       {400, "Bad Request"},
                                       {402, "Payment Required"},
                                       {403, "Forbidden"},
                                       {404, "Not Found"},
                                       {405, "Method Not Allowed"},
                                       {409, "Conflict"},
                                       {416, "Range Not Satisfiable"},
                                       {422, "Unprocessable Content"},
                                       {429, "Too Many Requests"},
                                       {431, "Request Header Fields Too Large"},
                                       {500, "Internal Server Error"},
                                       {502, "Bad Gateway"},
                                       {503, "Service Unavailable"},
                                       {505, "HTTP Version Not Supported"}};
  const auto* const found = std::ranges::find(reasons, status, &Reason::first);
  return found != std::end(reasons) ? found->second : "Error";
}

std::string lower_case(std::string_view text) {
  return take_string(g_ascii_strdown(text.data(), static_cast<gssize>(text.size())));
}

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return g_ascii_isalnum(c) || marks.find(c) != std::string_view::npos;
  });
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text,
                             [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
}

HttpError malformed() {
  return {400, "The request is malformed."};
}

std::vector<std::string> parse_path(std::string_view target) {
  if (!target.starts_with('/')) throw malformed();
  target = target.substr(
      1, target.find('?') == std::string_view::npos ? target.npos : target.find('?') - 1);
  std::vector<std::string> path;
  if (target.empty()) return path;
  for (const std::string_view part : split(target, '/')) {
    const GCharPtr segment(g_uri_unescape_segment(part.data(), part.data() + part.size(), "/"));
    if (!segment || !is_utf8(segment.get())) throw malformed();
    path.emplace_back(segment.get());
  }
  return path;
}

void parse_line(std::string_view line, Request& request) {
  const auto words = split(line, ' ');
  if (words.size() != 3 || !is_token(words[0]) || has_control_characters(line)) throw malformed();
  if (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0") {
    if (!words[2].starts_with("HTTP/")) throw malformed();
    throw HttpError(505, "HTTP/1.1 is what is spoken here.");
  }
  request.stays_open = words[2] == "HTTP/1.1";
  request.method = words[0];
  request.path = parse_path(words[1]);
}

void parse_header(std::string_view line, Request& request) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) throw malformed();
  const std::string_view value = trim(line.substr(colon + 1));
  if (has_control_characters(value)) throw malformed();
  const std::string name = lower_case(line.substr(0, colon));
  const auto [place, is_new] = request.headers.emplace(name, value);
  if (is_new) return;
  // Two of them say two things.
  if (name == "host" || name == "content-length" || name == "range") throw malformed();
  place->second += ", " + std::string(value);
}

bool lists(const std::string& header, std::string_view word) {
  const auto words = split_list(header);
  return std::ranges::any_of(words,
                             [&](const std::string& one) { return lower_case(one) == word; });
}

}  // namespace

std::string Request::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found != headers.end() ? found->second : "";
}

Request parse_request(std::string_view head) {
  Request request;
  bool is_first = true;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    is_first ? parse_line(line, request) : parse_header(line, request);
    is_first = false;
    head = end == std::string_view::npos ? std::string_view() : head.substr(end + 2);
  }
  if (is_first) throw malformed();
  if (request.method != "GET" && request.method != "HEAD") {
    throw HttpError(405, "Only GET and HEAD are served.", {{"Allow", "GET, HEAD"}});
  }
  const std::string length = request.header("content-length");
  if ((!length.empty() && length != "0") || !request.header("transfer-encoding").empty()) {
    throw HttpError(400, "A request to this server has no body.");
  }
  const std::string connection = request.header("connection");
  if (lists(connection, "close")) request.stays_open = false;
  return request;
}

Response response_of(const HttpError& error) {
  Response response;
  response.status = error.status();
  response.headers = error.headers();
  response.text = std::string(error.what()) + "\n";
  return response;
}

std::string head_text(const Response& response, bool stays_open) {
  std::string text =
      "HTTP/1.1 " + std::to_string(response.status) + " " + reason_of(response.status) + "\r\n";
  const auto add = [&](const std::string& name, const std::string& value) {
    text += name + ": " + value + "\r\n";
  };
  const bool has_content = response.status != 304;
  if (has_content) add("Content-Type", response.content_type);
  if (has_content && response.tells_length) {
    add("Content-Length", std::to_string(response.body ? response.range.end - response.range.first
                                                       : response.text.size()));
  }
  for (const auto& [name, value] : response.headers) add(name, value);
  add("Cache-Control", "no-cache");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("X-Content-Type-Options", "nosniff");
  add("Connection", stays_open ? "keep-alive" : "close");
  return text + "\r\n";
}

Response select_range(const Request& request, std::uint64_t size, const std::string& tag) {
  Response response;
  response.content_type = "video/mp4";
  response.headers = {{"Accept-Ranges", "bytes"}, {"ETag", tag}};
  response.range = {0, size};
  if (lists_tag(request.header("if-none-match"), tag)) {
    response.status = 304;
    return response;
  }
  const std::string condition = request.header("if-range");
  const auto range = request.is_head() || (!condition.empty() && condition != tag)
                         ? std::nullopt
                         : parse_range(request.header("range"), size);
  if (!range) return response;
  const std::string part = content_range(*range, size);
  if (range->is_empty()) {
    throw HttpError(416, "The clip has " + std::to_string(size) + " bytes.",
                    {{"Accept-Ranges", "bytes"}, {"Content-Range", part}});
  }
  response.status = 206;
  response.range = *range;
  response.headers.emplace_back("Content-Range", part);
  return response;
}

}  // namespace genpro::cli
