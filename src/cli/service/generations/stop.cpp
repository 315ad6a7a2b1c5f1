// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/service/ask.h"
#include "cli/service/generations/report.h"
#include "cli/service/print_list.h"

namespace genpro::cli {

namespace {

// One that has ended cannot be stopped: how it ended is what matters then.
api::Generation stop(const Service& service, const std::string& id, const std::string& agent_id) {
  auto stopped =
      ask_once<api::Client, api::Generation>(service, [&](api::Client& client, auto done) {
        client.stop_generation(id, agent_id, std::move(done));
      });
  if (stopped && stopped->phase == api::Phase::stopped) return std::move(*stopped);
  if (!stopped && !stopped.error().retryable && stopped.error().error.http_status != 422) {
    stopped.error().error.charged = Charged::no;
    throw CommandError(stopped.error().error);
  }
  return ask<api::Client, api::Generation>(
      service, [&](api::Client& client, auto done) { client.get_generation(id, std::move(done)); });
}

}  // namespace

int run_generations_stop(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], "ID…",
      "Asks the service to stop generations that are unfinished. Whether that refunds them,\n"
      "genpro ledger settle finds out for those of this ledger. A run that follows one of\n"
      "them ends in an error.");
  options.add_flag("json", "Print a JSON array");
  add_access(options, {"agent-id"});
  const auto ids = options.parse(argc, argv);
  if (!ids) return exit_done;
  if (ids->empty()) throw UsageError(options.program(), "Name the ID of a generation.");
  const Settings settings = read_settings(options, globals);
  const Service service(settings);
  int code = exit_done;
  std::vector<api::Generation> generations;
  for (const std::string& id : *ids) {
    try {
      generations.push_back(stop(service, id, settings.agent_id));
      if (generations.back().phase != api::Phase::stopped) {
        code = worse_exit_code(code, exit_failed);
      }
    } catch (const CommandError& error) {
      tell(error.what());
      code = worse_exit_code(code, error.exit_code());
    }
  }
  print_list(options, generations, generation_document,
             [](const std::vector<api::Generation>& all) {
               std::string text;
               for (const api::Generation& one : all) text += generation_sentence(one) + "\n";
               return text;
             });
  return code;
}

}  // namespace genpro::cli
