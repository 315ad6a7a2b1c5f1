// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <set>

#include "api/resources/resource_client.h"
#include "base/text.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/service/ask.h"
#include "cli/service/print_list.h"
#include "cli/table.h"

namespace genpro::cli {

namespace {

using Resources = std::vector<api::Resource>;

constexpr unsigned usual_limit = 50;
constexpr unsigned most_pages = 10'000;

// A service that ignores the page would give the first one for ever.
Resources list(const Service& service, const std::string& agent_id, const std::string& type,
               std::size_t limit) {
  Resources all;
  std::set<std::string> ids;
  for (unsigned page = 0; page < most_pages; ++page) {
    const Resources more =
        ask<api::ResourceClient, Resources>(service, [&](api::ResourceClient& client, auto done) {
          client.list({type, {}, page}, agent_id, std::move(done));
        });
    bool is_any_new = false;
    for (const api::Resource& resource : more) {
      if (!ids.insert(resource.id).second) continue;
      is_any_new = true;
      if (limit > 0 && all.size() == limit) return all;
      all.push_back(resource);
    }
    if (!is_any_new) break;
  }
  return all;
}

api::JsonNodePtr resource_document(const api::Resource& resource) {
  Members document;
  document.set("id", resource.id);
  document.set_or_null("file_name", resource.file_name);
  document.set_or_null("content_type", resource.content_type);
  return document.take();
}

std::string resource_table(const Resources& resources) {
  Table table({{"Id"}, {"File"}, {"Type"}});
  for (const api::Resource& resource : resources) {
    table.add({one_line(resource.id, 60), one_line(resource.file_name, 60),
               one_line(resource.content_type, 40)});
  }
  return table.text();
}

}  // namespace

int run_assets_list(int argc, char** argv, const Globals& globals) {
  const std::vector<std::string> types = {"image", "video", "audio", "zip", "safe_tensors"};
  Options options(argv[0], nullptr, "A table of the ingredients, the newest first.");
  options.add_choice("type", types, "Only those of this type: " + join(types, ", ", " or "));
  options.add_text("limit", "N", "At most so many (50)");
  options.add_flag("all", "All of them");
  options.add_flag("json", "Print a JSON array");
  add_access(options, {"agent-id"});
  if (!options.parse(argc, argv)) return exit_done;
  const std::string type = options.value("type").value_or("");
  if (!type.empty() && std::ranges::find(types, type) == types.end()) {
    throw UsageError(options.program(), "--type must be " + join(types, ", ", " or ") + ", not \"" +
                                            one_line(type, 60) + "\".");
  }
  const auto limit = options.number("limit", 1, 1'000'000);
  if (limit && options.is_given("all")) {
    throw UsageError(options.program(), "--limit and --all exclude each other.");
  }
  const Settings settings = read_settings(options, globals);
  require_settings(settings, {"agent-id"});

  const Resources resources = list(Service(settings), settings.agent_id, type,
                                   options.is_given("all") ? 0 : limit.value_or(usual_limit));
  print_list(options, resources, resource_document, resource_table);
  return exit_done;
}

}  // namespace genpro::cli
