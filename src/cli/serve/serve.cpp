// SPDX-License-Identifier: LGPL-2.1-or-later
#include <optional>
#include <set>

#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/main_loop.h"
#include "cli/output.h"
#include "cli/serve/clips.h"
#include "cli/serve/guard.h"
#include "cli/serve/library.h"
#include "cli/serve/metrics_page.h"
#include "cli/serve/pages.h"
#include "cli/serve/server.h"

namespace genpro::cli {

namespace {

using namespace std::chrono_literals;

constexpr unsigned usual_port = 8788;
constexpr std::size_t most_listed = 50;
constexpr std::string_view clip_suffix = ".mp4";

class Service {
 public:
  Service(const Library& library, Clips& clips, bool has_metrics)
      : library_(library), clips_(clips) {
    if (has_metrics) metrics_.emplace();
  }

  Response answer(const Request& request, const Client& client) {
    check_sender(request);
    const auto& path = request.path;
    if (path.empty()) return list_page(library_.recipes(), latest(library_.generations()));
    if (path.size() == 1 && path[0] == "playlist.m3u") {
      const auto recipes = library_.recipes();
      return playlist(recipes, latest(generations_beside(recipes)),
                      "http://" + request.header("host"));
    }
    if (metrics_ && path.size() == 1 && path[0] == "metrics") {
      return metrics_->response(library_.ledger());
    }
    if (path.size() == 2 && path[1].ends_with(clip_suffix)) {
      const std::string name = path[1].substr(0, path[1].size() - clip_suffix.size());
      if (path[0] == "recipe") return recipe(request, client, name);
      if (path[0] == "generation") return generation(request, client, name);
    }
    throw HttpError(404, "There is nothing of that name. / lists what there is.");
  }

 private:
  static std::vector<ledger::Entry> latest(std::vector<ledger::Entry> generations) {
    if (generations.size() > most_listed) generations.resize(most_listed);
    return generations;
  }

  // Without those that recipes have made, so that each clip is played once.
  std::vector<ledger::Entry> generations_beside(const std::vector<std::string>& recipes) const {
    auto generations = library_.generations();
    std::set<std::string> made;
    for (const std::string& name : recipes) {
      try {
        const Wanted recipe = library_.recipe(name);
        const std::string id = clips_.generation_of(recipe.key);
        made.insert(id.empty() ? Library::made_for(recipe, generations) : id);
      } catch (const HttpError&) {
        // One that cannot be used has made none.
        continue;
      }
    }
    std::erase_if(generations, [&](const ledger::Entry& entry) {
      return made.contains(payment::generation_id(entry.state));
    });
    return generations;
  }

  Response recipe(const Request& request, const Client& client, const std::string& name) {
    const Wanted wanted = library_.recipe(name);
    if (!request.is_head()) {
      return part_of(clips_.open(wanted.key, name, wanted.settings), request, client);
    }
    // Who asks for a head has not asked for a clip, which may be charged.
    if (const auto clip = clips_.find(wanted.key)) return part_of(clip, request, client);
    Response response;
    response.content_type = "video/mp4";
    response.headers = {{"Accept-Ranges", "bytes"}};
    response.tells_length = false;
    return response;
  }

  Response generation(const Request& request, const Client& client, const std::string& id) {
    const Wanted wanted = library_.generation(id);
    return part_of(clips_.open(wanted.key, "generation " + id, wanted.settings), request, client);
  }

  static Response part_of(const std::shared_ptr<Clip>& clip, const Request& request,
                          const Client& client) {
    const auto size = clip->size(client);
    if (!size) throw HttpError(503, "The server ends.");
    Response response = select_range(request, *size, clip->tag());
    response.body = clip;
    return response;
  }

  const Library& library_;
  Clips& clips_;
  std::optional<MetricsPage> metrics_;
};

}  // namespace

int run_serve(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], "[FOLDER]",
      "Serves clips over HTTP to players on this machine: the finished generations of the ledger,\n"
      "and those of recipes (*.genpro) in FOLDER. The first one who opens a recipe has its clip\n"
      "made, which is charged once; who opens it later, or a part of it, gets the same clip.");
  options.add_text(
      "port", "N",
      "Port of 127.0.0.1 and ::1; 0: any that is free (" + std::to_string(usual_port) + ")");
  options.add_text("max-cost", "C",
                   "Begin no generation that may take the cost of this run above C");
  options.add_flag("metrics", "Serve what the ledger holds at /metrics, for Prometheus");
  options.add_ledger();
  add_access(options, {"sheet-route", "sheet-id", "cell-id", "agent-id", "archive",
                       "daily-generation-limit", "daily-cost-limit"});
  options.add_description(
      "/ lists what there is, /playlist.m3u is the same for players, /recipe/NAME.mp4 and\n"
      "/generation/ID.mp4 are clips; /metrics is there with --metrics. All users and programs of\n"
      "this machine can open them; pages of other sites cannot.");
  const auto folders = options.parse(argc, argv);
  if (!folders) return exit_done;
  if (folders->size() > 1) throw UsageError(options.program(), "Name one folder of recipes.");
  const auto port = options.number("port", 0, 65535).value_or(usual_port);
  const auto max_cost = options.amount("max-cost");

  MainLoop loop;
  const Library library(read_given_settings(options, globals, true),
                        folders->empty() ? "" : folders->front());
  Clips clips(max_cost);
  Service service(library, clips, options.is_given("metrics"));
  const Server server(static_cast<std::uint16_t>(port),
                      [&](const Request& request, const Client& client) {
                        return service.answer(request, client);
                      });
  print("http://127.0.0.1:" + std::to_string(server.port()) + "/\n");
  loop.run(
      1h, [] {}, [&] { return loop.exit_code() != 0; });
  return loop.exit_code();
}

}  // namespace genpro::cli
