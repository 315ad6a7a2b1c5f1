// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/service.h"

#include <algorithm>

namespace genpro::simulation {

namespace {

using Word = Service::Word;

Reply reply_of(const Answering& trouble) {
  Reply reply;
  reply.was_sent = trouble.was_sent;
  reply.status = trouble.status;
  reply.body = trouble.body;
  reply.code = trouble.code;
  reply.was_redirected = trouble.was_redirected;
  return reply;
}

Reply error_reply(unsigned status, const char* code) {
  return reply_of({status, Reply::Body::error, code});
}

bool may_ask_to_wait(unsigned status) {
  return status == 202 || status == 409 || status == 425 || status == 429 || status == 503;
}

}  // namespace

Millis Service::latency() {
  static constexpr Millis latencies[] = {100, 100, 100, 900, 4 * second};
  return choices_.pick(latencies);
}

const Service::Generation* Service::find(const std::string& id) const {
  const auto found = std::find_if(generations_.begin(), generations_.end(),
                                  [&](const Generation& one) { return one.id == id; });
  return found != generations_.end() ? &*found : nullptr;
}

Service::Generation* Service::find(const std::string& id) {
  return const_cast<Generation*>(std::as_const(*this).find(id));
}

bool Service::has_posts_under_way(Millis now) const {
  return std::any_of(posts_.begin(), posts_.end(), [&](const Sent& sent) {
    return sent.taken_at != never && sent.taken_at > now;
  });
}

// ---- POST ----

int Service::post(int cell, const std::string& key, Origin origin, Millis now) {
  Sent sent;
  sent.cell = cell;
  sent.key = key;
  sent.origin = origin;
  sent.posted_at = now;
  if (is_away(now)) {
    sent.trouble = &choices_.pick(outage_answers);
  } else if (choices_.chance(laws_.post_trouble)) {
    const unsigned queues = laws_.are_keys_documented ? 20 : 3;
    sent.trouble = choices_.chance(queues) ? &queued_answer : &choices_.pick(post_answers);
  }
  const Millis way = latency();
  if (sent.trouble == nullptr) {
    sent.taken_at = now + way;
    sent.answered_at = sent.taken_at + way;
  } else {
    if (sent.trouble->taken == Answering::Taken::maybe && choices_.below(3) != 0) {
      sent.taken_at = now + way;
      if (laws_.are_posts_held && choices_.chance(40)) {
        sent.taken_at += choices_.between(0, 40 * second, second);
      }
    }
    const bool is_silence = sent.trouble->status == 0 && sent.trouble->was_sent;
    const bool is_at_once = choices_.chance(50);  // the connection breaks
    sent.answered_at = now + (is_silence && !is_at_once ? patience : 2 * way);
    if (may_ask_to_wait(sent.trouble->status) && choices_.chance(30)) {
      sent.retry_after = choices_.between(second, 41 * second, 5 * second);
    }
  }
  posts_.push_back(std::move(sent));
  return static_cast<int>(posts_.size()) - 1;
}

int Service::take(int number, Millis now) {
  Sent& sent = posts_[static_cast<std::size_t>(number)];
  if (laws_.keys != Laws::Keys::ignored) {
    for (const Sent& earlier : posts_) {
      if (&earlier == &sent || earlier.key != sent.key || earlier.generation < 0) continue;
      const Generation& made = at(earlier.generation);
      if (now - made.taken_at >= key_memory) continue;
      if (laws_.keys == Laws::Keys::refused) {
        sent.is_refused_key = true;
      } else {
        sent.generation = earlier.generation;
      }
      return -1;
    }
  }
  sent.generation = create(sent.cell, sent.origin, sent.posted_at, now);
  at(sent.generation).is_missed_in(sent);
  return sent.generation;
}

Reply Service::answer(int number, Millis now) {
  const Sent& sent = posts_[static_cast<std::size_t>(number)];
  if (sent.trouble != nullptr) {
    Reply reply = reply_of(*sent.trouble);
    reply.retry_after = sent.retry_after;
    return reply;
  }
  if (sent.is_refused_key) return error_reply(422, "idempotency_key_used");
  Reply reply = describe(at(sent.generation), now);
  reply.status = 201;
  if (reply.word == Word::pending && choices_.chance(10)) {
    static constexpr Word words[] = {Word::none, Word::unknown, Word::processing};
    reply.word = choices_.pick(words);
  }
  return reply;
}

int Service::create(int cell, Origin origin, Millis posted_at, Millis now) {
  Generation made;
  made.id = "g" + std::to_string(generations_.size() + 1);
  made.cell = cell;
  made.origin = origin;
  made.posted_at = posted_at;
  made.taken_at = now;
  made.listed_at = made.polled_at = now;
  if (laws_.latest_listing > 0) {
    made.listed_at += choices_.between(0, laws_.latest_listing, second);
    // As late as the law allows, counted from the POST.
    made.listed_at = std::max(now, std::min(made.listed_at, posted_at + laws_.latest_listing));
    if (choices_.chance(20)) {
      made.polled_at =
          std::max(now, std::min(made.listed_at, posted_at + payment::settling_time - second));
    }
  }
  made.ends_at = now + choices_.between(5 * second, 85 * second, 10 * second);
  if (choices_.chance(laws_.ends_badly)) {
    made.end = choices_.chance(25) ? Word::stopped : Word::failed;
  }
  static constexpr int costs[] = {estimated_cost, estimated_cost - 1, 1};
  made.cost = choices_.pick(costs);
  made.is_kept = laws_.keeps_stopped;
  made.clip_at = made.ends_at;
  if (laws_.are_clips_late) {
    made.clip_at =
        choices_.chance(10) ? never : made.ends_at + choices_.between(0, 25 * second, 5 * second);
  }
  if (origin != stranger && laws_.loses_generations && choices_.chance(50)) {
    made.lost_at = now + choices_.between(0, 90 * second, 10 * second);
    made.end = Word::completed;
  }
  // Not both: two of them ten seconds apart mean that it is gone.
  made.has_spurious_404 = laws_.has_spurious_404 && made.polled_at == now;
  if (laws_.has_long_404 && made.listed_at == now) {
    made.missing_from = now + choices_.between(0, 60 * second, 10 * second);
    made.missing_until = made.missing_from + 25 * second;
  }
  generations_.push_back(std::move(made));
  return static_cast<int>(generations_.size()) - 1;
}

void Service::generate_by_stranger(int cell, Millis now) {
  create(cell, stranger, now, now);
}

// ---- Questions ----

Word Service::word(const Generation& generation, Millis now) const {
  if (now >= generation.ends_at) return generation.end;
  return now - generation.taken_at < 3 * second ? Word::pending : Word::processing;
}

Reply Service::describe(const Generation& generation, Millis now) const {
  Reply reply;
  reply.status = 200;
  reply.body = Reply::Body::generation;
  reply.id = generation.id;
  reply.word = word(generation, now);
  reply.has_clip = reply.word == Word::completed && now >= generation.clip_at;
  if (reply.word == Word::completed) reply.cost = generation.cost;
  if (reply.word == Word::stopped && laws_.tells_credit) {
    reply.credit = generation.is_kept ? payment::Credit::charged : payment::Credit::refunded;
  }
  return reply;
}

Service::Timed Service::garbled(const Answering& trouble, Millis now) {
  Timed timed{reply_of(trouble), now + latency()};
  if (trouble.status == 0 && trouble.was_sent && choices_.chance(50)) {
    timed.answered_at = now + patience;
  }
  if (may_ask_to_wait(trouble.status) && choices_.chance(30)) {
    timed.reply.retry_after = choices_.between(second, 41 * second, 5 * second);
  }
  return timed;
}

Service::Timed Service::list(int cell, Millis now) {
  if (is_away(now)) return garbled(choices_.pick(outage_answers), now);
  if (laws_.is_cell_unreadable) return garbled({403, Reply::Body::error, "forbidden"}, now);
  const bool is_trouble = choices_.chance(laws_.cell_trouble);
  if (is_trouble && choices_.below(3) != 0) {
    if (choices_.chance(10)) return garbled({404, Reply::Body::error, "not_found"}, now);
    return garbled(choices_.pick(poll_answers), now);
  }
  if (laws_.is_forgetful && now >= empty_until_ && choices_.chance(20)) {
    empty_from_ = now;
    empty_until_ = now + choices_.between(0, 60 * second, 10 * second);
  }
  Timed timed;
  timed.answered_at = now + latency();
  timed.reply.status = 200;
  timed.reply.body = Reply::Body::cell;
  const bool is_empty = now >= empty_from_ && now < empty_until_;
  for (const Generation& one : generations_) {
    if (one.cell != cell || now < one.listed_at || one.is_lost(now) || is_empty) continue;
    timed.reply.jobs.push_back(one.id);
  }
  if (is_trouble && !timed.reply.jobs.empty()) {
    timed.reply.is_whole = false;
    const auto hidden = choices_.below(static_cast<unsigned>(timed.reply.jobs.size()));
    timed.reply.jobs.erase(timed.reply.jobs.end() - 1 - hidden);
    return timed;
  }
  const auto lacks = [&](const std::string& id) {
    return std::find(timed.reply.jobs.begin(), timed.reply.jobs.end(), id) ==
           timed.reply.jobs.end();
  };
  for (Sent& sent : posts_) {
    if (sent.cell != cell || now - sent.posted_at < payment::settling_time) continue;
    const bool is_missing = sent.generation < 0 || lacks(at(sent.generation).id);
    if (is_missing) (is_empty ? sent.was_forgotten : sent.was_hidden) = true;
    if (sent.generation >= 0) at(sent.generation).is_missed_in(sent);
  }
  return timed;
}

Service::Timed Service::poll(const std::string& id, Millis now) {
  if (is_away(now)) return garbled(choices_.pick(outage_answers), now);
  if (now >= laws_.denied_from && now < laws_.denied_until) {
    return garbled({401, Reply::Body::error, "unauthorized"}, now);
  }
  if (choices_.chance(laws_.poll_trouble)) return garbled(choices_.pick(poll_answers), now);
  Generation* generation = find(id);
  if (generation == nullptr || now < generation->polled_at || generation->is_lost(now)) {
    return garbled({404, Reply::Body::error, "not_found"}, now);
  }
  if (now >= generation->missing_from && now < generation->missing_until) {
    return garbled({404, Reply::Body::error, "not_found"}, now);
  }
  if (generation->has_spurious_404 && choices_.chance(30)) {
    generation->has_spurious_404 = false;
    return garbled({404, Reply::Body::error, "not_found"}, now);
  }
  Timed timed{describe(*generation, now), now + latency()};
  if (timed.reply.word == Word::processing && choices_.chance(laws_.poll_trouble)) {
    timed.reply.word = Word::unknown;
  }
  return timed;
}

Service::Timed Service::stop(const std::string& id, Millis now, int* stopped) {
  *stopped = -1;
  if (is_away(now)) return garbled(choices_.pick(outage_answers), now);
  const bool is_trouble = choices_.chance(laws_.stop_trouble);
  // Lost on its way, or only its answer is.
  if (is_trouble && choices_.chance(50)) return garbled(choices_.pick(poll_answers), now);
  Generation* generation = find(id);
  if (generation == nullptr || generation->is_lost(now)) {
    return garbled({404, Reply::Body::error, "not_found"}, now);
  }
  if (now >= generation->ends_at) {
    return garbled({422, Reply::Body::error, "job_cannot_be_stopped"}, now);
  }
  // It goes on for now, and to its end.
  if (is_trouble && choices_.chance(30)) return {describe(*generation, now), now + latency()};
  *stopped = static_cast<int>(generation - generations_.data());
  generation->ends_at = now;
  generation->end = Word::stopped;
  if (is_trouble) return garbled(choices_.pick(poll_answers), now);
  return {describe(*generation, now), now + latency()};
}

// ---- The client's part ----

payment::Answer understand(const Reply& reply) {
  payment::Answer answer;
  answer.was_sent = reply.was_sent;
  answer.status = reply.status;
  answer.was_redirected = reply.was_redirected;
  answer.retry_after = reply.retry_after;
  answer.text = reply.status == 0 ? "no answer" : "HTTP " + std::to_string(reply.status);
  const unsigned status = reply.status;
  const bool is_success = status >= 200 && status < 300;
  if (is_success) {
    answer.is_retryable = reply.body != Reply::Body::generation;
    if (reply.body == Reply::Body::generation) {
      answer.generation = reply.id;
      answer.word = reply.word;
      answer.has_clip = reply.has_clip;
      answer.credit = reply.credit;
    }
    // The API's own word for what it has not taken.
    answer.is_api_error = reply.body == Reply::Body::error;
    if (answer.is_api_error) answer.code = reply.code;
    return answer;
  }
  answer.is_api_error = reply.body == Reply::Body::error;
  if (answer.is_api_error) answer.code = reply.code;
  answer.is_retryable = status == 0 || status == 408 || status == 429 || status == 500 ||
                        (status >= 502 && status <= 504);
  return answer;
}

}  // namespace genpro::simulation
