// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.h"
#include "cli/archive/selection.h"
#include "cli/commands.h"
#include "cli/ledger/describe.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

constexpr std::size_t longest_prompt = 60;
constexpr std::size_t shown_digits = 12;

api::JsonNodePtr record_document(const archive::Record& record) {
  Members members = brief_members(record);
  members.set("size", static_cast<std::int64_t>(record.size));
  members.set_or_null("model", record.model);
  members.set("cost", record.cost);
  members.set_or_null("prompt", record.prompt);
  members.set_time("requested_at", record.requested_at);
  members.set_time("kept_at", record.kept_at);
  return members.take();
}

std::string table_of(const std::vector<archive::Record>& records) {
  Table table({{"Kept"},
               {"Asked for"},
               {"Generation"},
               {"Model"},
               {"Cost", Table::Align::right},
               {"Bytes", Table::Align::right},
               {"SHA-256"},
               {"Prompt"}});
  for (const archive::Record& record : records) {
    table.add({time_text(record.kept_at), time_text(record.requested_at),
               text_or_dash(record.generation_id), text_or_dash(record.model, 40),
               cost_text(record.cost), std::to_string(record.size),
               record.sha256.substr(0, shown_digits), text_or_dash(record.prompt, longest_prompt)});
  }
  return table.text();
}

}  // namespace

int run_archive_list(int argc, char** argv, const Globals& globals) {
  Options options(argv[0], nullptr,
                  "A table of the generations whose clips are kept, the newest first. Generations\n"
                  "that have the same bytes share a clip. No clip is read: see `genpro archive "
                  "verify`.");
  options.add_flag("json", "Print a JSON array, which has whole prompts and digests");
  add_archive(options);
  if (!options.parse(argc, argv)) return exit_done;
  const auto contents = need(archive::read_contents(find_archive(options, globals)));
  if (options.is_given("json")) {
    print_json(array_of(contents.records, record_document));
  } else {
    print(table_of(contents.records));
  }
  for (const std::string& path : contents.unreadable) {
    tell("The record " + one_line(path, 300) + " cannot be read, and is left out.");
  }
  return exit_done;
}

}  // namespace genpro::cli
