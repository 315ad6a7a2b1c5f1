// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/fake_cdn.h"

#include <algorithm>
#include <charconv>

namespace genpro::test {

std::string head_text(const Answer& answer, std::size_t length) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Troubled\r\n";
  head += "Content-Length: " + std::to_string(length) + "\r\n";
  if (!answer.content_type.empty()) head += "Content-Type: " + answer.content_type + "\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  return head + "\r\n";
}

namespace {

struct Range {
  std::size_t first;
  std::size_t last;  // inclusive
};

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One range of "bytes=a-b", "bytes=a-", "bytes=-n"; nothing when the header is none of these.
std::optional<Range> parse_range(const std::string& header, std::size_t size) {
  if (!header.starts_with("bytes=")) return std::nullopt;
  const std::string_view spec = std::string_view(header).substr(6);
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = number(spec.substr(0, dash));
  const auto last = number(spec.substr(dash + 1));
  if (!first && !last) return std::nullopt;
  if (!first) return Range{size - std::min(*last, size), size - 1};
  return Range{*first, last ? std::min(*last, size - 1) : size - 1};
}

Answer troubled(const Answer& whole, const Trouble& trouble, std::size_t first) {
  std::string head = head_text(whole, whole.body.size());
  std::string part = whole.body.substr(0, trouble.at - first);
  return Answer{.raw = [head = std::move(head), part = std::move(part), kind = trouble.kind,
                        gate = trouble.gate](Wire& wire) {
    if (!wire.write(head) || !wire.write(part)) return;
    if (gate && !wire.wait(gate)) return;
    if (kind == Trouble::Kind::stall) wire.wait_until_client_leaves();
    if (kind == Trouble::Kind::reset) wire.close_with_reset();
  }};
}

Answer chunked(const Answer& whole) {
  std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
  head += "Content-Type: " + whole.content_type + "\r\n\r\n";
  char length[32];
  std::snprintf(length, sizeof length, "%zx\r\n", whole.body.size());
  return Answer{.raw = [text = head + length + whole.body + "\r\n0\r\n\r\n"](Wire& wire) {
    wire.write(text);
  }};
}

}  // namespace

void FakeCdn::set_clip(const std::string& path, Clip clip) {
  std::lock_guard lock(mutex_);
  clips_[path] = std::move(clip);
}

void FakeCdn::add_trouble(Trouble trouble) {
  std::lock_guard lock(mutex_);
  troubles_.push_back(std::move(trouble));
}

void FakeCdn::push_answer(Answer answer) {
  std::lock_guard lock(mutex_);
  answers_.push_back(std::move(answer));
}

void FakeCdn::set_script(Script script) {
  std::lock_guard lock(mutex_);
  script_ = std::move(script);
  scripted_ = 0;
}

Answer FakeCdn::answer(const Seen& seen) {
  std::lock_guard lock(mutex_);
  if (!answers_.empty()) {
    Answer scripted = std::move(answers_.front());
    answers_.pop_front();
    return scripted;
  }
  if (script_) {
    if (auto scripted = script_(seen, ++scripted_)) return *std::move(scripted);
  }
  auto found = clips_.find(seen.path);
  if (found == clips_.end()) return html_answer(404, "<h1>no such file</h1>");
  Clip& clip = found->second;
  const std::size_t size = clip.bytes.size();

  Answer answer{.status = 200, .content_type = clip.content_type};
  if (!clip.etag.empty()) answer.headers.emplace_back("ETag", clip.etag);
  if (!clip.last_modified.empty()) answer.headers.emplace_back("Last-Modified", clip.last_modified);
  if (clip.ranges) answer.headers.emplace_back("Accept-Ranges", "bytes");

  std::optional<Range> range;
  if (clip.ranges) range = parse_range(seen.header("range"), size);
  const std::string if_range = seen.header("if-range");
  if (range && !if_range.empty() && clip.honours_if_range && if_range != clip.etag &&
      if_range != clip.last_modified)
    range.reset();
  if (range && range->first >= size) {
    answer.status = 416;
    answer.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return answer;
  }
  if (range) {
    range->first = static_cast<std::size_t>(std::clamp<std::int64_t>(
        static_cast<std::int64_t>(range->first) + (range->first > 0 ? clip.range_shift : 0), 0,
        static_cast<std::int64_t>(range->last)));
    answer.status = 206;
    answer.headers.emplace_back("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                                                     std::to_string(range->last) + "/" +
                                                     std::to_string(size));
  }
  const std::size_t first = range ? range->first : 0;
  const std::size_t end = range ? range->last + 1 : size;
  answer.body = clip.bytes.substr(first, end - first);
  if (seen.method == "HEAD") return answer;

  if (!troubles_.empty() && first <= troubles_.front().at && troubles_.front().at < end) {
    Trouble trouble = std::move(troubles_.front());
    troubles_.pop_front();
    answer = troubled(answer, trouble, first);
    if (trouble.replacement) clip = *std::move(trouble.replacement);
    return answer;
  }
  return clip.says_length ? answer : chunked(answer);
}

}  // namespace genpro::test
