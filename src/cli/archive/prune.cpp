// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/text.h"
#include "cli/archive/selection.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/when.h"

namespace genpro::cli {

namespace {

using archive::Archive;
using archive::Contents;
using archive::Record;

constexpr unsigned most_days = 36'500;
constexpr ledger::WallTime day = 24LL * 3600 * 1000;

// Bytes of "50G", "500M", "10K" or a plain number.
std::optional<std::uint64_t> read_size(const Options& options, const char* name) {
  const auto text = options.value(name);
  if (!text) return std::nullopt;
  constexpr std::string_view units = "KMGT";
  std::string_view digits = *text;
  unsigned shift = 0;
  if (!digits.empty()) {
    const std::size_t unit = units.find(digits.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(unit) + 1);
      digits.remove_suffix(1);
    }
  }
  const auto number = parse_unsigned(digits);
  if (!number || *number > (std::uint64_t{1} << 62 >> shift)) {
    throw UsageError(options.program(), "--" + std::string(name) + " does not understand \"" +
                                            one_line(*text, 60) +
                                            "\". Write bytes, or a number with K, M, G or T, such "
                                            "as 50G.");
  }
  return *number << shift;
}

// Of one clip: all generations that have it go together with it.
struct Pruned {
  std::string sha256;
  std::vector<Record> records;
  std::uint64_t size = 0;
  std::string problem;  // empty: it is gone
};

class Choice {
 public:
  explicit Choice(const Contents& contents) : contents_(contents) {
    for (const Record& record : contents.records) clips_[record.sha256].push_back(record);
  }

  void take(const std::string& sha256) { chosen_.insert(sha256); }
  // The latest time that a generation of it was kept decides.
  void take_older_than(ledger::WallTime before) {
    for (const auto& [sha256, records] : clips_) {
      if (records.front().kept_at < before) take(sha256);
    }
  }
  // The oldest first, until what is left fits.
  void take_beyond(std::uint64_t most) {
    std::uint64_t left = 0;
    std::vector<std::pair<ledger::WallTime, std::string>> by_age;
    for (const auto& [sha256, records] : clips_) {
      if (chosen_.contains(sha256)) continue;
      left += size_of(sha256);
      by_age.emplace_back(records.front().kept_at, sha256);
    }
    std::ranges::sort(by_age);
    for (const auto& [kept_at, sha256] : by_age) {
      if (left <= most) return;
      left -= size_of(sha256);
      take(sha256);
    }
  }
  std::vector<Pruned> list() const {
    std::vector<Pruned> clips;
    for (const std::string& sha256 : chosen_) {
      clips.push_back({sha256, clips_.at(sha256), size_of(sha256), {}});
    }
    return clips;
  }

 private:
  std::uint64_t size_of(const std::string& sha256) const {
    const auto found = contents_.clips.find(sha256);
    return found == contents_.clips.end() ? 0 : found->second.size;
  }

  const Contents& contents_;
  std::map<std::string, std::vector<Record>> clips_;  // the newest first
  std::set<std::string> chosen_;
};

std::string problem_text() {
  return errno == EBUSY ? "a process has just written it anew" : g_strerror(errno);
}

void remove(const Archive& archive, const Contents& contents, Pruned& clip) {
  // First, so that no generation is without its clip.
  for (const Record& record : clip.records) {
    if (archive::remove_record(archive, record)) continue;
    clip.problem = problem_text();
    return;
  }
  const auto file = contents.clips.find(clip.sha256);
  if (file == contents.clips.end()) return;
  if (!archive::remove_clip(archive, clip.sha256, file->second)) clip.problem = problem_text();
}

// A clip without a generation may be one whose record cannot be read any more.
std::vector<archive::Leftover> old_leftovers(const Contents& contents) {
  std::vector<archive::Leftover> old;
  for (const archive::Leftover& leftover : contents.leftovers) {
    const bool is_clip = leftover.path.ends_with(".mp4");
    const bool is_old = ledger::wall_clock_now() - leftover.changed_at > archive::oldest_writing;
    if (is_old && (!is_clip || contents.unreadable.empty())) old.push_back(leftover);
  }
  return old;
}

std::string sentence_of(const Pruned& clip, bool is_dry) {
  std::vector<std::string> ids;
  for (const Record& record : clip.records) ids.push_back(one_line(record.generation_id, 130));
  const std::string text = "The clip " + clip.sha256 + " of generation " +
                           join(ids, ", ", " and ") + ", " + std::to_string(clip.size) + " bytes,";
  if (!clip.problem.empty()) return text + " is not removed: " + clip.problem + ".";
  return text + (is_dry ? " would be removed." : " is removed.");
}

api::JsonNodePtr pruned_document(const Pruned& clip) {
  Members members = brief_members(clip.records.front());
  members.set("size", static_cast<std::int64_t>(clip.size));
  members.set_or_null("problem", clip.problem);
  return members.take();
}

}  // namespace

int run_archive_prune(int argc, char** argv, const Globals& globals) {
  Options options(
      argv[0], "[ID…]",
      std::string("Removes the clips of each ID, those that were kept long ago, and the oldest "
                  "beyond a size,\nwith what is known of their generations. What is removed is "
                  "fetched anew when it is\nplayed next, if the service has it still. What a "
                  "process writes stays. With --older-than\nor --keep-size, what writings that "
                  "were cut short, and damaged clips, have left goes as well\nonce it is a day "
                  "old.\n") +
          id_help);
  options.add_text("older-than", "DAYS", "Clips that were kept more than so many days ago");
  options.add_text("keep-size", "SIZE",
                   "The oldest, until the others take no more; bytes, or 500M, 50G, 2T");
  options.add_flag("dry-run", "Remove nothing, and tell what would be removed");
  options.add_flag("json", "Print a JSON object");
  add_archive(options);
  const auto words = options.parse(argc, argv);
  if (!words) return exit_done;
  const auto days = options.number("older-than", 1, most_days);
  const auto size = read_size(options, "keep-size");
  if (words->empty() && !days && !size) {
    throw UsageError(options.program(),
                     "Say what to remove: IDs, --older-than DAYS or --keep-size SIZE.");
  }
  const bool is_dry = options.is_given("dry-run");
  const Archive archive = find_archive(options, globals);
  const Contents contents = need(archive::read_contents(archive));
  Choice choice(contents);
  for (const std::string& word : *words) {
    for (const Record& record : select(contents, word)) choice.take(record.sha256);
  }
  if (days) choice.take_older_than(ledger::wall_clock_now() - *days * day);
  if (size) choice.take_beyond(*size);

  std::vector<Pruned> clips = choice.list();
  std::int64_t removed = 0;
  std::uint64_t freed = 0;
  bool has_failed = false;
  for (Pruned& clip : clips) {
    if (!is_dry) remove(archive, contents, clip);
    tell(sentence_of(clip, is_dry));
    has_failed |= !clip.problem.empty();
    if (!clip.problem.empty()) continue;
    ++removed;
    freed += clip.size;
  }
  if (days || size) {
    for (const archive::Leftover& leftover : old_leftovers(contents)) {
      const bool is_gone = is_dry || archive::remove_leftover(leftover);
      tell("What is left at " + one_line(leftover.path, 300) +
           (!is_gone ? " is not removed: " + problem_text() + "."
            : is_dry ? " would be removed."
                     : " is removed."));
      has_failed |= !is_gone;
      if (is_gone) freed += leftover.size;
    }
  }
  if (options.is_given("json")) {
    Members document;
    document.set("dry_run", is_dry);
    document.set("removed", removed);
    document.set("bytes", static_cast<std::int64_t>(freed));
    document.set("clips", array_of(clips, pruned_document));
    print_json(document.take());
  } else {
    print((is_dry ? "Would remove " : "Removed ") + std::to_string(removed) +
          (removed == 1 ? " clip" : " clips") + "; " + std::to_string(freed) + " bytes in all.\n");
  }
  return has_failed ? exit_failed : exit_done;
}

}  // namespace genpro::cli
