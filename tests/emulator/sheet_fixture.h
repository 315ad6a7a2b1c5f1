// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of calls on the sheet 101 have in common.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

class SheetCallsTest : public EmulatorTest {
 protected:
  // `path`: below the sheet, such as "columns/200".
  Response send(const std::string& method, const std::string& path, const std::string& body = {}) {
    return client_->send(method, "/v1/vidsheet/101/" + path + "?agent_id=42", body,
                         {{"Content-Type", "application/json"}});
  }
  // Adds a column and gives its cell in the first row a value, unless that is empty. Its id.
  std::string add_column(const std::string& title, const std::string& value = {}) {
    const std::string id =
        call("POST", "columns", R"({"type":"text","title":")" + title + "\"}")["id"].dump();
    if (!value.empty()) {
      const Json cells = call("GET", "rows").at(0)["cells"];
      call("PATCH", "cells/" + cells.at(cells.size() - 1)["id"].dump(),
           R"({"value":")" + value + "\"}");
    }
    return id;
  }
  // "Video,Script", and checks that positions count from 1 without a gap.
  std::string titles() { return in_order(call("GET", "columns"), "title"); }
  std::string row_ids() { return in_order(call("GET", "rows"), "id"); }
  static std::string in_order(const Json& things, const char* member) {
    std::string found;
    for (std::size_t i = 0; i < things.size(); ++i) {
      EXPECT_EQ(things.at(i)["position"].number(), static_cast<double>(i + 1));
      if (i > 0) found += ",";
      const Json name = things.at(i)[member];
      found += std::string(member) == "id" ? name.dump() : name.text();
    }
    return found;
  }
  // The cell 3300 gets a card with this prompt, and generates by itself from now on.
  void watch(const std::string& prompt) {
    wait_for(generate(prompt), "completed");
    call("PATCH", "cells/3300", R"({"additional_attributes":{"autoGenerate":true}})");
    jobs_ = cell()["user_jobs"].size();
  }
  // How many generations the cell 3300 has got since it was last asked for.
  std::size_t new_jobs() {
    const std::size_t before = std::exchange(jobs_, cell()["user_jobs"].size());
    return jobs_ - before;
  }
  Json latest_job() {
    const Json all = cell()["user_jobs"];
    return all.at(all.size() - 1);
  }
  std::string latest_prompt() {
    return inspect("/v1/generations/" + latest_job()["id"].dump())["settings"]["prompt"].text();
  }
  // Everything that there is in the sheet, to see that nothing was changed.
  std::string everything() { return client_->get("/v1/vidsheet/101?agent_id=42").body; }

 private:
  std::size_t jobs_ = 0;
};

}  // namespace genpro::emulator::test
