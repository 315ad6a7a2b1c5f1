// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/account_client.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/service/ask.h"
#include "cli/service/generations/report.h"
#include "cli/service/print_list.h"

namespace genpro::cli {

int run_generations_list(int argc, char** argv, const Globals& globals) {
  using Generations = std::vector<api::Generation>;
  Options options(argv[0], nullptr, "The generations of a cell, in the service's order.");
  options.add_flag("json", "Print a JSON array");
  add_access(options, {"sheet-route", "sheet-id", "cell-id", "agent-id"});
  if (!options.parse(argc, argv)) return exit_done;
  const Settings settings = read_settings(options, globals);
  require_settings(settings, {"sheet-id", "cell-id", "agent-id"});
  const std::string path =
      settings.sheet_route_word() + "/" + settings.sheet_id + "/cells/" + settings.cell_id;
  const auto generations = ask<api::AccountClient, Generations>(
      Service(settings), [&](api::AccountClient& client, auto done) {
        client.get_cell_generations(path, settings.agent_id, std::move(done));
      });
  print_list(options, generations, generation_document, [](const Generations& all) {
    return all.empty() ? std::string("The cell has no generations.\n") : generation_table(all);
  });
  return exit_done;
}

}  // namespace genpro::cli
