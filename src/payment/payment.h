// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is paid, as a pure state machine: step() is a function of a state, an event and the time. It
// has no thread, clock, disk or socket, and includes nothing but the standard library, so that all
// it decides can be simulated.
//
// One payment is one wish for a generation: at most one charge is made for it. A driver (src/job)
// carries out the actions in their order. A `Persist` comes before every action that needs what is
// on disk: what cannot be written must not be acted upon. States are what a row of the ledger
// holds.
//
//   what is known                                        state        charged
//   the request has not left                             Prepared     no
//   it is under way, or its process died over it         Posting      unknown
//   an answer is lost, or proves nothing                 InDoubt      unknown
//   the API itself said no, and no try is in doubt       Refused      no
//   the generation has a name and has not ended          Known        yes
//   it has ended well                                    Completed    yes
//   every byte of its clip has been pushed               Delivered    yes
//   the service gave it up                               Failed       refunded
//   the service stopped it                               Stopped      unknown until it says
//   the API says, twice, that there is no such one       Gone         yes
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace genpro::payment {

// ---- Time ----

using Millis = std::int64_t;

// Durations are measured by a clock that goes on in suspend and never steps (CLOCK_BOOTTIME). It
// begins anew with each boot, so the boot's id is kept beside it. Wall time is for people; it only
// decides how old something can be at most when the machine has been booted since.
struct Moment {
  std::string boot;  // empty: not known, a row of an older version
  Millis up = 0;     // milliseconds since that boot
  Millis wall = 0;   // milliseconds since 1970; 0: it has not happened
  bool operator==(const Moment&) const = default;
};
using Now = Moment;

inline constexpr Millis unlimited = INT64_MAX;

// How much time has passed since `moment`, at least and at most.
Millis least_age(const Moment& moment, const Now& now);
Millis most_age(const Moment& moment, const Now& now);

// How long the service may take from the arrival of a request until its cell lists the generation,
// or until a completed generation has its resources. Also how long a 404 means "not yet".
inline constexpr Millis settling_time = 30'000;
// Where machines share a ledger, a request leaves so soon after its intention, or not at all: its
// machine may have been asleep in between.
inline constexpr Millis latest_departure = 10'000;
// Between questions for the resources of a completed generation.
inline constexpr Millis resources_interval = 2'000;
// Between the two 404 answers that say that a generation is gone.
inline constexpr Millis gone_interval = 10'000;
// Between the answers 401 or 403 that end a wait, of which there are three over a minute.
inline constexpr Millis denied_interval = 30'000;
inline constexpr unsigned denied_answers = 3;
// The service keeps an idempotency key for 24 hours; less a margin for clocks that differ.
inline constexpr Millis key_lifetime = 23LL * 3600 * 1000;

// ---- States ----

enum class Evidence {
  proven,  // an answer to the request, or to a repeat with the same key, named the generation
  likely,  // it is the only one in its cell that can be this request's
};
enum class Phase { pending, processing };

// A request that has left, and what is needed to find out what became of it.
struct Attempt {
  std::string key;  // Idempotency-Key, the same for each repeat
  Moment made;      // when it was first used
  Moment posted;    // the latest POST left
  // The cell's generations before that, and when they were asked for; unset when they could not be
  // read.
  std::optional<std::vector<std::string>> before;
  Moment looked;
  bool doubtful = false;     // an earlier POST may have been taken
  bool is_absent = false;    // a whole listing after the settling time had none that can be it
  bool stop_wanted = false;  // stop what comes of it, once that is proven to be its own
  // Of this run, not on disk:
  bool was_put_off = false;  // the service has said that it may take it later
  unsigned posts = 0;        // POSTs that left
  unsigned failures = 0;     // readings of the cell that failed in a row
  bool operator==(const Attempt&) const = default;
};

struct Prepared {
  std::string key;
  unsigned failures = 0;  // of this run: tries to reach the service
  bool operator==(const Prepared&) const = default;
};
struct Posting {
  Attempt attempt;
  bool operator==(const Posting&) const = default;
};
struct InDoubt {
  Attempt attempt;
  std::string reason;
  // Of this run: what the latest answer said about sending it again.
  bool is_under_way = false;  // the service is at it
  bool is_final = false;      // a repeat would be answered in the same way
  bool is_not_taken = false;  // the service itself has said so, and that it may take it later
  Millis not_before = 0;      // on the boot clock
  bool operator==(const InDoubt&) const = default;
};
struct Refused {
  std::string reason;
  bool operator==(const Refused&) const = default;
};

// How the questions about a generation have been going in this run; not on disk.
struct Asking {
  bool is_resumed = false;  // picked up from the ledger, and not heard of yet
  bool is_outage = false;
  bool is_stopping = false;             // the service was asked to stop it
  std::optional<Millis> missing_since;  // on the boot clock: the API says that it has no such one
  std::optional<Millis> denied_since;
  std::optional<Millis> bare_since;  // completed, and without a clip
  unsigned failures = 0;  // answers in a row that deny, or that tell nothing of a named generation
  bool operator==(const Asking&) const = default;
};
// A generation that is paid for.
struct Generation {
  std::string id;
  Evidence evidence = Evidence::proven;
  Moment posted;
  // Of one that is only likely: what is in doubt again if nothing comes of it.
  std::optional<Attempt> attempt;
  Asking asking;
  bool operator==(const Generation&) const = default;
};
struct Known {
  Generation generation;
  Phase phase = Phase::pending;
  bool stop_wanted = false;
  bool operator==(const Known&) const = default;
};
struct Completed {
  Generation generation;
  bool operator==(const Completed&) const = default;
};
struct Delivered {
  Generation generation;
  bool operator==(const Delivered&) const = default;
};
// What the service says has become of the credits of a generation.
enum class Credit { unknown, charged, not_charged, refunded };
struct Failed {
  Generation generation;
  std::string reason;
  Credit credit = Credit::unknown;  // a failure is refunded, unless it says otherwise
  bool operator==(const Failed&) const = default;
};
struct Stopped {
  Generation generation;
  Credit credit = Credit::unknown;
  bool operator==(const Stopped&) const = default;
};
struct Gone {
  Generation generation;
  std::string reason;
  bool operator==(const Gone&) const = default;
};

using State = std::variant<Prepared, Posting, InDoubt, Refused, Known, Completed, Delivered, Failed,
                           Stopped, Gone>;

// ---- What a state means, for the ledger, its limits and its readers ----

enum class Charged { no, yes, unknown };

struct Meaning {
  std::string_view word;  // in the ledger and on the command line
  Charged charged;
  bool is_unsettled;   // whether it was taken is not known
  bool is_unfinished;  // something may still come of it
  bool counts;         // for limits: it was or may have been asked for, or is about to
};
// `pending` and `processing` are the words of Known; a delivered one is `completed` as well.
std::span<const Meaning> meanings();
const Meaning& meaning(const State& state);
// Of what only is likely, it is not known, unless it was refunded; nor of what was stopped, until
// its refund is proven.
Charged charged(const State& state);
// What it counts for in a limit of credits: what it has cost once it is completed, what it was
// expected to until then, and nothing when it was refused or refunded. Unset: that is not known.
std::optional<double> expense(const State& state, std::optional<double> cost,
                              std::optional<double> estimate);
// The same by a state's meaning; `credit`: of one that failed or was stopped.
std::optional<double> expense(const Meaning& meaning, Credit credit, std::optional<double> cost,
                              std::optional<double> estimate);
// The part of that which is the service's word; unset: the estimate counts, if there is one.
std::optional<double> told_cost(bool is_completed, std::optional<double> cost,
                                std::optional<double> estimate);

std::string generation_id(const State& state);  // empty: not known
std::string reason(const State& state);
const Moment* posted_at(const State& state);  // null: no request is known of
bool stop_wanted(const State& state);
Evidence evidence(const State& state);
const Attempt* attempt(const State& state);  // null: none in the state
// Whether nothing is left to be done or picked up.
bool is_closed(const State& state);
// What a ledger holds of a state: it without what belongs to a run.
State on_disk(State state);
bool same_on_disk(const State& one, const State& other);
// Of two states of one row, the one that is further: who follows a generation may be behind.
bool is_behind(const State& state, const State& other);

// Of a request that is on its way, by what its row says: as if it had left as late as it can.
State with_latest_departure(State state);

// How long another request to the same cell has to wait, so that one listing can tell the two
// apart; 0: not at all.
Millis wait_for_others(const State& state, const Now& now);

// ---- Which earlier payment serves a wish ----

enum class Reuse { never, in_flight, completed };

// What the service itself decides about the request (a cell's defaults, its variables), compared
// with what that was for an earlier one.
enum class ServiceData { same, different, unreadable };

// Whether the payment may serve the same request once more. `was_together`: it was delivered to
// somebody who asked at the same time.
bool can_serve(const State& state, Reuse reuse, ServiceData data, bool was_together);

// ---- Events ----

// An answer, or none, in facts. `text` is one line for people.
struct Answer {
  unsigned status = 0;        // of HTTP; 0: no answer came
  bool was_sent = true;       // false: not a byte of the request left
  bool is_api_error = false;  // the body is the API's own JSON error
  bool was_redirected = false;
  bool is_retryable = false;  // asking again may help
  std::string code;           // of the API's error
  std::optional<Millis> retry_after;
  // Of a success:
  std::string generation;  // named by it
  enum class Word { none, unknown, pending, processing, completed, failed, stopped };
  Word word = Word::none;
  bool has_clip = false;  // completed, with a video whose address can be used
  Credit credit = Credit::unknown;
  std::string text;
};

struct Begun {};  // a new payment
// Taken up from the ledger. `is_alone`: nobody else follows it, so that a stop that is still owed
// may be sent.
struct Resumed {
  bool is_alone = false;
};
// The cell was read. `asked`: when the question left.
struct Listed {
  std::vector<std::string> jobs;
  bool is_whole = true;  // every entry had an id that could be read
  Moment asked;
  std::vector<std::string> claimed;    // those of `jobs` that other rows have
  std::vector<std::string> contested;  // those that another row in doubt may have, see may_be_of()
  // What the cell held before later requests to it left: Attempt::looked and before.
  struct Look {
    Moment at;
    std::vector<std::string> jobs;
  };
  std::vector<Look> later;
};
// Whether a generation that a cell lists may have come of the request. `looks`: what the cell held
// before other requests to it left.
bool may_be_of(const Attempt& attempt, const std::string& job,
               const std::vector<Listed::Look>& looks);
struct Unlisted {
  Answer answer;
};
struct Replied {  // to the POST
  Answer answer;
};
struct Polled {
  Answer answer;
};
struct StopReplied {
  Answer answer;
};
// The account was looked at for a generation that was stopped.
struct Accounted {
  Credit credit = Credit::unknown;
  std::string came;  // a line for its history
};
struct Woke {};        // a wait is over
struct StopWanted {};  // an orderly shutdown by the user; nobody else follows the generation
struct TimedOut {};    // the user's longest wait is over
struct Left {};        // the run ends, whatever is under way
// Every byte and the end of the stream were pushed, and the run ended in good order.
struct DeliveredWhole {};

using Event = std::variant<Begun, Resumed, Listed, Unlisted, Replied, Polled, StopReplied,
                           Accounted, Woke, StopWanted, TimedOut, Left, DeliveredWhole>;

// ---- Actions ----

// Writes the new state and a line of its history: what came, and what was decided and why.
struct Persist {
  std::string came;
  std::string decided;
};
struct ReadCell {};
struct Post {};  // the state's key, and always the same bytes
struct Poll {};
struct AskStop {};
// Woke comes after it.
struct Wait {
  enum class Pace {
    exactly,   // `least` milliseconds
    backoff,   // growing with each failure in a row, and at least `least`
    schedule,  // as the schedule for questions about a running generation says
  } pace = Pace::exactly;
  Millis least = 0;
};
// To be told to the user.
struct TellDoubt {
  std::string reason;
};
struct TellSettled {
  Evidence evidence;
  std::string reason;
};
struct TellOutage {
  std::string reason;
};
// The run ends, or has nothing more to wait for.
struct End {
  enum class Kind {
    clip,         // the generation's clip can be read
    unreachable,  // the request never left
    refused,
    in_doubt,
    failed,
    stopped,
    no_clip,  // completed, without a video that can be used
    gone,
    denied,      // the key is not accepted any more; the generation is left as it is
    timed_out,   // likewise
    again,       // an earlier generation was refunded: look for another one
    running,     // for who only asks: it goes on
    unanswered,  // for who only asks: the service tells nothing
    shut_down,   // the user's shutdown is done with
  } kind = Kind::shut_down;
  // What is known beyond the state; for people.
  std::string reason;
  std::vector<std::string> candidates;  // of a doubt
};

using Action = std::variant<Persist, ReadCell, Post, Poll, AskStop, Wait, TellDoubt, TellSettled,
                            TellOutage, End>;

struct Policy {
  // False: only finds out and tells what is the case; nothing is asked for.
  bool may_post = true;
  // The wire documents idempotency keys, so a repeat is safe by its key alone.
  bool keys_are_documented = false;
  // Follows and repeats nothing that is not proven.
  bool asks_when_in_doubt = false;
  // How often a step that is not paid yet is tried again.
  unsigned retries = 5;
  // A generation that a user named; there is no row, and nothing is paid by this run.
  bool is_attached = false;
};

struct Step {
  State state;
  std::vector<Action> actions;
};

Step step(const Policy& policy, const State& state, const Event& event, const Now& now);

}  // namespace genpro::payment
