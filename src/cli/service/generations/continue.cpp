// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/account_client.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/service/ask.h"
#include "cli/service/generations/report.h"
#include "job/answers.h"
#include "payment/answers.h"

namespace genpro::cli {

namespace {

api::Generation get(const Service& service, const std::string& id) {
  return ask<api::Client, api::Generation>(
      service, [&](api::Client& client, auto done) { client.get_generation(id, std::move(done)); });
}

// The API's own no, which proves that nothing was taken. A gateway's, a 5xx and what says that such
// a request is under way prove nothing.
bool is_refusal(const api::Failure& failure) {
  return !failure.sent || payment::is_refusal(job::facts_of(failure));
}

// The request is sent once: it is charged. It keeps the generation's id, so what became of one
// whose answer is lost shows in the status.
api::Generation go_on(const Service& service, const std::string& id, const std::string& agent_id) {
  const std::string key = take_string(g_uuid_string_random());
  auto answer = ask_once<api::AccountClient, api::Generation>(
      service, [&](api::AccountClient& client, auto done) {
        client.continue_generation(id, agent_id, key, std::move(done));
      });
  if (!answer && is_refusal(answer.error())) {
    Error& error = answer.error().error;
    error.charged = Charged::no;
    throw CommandError(error);
  }
  api::Generation generation;
  try {
    generation = get(service, id);
  } catch (const CommandError& error) {
    throw CommandError({.message = std::string("Generation ") + id +
                                   " may go on, and may have been charged again: " + error.what() +
                                   " Look at it with genpro generations show " + id + ".",
                        .charged = Charged::unknown});
  }
  if (answer || generation.phase != api::Phase::stopped) return generation;
  throw CommandError({.message = "Whether the service took the request is not known: " +
                                 answer.error().error.message + " Generation " + id +
                                 " is still stopped. Look at it once more in half a minute, with "
                                 "genpro generations show " +
                                 id + ", before it is asked to continue again.",
                      .charged = Charged::unknown});
}

}  // namespace

int run_generations_continue(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], "ID",
      "Lets a stopped generation go on, under its own id. The service charges it again;\n"
      "it is in no ledger and counts in no limit. To have its clip:\n"
      "genpro generate --generation-id ID -o clip.mp4");
  options.add_flag("json", "Print a JSON object");
  add_access(options, {"agent-id"});
  const auto ids = options.parse(argc, argv);
  if (!ids) return exit_done;
  if (ids->size() != 1) throw UsageError(options.program(), "Name one ID of a generation.");
  const Settings settings = read_settings(options, globals);
  const Service service(settings);
  const std::string& id = ids->front();
  const api::Generation before = get(service, id);
  if (before.phase != api::Phase::stopped) {
    throw std::runtime_error(generation_sentence(before) +
                             " Only one that is stopped can continue; nothing was sent.");
  }
  const api::Generation after = go_on(service, id, settings.agent_id);
  if (options.is_given("json")) {
    print_json(generation_document(after));
  } else {
    print(generation_sentence(after) + "\n");
  }
  return exit_done;
}

}  // namespace genpro::cli
