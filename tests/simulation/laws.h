// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The laws of the world: what a GEN service, what stands before it, and a machine can do to who
// asks for a generation. Nothing else happens in a history; each history has some of it.
//
// Requests
//   A POST may be taken, and so charged, whatever comes back for it, with these exceptions: an
//   answer that names a generation, and the API's own 4xx error other than 408, 409, 425 and 429,
//   are true of the request they answer, unless a redirect came before them. (post_answers below)
//   A POST may be held on its way and be taken up to 40 s later, after its answer was given up.
//   An idempotency key is honoured for 24 hours, or ignored, or refused when it is used again.
//   Where keys are documented, they are honoured.
// Cells
//   A generation is listed up to 30 s after its POST left; where listings are late, up to 100 s.
//   A listing may be of a moment ago, lack entries that cannot be read, or not be readable. Where
//   cells are forgetful, it may be empty for a while.
//   Anybody may generate on the cell at any time.
// Generations
//   They end as completed, failed, or stopped by somebody. What failed is refunded; what was
//   stopped may be or not, and the service may tell which, and then the truth. The resources of a
//   completed one may come up to 25 s later, or never. One may be lost by the service. A poll may
//   bring anything (poll_answers below). The API's own 404 is true, except right after the POST,
//   once more, and for a while as long as the cell lists the generation. Its 401 and 403 may be of
//   a moment, or last. A stop may be carried out, or not, whatever comes back for it.
// Machines
//   A process can be killed before any action. A machine can be booted again at any time. What is
//   on its way then goes on. Wall clocks step by days, either way, also while a machine is off. A
//   ledger file can be removed or replaced. A process can fork; the child does nothing.
// A ledger on a server, which several machines share
//   Their clocks and uptimes differ. The server's clock goes right. The connection of a run can be
//   lost before any action, and cannot be made anew for a while. The run notices when it needs the
//   ledger; the server gives its locks to others at once, or up to 90 s later. The answer to a
//   COMMIT can be lost, whether it was done or not. A transaction can be in another
//   one's way, and be undone. The server can fail over: the transactions of up to the last ten
//   seconds are lost, all connections end, and it may be away for a while. Who follows a row writes
//   it anew as he knows it, when he writes to it the next time. The number of a row that was lost
//   may be given to another one.
//   A machine can sleep between an intention and its POST, from 5 s to minutes. A POST leaves at
//   most ten seconds after its intention.
//
// Where these laws allow no certainty: keys that are not honoured (any more) together with a whole
// listing, asked for 30 s after the POST left, that lacks what came of it, and nothing that shows
// it to be false. Only there a second charge is excused (Invariants::is_excused), and it is
// counted. And what a fail-over has lost of a request, until a run that knows of it has
// written it again: nobody else can know of that generation (Invariants::was_forgotten). A second
// charge that was decided on meanwhile is excused, and counted apart; a row whose run has died
// before it wrote it again explains nothing, and no limit counts it.
#pragma once

#include <string>
#include <vector>

#include "payment/payment.h"
#include "simulation/choices.h"

namespace genpro::simulation {

using payment::Millis;

inline constexpr Millis second = 1000;
inline constexpr Millis minute = 60 * second;
inline constexpr Millis hour = 60 * minute;
inline constexpr Millis day = 24 * hour;
inline constexpr Millis never = INT64_MAX;

// How long a client waits for an answer.
inline constexpr Millis patience = 20 * second;
inline constexpr Millis key_memory = 24 * hour;
// From an intention until its request leaves, where machines share the ledger.
inline constexpr Millis latest_post = 10 * second;
// What each generation is expected to cost, and is charged when it is taken. In the end it may be
// less.
inline constexpr int estimated_cost = 4;

// What comes back, as it is on the wire.
struct Reply {
  enum class Body { none, object, cut, html, error, generation, cell };
  bool was_sent = true;  // false: no connection was made
  unsigned status = 0;   // 0: nothing comes
  Body body = Body::none;
  bool was_redirected = false;
  std::string code;  // of an error
  std::optional<Millis> retry_after;
  // Of a generation:
  std::string id;
  payment::Answer::Word word = payment::Answer::Word::none;
  bool has_clip = false;
  payment::Credit credit = payment::Credit::unknown;
  std::optional<int> cost;
  // Of a cell:
  std::vector<std::string> jobs;
  bool is_whole = true;  // false: with an entry whose id cannot be read
};

struct Answering {
  unsigned status;
  Reply::Body body;
  const char* code = "";
  enum class Taken { no, maybe } taken = Taken::maybe;
  bool was_redirected = false;
  bool was_sent = true;
};

// Besides the plain one, which names the generation.
inline constexpr Answering post_answers[] = {
    {0, Reply::Body::none},
    {0, Reply::Body::none, "", Answering::Taken::no, false, false},
    {200, Reply::Body::object},
    {201, Reply::Body::cut},
    {200, Reply::Body::html},
    {202, Reply::Body::none},
    {202, Reply::Body::object},
    {303, Reply::Body::none},
    {307, Reply::Body::html},
    {404, Reply::Body::error, "not_found", Answering::Taken::maybe, true},
    {422, Reply::Body::error, "validation_error", Answering::Taken::maybe, true},
    {400, Reply::Body::error, "validation_error", Answering::Taken::no},
    {401, Reply::Body::error, "unauthorized", Answering::Taken::no},
    {403, Reply::Body::error, "forbidden", Answering::Taken::no},
    {404, Reply::Body::error, "not_found", Answering::Taken::no},
    {422, Reply::Body::error, "insufficient_credits_for_job", Answering::Taken::no},
    {400, Reply::Body::html},
    {403, Reply::Body::html},
    {404, Reply::Body::html},
    {408, Reply::Body::error, "timeout"},
    {408, Reply::Body::html},
    {409, Reply::Body::error, "generation_busy"},
    {409, Reply::Body::error, "conflict"},
    {409, Reply::Body::html},
    {422, Reply::Body::html},
    {425, Reply::Body::error, "too_early"},
    {425, Reply::Body::none},
    {429, Reply::Body::error, "rate_limited"},
    {429, Reply::Body::html},
    {500, Reply::Body::error, "internal"},
    {500, Reply::Body::html},
    {501, Reply::Body::html},
    {502, Reply::Body::html},
    {503, Reply::Body::error, "unavailable"},
    {503, Reply::Body::html},
    {504, Reply::Body::html},
    {520, Reply::Body::html},
};

// The service has queued it. Where the wire documents keys, that is what its 202 says.
inline constexpr Answering queued_answer = {202, Reply::Body::error, "source_not_ready"};

// What may come for a question, the API's own 404 apart.
inline constexpr Answering poll_answers[] = {
    {0, Reply::Body::none},
    {0, Reply::Body::none, "", Answering::Taken::no, false, false},
    {200, Reply::Body::object},
    {200, Reply::Body::cut},
    {200, Reply::Body::html},
    {303, Reply::Body::none},
    {401, Reply::Body::html},
    {401, Reply::Body::error, "unauthorized"},
    {403, Reply::Body::html},
    {403, Reply::Body::error, "forbidden"},
    {404, Reply::Body::html},
    {409, Reply::Body::error, "conflict"},
    {409, Reply::Body::html},
    {410, Reply::Body::html},
    {422, Reply::Body::error, "validation_error"},
    {429, Reply::Body::error, "rate_limited"},
    {500, Reply::Body::error, "internal"},
    {501, Reply::Body::html},
    {502, Reply::Body::html},
    {503, Reply::Body::html},
    {504, Reply::Body::html},
    {520, Reply::Body::html},
};

// What may come instead of the answer of a service that is away.
inline constexpr Answering outage_answers[] = {
    {0, Reply::Body::none, "", Answering::Taken::no, false, false},
    {0, Reply::Body::none, "", Answering::Taken::no},
    {502, Reply::Body::html, "", Answering::Taken::no},
    {503, Reply::Body::html, "", Answering::Taken::no},
    {504, Reply::Body::html, "", Answering::Taken::no},
    {404, Reply::Body::html, "", Answering::Taken::no},
    {520, Reply::Body::html, "", Answering::Taken::no},
};

// Which of it one history has, drawn at its beginning.
struct Laws {
  enum class Keys { honoured, ignored, refused } keys = Keys::honoured;
  bool are_keys_documented = false;
  // How many percent of the answers to each kind of request are trouble.
  unsigned post_trouble = 0;
  unsigned cell_trouble = 0;
  unsigned poll_trouble = 0;
  unsigned stop_trouble = 0;
  bool are_posts_held = false;
  Millis latest_listing = 0;  // after the POST left
  bool is_forgetful = false;
  bool is_cell_unreadable = false;  // by anybody, ever
  unsigned ends_badly = 0;          // percent of the generations
  bool are_clips_late = false;
  bool loses_generations = false;
  bool has_spurious_404 = false;
  bool has_long_404 = false;
  bool keeps_stopped = false;  // what is paid for what is stopped
  bool tells_credit = false;
  Millis away_from = never, away_until = never;
  Millis denied_from = never, denied_until = never;  // 401 by the API itself
  int cost_limit = 0;                                // of each ledger, in a day
  // Of machines:
  unsigned kills = 0;  // percent of the runs
  // Of a ledger that they share:
  bool is_shared = false;
  unsigned cuts = 0;  // percent of the actions before which a connection is lost
  unsigned lost_commits = 0, conflicts = 0;  // percent of the transactions
  unsigned suspensions = 0;                  // percent of the POSTs that wait for it
  Millis fails_over_at = never;              // its server
  Millis failing_over_loses = 0;             // what was written so shortly before
};
Laws draw_laws(Choices& choices);
std::string describe(const Laws& laws);

}  // namespace genpro::simulation
