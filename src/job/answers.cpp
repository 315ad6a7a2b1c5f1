// SPDX-License-Identifier: LGPL-2.1-or-later
#include "job/answers.h"

#include "base/text.h"
#include "job/address_request.h"

namespace genpro::job {

namespace {

using Word = payment::Answer::Word;

Word word_of(const api::Generation& generation) {
  switch (generation.phase) {
    case api::Phase::pending:
      return Word::pending;
    case api::Phase::processing:
      return Word::processing;
    case api::Phase::completed:
      return Word::completed;
    case api::Phase::failed:
      return Word::failed;
    case api::Phase::stopped:
      return Word::stopped;
    case api::Phase::unknown:
      break;
  }
  return generation.status.empty() ? Word::none : Word::unknown;
}

payment::Credit credit_of(const api::Generation& generation) {
  const std::string& word = generation.credit_outcome;
  if (word == "refunded") return payment::Credit::refunded;
  if (word == "charged") return payment::Credit::charged;
  return word == "not_charged" ? payment::Credit::not_charged : payment::Credit::unknown;
}

}  // namespace

payment::Answer facts_of(const api::Generation& generation, const api::Access& access) {
  payment::Answer answer;
  answer.status = 200;
  answer.was_redirected = generation.is_redirected;
  answer.generation = generation.id;
  answer.word = word_of(generation);
  answer.has_clip = generation.phase == api::Phase::completed &&
                    static_cast<bool>(clip_address(generation, generation.id, access));
  answer.credit = credit_of(generation);
  answer.text = one_line(generation.failed_reason, 200);
  return answer;
}

payment::Answer facts_of(const api::Failure& failure) {
  payment::Answer answer;
  answer.status = failure.error.http_status;
  answer.was_sent = failure.sent;
  answer.is_api_error = failure.is_api_error;
  answer.was_redirected = failure.is_redirected;
  answer.is_retryable = failure.retryable;
  answer.code = failure.error.error_code;
  if (failure.retry_after) answer.retry_after = failure.retry_after->count();
  answer.text = failure.error.message;
  return answer;
}

payment::Answer facts_of_post(const api::Failure& failure) {
  payment::Answer answer = facts_of(failure);
  if (failure.error.kind == ErrorKind::read) answer.is_retryable = false;
  return answer;
}

}  // namespace genpro::job
