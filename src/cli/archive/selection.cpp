// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/archive/selection.h"

#include <algorithm>

#include "base/text.h"
#include "cli/clip/setting_options.h"

namespace genpro::cli {

namespace {

constexpr std::size_t least_digits = 8;

}  // namespace

void add_archive(Options& options) {
  add_named(options, {"archive", "profile"});
}

archive::Archive find_archive(const Options& options, const Globals& globals) {
  const Settings settings = read_settings(options, globals);
  if (settings.archive.empty()) {
    throw UsageError(options.program(),
                     "No archive is set. Name its folder with --archive, in GEN_ARCHIVE, or in the "
                     "profile.");
  }
  return archive::Archive(settings.archive);
}

std::vector<archive::Record> select(const archive::Contents& contents, const std::string& id) {
  std::vector<archive::Record> found;
  const auto take = [&](auto is_one) {
    std::ranges::copy_if(contents.records, std::back_inserter(found), is_one);
  };
  take([&](const archive::Record& record) { return record.generation_id == id; });
  if (found.empty() && id.size() >= least_digits) {
    take([&](const archive::Record& record) { return record.sha256.starts_with(id); });
  }
  if (found.empty()) {
    throw std::runtime_error("The archive has no generation and no clip \"" + one_line(id, 130) +
                             "\". `genpro archive list` tells what there is.");
  }
  return found;
}

Members brief_members(const archive::Record& record) {
  Members members;
  members.set("sha256", record.sha256);
  members.set("generation_id", record.generation_id);
  members.set("service", record.service);
  return members;
}

}  // namespace genpro::cli
