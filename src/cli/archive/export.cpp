// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>

#include <array>
#include <cerrno>

#include "base/file_descriptor.h"
#include "base/text.h"
#include "cli/archive/selection.h"
#include "cli/clip/output_file.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace genpro::cli {

namespace {

// The file appears when all of it is proven to be the clip.
std::uint64_t copy_clip(const std::string& from, const std::string& sha256, OutputFile& to) {
  const auto fail = [&from](int reason) {
    throw std::runtime_error("The clip " + one_line(from, 300) +
                             " cannot be read: " + g_strerror(reason) + ".");
  };
  const FileDescriptor file(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail(errno);
  const Owned<GChecksum, g_checksum_free> checksum(g_checksum_new(G_CHECKSUM_SHA256));
  std::array<unsigned char, 128 * 1024> bytes{};
  std::uint64_t size = 0;
  while (true) {
    const ssize_t count = read_some(file.get(), bytes.data(), bytes.size());
    if (count < 0) fail(errno);
    if (count == 0) break;
    g_checksum_update(checksum.get(), bytes.data(), count);
    to.write({bytes.data(), static_cast<std::size_t>(count)});
    size += static_cast<std::uint64_t>(count);
  }
  if (g_checksum_get_string(checksum.get()) != sha256) {
    throw std::runtime_error("The clip " + one_line(from, 300) +
                             " is damaged: its bytes are others than were kept. Nothing is "
                             "written. Play the generation once with this archive, which fetches "
                             "it anew.");
  }
  to.commit();
  return size;
}

}  // namespace

int run_archive_export(int argc, char** argv, const Globals& globals) {
  Options options(argv[0], "ID",
                  std::string("Copies a clip to a file, which appears when all of it is there and "
                              "is found to be whole.\n") +
                      id_help);
  options.add_file("output", "FILE", "File to write, such as clip.mp4; required", 'o');
  options.add_flag("force", "Replace the file when it is there");
  options.add_flag("json", "Print a JSON object");
  add_archive(options);
  const auto words = options.parse(argc, argv);
  if (!words) return exit_done;
  if (words->size() != 1) {
    throw UsageError(options.program(), words->empty() ? "The ID of a clip is missing."
                                                       : "It takes one ID at a time.");
  }
  const auto output = options.value("output");
  if (!output) throw UsageError(options.program(), "Name the file to write with -o FILE.");
  const archive::Archive archive = find_archive(options, globals);
  const auto records = select(need(archive::read_contents(archive)), words->front());
  const archive::Record& record = records.front();
  for (const archive::Record& other : records) {
    if (other.sha256 == record.sha256) continue;
    throw std::runtime_error("\"" + one_line(words->front(), 130) +
                             "\" stands for several clips: " + record.sha256 + " and " +
                             other.sha256 + ". Name one of those.");
  }
  OutputFile file(*output, options.is_given("force"),
                  "Name another file, or give --force to replace it.");
  const std::uint64_t size = copy_clip(archive.clip_path(record.sha256), record.sha256, file);
  if (options.is_given("json")) {
    Members members = brief_members(record);
    members.set("size", static_cast<std::int64_t>(size));
    members.set("output", *output);
    print_json(members.take());
  } else {
    print(one_line(*output, 300) + ": generation " + one_line(record.generation_id, 130) + ", " +
          std::to_string(size) + " bytes\n");
  }
  return exit_done;
}

}  // namespace genpro::cli
