// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A GEN service that keeps accounts: what was asked of it, which generations that made, and what
// was charged and refunded for them. Each generation has a clip of its own.
//
// Well-behaved as it is made; a test spoils its manners. All methods may be called from any thread,
// and everything that arrives is in the books before it is answered.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/fake_cdn.h"
#include "support/fake_service.h"
#include "support/http_origin.h"

namespace genpro::test {

// What becomes of a POST that asks for a generation.
enum class PostFate {
  answered,
  unanswered,  // taken and charged, but the client never learns of it
  late,        // the same, but the loss shows at once, and the generation exists only later
  dropped,     // not taken, which to the client looks the same
};

// How an answer that is not given looks to the client: the connection ends, nothing comes, or a
// gateway says that it got none either.
enum class Loss { closed, silent, gateway };

// What becomes of a request to stop a generation.
enum class StopFate { answered, unanswered, dropped };

// What reading a cell brings.
enum class CellReading { jobs, cut, not_found, failing, garbage, closed, silent };

// An answer to a POST that is not the service's own, and whether the service took the POST.
struct GivenPost {
  Answer answer;
  bool is_taken = false;
};

inline constexpr unsigned never = std::numeric_limits<unsigned>::max();

struct Manners {
  bool honours_keys = true;
  bool tells_cost = true;
  bool costs_zero_until_end = false;  // as the emulator says it; else nothing is said
  // Of the POSTs to come, in order; what comes after them is answered.
  std::vector<PostFate> next_posts;
  // Of the POSTs to come as well, and before those above.
  std::vector<GivenPost> given_posts;
  Loss loss = Loss::closed;
  // A POST makes its generation only that long after it has come, and not before the gate opens,
  // and is answered then. The gate must not open after the service has gone.
  std::chrono::milliseconds post_delay{0};
  std::shared_ptr<Gate> post_gate;

  CellReading cell = CellReading::jobs;
  std::shared_ptr<Gate> cell_gate;  // holds what reading a cell brings
  // By the boot clock: a cell lists a generation only so long after it was made, and somebody else
  // makes one there so long after the first POST has come.
  std::chrono::milliseconds listing_delay{0};
  std::vector<std::chrono::milliseconds> strangers;
  // In the list: entries that cannot be read, and how many of the oldest ones are missing.
  unsigned unreadable_entries = 0;
  std::size_t missing_entries = 0;
  std::string attributes = "{}";  // of each cell, JSON
  // The sheet's variables, a JSON list; unset: they cannot be read.
  std::optional<std::string> variables;

  // A generation ends at that poll of it, and not before the gate opens.
  unsigned polls = 2;
  std::shared_ptr<Gate> end_gate;
  std::string end = "completed";  // or "failed"
  // Answers to polls that are not the service's own: to those to come, then to all others.
  std::vector<Answer> given_polls;
  std::optional<Answer> every_poll;
  // By the boot clock: a completed generation has no resources for so long.
  std::chrono::milliseconds resources_delay{0};
  // Clips of generations to come, in bytes.
  std::size_t clip_size = 100'000;
  // From that byte of a clip on nothing comes, until the client leaves.
  std::optional<std::size_t> clip_held_at;
  // So many bytes at a time, with so much time between them; 0: all at once.
  std::size_t drip = 0;
  std::chrono::milliseconds drip_interval{5};

  StopFate stop = StopFate::answered;  // else there is silence
  // Whether what is said of a stopped generation has a `credit_outcome`, and whether the agent's
  // transactions can be read.
  bool tells_credit_outcome = false;
  bool lists_transactions = false;
  unsigned first_page = 1;       // of the transactions, which have two
  double refunded_amount = 3.5;  // what the transactions say came back of 3.5
  // What each request is estimated at; unset: there is no such route.
  std::optional<double> estimate;
  std::string estimate_status = "completed";  // the service's own word
  std::shared_ptr<Gate> estimate_gate;        // holds the answer
  double cost = 3.5;                          // of a generation that is completed
  // Set: nothing is taken, and all requests to the API are lost in this way.
  std::optional<Loss> away;
};

struct PaidGeneration {
  std::string id;
  std::string cell;  // "101/3300": sheet and cell
  std::string key;
  std::string status = "pending";
  unsigned polls = 0;
  bool refunded = false;
  bool foreign = false;  // of somebody else, so nobody who is tested paid for it
  // By the boot clock: listed from then on, and completed since.
  std::chrono::milliseconds listed_at{0};
  std::chrono::milliseconds completed_at{0};
  bool ended() const { return status != "pending" && status != "processing"; }
};

struct Books {
  std::vector<PaidGeneration> generations;  // in the order in which they were made
  // What has come, in order, whatever became of it.
  std::vector<Seen> posts;
  std::vector<Seen> stops;
  std::vector<Seen> estimates;
  unsigned polls = 0;
  unsigned cell_readings = 0;
  unsigned clip_requests = 0;
  unsigned others = 0;         // that the service has no answer for
  std::size_t clip_bytes = 0;  // sent, of all clips together

  // The generations that those who are tested have made, and those of them that are still paid for.
  std::vector<PaidGeneration> created() const;
  std::vector<PaidGeneration> charged() const;
  std::vector<std::string> stopped() const;  // ids
  std::string text() const;                  // for messages of tests
};

class PaidService {
 public:
  // `clip`: a small MP4, which all clips begin with.
  explicit PaidService(std::string clip);
  ~PaidService();
  PaidService(const PaidService&) = delete;
  PaidService& operator=(const PaidService&) = delete;

  // "http://127.0.0.1:PORT/v1"
  std::string api_base() const { return api_->url() + "/v1"; }

  // From the next request on. What is held already stays so.
  void behave(Manners manners);
  // Ends a generation now: "completed", "failed" or "stopped".
  void end(const std::string& id, const std::string& status);
  // A generation in that cell that somebody else has made. Its id.
  std::string add_foreign(const std::string& cell);
  // The clip of a generation; empty when there is none of that id.
  std::string clip(const std::string& id) const;

  Books books() const;
  using Condition = std::function<bool(const Books&)>;
  // True as soon as the condition holds, false at the deadline. It is called with a lock held.
  bool wait_for(const Condition& condition, std::chrono::milliseconds deadline = generous) const;

 private:
  Answer answer_api(const Seen& seen);
  Answer answer_post(const Seen& seen);
  Answer answer_cell(const Seen& seen);
  Answer answer_variables();
  std::string listed(const std::string& cell) const;
  void add_strangers();
  Answer answer_poll(const Seen& seen);
  Answer answer_stop(const Seen& seen);
  Answer answer_estimate();
  Answer answer_transactions(const Seen& seen);
  Answer answer_clip(const Seen& seen);
  void send_clip(Wire& wire, const Answer& whole, const Manners& manners);
  // These with mutex_ held.
  Answer held_post(const Seen& seen, PostFate fate);
  std::string take(const Seen& seen);
  std::string create(const std::string& cell, const std::string& key, bool foreign);
  PaidGeneration* find(const std::string& id);
  void set_status(PaidGeneration& generation, const std::string& status);
  std::string json(const PaidGeneration& generation) const;

  const std::string clip_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Under mutex_:
  Books books_;
  Manners manners_;
  // Of what manners_ has for requests to come, so many are used up.
  std::size_t fates_ = 0;
  std::size_t given_posts_ = 0;
  std::size_t given_polls_ = 0;
  std::size_t strangers_ = 0;
  // The first POST under these manners: its cell, and when it came by the boot clock.
  std::string first_cell_;
  std::chrono::milliseconds first_post_{0};
  bool closing_ = false;
  std::vector<std::pair<std::string, std::size_t>> sizes_;  // of clips, by id
  std::vector<std::thread> timers_;

  FakeCdn files_;
  std::unique_ptr<HttpOrigin> cdn_;
  std::unique_ptr<HttpOrigin> api_;
};

}  // namespace genpro::test
