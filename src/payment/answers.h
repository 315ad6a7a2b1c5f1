// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an answer says, as far as money is concerned. Numbers in brackets are the rules in README.md
// beside this file.
#pragma once

#include "payment/payment.h"

namespace genpro::payment {

inline bool is_success(const Answer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

inline bool names_generation(const Answer& answer) {
  return is_success(answer) && !answer.generation.empty();
}

inline bool says_status(const Answer& answer) {
  return is_success(answer) && answer.word != Answer::Word::none;
}

// The service is at it already, or will be: the same request may be sent again after a while. (4)
inline bool is_under_way(const Answer& answer) {
  // The key was used with another body: the same again would be answered in the same way.
  if (answer.code == "idempotency_conflict") return false;
  return answer.status == 202 || answer.status == 409 || answer.status == 425 ||
         answer.status == 429 || answer.code == "generation_busy" ||
         answer.code == "generation_pending" || answer.code == "source_not_ready";
}

// The service's own word that it has not taken the request yet, and will when it is sent again.
// Only a wire that documents keys documents it as well. (4)
inline bool is_not_taken(const Answer& answer) {
  return answer.status == 202 && answer.is_api_error && !answer.was_redirected &&
         (answer.code == "source_not_ready" || answer.code == "generation_pending");
}

// The service's own no, which proves that nothing was taken. (1)
inline bool is_refusal(const Answer& answer) {
  return answer.is_api_error && !answer.was_redirected && answer.status >= 400 &&
         answer.status < 500 && answer.status != 408 && !is_under_way(answer) &&
         answer.code != "idempotency_conflict";
}

// The API itself says that it has no such generation. (5)
inline bool is_missing(const Answer& answer) {
  return answer.is_api_error && (answer.status == 404 || answer.status == 410);
}

// The API itself does not accept the key. (8)
inline bool is_denied(const Answer& answer) {
  return answer.is_api_error && (answer.status == 401 || answer.status == 403);
}

}  // namespace genpro::payment
