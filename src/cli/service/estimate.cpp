// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "base/text.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/members.h"
#include "cli/output.h"
#include "cli/service/ask.h"
#include "job/estimate.h"
#include "job/identity.h"

namespace genpro::cli {

namespace {

using job::Estimate;

const char* to_word(Estimate::Source source) {
  switch (source) {
    case Estimate::Source::service:
      return "service";
    case Estimate::Source::ledger:
      return "ledger";
    case Estimate::Source::unknown:
      break;
  }
  return "unknown";
}

std::string sentence_of(const Estimate& estimate) {
  const std::string credits = estimate.credits ? number_text(*estimate.credits) + " credits, " : "";
  switch (estimate.source) {
    case Estimate::Source::service:
      return credits + "as the service estimates.";
    case Estimate::Source::ledger:
      return credits +
             "as this ledger has paid for the same model and length. The service gives no "
             "estimate: " +
             estimate.reason;
    case Estimate::Source::unknown:
      break;
  }
  return "Not known: the service gives no estimate, and this ledger has paid for none of the same "
         "model and length. The service: " +
         estimate.reason;
}

job::EstimateRequest::Settings settings_of(const Settings& settings) {
  auto job = make_job_settings(settings);
  if (!job) throw CommandError(named_as_options(std::move(job.error())));
  api::Access access = need(make_access(settings));
  auto& request = std::get<api::GenerationRequest>(job->subject);
  const auto is_file = [](const assets::Ingredient& one) { return one.id.empty(); };
  ledger::Identity identity = job::identify(access, request, "");
  // Neither the ids of files nor addresses are known.
  const bool is_bare = job->ingredients && (request.uses_addresses() ||
                                            std::ranges::any_of(job->ingredients->list, is_file));
  return {.access = std::move(access),
          .silence = job->silence,
          .ledger = settings.ledger,
          .request = std::move(request),
          .is_bare = is_bare,
          .identity = std::move(identity)};
}

}  // namespace

int run_estimate(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], nullptr,
      "What a generation would cost, in credits: as the service estimates, else what this\n"
      "ledger has paid for the same model and length. Nothing is asked for that is charged,\n"
      "and no file is uploaded.");
  options.add_flag("json", "Print a JSON object");
  // What says how a generation is waited for, limited and fetched has no part in its price.
  add_settings(options, {"generation-id", "max-cost", "daily-cost-limit", "daily-generation-limit",
                         "reuse", "on-shutdown", "when-in-doubt", "generation-timeout",
                         "poll-interval", "retries", "faststart", "max-clip-size", "archive"});
  options.add_description("The exit code is 1 when it is not known.");
  if (!options.parse(argc, argv)) return exit_done;
  const Settings settings = read_settings(options, globals);
  if (!settings.generation_id.empty()) {
    throw UsageError(options.program(),
                     "generation-id is set in the profile: that generation is there, and asking "
                     "for its clip costs nothing.");
  }
  const Estimate estimate = job::EstimateRequest::run(settings_of(settings));
  if (options.is_given("json")) {
    Members document;
    document.set("estimate", estimate.credits);
    document.set("source", to_word(estimate.source));
    document.set_or_null("reason", estimate.reason);
    print_json(document.take());
  } else {
    print(sentence_of(estimate) + "\n");
  }
  return estimate.credits ? exit_done : exit_failed;
}

}  // namespace genpro::cli
