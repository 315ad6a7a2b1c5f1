// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/service/generations/report.h"

#include "base/text.h"
#include "cli/table.h"

namespace genpro::cli {

namespace {

std::string or_dash(const std::string& text, std::size_t length) {
  const std::string line = one_line(text, length);
  return line.empty() ? "-" : line;
}

}  // namespace

std::string generation_table(const std::vector<api::Generation>& generations) {
  Table table({{"Generation"}, {"Status"}, {"Cost", Table::Align::right}, {"Clip"}, {"Reason"}});
  for (const api::Generation& generation : generations) {
    table.add({or_dash(generation.id, 60), or_dash(generation.status, 40),
               generation.cost ? number_text(*generation.cost) : "-",
               generation.video_url ? "yes" : "no", or_dash(generation.failed_reason, 130)});
  }
  return table.text();
}

api::JsonNodePtr generation_document(const api::Generation& generation) {
  Members document;
  document.set("generation_id", generation.id);
  document.set_or_null("status", generation.status);
  document.set("cost", generation.cost);
  document.set_or_null("failed_reason", generation.failed_reason);
  document.set("clip", generation.video_url.has_value());
  return document.take();
}

std::string generation_sentence(const api::Generation& generation) {
  std::string text =
      "Generation " + one_line(generation.id, 60) + " is " +
      (generation.status.empty() ? "of an unknown status" : one_line(generation.status, 40));
  if (generation.cost) text += ", cost " + number_text(*generation.cost);
  if (!generation.failed_reason.empty()) text += ": " + one_line(generation.failed_reason);
  return text + ".";
}

}  // namespace genpro::cli
