// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Settings that do not fit together, of tests/contract: each is refused by its name, and nothing of
// it reaches the service.
#include <fstream>
#include <iterator>

#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

class MisfitsCommand : public ServiceCliTest {
 protected:
  void SetUp() override {
    std::ifstream file(CONTRACT_FOLDER "/misfits.json");
    auto parsed = api::parse_json(std::string((std::istreambuf_iterator<char>(file)), {}));
    ASSERT_TRUE(parsed);
    rows_ = std::move(*parsed);
    ASSERT_GE(number_of(rows_), 60U);
  }
  void TearDown() override {
    const Books books = service_.books();
    EXPECT_TRUE(books.posts.empty()) << books.text();
    EXPECT_EQ(books.others, 0U) << books.text();
  }
  std::string names(guint index) const {
    return *api::as_text(api::member(object_at(rows_, index), "names"));
  }
  JsonObject* settings(guint index) const {
    return api::as_object(api::member(object_at(rows_, index), "settings"));
  }
  std::vector<std::string> words(std::vector<std::string> words) const {
    words.insert(words.begin(), g_getenv("GENPRO"));
    words.push_back("--api-base-url=" + service_.api_base());
    words.push_back("--ledger=" + path_);
    return words;
  }

  api::JsonNodePtr rows_;
};

TEST_F(MisfitsCommand, AreRefusedByNameWithNothingPosted) {
  for (guint index = 0; index < number_of(rows_); ++index) {
    auto command = words({"generate", "--output", file("clip.mp4")});
    for (const std::string& name : names_of(settings(index))) {
      command.push_back("--" + name + "=" +
                        *api::as_text(api::member(settings(index), name.c_str())));
    }
    const Finished finished = run_command(command, environment());
    EXPECT_NE(finished.exit_code, 0) << names(index);
    EXPECT_NE(finished.out.find(names(index)), std::string::npos) << finished.out;
  }
}

TEST_F(MisfitsCommand, AreRefusedAsRowsOfABatch) {
  for (guint index = 0; index < number_of(rows_); ++index) {
    write_file(file("rows.jsonl"),
               api::canonical_json(api::member(object_at(rows_, index), "settings")) + "\n");
    const Finished finished =
        run_command(words({"batch", file("rows.jsonl"), "--out", file("out")}), environment());
    EXPECT_NE(finished.exit_code, 0) << names(index);
    EXPECT_NE(finished.out.find(names(index)), std::string::npos) << finished.out;
  }
}

}  // namespace
}  // namespace genpro::test
