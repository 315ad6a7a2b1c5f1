// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What tests behind the real emulator have in common: a folder, with a clip in it to be ingredient
// 501, and a command that runs as long as the emulator does.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "support/media.h"
#include "support/process.h"

namespace genpro::test {

inline constexpr std::chrono::minutes patient{10};

inline std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class OnEmulator : public testing::Test {
 protected:
  OnEmulator() {
    write_file(file("ingredient.mp4"), make_mp4({.frames = 30, .width = 320, .height = 180}));
  }

  std::string file(const std::string& name) const { return folder_.file(name); }

  // The emulator with these options, and the command with the user's own files in the folder.
  Finished exec(const std::vector<std::string>& options, const std::vector<std::string>& command,
                const Environment& more = {}) const {
    std::vector<std::string> words{variable("GENPRO_EMULATOR"), "exec", "--ingredient",
                                   file("ingredient.mp4")};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("--");
    words.insert(words.end(), command.begin(), command.end());
    Environment environment{{"FOLDER", folder_.path()},
                            {"XDG_STATE_HOME", file("state")},
                            {"XDG_CACHE_HOME", file("cache")},
                            {"XDG_CONFIG_HOME", file("config")}};
    environment.insert(environment.end(), more.begin(), more.end());
    return run_command(words, environment, "", patient);
  }

  const TempDir folder_;
};

// Those whose programs are not built with a sanitizer, and cannot load what is.
class OnPlainEmulator : public OnEmulator {
 protected:
  void SetUp() override {
    if (!variable("GENPRO_TEST_PRELOAD").empty()) GTEST_SKIP() << "they run on the plain build";
  }
};

// Examples as they stand, on the plain build, with a clip of bars, which are bright, as each of the
// ingredients 501 to 503.
class OnExamples : public testing::Test {
 protected:
  void SetUp() override {
    if (!variable("GENPRO_TEST_PRELOAD").empty()) GTEST_SKIP() << "they run on the plain build";
    write_file(file("bars.mp4"),
               make_mp4({.frames = 24, .width = 320, .height = 180, .pattern = 0}));
  }

  std::string file(const std::string& name) const { return folder_.file(name); }
  static std::string example(const std::string& name) {
    return variable("GENPRO_EXAMPLES") + "/" + name;
  }

  // The command behind the emulator.
  std::vector<std::string> on_emulator(const std::vector<std::string>& command) const {
    std::vector<std::string> words{variable("GENPRO_EMULATOR"), "exec", "--latency", "1"};
    for (int i = 0; i < 3; ++i) {
      words.insert(words.end(), {"--ingredient", file("bars.mp4")});
    }
    words.emplace_back("--");
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }

  const TempDir folder_;
};

}  // namespace genpro::test
