// SPDX-License-Identifier: LGPL-2.1-or-later
#include <thread>

#include "assets/uploads.h"
#include "base/text.h"
#include "cli/clip/progress_line.h"
#include "cli/clip/setting_options.h"
#include "cli/commands.h"
#include "cli/main_loop.h"
#include "cli/members.h"
#include "cli/output.h"
#include "settings/job_settings.h"

namespace genpro::cli {

namespace {

using namespace std::chrono_literals;

struct Uploaded {
  std::string path;
  std::string id;
  std::string content_type;
};

// What the uploading threads have come to.
struct State {
  std::string what;  // is being uploaded
  std::uint64_t size = 0;
  std::uint64_t sent = 0;
  std::vector<std::string> problems;  // still to be told
  std::vector<Uploaded> uploaded;
  int exit_code = exit_done;
  bool has_ended = false;
};

// What goes wrong with one file is no reason to leave out the others.
void upload(const assets::UploaderSettings& settings, const std::vector<std::string>& paths,
            Guarded<State>& state, const std::stop_token& interrupted) {
  const auto fail = [&](Error error) {
    if (interrupted.stop_requested()) return;
    error.charged = Charged::no;
    auto now = state.lock();
    now->problems.push_back(error.message);
    now->exit_code = worse_exit_code(now->exit_code, exit_code_of(error));
  };
  std::vector<assets::File> files;
  std::vector<std::string> names;
  {
    assets::Uploader reader(settings);
    for (const std::string& path : paths) {
      const auto read = reader.read({path}, interrupted);
      if (!read) {
        fail(read.error());
        continue;
      }
      files.push_back(read->front());
      names.push_back(path);
    }
  }
  state.lock()->what = names.size() == 1 ? names.front() : std::to_string(names.size()) + " files";
  const assets::UploadsTold told{.progress =
                                     [&](std::uint64_t done, std::uint64_t all) {
                                       auto now = state.lock();
                                       now->sent = done;
                                       now->size = all;
                                     },
                                 .done = nullptr};
  const assets::Uploads uploads =
      assets::upload_all(settings, files, assets::OnFailure::go_on, told, interrupted);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!uploads.ids[i]) {
      fail(uploads.ids[i].error());
    } else {
      state.lock()->uploaded.push_back({names[i], *uploads.ids[i], files[i].content_type});
    }
  }
}

void draw(StatusLine& line, Guarded<State>& state) {
  std::vector<std::string> problems;
  std::string text;
  {
    auto now = state.lock();
    problems.swap(now->problems);
    if (now->size > 0) {
      text = one_line(now->what, 60) + "  " + size_text(now->sent) + " of " + size_text(now->size);
    }
  }
  if (!problems.empty()) line.clear();
  for (const std::string& problem : problems) tell(problem);
  line.draw(text);
}

}  // namespace

int run_upload(int argc, char** argv, const Globals& globals) {
  Options options(argv[0], "FILE…",
                  "Uploads images, videos and audio as ingredients, and prints their ids. A file\n"
                  "that was uploaded before, under whatever name, is not uploaded again.");
  options.add_flag("json", "Print a JSON array");
  options.add_ledger();
  add_access(options, {"agent-id"});
  const auto paths = options.parse(argc, argv);
  if (!paths) return exit_done;
  if (paths->empty()) throw UsageError(options.program(), "Name the FILE to upload.");
  const Settings settings = read_settings(options, globals);
  require_settings(settings, {"agent-id"});
  const assets::UploaderSettings uploader{.access = need(make_access(settings)),
                                          .agent_id = settings.agent_id,
                                          .ledger = settings.ledger,
                                          .silence = std::chrono::seconds(settings.stall_timeout),
                                          .retries = settings.retries};

  MainLoop loop;
  StatusLine line;
  Guarded<State> state;
  std::jthread thread([&] {
    upload(uploader, *paths, state, loop.interrupted());
    state.lock()->has_ended = true;
    MainLoop::wake();
  });
  loop.run(
      250ms, [&] { draw(line, state); }, [&] { return state.lock()->has_ended; });
  thread.join();
  state.lock()->size = 0;
  draw(line, state);
  line.clear();

  const State end = *state.lock();
  if (options.is_given("json")) {
    print_json(array_of(end.uploaded, [](const Uploaded& one) {
      Members document;
      document.set("file", one.path);
      document.set("id", one.id);
      document.set_or_null("content_type", one.content_type);
      return document.take();
    }));
  } else {
    for (const Uploaded& one : end.uploaded) print(one.id + "  " + one_line(one.path, 200) + "\n");
  }
  return loop.exit_code() != 0 ? loop.exit_code() : end.exit_code;
}

}  // namespace genpro::cli
