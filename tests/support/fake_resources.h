// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The content resources of a FakeService, which takes uploads in forms.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "support/fake_service.h"

namespace genpro::test {

class FakeResources {
 public:
  // Takes over the service's script. What is no call for resources is answered as before.
  explicit FakeResources(FakeService& service) : service_(service) {
    service.set_script([state = state_](const Seen& seen) { return answer(*state, seen); });
  }

  // Of an id that was given; another upload of the same gets another id.
  void remove(const std::string& id) {
    std::lock_guard lock(state_->mutex);
    state_->types.erase(id);
  }
  // What any call for resources is answered with, from now on.
  void fail(std::optional<Answer> answer) {
    std::lock_guard lock(state_->mutex);
    state_->failure = std::move(answer);
  }
  // Of the upload with this content type.
  std::string id_of(const std::string& type) const {
    std::lock_guard lock(state_->mutex);
    for (const auto& [id, known] : state_->types) {
      if (known == type) return id;
    }
    return "none";
  }
  static bool is_upload(const Seen& seen) {
    return seen.method == "POST" && seen.path == "/v1/content_resources";
  }
  static bool is_get(const Seen& seen) {
    return seen.method == "GET" && seen.path.starts_with("/v1/content_resources/");
  }
  std::size_t uploads() const { return service_.count(is_upload); }
  std::size_t gets() const { return service_.count(is_get); }

 private:
  struct State {
    std::mutex mutex;
    std::map<std::string, std::string> types;  // by id
    int next = 701;
    std::optional<Answer> failure;
  };

  static std::optional<Answer> answer(State& state, const Seen& seen) {
    if (!is_upload(seen) && !is_get(seen)) return std::nullopt;
    std::lock_guard lock(state.mutex);
    if (state.failure) return state.failure;
    if (is_upload(seen)) {
      const std::string id = std::to_string(state.next++);
      const std::string mark = "\r\nContent-Type: ";
      const std::size_t begin = seen.body.find(mark) + mark.size();
      state.types[id] = seen.body.substr(begin, seen.body.find('\r', begin) - begin);
      return json_answer(201, R"({"content_resource": )" + json(state, id) + "}");
    }
    const std::string id = seen.path.substr(seen.path.rfind('/') + 1);
    if (!state.types.contains(id)) {
      return json_answer(404, R"({"error": "No", "error_code": "content_resource_not_found"})");
    }
    return json_answer(200, json(state, id));
  }
  static std::string json(State& state, const std::string& id) {
    return R"({"id": )" + id + R"(, "content_type": ")" + state.types[id] + "\"}";
  }

  FakeService& service_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace genpro::test
