// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/describe.h"

#include "api/json.h"
#include "base/text.h"
#include "cli/command.h"

namespace genpro::cli {

using job::Entry;
using job::EntryStatus;

namespace {

bool is_open(EntryStatus status) {
  return status == EntryStatus::submitting || status == EntryStatus::unknown ||
         status == EntryStatus::pending || status == EntryStatus::processing;
}

// A stop request is owed only for what may still run.
bool owes_stop(const Entry& entry) {
  return entry.stop_wanted && is_open(entry.status);
}

std::string meaning_of_unknown(const Seen& seen) {
  if (seen.is_followed) {
    return "The answer to the request was lost, and a process is finding out now whether it was "
           "taken.";
  }
  std::string text =
      "The request left, and nobody was there for its answer: it may have been charged. The next "
      "run of the same request looks at the cell's jobs first, takes over a generation that is "
      "there, and sends the request again only if there is none. `genpro ledger settle` finds out "
      "now";
  text += owes_stop(seen.entry) ? ", and stops what it finds for a refund." : ".";
  return text;
}

std::string meaning_of_running(const Seen& seen) {
  const bool waiting = seen.entry.status == EntryStatus::pending;
  std::string text =
      waiting ? "The service has taken it and not begun it" : "The service is working on it";
  if (seen.is_followed) {
    text += ", and a process waits for the clip.";
    if (owes_stop(seen.entry)) {
      text += " A request to stop it is noted, and is not sent while a process waits for it.";
    }
    return text;
  }
  text += ", as far as was seen; no process waits for it. ";
  if (owes_stop(seen.entry)) {
    return text +
           "A request to stop it has still to be sent, for a refund: the next run on the same "
           "service does that, or `genpro ledger settle`. If it is completed before, its clip is "
           "kept for the next run of the same request.";
  }
  return text +
         "The next run of the same request picks it up without a second charge, unless reuse is "
         "never. `genpro ledger settle` asks the service what became of it.";
}

std::string meaning_of_completed(const Entry& entry) {
  if (entry.delivered_at != 0) {
    return "It is paid, and the clip was handed on whole. The next run of the same request asks "
           "for a new one and pays again, unless reuse is completed.";
  }
  return "It is paid, and the clip has not been handed on whole. The next run of the same request "
         "delivers it without a second charge, unless reuse is never.";
}

}  // namespace

Seen look_at(job::Ledger& ledger, Entry entry) {
  Seen seen{std::move(entry), false};
  seen.is_followed = ledger.is_followed(seen.entry.id);
  if (!seen.is_followed && seen.entry.status == EntryStatus::submitting) {
    // Whoever was at it may have written the answer down and gone since the row was read.
    if (auto latest = need(ledger.find(seen.entry.id))) seen.entry = std::move(*latest);
  }
  return seen;
}

EntryStatus status_of(const Seen& seen) {
  const bool died = seen.entry.status == EntryStatus::submitting && !seen.is_followed;
  return died ? EntryStatus::unknown : seen.entry.status;
}

std::string status_text(const Seen& seen) {
  std::string text = to_word(status_of(seen));
  if (owes_stop(seen.entry)) text += ", stop to be sent";
  return text;
}

std::string meaning_of(const Seen& seen) {
  switch (status_of(seen)) {
    case EntryStatus::submitting:
      return "A process is sending the request now, or waits for its answer.";
    case EntryStatus::unknown:
      return meaning_of_unknown(seen);
    case EntryStatus::pending:
    case EntryStatus::processing:
      return meaning_of_running(seen);
    case EntryStatus::completed:
      return meaning_of_completed(seen.entry);
    case EntryStatus::failed:
      return "The service gave it up and refunds it. The next run of the same request asks for a "
             "new one.";
    case EntryStatus::stopped:
      return "It was stopped, and the service refunds it. The next run of the same request asks "
             "for a new one.";
    case EntryStatus::refused:
      return "The request was not taken, and nothing was charged. The next run of the same request "
             "sends it anew.";
  }
  return "";
}

std::string loss_of(const Seen& seen) {
  const Entry& entry = seen.entry;
  const std::string again = " The next run of the same request pays for a new one.";
  switch (status_of(seen)) {
    case EntryStatus::submitting:
    case EntryStatus::unknown:
      return "Whether the service took and charged its request will not be found out." + again;
    case EntryStatus::pending:
    case EntryStatus::processing:
      return "Generation " + printable(entry.generation_id, 130) +
             " goes on at the service, and nobody will stop it or pick it up by itself." + again;
    case EntryStatus::completed:
      if (entry.delivered_at != 0) return "";
      return "Generation " + printable(entry.generation_id, 130) +
             " is paid, and its clip was never handed on whole; only generation-id leads to it "
             "now." +
             again;
    case EntryStatus::failed:
    case EntryStatus::stopped:
    case EntryStatus::refused:
      break;
  }
  return "";
}

std::string model_text(const std::string& model) {
  return model.empty() ? "cell's own" : printable(model, 40);
}

std::string cost_text(std::optional<double> cost) {
  if (!cost) return "-";
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.10g", *cost);
}

std::string delivered_text(const Entry& entry) {
  return entry.delivered_at != 0 ? "whole" : std::to_string(entry.bytes_delivered);
}

std::string cell_text(const Entry& entry) {
  const StrvPtr parts(g_strsplit(entry.cell_path.c_str(), "/", -1));
  char** part = parts.get();
  if (g_strv_length(part) != 4) return printable(entry.cell_path);
  return printable(std::string(part[1]) + "/" + part[3]);
}

std::string prompt_of(const Entry& entry) {
  const auto request = api::parse_json_object(entry.request);
  if (!request) return "";
  JsonObject* data = api::as_object(api::member(request->get(), "data"));
  return api::as_string(api::member(data, "prompt")).value_or("");
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

}  // namespace genpro::cli
