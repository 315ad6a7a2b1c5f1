// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Programs in which libsoup 3 cannot be loaded: one that uses libsoup 2, and one that finds none.
#include "base/text.h"
#include "element/element_fixture.h"
#include "support/process.h"

namespace genpro::test {
namespace {

class Libsoup : public testing::Test {
 protected:
  Libsoup() { write_file(folder_.file("libsoup-3.0.so.0"), "no library"); }

  // Beside libsoup 2, libsoup 3 ends the process.
  Environment with_libsoup_2() const {
    Environment result = environment();
    result.front().second += std::string(" ") + LIBSOUP_2;
    return result;
  }
  Environment without_libsoup() const {
    Environment result = environment();
    result.emplace_back("LD_LIBRARY_PATH", folder_.path());
    return result;
  }

  Finished launch(const Environment& environment, const std::string& settings) const {
    std::vector<std::string> words{"gst-launch-1.0", "-m", "genprosrc"};
    for (const auto word : split(settings, ' ')) words.emplace_back(word);
    words.insert(words.end(), {"ledger=" + ledger(), "!", "fakesink"});
    return run_command(words, environment);
  }

  void expect_one_error(const Finished& finished, const std::string& reason,
                        const std::string& advice) const {
    EXPECT_GT(finished.exit_code, 0) << finished.out;
    EXPECT_EQ(count(finished.out, "ERROR: from element"), 1U) << finished.out;
    EXPECT_NE(finished.out.find(reason), std::string::npos) << finished.out;
    EXPECT_NE(finished.out.find(advice), std::string::npos) << finished.out;
    EXPECT_EQ(finished.out.find("genpro-doubt"), std::string::npos) << finished.out;
    EXPECT_EQ(service_.count(), 0U);
    const Finished list = run_command({GENPRO, "ledger", "list", "--ledger", ledger(), "--json"});
    EXPECT_EQ(list.exit_code, 0) << list.out;
    EXPECT_EQ(list.out.find("\"row\""), std::string::npos) << list.out;
  }

  static constexpr const char* request =
      "sheet-id=101 cell-id=3300 agent-id=42 prompt=A asset-ids=501";

 private:
  // Begins with LD_PRELOAD.
  Environment environment() const {
    Environment result = tool_environment();
    result.insert(result.end(),
                  {{"GEN_API_BASE_URL", service_.api_base()}, {"GEN_API_KEY", test_key}});
    return result;
  }
  std::string ledger() const { return folder_.file("ledger.db"); }
  static std::size_t count(const std::string& text, const std::string& word) {
    std::size_t number = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++number;
    return number;
  }

  TempDir folder_;
  FakeService service_;
};

TEST_F(Libsoup, AProgramWithLibsoup2GetsAnError) {
  expect_one_error(launch(with_libsoup_2(), request), "this process uses libsoup 2",
                   "a process without libsoup 2");
  expect_one_error(launch(with_libsoup_2(), "generation-id=9040"), "this process uses libsoup 2",
                   "a process without libsoup 2");
}

TEST_F(Libsoup, AMissingOneIsNamedByItsPackage) {
  expect_one_error(launch(without_libsoup(), request), "libsoup 3 cannot be loaded",
                   "Install the package libsoup-3.0-0");
}

TEST_F(Libsoup, ThePluginIsInspectedWithoutOrBesideAnother) {
  for (const Environment& environment : {with_libsoup_2(), without_libsoup()}) {
    const Finished finished = run_command({"gst-inspect-1.0", PLUGIN}, environment);
    EXPECT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_NE(finished.out.find("genprobin"), std::string::npos) << finished.out;
  }
}

TEST_F(Libsoup, NeitherThePluginNorTheCommandLineLinksIt) {
  for (const char* file : {PLUGIN, GENPRO}) {
    const Finished finished = run_command({"readelf", "--dynamic", file});
    ASSERT_EQ(finished.exit_code, 0) << finished.out;
    EXPECT_NE(finished.out.find("[libgio-2.0.so.0]"), std::string::npos) << finished.out;
    EXPECT_EQ(finished.out.find("libsoup"), std::string::npos) << finished.out;
  }
}

}  // namespace
}  // namespace genpro::test
