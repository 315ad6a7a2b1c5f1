// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/paid_service.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "base/text.h"
#include "support/media.h"

namespace genpro::test {

using namespace std::chrono_literals;

namespace {

// Nobody's ids repeat in this process, so that a clip tells whose it is across services.
std::string next_id() {
  static std::atomic<unsigned> last{9040};
  const unsigned id = last += 7;
  return std::to_string(id);
}

std::chrono::milliseconds boot_clock() {
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  return std::chrono::seconds(up.tv_sec) + std::chrono::milliseconds(up.tv_nsec / 1'000'000);
}

Answer refusal(int status, const std::string& code, const std::string& text) {
  return json_answer(status, R"({"error": ")" + text + R"(", "error_code": ")" + code + R"("})");
}

// "101/3300" of "/v1/ROUTE/101/cells/3300" with or without something behind it.
std::string cell_of(const std::string& path) {
  const auto cells = path.find("/cells/");
  const auto sheet = path.rfind('/', cells - 1);
  const auto cell = cells + 7;
  return path.substr(sheet + 1, cells - sheet) + path.substr(cell, path.find('/', cell) - cell);
}

// What stands between "/generations/" and the next slash.
std::string generation_of(const std::string& path) {
  const auto begin = path.find("/generations/") + 13;
  return path.substr(begin, path.find('/', begin) - begin);
}

Answer lost(Loss loss) {
  switch (loss) {
    case Loss::closed:
      break;
    case Loss::silent:
      return silent_answer();
    case Loss::gateway:
      return html_answer(504, "<html><body>Gateway time-out</body></html>");
  }
  return closing_answer();
}

bool is_cell_reading(const Seen& seen) {
  return seen.method == "GET" && seen.path.find("/cells/") != std::string::npos;
}

bool is_variables_reading(const Seen& seen) {
  return seen.method == "GET" && seen.path.ends_with("/global_variables");
}

bool is_estimate(const Seen& seen) {
  return seen.method == "POST" && seen.path.ends_with("/user_jobs/estimate");
}

bool is_transactions(const Seen& seen) {
  return seen.method == "GET" && seen.path.ends_with("/credit_transactions");
}

// The first byte of the file that the answer holds.
std::size_t first_byte(const Answer& answer) {
  std::size_t first = 0;
  for (const auto& [name, value] : answer.headers)
    if (name == "Content-Range") std::sscanf(value.c_str(), "bytes %zu-", &first);
  return first;
}

}  // namespace

std::vector<PaidGeneration> Books::created() const {
  std::vector<PaidGeneration> result;
  std::copy_if(generations.begin(), generations.end(), std::back_inserter(result),
               [](const PaidGeneration& generation) { return !generation.foreign; });
  return result;
}

std::vector<PaidGeneration> Books::charged() const {
  std::vector<PaidGeneration> result;
  std::copy_if(
      generations.begin(), generations.end(), std::back_inserter(result),
      [](const PaidGeneration& generation) { return !generation.foreign && !generation.refunded; });
  return result;
}

std::vector<std::string> Books::stopped() const {
  std::vector<std::string> result;
  for (const PaidGeneration& generation : generations)
    if (generation.status == "stopped") result.push_back(generation.id);
  return result;
}

std::string Books::text() const {
  std::string text = std::to_string(posts.size()) + " POSTs, " + std::to_string(polls) +
                     " polls, " + std::to_string(cell_readings) + " readings of cells, " +
                     std::to_string(stops.size()) + " stops, " + std::to_string(clip_requests) +
                     " requests for clips (" + std::to_string(clip_bytes) + " bytes sent), " +
                     std::to_string(others) + " others";
  for (const PaidGeneration& generation : generations) {
    text += "\n  generation " + generation.id + " in " + generation.cell + ": " +
            generation.status + ", " + std::to_string(generation.polls) + " polls, key " +
            generation.key + (generation.refunded ? ", refunded" : "") +
            (generation.foreign ? ", foreign" : "");
  }
  return text;
}

PaidService::PaidService(std::string clip) : clip_(std::move(clip)) {
  cdn_ =
      std::make_unique<HttpOrigin>("cdn", [this](const Seen& seen) { return answer_clip(seen); });
  api_ = std::make_unique<HttpOrigin>("api", [this](const Seen& seen) { return answer_api(seen); });
}

PaidService::~PaidService() {
  std::vector<std::thread> timers;
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    timers.swap(timers_);
    changed_.notify_all();
  }
  for (std::thread& timer : timers) timer.join();
}

void PaidService::behave(Manners manners) {
  std::lock_guard lock(mutex_);
  manners_ = std::move(manners);
  fates_ = given_posts_ = given_polls_ = strangers_ = 0;
  first_cell_.clear();
}

void PaidService::end(const std::string& id, const std::string& status) {
  std::lock_guard lock(mutex_);
  if (PaidGeneration* generation = find(id)) set_status(*generation, status);
}

std::string PaidService::add_foreign(const std::string& cell) {
  std::lock_guard lock(mutex_);
  return create(cell, "", true);
}

std::string PaidService::clip(const std::string& id) const {
  std::lock_guard lock(mutex_);
  for (const auto& [known, size] : sizes_)
    if (known == id) return padded_mp4(clip_, size, static_cast<std::uint32_t>(std::stoul(id)));
  return "";
}

Books PaidService::books() const {
  std::lock_guard lock(mutex_);
  return books_;
}

bool PaidService::wait_for(const Condition& condition, std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] { return condition(books_); });
}

Answer PaidService::answer_api(const Seen& seen) {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
  const bool post = is_generate(seen);
  const bool reading = is_cell_reading(seen);
  const bool poll = is_poll(seen);
  const bool stop = is_stop(seen);
  if (post) books_.posts.push_back(seen);
  if (stop) books_.stops.push_back(seen);
  if (is_estimate(seen)) books_.estimates.push_back(seen);
  if (reading) ++books_.cell_readings;
  if (poll) ++books_.polls;
  if (!post && !stop && !reading && !poll && !is_estimate(seen)) ++books_.others;

  if (manners_.away) return lost(*manners_.away);
  if (seen.header("x-api-key").empty()) return refusal(401, "unauthorized", "No key");
  if ((post || reading) && !seen.query.starts_with("agent_id="))
    return refusal(422, "agent_not_found", "No agent");
  if (is_variables_reading(seen) && manners_.variables) return answer_variables();
  if (post) return answer_post(seen);
  if (reading) return answer_cell(seen);
  if (poll) return answer_poll(seen);
  if (stop) return answer_stop(seen);
  if (is_estimate(seen) && manners_.estimate) return answer_estimate();
  if (is_transactions(seen) && manners_.lists_transactions) return answer_transactions(seen);
  return refusal(404, "not_found", "No such route");
}

Answer PaidService::answer_post(const Seen& seen) {
  if (first_cell_.empty()) {
    first_cell_ = cell_of(seen.path);
    first_post_ = boot_clock();
  }
  if (given_posts_ < manners_.given_posts.size()) {
    const GivenPost& given = manners_.given_posts[given_posts_++];
    if (given.is_taken) take(seen);
    return given.answer;
  }
  const PostFate fate =
      fates_ < manners_.next_posts.size() ? manners_.next_posts[fates_++] : PostFate::answered;
  if (fate == PostFate::dropped) return lost(manners_.loss);
  if (fate == PostFate::late || manners_.post_gate || manners_.post_delay.count() > 0)
    return held_post(seen, fate);
  const std::string id = take(seen);
  if (fate == PostFate::unanswered) return lost(manners_.loss);
  return json_answer(201, R"({"generation_id": )" + id + R"(, "status": "pending"})");
}

Answer PaidService::held_post(const Seen& seen, PostFate fate) {
  auto gate = std::make_shared<Gate>();
  auto id = std::make_shared<std::string>();
  // First in line at the gate, and whether or not the client is still there: the request has come.
  gate->when_open([this, seen, id] {
    std::lock_guard lock(mutex_);
    *id = take(seen);
    changed_.notify_all();
  });
  // In a thread of its own: a gate that is open already acts at once, and mutex_ is held here.
  timers_.emplace_back([this, gate, delay = manners_.post_delay, then = manners_.post_gate] {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, delay, [this] { return closing_; })) return;
    }
    if (then) return then->when_open([gate] { gate->open(); });
    gate->open();
  });
  if (fate != PostFate::answered) {
    Answer answer = lost(manners_.loss);
    if (fate == PostFate::unanswered) answer.hold = gate;
    return answer;
  }
  Answer answer{.hold = gate};
  answer.raw = [id](Wire& wire) {
    const std::string body = R"({"generation_id": )" + *id + R"(, "status": "pending"})";
    wire.write(head_text({.status = 201, .headers = {{"Connection", "close"}}}, body.size()) +
               body);
  };
  return answer;
}

std::string PaidService::take(const Seen& seen) {
  const std::string key = seen.header("idempotency-key");
  if (manners_.honours_keys && !key.empty()) {
    for (const PaidGeneration& generation : books_.generations)
      if (generation.key == key) return generation.id;
  }
  return create(cell_of(seen.path), key, false);
}

std::string PaidService::create(const std::string& cell, const std::string& key, bool foreign) {
  PaidGeneration generation{.id = next_id(), .cell = cell, .key = key};
  generation.foreign = foreign;
  generation.listed_at = boot_clock() + (foreign ? 0ms : manners_.listing_delay);
  const std::size_t size = std::max(manners_.clip_size, clip_.size() + 8);
  sizes_.emplace_back(generation.id, size);
  files_.set_clip(
      "/outputs/" + generation.id + ".mp4",
      {.bytes = padded_mp4(clip_, size, static_cast<std::uint32_t>(std::stoul(generation.id))),
       .etag = "\"" + generation.id + "\""});
  books_.generations.push_back(generation);
  return generation.id;
}

std::string PaidService::listed(const std::string& cell) const {
  std::string jobs;
  const auto add = [&jobs](const std::string& job) { jobs += (jobs.empty() ? "" : ", ") + job; };
  for (unsigned i = 0; i < manners_.unreadable_entries; ++i) add(R"({"status": "pending"})");
  std::size_t missing = manners_.missing_entries;
  for (const PaidGeneration& generation : books_.generations) {
    if (generation.cell != cell || generation.listed_at > boot_clock()) continue;
    if (missing > 0) {
      --missing;
      continue;
    }
    add(json(generation));
  }
  return R"({"id": )" + cell.substr(cell.find('/') + 1) +
         R"(, "value": null, "additional_attributes": )" + manners_.attributes +
         R"(, "cell_role": "video", "created_at_ts": 1, "updated_at_ts": 1,
         "default_user_job": null, "video_layers": [], "execution_cost": 0, "user_jobs": [)" +
         jobs + "]}";
}

// What somebody else has done in the cell meanwhile.
void PaidService::add_strangers() {
  while (!first_cell_.empty() && strangers_ < manners_.strangers.size() &&
         first_post_ + manners_.strangers[strangers_] <= boot_clock()) {
    ++strangers_;
    create(first_cell_, "", true);
  }
}

Answer PaidService::answer_variables() {
  return json_answer(200, R"({"id": 1, "variables": )" + *manners_.variables + "}");
}

Answer PaidService::answer_cell(const Seen& seen) {
  add_strangers();
  const std::string cell = cell_of(seen.path);
  Answer answer;
  switch (manners_.cell) {
    case CellReading::jobs:
      answer = json_answer(200, listed(cell));
      break;
    case CellReading::cut: {
      const std::string text = listed(cell);
      answer = cut_answer(200, text, text.size() - 3);
      break;
    }
    case CellReading::not_found:
      answer = refusal(404, "not_found", "No such cell");
      break;
    case CellReading::failing:
      answer = refusal(500, "internal", "The cell cannot be shown");
      break;
    case CellReading::garbage:
      answer = html_answer(200, "<html><body>Welcome</body></html>");
      break;
    case CellReading::closed:
      answer = closing_answer();
      break;
    case CellReading::silent:
      answer = silent_answer();
      break;
  }
  answer.hold = manners_.cell_gate;
  return answer;
}

Answer PaidService::answer_poll(const Seen& seen) {
  if (given_polls_ < manners_.given_polls.size()) return manners_.given_polls[given_polls_++];
  if (manners_.every_poll) return *manners_.every_poll;
  PaidGeneration* generation = find(generation_of(seen.path));
  if (generation == nullptr) return refusal(404, "not_found", "No such generation");
  ++generation->polls;
  if (!generation->ended()) {
    const bool may_end = !manners_.end_gate || manners_.end_gate->is_open();
    if (generation->polls >= manners_.polls && may_end)
      set_status(*generation, manners_.end);
    else
      set_status(*generation, "processing");
  }
  return json_answer(200, json(*generation));
}

Answer PaidService::answer_stop(const Seen& seen) {
  if (manners_.stop == StopFate::dropped) return silent_answer();
  PaidGeneration* generation = find(generation_of(seen.path));
  if (generation == nullptr) return refusal(404, "not_found", "No such generation");
  if (generation->ended()) return refusal(422, "job_cannot_be_stopped", "The generation has ended");
  set_status(*generation, "stopped");
  if (manners_.stop == StopFate::unanswered) return silent_answer();
  return json_answer(
      200, R"({"generation_id": )" + generation->id + R"(, "status": "stopped")" +
               (manners_.tells_credit_outcome ? R"(, "credit_outcome": "refunded")" : "") + "}");
}

Answer PaidService::answer_estimate() {
  Answer answer = json_answer(
      200, R"({"estimate_id": 1, "estimate_request_key": "k", "estimated_credits": ")" +
               number_text(*manners_.estimate) + R"(", "status": ")" + manners_.estimate_status +
               R"(", "items": []})");
  answer.hold = manners_.estimate_gate;
  return answer;
}

// What came in, on the second page: on the first one are payments alone.
Answer PaidService::answer_transactions(const Seen& seen) {
  std::string list;
  const auto is_page = [&](unsigned number) {
    return seen.query.ends_with("&page=" + std::to_string(number));
  };
  const bool is_second = is_page(manners_.first_page + 1);
  for (const PaidGeneration& generation : books_.generations) {
    if (is_second && !generation.refunded) continue;
    list += (list.empty() ? "" : ", ") + std::string(R"({"id": )") + generation.id +
            (is_second ? "2" : "1") + R"(, "amount": )" +
            number_text(is_second ? manners_.refunded_amount : 3.5) +
            R"(, "purpose": "generation", "is_incoming": )" + (is_second ? "true" : "false") +
            R"(, "source": {"type": "UserJob", "id": )" + generation.id + "}}";
  }
  if (is_page(manners_.first_page + 2)) list.clear();
  return json_answer(200, R"({"credit_transactions": [)" + list + "]}");
}

PaidGeneration* PaidService::find(const std::string& id) {
  for (PaidGeneration& generation : books_.generations)
    if (generation.id == id) return &generation;
  return nullptr;
}

void PaidService::set_status(PaidGeneration& generation, const std::string& status) {
  generation.status = status;
  if (status == "completed") generation.completed_at = boot_clock();
  if (status == "failed" || status == "stopped") generation.refunded = true;
  changed_.notify_all();
}

std::string PaidService::json(const PaidGeneration& generation) const {
  const bool completed = generation.status == "completed";
  const bool has_clip =
      completed && boot_clock() >= generation.completed_at + manners_.resources_delay;
  std::string text = R"({"id": )" + generation.id + R"(, "status": ")" + generation.status +
                     R"(", "user_job_type": "video_generation", "result": null,
                     "failed_reason": )";
  text += generation.status == "failed" ? R"("The model gave up")" : "null";
  text += R"(, "output_resources": [)";
  if (has_clip) {
    text += R"({"id": 1, "url": ")" + cdn_->url() + "/outputs/" + generation.id +
            R"(.mp4", "thumbnail_url": null, "object_type": "video", "type": "output"})";
  }
  if (generation.status == "stopped" && manners_.tells_credit_outcome) {
    text.insert(1, R"("credit_outcome": "refunded", )");
  }
  const bool is_zero = !completed && manners_.costs_zero_until_end;
  return text + R"(], "execution_cost": )" +
         (is_zero                            ? "0"
          : completed && manners_.tells_cost ? number_text(manners_.cost)
                                             : "null") +
         "}";
}

Answer PaidService::answer_clip(const Seen& seen) {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
  ++books_.clip_requests;
  Answer whole = files_.answer(seen);
  if (whole.raw || seen.method != "GET" || whole.status > 206) return whole;
  return Answer{.raw = [this, whole = std::move(whole), manners = manners_](Wire& wire) {
    send_clip(wire, whole, manners);
  }};
}

void PaidService::send_clip(Wire& wire, const Answer& whole, const Manners& manners) {
  Answer head{.status = whole.status, .content_type = whole.content_type, .headers = whole.headers};
  head.headers.emplace_back("Connection", "close");
  if (!wire.write(head_text(head, whole.body.size()))) return;

  const std::size_t first = first_byte(whole);
  std::size_t end = whole.body.size();
  const bool held =
      manners.clip_held_at && *manners.clip_held_at >= first && *manners.clip_held_at < first + end;
  if (held) end = *manners.clip_held_at - first;
  const std::size_t piece = manners.drip > 0 ? manners.drip : std::max<std::size_t>(end, 1);
  for (std::size_t at = 0; at < end; at += piece) {
    const std::size_t length = std::min(piece, end - at);
    if (!wire.write(std::string_view(whole.body).substr(at, length))) return;
    std::unique_lock lock(mutex_);
    books_.clip_bytes += length;
    changed_.notify_all();
    if (manners.drip > 0 &&
        changed_.wait_for(lock, manners.drip_interval, [this] { return closing_; }))
      return;
  }
  if (held) wire.wait_until_client_leaves();
}

}  // namespace genpro::test
