// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/fake_service.h"

#include <algorithm>

namespace genpro::test {
namespace {

constexpr const char* missing = R"({"error": "Not found", "error_code": "not_found"})";

Answer take(std::deque<Answer>& answers) {
  Answer answer = answers.front();
  if (answers.size() > 1) answers.pop_front();
  return answer;
}

}  // namespace

bool is_api(const Seen& seen) {
  return seen.origin == "api";
}
bool is_cdn(const Seen& seen) {
  return seen.origin == "cdn";
}

bool is_generate(const Seen& seen) {
  return is_api(seen) && seen.method == "POST" && seen.path.ends_with("/generate");
}

bool is_poll(const Seen& seen) {
  return is_api(seen) && seen.method == "GET" && seen.path.starts_with("/v1/generations/");
}

bool is_stop(const Seen& seen) {
  return is_api(seen) && seen.method == "POST" && seen.path.ends_with("/stop");
}

bool is_cell(const Seen& seen) {
  return is_api(seen) && seen.method == "GET" && seen.path.find("/cells/") != std::string::npos;
}

FakeService::FakeService() {
  cdn_ = std::make_unique<HttpOrigin>("cdn", [this](const Seen& seen) {
    record(seen);
    return files_.answer(seen);
  });
  api_ = std::make_unique<HttpOrigin>("api", [this](const Seen& seen) {
    record(seen);
    return answer_api(seen);
  });
}

void FakeService::record(const Seen& seen) {
  std::lock_guard lock(mutex_);
  seen_.push_back(seen);
  changed_.notify_all();
}

Answer FakeService::answer_api(const Seen& seen) {
  Script script;
  {
    std::lock_guard lock(mutex_);
    script = script_;
  }
  std::optional<Answer> scripted = script ? script(seen) : std::nullopt;
  if (scripted) return *std::move(scripted);
  std::lock_guard lock(mutex_);
  if (is_generate(seen)) {
    if (!posts_.empty()) return take(posts_);
    return json_answer(201, R"({"generation_id": 9040, "status": "pending"})");
  }
  if (is_poll(seen)) {
    if (!polls_.empty()) return take(polls_);
    return json_answer(200, completed_json(clip_url()));
  }
  if (is_stop(seen)) {
    return stop_.value_or(json_answer(200, R"({"generation_id": 9040, "status": "stopped"})"));
  }
  if (is_cell(seen)) {
    return cell_.value_or(json_answer(
        200,
        R"({"id": 3300, "value": null, "additional_attributes": {}, "cell_role": "video",
            "created_at_ts": 1, "updated_at_ts": 1, "default_user_job": null, "user_jobs": [],
            "video_layers": [], "execution_cost": 0})"));
  }
  return json_answer(404, missing);
}

void FakeService::push_post(Answer answer) {
  std::lock_guard lock(mutex_);
  posts_.push_back(std::move(answer));
}

void FakeService::push_poll(Answer answer) {
  std::lock_guard lock(mutex_);
  polls_.push_back(std::move(answer));
}

void FakeService::push_status(const std::string& status) {
  push_poll(json_answer(200, status_json(status)));
}

void FakeService::set_stop(Answer answer) {
  std::lock_guard lock(mutex_);
  stop_ = std::move(answer);
}

void FakeService::set_cell(Answer answer) {
  std::lock_guard lock(mutex_);
  cell_ = std::move(answer);
}

void FakeService::set_script(Script script) {
  std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

std::string FakeService::completed_json(const std::string& url) {
  return R"({"id": 9040, "status": "completed", "user_job_type": "video_generation",
    "result": null, "failed_reason": null, "output_resources": [{"id": 1900, "url": ")" +
         url + R"(", "thumbnail_url": "https://cdn.gen.pro/thumbnails/vid_ingredients_001.jpg",
    "object_type": "video", "type": "output"}], "execution_cost": 3.5})";
}

std::string FakeService::status_json(const std::string& status) {
  return R"({"id": 9040, "status": ")" + status + R"(", "user_job_type": "video_generation",
    "result": null, "failed_reason": null, "output_resources": [], "execution_cost": null})";
}

std::vector<Seen> FakeService::requests(const Match& match) const {
  std::lock_guard lock(mutex_);
  std::vector<Seen> result;
  std::copy_if(seen_.begin(), seen_.end(), std::back_inserter(result),
               [&](const Seen& seen) { return !match || match(seen); });
  return result;
}

bool FakeService::wait_for(const Match& match, std::size_t number,
                           std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] {
    return static_cast<std::size_t>(std::count_if(seen_.begin(), seen_.end(), match)) >= number;
  });
}

int closed_port() {
  auto socket = ObjectPtr<GSocket>::adopt(
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, nullptr));
  auto address =
      ObjectPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string("127.0.0.1", 0));
  g_socket_bind(socket.get(), address.get(), FALSE, nullptr);
  auto bound = ObjectPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket.get(), nullptr));
  return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get()));
}

}  // namespace genpro::test
