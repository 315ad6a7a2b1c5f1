// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `genpro archive`: what is kept is listed, checked, copied and removed.
#include <sys/stat.h>
#include <utime.h>

#include <filesystem>
#include <fstream>

#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

class ArchiveCommand : public ServiceCliTest {
 protected:
  // Asks for a clip, which is kept; the id of its generation.
  std::string keep(const std::string& prompt) {
    const Finished finished =
        run({"generate", "--prompt", prompt, "-o",
             file("clip-" + std::to_string(++clips_) + ".mp4"), "--archive", folder()});
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    return service_.books().generations.back().id;
  }
  std::string folder() const { return file("archive"); }
  std::vector<std::string> words(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {g_getenv("GENPRO"), "archive"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }
  Finished archive(const std::vector<std::string>& arguments) const {
    return run_command(words(arguments), {{"GEN_ARCHIVE", folder()}, {"LC_ALL", "C.UTF-8"}});
  }
  api::JsonNodePtr archive_json(const std::vector<std::string>& arguments) const {
    std::vector<std::string> line = {"sh", "-c", "\"$0\" \"$@\" 2>/dev/null"};
    for (const std::string& word : words(arguments)) line.push_back(word);
    const Finished finished = run_command(line, {{"GEN_ARCHIVE", folder()}});
    auto node = api::parse_json(finished.out);
    if (!node) throw std::runtime_error(node.error() + ": " + finished.out);
    return std::move(*node);
  }
  std::string sha256_of(const std::string& id) const {
    const std::string bytes = service_.clip(id);
    return take_string(g_compute_checksum_for_string(G_CHECKSUM_SHA256, bytes.data(),
                                                     static_cast<gssize>(bytes.size())));
  }
  fs::path clip_of(const std::string& id) const {
    const std::string sha256 = sha256_of(id);
    return fs::path(folder()) / "clips" / sha256.substr(0, 2) / (sha256 + ".mp4");
  }
  static void flip_a_bit(const fs::path& path) {
    std::string bytes = read_file(path.string());
    bytes[bytes.size() / 2] ^= 1;
    std::ofstream(path, std::ios::binary) << bytes;
  }
  // In the file's own time and in its record, which is that of the only generation.
  void make_old(const std::string& id, const std::string& day) {
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
      if (entry.path().extension() != ".json") continue;
      std::string text = read_file(entry.path().string());
      if (text.find("\"" + id + "\"") == std::string::npos) continue;
      const std::size_t at = text.find('2', text.find("\"kept-at\""));
      text.replace(at, day.size(), day);
      std::ofstream(entry.path(), std::ios::binary) << text;
    }
  }
  static void expect_says(const Finished& finished, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      EXPECT_NE(finished.out.find(text), std::string::npos) << text << " in\n" << finished.out;
    }
  }

 private:
  int clips_ = 0;
};

TEST_F(ArchiveCommand, ListTellsWhatIsKeptTheNewestFirst) {
  const std::string first = keep("A product at dawn");
  make_old(first, "2026-01-02");
  const std::string second = keep("A product " + std::string(300, 'x') + "\033[31m");
  const Finished finished = archive({"list"});
  EXPECT_EQ(finished.exit_code, 0);
  expect_says(finished, {first, second, "A product at dawn", "pika", "3.5", "100000",
                         sha256_of(first).substr(0, 12), "2026-01-02"});
  EXPECT_LT(finished.out.find(second), finished.out.find(first)) << finished.out;
  EXPECT_EQ(finished.out.find(std::string(100, 'x')), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find('\033'), std::string::npos);

  const auto document = archive_json({"list", "--json"});
  ASSERT_EQ(number_of(document), 2U);
  JsonObject* object = object_at(document, 1);
  EXPECT_EQ(member_text(object, "sha256"), "\"" + sha256_of(first) + "\"");
  EXPECT_EQ(member_text(object, "generation_id"), "\"" + first + "\"");
  EXPECT_EQ(member_text(object, "size"), std::to_string(service_.clip(first).size()));
  EXPECT_EQ(member_text(object, "model"), "\"pika\"");
  EXPECT_EQ(member_text(object, "cost"), "3.5");
  EXPECT_EQ(member_text(object, "prompt"), "\"A product at dawn\"");
  EXPECT_NE(member_text(object, "requested_at"), "null");
  EXPECT_NE(member_text(object, "kept_at").find("2026-01-02"), std::string::npos);
}

TEST_F(ArchiveCommand, VerifyNamesWhatIsDamagedOrMissing) {
  const std::string whole = keep("One");
  const std::string damaged = keep("Two");
  const std::string missing = keep("Three");
  EXPECT_EQ(archive({"verify"}).exit_code, 0);
  flip_a_bit(clip_of(damaged));
  fs::remove(clip_of(missing));
  const Finished finished = archive({"verify"});
  EXPECT_EQ(finished.exit_code, 1);
  expect_says(finished, {sha256_of(damaged), damaged + " is damaged", sha256_of(missing),
                         missing + " is missing", "3 clips were read, and 1 is whole"});
  EXPECT_TRUE(fs::exists(clip_of(damaged)));

  EXPECT_EQ(archive({"verify", whole}).exit_code, 0);
  EXPECT_EQ(archive({"verify", whole, sha256_of(damaged).substr(0, 10)}).exit_code, 1);
  const Finished unknown = archive({"verify", "4711"});
  EXPECT_EQ(unknown.exit_code, 1);
  expect_says(unknown, {"\"4711\"", "genpro archive list"});
  const auto document = archive_json({"verify", damaged, "--json"});
  ASSERT_EQ(number_of(document), 1U);
  EXPECT_EQ(member_text(object_at(document, 0), "result"), "\"damaged\"");
}

TEST_F(ArchiveCommand, ExportWritesTheClipOrNothing) {
  const std::string id = keep("One");
  const std::string other = keep("Two");
  const std::string copy = file("copy.mp4");
  const Finished finished = archive({"export", id, "-o", copy});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_EQ(read_file(copy), service_.clip(id));
  EXPECT_EQ(archive({"export", other, "-o", copy}).exit_code, 1);
  EXPECT_EQ(read_file(copy), service_.clip(id));
  EXPECT_EQ(archive({"export", sha256_of(other).substr(0, 16), "-o", copy, "--force"}).exit_code,
            0);
  EXPECT_EQ(read_file(copy), service_.clip(other));

  flip_a_bit(clip_of(id));
  const Finished damaged = archive({"export", id, "-o", copy, "--force"});
  EXPECT_EQ(damaged.exit_code, 1);
  expect_says(damaged, {sha256_of(id), "is damaged"});
  EXPECT_EQ(read_file(copy), service_.clip(other));
  EXPECT_EQ(archive({"export", id}).exit_code, 2);
}

TEST_F(ArchiveCommand, PruneRemovesWhatIsNamedOldOrTooMuch) {
  const std::string oldest = keep("One");
  const std::string older = keep("Two");
  const std::string named = keep("Three");
  const std::string newest = keep("Four");
  make_old(oldest, "2020-01-01");
  make_old(older, "2021-01-01");
  const auto exist = [&] {
    std::vector<std::string> there;
    for (const std::string& id : {oldest, older, named, newest}) {
      if (fs::exists(clip_of(id))) there.push_back(id);
    }
    return there;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(archive({"prune"}).exit_code, 2);
  EXPECT_EQ(archive({"prune", "--keep-size", "much"}).exit_code, 2);
  const Finished dry = archive({"prune", "--dry-run", "--keep-size", "0", named});
  EXPECT_EQ(dry.exit_code, 0) << dry.out;
  expect_says(dry, {sha256_of(named), "would be removed", "Would remove 4 clips"});
  EXPECT_EQ(exist(), (Ids{oldest, older, named, newest}));

  const Finished by_name = archive({"prune", named});
  EXPECT_EQ(by_name.exit_code, 0) << by_name.out;
  expect_says(by_name, {named, "is removed", "Removed 1 clip"});
  EXPECT_EQ(exist(), (Ids{oldest, older, newest}));
  // One clip, and a bit of another.
  EXPECT_EQ(archive({"prune", "--keep-size", "250K"}).exit_code, 0);
  EXPECT_EQ(exist(), (Ids{older, newest}));
  EXPECT_EQ(archive({"prune", "--older-than", "30"}).exit_code, 0);
  EXPECT_EQ(exist(), Ids{newest});
  EXPECT_EQ(number_of(archive_json({"list", "--json"})), 1U);
  EXPECT_EQ(archive({"verify"}).exit_code, 0);
}

TEST_F(ArchiveCommand, PruneLeavesWhatAProcessMayBeWriting) {
  keep("One");
  const fs::path clips = fs::path(folder()) / "clips" / "ab";
  fs::create_directories(clips);
  const std::string sha256 = "ab" + std::string(62, '0');
  const std::vector<fs::path> young = {clips / (sha256 + ".mp4"), clips / (sha256 + ".mp4.other"),
                                       fs::path(folder()) / "partial-young"};
  const std::vector<fs::path> old = {clips / (sha256 + ".mp4.damaged"),
                                     fs::path(folder()) / "partial-old"};
  for (const fs::path& path : young) std::ofstream(path) << "some bytes";
  for (const fs::path& path : old) {
    std::ofstream(path) << "some bytes";
    const utimbuf times{1'600'000'000, 1'600'000'000};
    ASSERT_EQ(utime(path.c_str(), &times), 0);
  }
  const Finished finished = archive({"prune", "--older-than", "30"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  for (const fs::path& path : young) EXPECT_TRUE(fs::exists(path)) << path;
  for (const fs::path& path : old) {
    EXPECT_FALSE(fs::exists(path)) << path;
    expect_says(finished, {path.filename().string()});
  }
  expect_says(finished, {"Removed 0 clips"});
}

TEST_F(ArchiveCommand, TheFolderIsAnOptionAVariableOrAProfilesLine) {
  const std::string id = keep("One");
  const auto list = [&](const std::vector<std::string>& arguments, const Environment& environment) {
    return run_command(words(arguments), environment);
  };
  expect_says(list({"list", "--archive", folder()}, {{"GEN_ARCHIVE", "/nowhere"}}), {id});
  const std::string config = file("config");
  fs::create_directories(config + "/genpro");
  std::ofstream(config + "/genpro/config") << "[studio]\narchive=" << folder() << "\n";
  expect_says(list({"list", "--profile", "studio"}, {{"XDG_CONFIG_HOME", config}}), {id});
  const Finished none = list({"list"}, {});
  EXPECT_EQ(none.exit_code, 2);
  expect_says(none, {"--archive", "GEN_ARCHIVE"});
  const Finished missing = list({"verify"}, {{"GEN_ARCHIVE", file("nothing")}});
  EXPECT_EQ(missing.exit_code, 1);
  expect_says(missing, {file("nothing")});
}

}  // namespace
}  // namespace genpro::test
