// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Settings that do not fit together, of tests/contract: each is refused by its name, and nothing of
// it reaches the service.
#include <fstream>
#include <iterator>

#include "cli/service_fixture.h"

namespace genpro::test {
namespace {

class MisfitsCommand : public ServiceCliTest {};

TEST_F(MisfitsCommand, AreRefusedByNameWithNothingPosted) {
  std::ifstream file(CONTRACT_FOLDER "/misfits.json");
  const auto rows = api::parse_json(std::string((std::istreambuf_iterator<char>(file)), {}));
  ASSERT_TRUE(rows);
  ASSERT_GE(number_of(*rows), 60U);
  for (guint index = 0; index < number_of(*rows); ++index) {
    JsonObject* row = object_at(*rows, index);
    const std::string names = *api::as_text(api::member(row, "names"));
    JsonObject* settings = api::as_object(api::member(row, "settings"));
    std::vector<std::string> words = {g_getenv("GENPRO"),
                                      "generate",
                                      "--output",
                                      this->file("clip.mp4"),
                                      "--api-base-url=" + service_.api_base(),
                                      "--ledger=" + path_};
    for (const std::string& name : names_of(settings)) {
      words.push_back("--" + name + "=" + *api::as_text(api::member(settings, name.c_str())));
    }
    const Finished finished = run_command(words, environment());
    EXPECT_NE(finished.exit_code, 0) << names;
    EXPECT_NE(finished.out.find(names), std::string::npos) << finished.out;
  }
  const Books books = service_.books();
  EXPECT_TRUE(books.posts.empty()) << books.text();
  EXPECT_EQ(books.others, 0U) << books.text();
}

}  // namespace
}  // namespace genpro::test
