// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/resources/resource_client.h"
#include "base/text.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/service/ask.h"

namespace genpro::cli {

int run_assets_delete(int argc, char** argv, const Globals& globals) {
  Options options(argv[0], "ID…",
                  "Removes ingredients from the service, for all who use them. One that is gone\n"
                  "already is told, and is no failure.");
  add_access(options, {"agent-id"});
  const auto ids = options.parse(argc, argv);
  if (!ids) return exit_done;
  if (ids->empty()) throw UsageError(options.program(), "Name the ID of an ingredient.");
  for (const std::string& id : *ids) {
    if (!is_id(id)) throw UsageError(options.program(), "\"" + one_line(id, 60) + "\" is no id.");
  }
  const Settings settings = read_settings(options, globals);
  require_settings(settings, {"agent-id"});
  const Service service(settings);
  int code = exit_done;
  for (const std::string& id : *ids) {
    auto removed = ask_once<api::ResourceClient, std::monostate>(
        service, [&](api::ResourceClient& client, auto done) {
          client.remove(id, settings.agent_id, std::move(done));
        });
    if (removed) {
      print("Ingredient " + id + " is removed.\n");
    } else if (api::is_gone(removed.error())) {
      print("Ingredient " + id + " is not there.\n");
    } else {
      Error& error = removed.error().error;
      error.charged = Charged::no;
      tell(error.message);
      code = worse_exit_code(code, exit_code_of(error));
    }
  }
  return code;
}

}  // namespace genpro::cli
