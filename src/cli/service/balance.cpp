// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/account_client.h"
#include "base/text.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/service/ask.h"
#include "cli/service/print_list.h"
#include "cli/table.h"

namespace genpro::cli {

namespace {

using Organizations = std::vector<api::Organization>;

api::JsonNodePtr organization_document(const api::Organization& organization) {
  Members document;
  document.set("organization_id", organization.id);
  document.set_or_null("name", organization.name);
  document.set("credit", organization.credit);
  return document.take();
}

std::string organization_table(const Organizations& organizations) {
  Table table({{"Organization"}, {"Name"}, {"Credit", Table::Align::right}});
  for (const api::Organization& organization : organizations) {
    table.add({one_line(organization.id, 60), one_line(organization.name, 60),
               organization.credit ? number_text(*organization.credit) : "-"});
  }
  return table.text();
}

}  // namespace

int run_balance(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], "[ID]",
      "The credits that can be spent on generations, of each organization that the key\n"
      "may see, or of the one whose ID is given.");
  options.add_flag("json", "Print a JSON array");
  add_access(options);
  const auto ids = options.parse(argc, argv);
  if (!ids) return exit_done;
  if (ids->size() > 1) throw UsageError(options.program(), "Name one ID of an organization.");
  const auto organizations = ask<api::AccountClient, Organizations>(
      Service(read_settings(options, globals)), [&](api::AccountClient& client, auto done) {
        client.get_organizations(ids->empty() ? "" : ids->front(), std::move(done));
      });
  print_list(options, organizations, organization_document, organization_table);
  return exit_done;
}

}  // namespace genpro::cli
