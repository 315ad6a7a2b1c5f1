// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A GEN service and its CDN in this process, on two loopback ports, as misbehaved as a test wants.
// Unscripted it is well-behaved: it takes any POST as generation 9040, the first poll finds it
// completed, and the clip at clip_url() is served with ranges.
//
// Every request is recorded before it is answered. All methods may be called from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "support/fake_cdn.h"
#include "support/http_origin.h"

namespace genpro::test {

// How long a test waits for something that ought to happen before it calls it a hang.
inline constexpr std::chrono::seconds generous{120};

class FakeService {
 public:
  FakeService();

  // "http://127.0.0.1:PORT/v1"
  std::string api_base() const { return api_->url() + "/v1"; }
  std::string api_url() const { return api_->url(); }
  std::string cdn_url() const { return cdn_->url(); }
  // Where the unscripted answers say that the clip is.
  std::string clip_url() const { return cdn_url() + "/outputs/clip.mp4"; }

  void set_clip(Clip clip) { files_.set_clip("/outputs/clip.mp4", std::move(clip)); }
  FakeCdn& files() { return files_; }
  // Connections that a raw answer still holds, on both origins.
  int raw_connections() const { return api_->raw_connections() + cdn_->raw_connections(); }

  // Answers of `POST …/generate` and `GET /generations/{id}`, one a request in this order; the last
  // one given stays.
  void push_post(Answer answer);
  void push_poll(Answer answer);
  // Polls that say `status` and nothing else.
  void push_status(const std::string& status);
  // Answers of `POST /generations/{id}/stop` and `GET …/cells/{id}`, for ever.
  void set_stop(Answer answer);
  void set_cell(Answer answer);
  // Asked first for each request to the API, in the service's thread; nothing: as above.
  using Script = std::function<std::optional<Answer>(const Seen&)>;
  void set_script(Script script);

  // The seed's completed generation with this clip URL, as literal JSON.
  static std::string completed_json(const std::string& url);
  // A generation without a result, as literal JSON.
  static std::string status_json(const std::string& status);

  using Match = std::function<bool(const Seen&)>;
  std::vector<Seen> requests(const Match& match = nullptr) const;
  std::size_t count(const Match& match = nullptr) const { return requests(match).size(); }
  // True as soon as `number` requests match, false at the deadline.
  bool wait_for(const Match& match, std::size_t number = 1,
                std::chrono::milliseconds deadline = generous) const;

 private:
  Answer answer_api(const Seen& seen);
  void record(const Seen& seen);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Seen> seen_;
  std::deque<Answer> posts_;
  std::deque<Answer> polls_;
  std::optional<Answer> stop_;
  std::optional<Answer> cell_;
  Script script_;
  FakeCdn files_;
  std::unique_ptr<HttpOrigin> cdn_;
  std::unique_ptr<HttpOrigin> api_;
};

bool is_generate(const Seen& seen);
bool is_poll(const Seen& seen);
bool is_stop(const Seen& seen);
bool is_cell(const Seen& seen);
bool is_api(const Seen& seen);
bool is_cdn(const Seen& seen);

// A loopback port on which nothing listens.
int closed_port();

}  // namespace genpro::test
