// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/ledger/report.h"

namespace genpro::cli {

Members brief_report(const Seen& seen) {
  const ledger::Entry& entry = seen.entry;
  Members report;
  report.set("id", entry.id);
  report.set_time("created_at", entry.created_at);
  report.set("status", word_of(seen));
  report.set("charged", charged_text(seen));
  report.set("in_doubt", is_in_doubt(seen));
  report.set("followed", seen.is_followed);
  report.set("stop_wanted", payment::stop_wanted(entry.state));
  report.set_or_null("generation_id", payment::generation_id(entry.state));
  report.set_or_null("evidence", evidence_text(seen));
  report.set_or_null("model", entry.identity.model);
  report.set("cost", entry.cost);
  report.set("estimate", entry.estimate);
  report.set("refund_proven", refund_of(seen));
  report.set("bytes_delivered", static_cast<std::int64_t>(entry.bytes_delivered));
  report.set("delivered", entry.delivered_at != 0);
  report.set("agent_id", entry.identity.agent_id);
  report.set("cell_path", entry.identity.cell_path);
  return report;
}

Members full_report(const Seen& seen, const std::vector<ledger::Ledger::HistoryLine>& history) {
  const ledger::Entry& entry = seen.entry;
  const payment::State state = state_of(seen);
  const payment::Attempt* attempt = payment::attempt(state);
  Members report = brief_report(seen);
  report.set("meaning", meaning_of(seen));
  report.set("closed", payment::is_closed(state));
  report.set_or_null("reason", payment::reason(state));
  report.set_time("posted_at", entry.posted_at);
  report.set_time("ended_at", entry.ended_at);
  report.set_time("delivered_at", entry.delivered_at);
  report.set("base_url", entry.identity.base_url);
  report.set_or_null("prompt", prompt_of(entry));
  if (auto request = api::parse_json(entry.identity.request)) {
    report.set("request", std::move(*request));
  } else {
    report.set_or_null("request", entry.identity.request);
  }
  report.set("fingerprint", entry.identity.fingerprint);
  report.set_or_null("idempotency_key", key_of(entry));
  if (attempt != nullptr && attempt->before) {
    report.set("jobs_before", api::to_node(api::text_array(*attempt->before)));
  } else {
    report.set_or_null("jobs_before", "");
  }
  report.set("history", array_of(history, [](const ledger::Ledger::HistoryLine& line) {
               Members one;
               one.set_time("at", line.at);
               one.set("came", line.came);
               one.set("decided", line.decided);
               one.set("status", line.word);
               return one.take();
             }));
  return report;
}

}  // namespace genpro::cli
