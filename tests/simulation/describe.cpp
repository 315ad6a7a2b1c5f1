// SPDX-License-Identifier: LGPL-2.1-or-later
#include "simulation/describe.h"

#include <cstdio>

namespace genpro::simulation {

namespace {

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return "[" + text + "]";
}

const char* name_of(payment::Answer::Word word) {
  using Word = payment::Answer::Word;
  switch (word) {
    case Word::none:
      return "nothing";
    case Word::unknown:
      return "an unknown word";
    case Word::pending:
      return "pending";
    case Word::processing:
      return "processing";
    case Word::completed:
      return "completed";
    case Word::failed:
      return "failed";
    case Word::stopped:
      return "stopped";
  }
  return "";
}

struct StateText {
  std::string operator()(const payment::Prepared&) const { return "Prepared"; }
  std::string operator()(const payment::Posting& posting) const {
    return "Posting" + text(posting.attempt);
  }
  std::string operator()(const payment::InDoubt& doubt) const {
    return "InDoubt" + text(doubt.attempt);
  }
  std::string operator()(const payment::Refused&) const { return "Refused"; }
  std::string operator()(const payment::Known& known) const {
    return "Known" + text(known.generation) + (known.stop_wanted ? " to be stopped" : "");
  }
  std::string operator()(const payment::Completed& one) const {
    return "Completed" + text(one.generation);
  }
  std::string operator()(const payment::Delivered& one) const {
    return "Delivered" + text(one.generation);
  }
  std::string operator()(const payment::Failed& one) const {
    return "Failed" + text(one.generation);
  }
  std::string operator()(const payment::Stopped& one) const {
    return "Stopped" + text(one.generation);
  }
  std::string operator()(const payment::Gone& one) const { return "Gone" + text(one.generation); }

  static std::string text(const payment::Attempt& attempt) {
    return "(" + attempt.key + (attempt.before ? ", before " + join(*attempt.before) : "") +
           (attempt.doubtful ? ", doubtful" : "") + (attempt.is_absent ? ", absent" : "") +
           (attempt.stop_wanted ? ", to be stopped" : "") + ")";
  }
  static std::string text(const payment::Generation& generation) {
    return "(" + generation.id +
           (generation.evidence == payment::Evidence::likely ? ", likely)" : ")");
  }
};

struct EventText {
  std::string operator()(const payment::Begun&) const { return "begun"; }
  std::string operator()(const payment::Resumed& resumed) const {
    return resumed.is_alone ? "resumed, alone" : "resumed";
  }
  std::string operator()(const payment::Listed& listed) const {
    return "listed " + join(listed.jobs) + (listed.is_whole ? "" : ", not whole") +
           (listed.claimed.empty() ? "" : ", claimed " + join(listed.claimed));
  }
  std::string operator()(const payment::Unlisted&) const { return "not listed"; }
  std::string operator()(const payment::Replied&) const { return "replied"; }
  std::string operator()(const payment::Polled&) const { return "polled"; }
  std::string operator()(const payment::StopReplied&) const { return "stop replied"; }
  std::string operator()(const payment::Accounted&) const { return "accounted"; }
  std::string operator()(const payment::Woke&) const { return "woke"; }
  std::string operator()(const payment::StopWanted&) const { return "the user shuts down"; }
  std::string operator()(const payment::TimedOut&) const { return "timed out"; }
  std::string operator()(const payment::Left&) const { return "left"; }
  std::string operator()(const payment::DeliveredWhole&) const { return "delivered whole"; }
};

struct ActionText {
  std::string operator()(const payment::Persist& note) const {
    return "persist \"" + note.came + (note.decided.empty() ? "\"" : "; " + note.decided + "\"");
  }
  std::string operator()(const payment::ReadCell&) const { return "read the cell"; }
  std::string operator()(const payment::Post&) const { return "POST"; }
  std::string operator()(const payment::Poll&) const { return "poll"; }
  std::string operator()(const payment::AskStop&) const { return "ask to stop"; }
  std::string operator()(const payment::Wait& wait) const {
    const char* pace = wait.pace == payment::Wait::Pace::exactly   ? "wait "
                       : wait.pace == payment::Wait::Pace::backoff ? "back off, at least "
                                                                   : "wait as scheduled, at least ";
    return pace + describe_time(wait.least);
  }
  std::string operator()(const payment::TellDoubt&) const { return "tell of the doubt"; }
  std::string operator()(const payment::TellSettled& told) const {
    return told.evidence == payment::Evidence::likely ? "tell that it is likely its own"
                                                      : "tell that it is its own";
  }
  std::string operator()(const payment::TellOutage&) const { return "tell of the outage"; }
  std::string operator()(const payment::End& end) const {
    return std::string("end: ") + simulation::name_of(end.kind);
  }
};

}  // namespace

std::string describe_time(Millis time) {
  if (time == never) return "never";
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%lld s", static_cast<long long>(time / 1000),
                static_cast<long long>(time % 1000 / 100));
  return text;
}

std::string describe(const payment::State& state) {
  return std::visit(StateText{}, state);
}
std::string describe(const payment::Event& event) {
  return std::visit(EventText{}, event);
}
std::string describe(const std::vector<payment::Action>& actions) {
  std::string text;
  for (const payment::Action& action : actions) text += ", " + std::visit(ActionText{}, action);
  return text;
}

std::string describe(const Reply& reply) {
  if (!reply.was_sent) return "that no connection was made";
  if (reply.status == 0) return "nothing";
  std::string text = "HTTP " + std::to_string(reply.status);
  if (reply.was_redirected) text += " after a redirect";
  if (reply.retry_after) text += ", retry after " + describe_time(*reply.retry_after);
  switch (reply.body) {
    case Reply::Body::none:
      return text;
    case Reply::Body::object:
      return text + ", {}";
    case Reply::Body::cut:
      return text + ", cut";
    case Reply::Body::html:
      return text + ", HTML";
    case Reply::Body::error:
      return text + ", error " + reply.code;
    case Reply::Body::generation:
      return text + ", " + reply.id + " " + name_of(reply.word) +
             (reply.has_clip ? " with its clip" : "") +
             (reply.credit == payment::Credit::refunded  ? ", refunded"
              : reply.credit == payment::Credit::charged ? ", charged"
                                                         : "");
    case Reply::Body::cell:
      return text + ", cell " + join(reply.jobs) + (reply.is_whole ? "" : " and what has no id");
  }
  return text;
}

std::string describe(const Service::Generation& generation) {
  std::string text = generation.id + " of ";
  text += generation.origin == stranger ? "a stranger" : "row " + std::to_string(generation.origin);
  return text + ", listed at " + describe_time(generation.listed_at) + ", " +
         name_of(generation.end) + " at " + describe_time(generation.ends_at) +
         (generation.lost_at == never ? "" : ", lost at " + describe_time(generation.lost_at));
}

const char* name_of(payment::End::Kind kind) {
  using Kind = payment::End::Kind;
  switch (kind) {
    case Kind::clip:
      return "clip";
    case Kind::unreachable:
      return "unreachable";
    case Kind::refused:
      return "refused";
    case Kind::in_doubt:
      return "in doubt";
    case Kind::failed:
      return "failed";
    case Kind::stopped:
      return "stopped";
    case Kind::no_clip:
      return "no clip";
    case Kind::gone:
      return "gone";
    case Kind::denied:
      return "denied";
    case Kind::timed_out:
      return "timed out";
    case Kind::again:
      return "again";
    case Kind::running:
      return "running";
    case Kind::unanswered:
      return "unanswered";
    case Kind::shut_down:
      return "shut down";
  }
  return "";
}

}  // namespace genpro::simulation
