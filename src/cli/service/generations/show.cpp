// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/service/ask.h"
#include "cli/service/generations/report.h"

namespace genpro::cli {

int run_generations_show(int argc, char** argv, const Globals& globals) {
  Options options(argv[0], "ID", "How a generation stands, as the service says.");
  options.add_flag("json", "Print a JSON object");
  add_access(options);
  const auto ids = options.parse(argc, argv);
  if (!ids) return exit_done;
  if (ids->size() != 1) throw UsageError(options.program(), "Name one ID of a generation.");
  const auto generation = ask<api::Client, api::Generation>(
      Service(read_settings(options, globals)), [&](api::Client& client, auto done) {
        client.get_generation(ids->front(), std::move(done));
      });
  if (options.is_given("json")) {
    print_json(generation_document(generation));
  } else {
    print(generation_sentence(generation) + "\n");
  }
  return exit_done;
}

}  // namespace genpro::cli
