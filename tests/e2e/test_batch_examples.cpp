// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The examples for clusters, as they stand: eight processes with one ledger, of which some are
// killed, behind the real emulator.
#include <json-glib/json-glib.h>

#include <filesystem>
#include <set>

#include "base/glib_ptr.h"
#include "on_emulator.h"
#include "support/postgres.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

class BatchExamples : public OnExamples {
 protected:
  void SetUp() override {
    OnExamples::SetUp();
    write_file(file("rows.csv"),
               "prompt\nHarbour\nBeach\nMarket\nStation\nGarden\nGarden\nBridge\nMuseum\n");
  }

  static std::string ledger_on_server() { return shared_postgres().new_ledger(); }

  // Runs `command`, a line for a shell, as eight processes, each with its number in $i and its
  // clips in $FOLDER/clips/$i. As soon as there are generations, the first two are killed. What the
  // cell has at the end is in $FOLDER/list.
  Finished run_eight(const std::string& command, const std::string& ledger) const {
    const std::string script =
        "count() { genpro generations list --json >\"$FOLDER/list\" 2>\"$FOLDER/list.err\" &&"
        "  grep -c '\"generation_id\"' \"$FOLDER/list\"; }\n"
        "for i in 0 1 2 3 4 5 6 7; do\n"
        "  (" +
        command +
        ") >\"$FOLDER/out-$i\" 2>&1 & eval pid_$i=$!\n"
        "done\n"
        "until [ \"$(count || true)\" -ge 2 ]; do sleep 0.1; done\n"
        "kill -9 $pid_0 $pid_1\n"
        "code=0\n"
        "for i in 2 3 4 5 6 7; do eval wait \\$pid_$i || { code=$?; cat \"$FOLDER/out-$i\"; }; "
        "done\n"
        "count\n"
        "exit $code\n";
    return run_command(on_emulator({"sh", "-c", script}),
                       {{"FOLDER", folder_.path()},
                        {"EXAMPLES", variable("GENPRO_EXAMPLES")},
                        {"GENPRO_LEDGER", ledger},
                        {"GEN_AGENT_ID", "42"},
                        {"GEN_SHEET_ID", "101"},
                        {"GEN_CELL_ID", "3300"},
                        {"XDG_CONFIG_HOME", file("config")},
                        {"XDG_STATE_HOME", file("state")}},
                       "", patient);
  }

  // Each row is paid once, and its clip is there. Of a process that was killed nobody may know that
  // it has put one there.
  void expect_clips(const Finished& finished) const {
    ASSERT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_EQ(finished.out.substr(finished.out.size() - 2), "8\n") << finished.out;
    std::set<std::string> clips;
    std::set<std::string> rows;
    for (const auto& entry : fs::recursive_directory_iterator(file("clips"))) {
      if (entry.path().extension() != ".mp4") continue;
      clips.insert(read_file(entry.path().string()));
      rows.insert(entry.path().filename().string());
    }
    EXPECT_EQ(rows.size(), 8U);
    EXPECT_LE(clips.size(), 8U);
  }

  // The words of a line of YAML such as `args: ["a", "b"]`, which may go on in the next one.
  static std::vector<std::string> words_of(const std::string& yaml, const std::string& key) {
    const std::size_t start = yaml.find('[', yaml.find(" " + key + ": ["));
    const std::size_t end = yaml.find(']', start);
    const std::string list = yaml.substr(start, end + 1 - start);
    const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
    if (!json_parser_load_from_data(parser.get(), list.c_str(), -1, nullptr)) return {};
    JsonArray* array = json_node_get_array(json_parser_get_root(parser.get()));
    std::vector<std::string> words;
    for (guint i = 0; i < json_array_get_length(array); ++i) {
      words.emplace_back(json_array_get_string_element(array, i));
    }
    return words;
  }
};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), by);
    at += by.size();
  }
  return text;
}

// A task of the array.
const std::string slurm =
    "SLURM_ARRAY_TASK_ID=$i exec \"$EXAMPLES/batch-slurm.sh\" \"$FOLDER/rows.csv\" "
    "\"$FOLDER/clips/$i\" --asset-ids 501 --model pika --duration 1 --poll-interval 50";

TEST_F(BatchExamples, SlurmArrayWithAServer) {
  if (!PostgresServer::is_installed()) GTEST_SKIP() << "PostgreSQL is not installed";
  expect_clips(run_eight(slurm, ledger_on_server()));
}

TEST_F(BatchExamples, SlurmArrayWithAFile) {
  expect_clips(run_eight(slurm, file("ledger.db")));
}

TEST_F(BatchExamples, KubernetesIndexedJob) {
  if (!PostgresServer::is_installed()) GTEST_SKIP() << "PostgreSQL is not installed";
  const std::string yaml = read_file(variable("GENPRO_EXAMPLES") + "/batch-kubernetes.yaml");
  std::string command = "exec";
  for (const char* key : {"command", "args"}) {
    const auto words = words_of(yaml, key);
    ASSERT_FALSE(words.empty()) << key;
    // As Kubernetes fills them in, and mounts volumes.
    for (std::string word : words) {
      word = replaced(word, "$(JOB_COMPLETION_INDEX)", "$i");
      word = replaced(word, "$(GENPRO_LEDGER)", "$GENPRO_LEDGER");
      if (word.starts_with("/clips/")) word.insert(0, "$FOLDER");
      if (word.starts_with("/rows/")) word.replace(0, 5, "$FOLDER");
      command += " \"" + word + "\"";
    }
  }
  command += " --asset-ids 501 --model pika --duration 1 --poll-interval 50";
  expect_clips(run_eight(command, ledger_on_server()));
}

}  // namespace
}  // namespace genpro::test
