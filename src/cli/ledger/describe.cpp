// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/ledger/describe.h"

#include <algorithm>

#include "api/request.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/when.h"

namespace genpro::cli {

using ledger::Entry;
using payment::Charged;
using payment::Evidence;
using payment::State;

namespace {

// A stop request is owed only for what may still run and can be proven to be the request's.
bool owes_stop(const State& state) {
  return payment::stop_wanted(state) && payment::meaning(state).is_unfinished &&
         payment::evidence(state) == Evidence::proven;
}

std::string sentence_of(const std::string& reason) {
  std::string text = printable(reason);
  if (text.empty()) return "";
  return " The reason: " + text + (text.ends_with('.') ? "" : ".");
}

std::string jobs_of(const Entry& entry) {
  return "the jobs of cell " + cell_text(entry) + " at " + printable(entry.identity.base_url, 120);
}

// The sentence or two that a state means, and what happens to its row next.
class Explanation {
 public:
  Explanation(const Seen& seen, const State& state) : seen_(seen), state_(state) {}

  std::string operator()(const payment::Prepared&) const {
    return std::string("The request has not left, and nothing is charged. ") +
           (seen_.is_followed ? "A process is about to send it."
                              : "The next run of the same request sends it.");
  }

  std::string operator()(const payment::Posting&) const {
    return "A process is sending the request now, or waits for its answer. Until that is there, it "
           "counts as charged.";
  }

  std::string operator()(const payment::InDoubt& doubt) const {
    return known_of(doubt) + counting() + next_for(doubt);
  }

  std::string operator()(const payment::Refused&) const {
    return "The request was not taken, and nothing was charged. The next run of the same request "
           "sends it anew.";
  }

  std::string operator()(const payment::Known& known) const {
    const bool waiting = known.phase == payment::Phase::pending;
    std::string text =
        waiting ? "The service has taken it and not begun it" : "The service is working on it";
    if (seen_.is_followed) {
      text += ", and a process waits for the clip.";
      if (owes_stop(state_)) {
        text += " A request to stop it is noted, and is not sent while a process waits for it.";
      }
      return text + likelihood(known.generation);
    }
    text += ", as far as was seen; no process waits for it. ";
    if (owes_stop(state_)) {
      return text +
             "A request to stop it has still to be sent, for a refund: the next run on the same "
             "service does that, or `genpro ledger settle`. If it is completed before, its clip "
             "is kept for the next run of the same request.";
    }
    return text +
           "The next run of the same request picks it up without a second charge, unless reuse is "
           "never. `genpro ledger settle` asks the service what became of it." +
           likelihood(known.generation);
  }

  std::string operator()(const payment::Completed& completed) const {
    return "It is paid, and the clip has not been delivered whole. The next run of the same "
           "request delivers it without a second charge, unless reuse is never." +
           likelihood(completed.generation);
  }

  std::string operator()(const payment::Delivered& delivered) const {
    return "It is paid, and the clip was delivered whole. The next run of the same request asks "
           "for a new one and pays again, unless reuse is completed." +
           likelihood(delivered.generation);
  }

  std::string operator()(const payment::Failed&) const {
    return std::string("The service gave it up") +
           (payment::charged(state_) == Charged::yes ? ", and charges it." : " and refunds it.") +
           " The next run of the same request asks for a new one.";
  }

  std::string operator()(const payment::Stopped&) const {
    const Charged charged = payment::charged(state_);
    return std::string("It was stopped, and ") +
           (charged == Charged::no    ? "the service refunds it."
            : charged == Charged::yes ? "the service charges it."
                                      : "its refund is not proven: until then it counts as it was "
                                        "estimated. `genpro ledger settle` looks for the proof.") +
           " The next run of the same request asks for a new one.";
  }

  std::string operator()(const payment::Gone& gone) const {
    const auto cost = seen_.entry.cost;
    return "It was paid" + (cost ? " (" + cost_text(cost) + ")" : std::string()) +
           ", and the service says that there is no such generation any more. The next run of the "
           "same request looks for it once more, and never buys another one by itself. To ask "
           "anew, and pay again, set reuse=never, or remove the row: `genpro ledger prune " +
           std::to_string(seen_.entry.id) + "`." + likelihood(gone.generation);
  }

 private:
  static std::string likelihood(const payment::Generation& generation) {
    if (generation.evidence == Evidence::proven) return "";
    return " That it is this request's is likely and not proven: it was the only new one in the "
           "cell that no other row has. Therefore it is never stopped.";
  }

  std::string known_of(const payment::InDoubt& doubt) const {
    const ledger::WallTime posted = doubt.attempt.posted.wall;
    const payment::Millis age = payment::most_age(doubt.attempt.posted, ledger::clock_now());
    std::string text = "The request left";
    if (posted > 0) text += " at " + local_time(posted);
    if (age != payment::unlimited) text += ", " + age_text(age) + " ago";
    text += ", and whether it was taken is not known: it may have been charged.";
    text += sentence_of(doubt.reason);
    if (doubt.attempt.is_absent) {
      text += " A listing of the cell has not had it since.";
    }
    return text;
  }

  static std::string counting() {
    return " It keeps its idempotency key, and counts as asked for in every limit.";
  }

  std::string next_for(const payment::InDoubt& doubt) const {
    if (seen_.is_followed) return " A process is finding out now.";
    std::string text =
        " The next run of the same request looks at the cell's jobs first, and takes over a "
        "generation that can only be its own. ";
    const bool has_key =
        payment::most_age(doubt.attempt.made, ledger::clock_now()) < payment::key_lifetime;
    text += has_key ? "It sends the request again only if there is none, and with the same key. "
                    : "The service has forgotten the key by now. ";
    text += "`genpro ledger settle` finds out now";
    text += owes_stop(state_) ? ", and stops what it finds, if that is proven to be its own, for "
                                "a refund."
                              : ".";
    text += " To see for yourself, look at " + jobs_of(seen_.entry);
    const auto& before = doubt.attempt.before;
    if (!before) {
      text += "; what they were before is not known";
    } else if (!before->empty()) {
      text += "; those before it are none of its";
    }
    return text + ". If the request's is not there, `genpro ledger prune " +
           std::to_string(seen_.entry.id) + "` lets the next run ask anew.";
  }

  const Seen& seen_;
  const State& state_;
};

const char* to_word(Charged charged) {
  switch (charged) {
    case Charged::no:
      return "no";
    case Charged::yes:
      return "yes";
    case Charged::unknown:
      break;
  }
  return "unknown";
}

bool has_died(const Seen& seen) {
  return !seen.is_followed && std::holds_alternative<payment::Posting>(seen.entry.state);
}

}  // namespace

Seen look_at(ledger::Ledger& ledger, Entry entry, bool is_followed) {
  Seen seen{std::move(entry), is_followed};
  if (has_died(seen)) {
    // Whoever was at it may have written the answer down and gone since the row was read.
    if (auto latest = need(ledger.find(seen.entry.id))) seen.entry = std::move(*latest);
  }
  return seen;
}

State state_of(const Seen& seen) {
  if (!has_died(seen)) return seen.entry.state;
  payment::InDoubt doubt;
  doubt.attempt = std::get<payment::Posting>(seen.entry.state).attempt;
  doubt.reason = "the process that sent it has ended";
  return doubt;
}

std::string word_of(const Seen& seen) {
  return std::string(payment::meaning(state_of(seen)).word);
}

bool is_in_doubt(const Seen& seen) {
  return std::holds_alternative<payment::InDoubt>(state_of(seen));
}

std::optional<bool> refund_of(const Seen& seen) {
  const State state = state_of(seen);
  const bool is_over = std::holds_alternative<payment::Failed>(state) ||
                       std::holds_alternative<payment::Stopped>(state);
  if (!is_over) return std::nullopt;
  return payment::charged(state) == Charged::no;
}

std::string charged_text(const Seen& seen) {
  return to_word(payment::charged(state_of(seen)));
}

std::string evidence_text(const Seen& seen) {
  const State& state = seen.entry.state;
  if (payment::generation_id(state).empty()) return "";
  return payment::evidence(state) == Evidence::likely ? "likely" : "proven";
}

std::string status_text(const Seen& seen) {
  std::string text = is_in_doubt(seen) ? "in doubt" : word_of(seen);
  if (owes_stop(seen.entry.state)) text += ", stop to be sent";
  if (refund_of(seen) == false) {
    text += charged_text(seen) == "yes" ? ", charged" : ", refund not proven";
  }
  return text;
}

std::string meaning_of(const Seen& seen) {
  const State state = state_of(seen);
  return std::visit(Explanation(seen, state), state);
}

std::string loss_of(const Seen& seen) {
  const State state = state_of(seen);
  const std::string& id = payment::generation_id(state);
  const std::string generation = "Generation " + printable(id, 130);
  const std::string again = " The next run of the same request pays for a new one.";
  const payment::Meaning& meaning = payment::meaning(state);
  if (meaning.is_unsettled) {
    return "Whether the service took and charged its request will not be found out." + again;
  }
  if (std::holds_alternative<payment::Gone>(state)) {
    return generation + " is paid, and if the service has it after all, nothing leads to it." +
           again;
  }
  if (payment::is_closed(state) || id.empty()) return "";
  if (meaning.is_unfinished) {
    return generation +
           " goes on at the service, and nobody will stop it or pick it up by itself." + again;
  }
  return generation +
         " is paid, and its clip was never delivered whole; only generation-id leads to it now." +
         again;
}

std::vector<std::string> all_words() {
  std::vector<std::string> words;
  for (const payment::Meaning& meaning : payment::meanings()) {
    const std::string word(meaning.word);
    if (std::ranges::find(words, word) == words.end()) words.push_back(word);
  }
  return words;
}

std::string posting_word() {
  return std::string(payment::meaning(payment::Posting{}).word);
}

std::string in_doubt_word() {
  return std::string(payment::meaning(payment::InDoubt{}).word);
}

std::string model_text(const std::string& model) {
  return model.empty() ? "cell's own" : printable(model, 40);
}

std::string cost_text(std::optional<double> cost) {
  return cost ? number_text(*cost) : "-";
}

std::string delivered_text(const Entry& entry) {
  return entry.delivered_at != 0 ? "whole" : std::to_string(entry.bytes_delivered);
}

std::string cell_text(const Entry& entry) {
  const std::string& path = entry.identity.cell_path;
  const auto parts = split(path, '/');
  const bool has_layer = parts.size() == 6;
  if (parts.size() != 4 && !has_layer) return printable(path);
  std::string text = std::string(parts[1]) + "/" + std::string(parts[3]);
  if (has_layer) text += "/" + std::string(parts[5]);
  return printable(text);
}

std::string prompt_of(const Entry& entry) {
  return api::prompt_in(entry.identity.request);
}

std::string key_of(const Entry& entry) {
  if (const auto* prepared = std::get_if<payment::Prepared>(&entry.state)) return prepared->key;
  const payment::Attempt* attempt = payment::attempt(entry.state);
  return attempt != nullptr ? attempt->key : "";
}

std::string age_text(payment::Millis age) {
  const auto count = [](payment::Millis number, const char* unit) {
    return std::to_string(number) + " " + unit + (number == 1 ? "" : "s");
  };
  constexpr payment::Millis second = 1000;
  constexpr payment::Millis minute = 60 * second;
  constexpr payment::Millis hour = 60 * minute;
  constexpr payment::Millis day = 24 * hour;
  if (age < 2 * minute) return count(age / second, "second");
  if (age < 2 * hour) return count(age / minute, "minute");
  if (age < 2 * day) return count(age / hour, "hour");
  return count(age / day, "day");
}

std::string printable(std::string_view text, std::size_t max_length) {
  const std::string line = one_line(text, max_length);
  std::string result;
  for (const char* at = line.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    // Marks that turn the direction of what follows; joiners are part of words.
    const bool turns = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
                       (c >= 0x2066 && c <= 0x2069);
    if (!turns) result.append(at, static_cast<std::size_t>(g_utf8_next_char(at) - at));
  }
  return result;
}

std::string text_or_dash(const std::string& text, std::size_t max_length) {
  return text.empty() ? "-" : printable(text, max_length);
}

}  // namespace genpro::cli
