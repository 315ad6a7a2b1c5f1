// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A GEN service with cells, by the laws of laws.h: what it answers to which request at which time,
// and its accounts. It knows nothing of drivers: an HTTP server can put its replies on a real wire.
#pragma once

#include <string>
#include <vector>

#include "simulation/laws.h"

namespace genpro::simulation {

// Who sent a POST: a row of a ledger. Only the accounts know that.
using Origin = int;
inline constexpr Origin stranger = 0;

class Service {
 public:
  using Word = payment::Answer::Word;

  struct Generation {
    std::string id;
    int cell = 0;
    Origin origin = stranger;
    Millis posted_at = 0;  // its POST left
    Millis taken_at = 0;   // and was charged
    Millis listed_at = 0;
    Millis polled_at = 0;  // a poll finds it
    Millis ends_at = 0;
    Word end = Word::completed;
    int cost = estimated_cost;  // in the end
    bool is_kept = false;       // what was paid, when it is stopped
    Millis clip_at = 0;
    Millis lost_at = never;  // the service has it no more, and keeps the money
    bool has_spurious_404 = false;
    // A part of the service does not know it, though its cell lists it.
    Millis missing_from = never, missing_until = never;
    // A whole listing that was asked for after the settling time lacked it; or was empty, as it had
    // been before the POST or not.
    bool was_hidden = false;
    bool was_forgotten = false;

    // No clip comes of it any more.
    bool is_over(Millis now) const {
      return now >= ends_at && (end == Word::failed || end == Word::stopped);
    }
    bool is_refunded(Millis now) const { return is_over(now) && (end == Word::failed || !is_kept); }
    // What is charged for it.
    int paid(Millis now) const {
      if (is_refunded(now)) return 0;
      return now >= ends_at && end == Word::completed ? cost : estimated_cost;
    }
    bool is_lost(Millis now) const { return now >= lost_at; }
    template <typename Sent>
    void is_missed_in(const Sent& sent) {
      was_hidden |= sent.was_hidden;
      was_forgotten |= sent.was_forgotten;
    }
  };

  // A POST that has left its client.
  struct Sent {
    int cell = 0;
    std::string key;
    Origin origin = stranger;
    Millis posted_at = 0;
    Millis taken_at = never;
    Millis answered_at = 0;
    const Answering* trouble = nullptr;  // instead of the plain answer
    std::optional<Millis> retry_after;
    int generation = -1;  // what came of it
    bool is_refused_key = false;
    bool was_hidden = false;
    bool was_forgotten = false;
  };

  struct Timed {
    Reply reply;
    Millis answered_at = 0;
  };

  Service(const Laws& laws, Choices& choices) : laws_(laws), choices_(choices) {}

  // What becomes of a POST is decided as it leaves; its number. take() is due at its `taken_at`,
  // and returns the number of the generation that was charged for it, or -1; answer() is due at its
  // `answered_at`.
  int post(int cell, const std::string& key, Origin origin, Millis now);
  int take(int sent, Millis now);
  Reply answer(int sent, Millis now);

  Timed list(int cell, Millis now);
  Timed poll(const std::string& id, Millis now);
  // `stopped`: the number of the generation that this stops, or -1.
  Timed stop(const std::string& id, Millis now, int* stopped);

  void generate_by_stranger(int cell, Millis now);

  const std::vector<Generation>& generations() const { return generations_; }
  const std::vector<Sent>& posts() const { return posts_; }
  const Generation* find(const std::string& id) const;
  bool are_keys_honoured() const { return laws_.keys == Laws::Keys::honoured; }
  // POSTs that are still on their way to it.
  bool has_posts_under_way(Millis now) const;

 private:
  Generation* find(const std::string& id);
  int create(int cell, Origin origin, Millis posted_at, Millis now);
  bool is_away(Millis now) const { return now >= laws_.away_from && now < laws_.away_until; }
  Word word(const Generation& generation, Millis now) const;
  Reply describe(const Generation& generation, Millis now) const;
  Generation& at(int number) { return generations_[static_cast<std::size_t>(number)]; }
  const Generation& at(int number) const { return generations_[static_cast<std::size_t>(number)]; }
  Timed garbled(const Answering& trouble, Millis now);
  Millis latency();

  const Laws& laws_;
  Choices& choices_;
  std::vector<Generation> generations_;
  std::vector<Sent> posts_;
  // A forgetful cell is empty for a while.
  Millis empty_from_ = never, empty_until_ = -day;
};

// What a client makes of a reply.
payment::Answer understand(const Reply& reply);

}  // namespace genpro::simulation
