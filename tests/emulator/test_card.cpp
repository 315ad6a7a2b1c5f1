// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The card in its cell: defaults, variables, and generations that start by themselves.
#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace {

constexpr const char* variables_path = "/v1/vidsheet/101/import_global_variables?agent_id=42";

std::string request(const std::string& data) {
  return R"({"generation_type":"video_from_ingredients","data":{)" + data + "}}";
}

}  // namespace

class CardTest : public EmulatorTest {
 protected:
  void SetUp() override {
    EmulatorTest::SetUp();
    upload_two();
  }
  // Adds a column and gives its cell in the first row a value. The id of that cell.
  std::string add_column(const std::string& title, const std::string& value) {
    call("POST", "columns", R"({"spreadsheet_column":{"type":"text","title":")" + title + "\"}}");
    const Json cells = call("GET", "rows").at(0)["spreadsheet_cells"];
    const std::string id = cells.at(cells.size() - 1)["id"].dump();
    set_value(id, value);
    return id;
  }
  void set_value(const std::string& cell, const std::string& value) {
    call("PATCH", "cells/" + cell, R"({"spreadsheet_cell":{"value":")" + value + "\"}}");
  }
  void set_attributes(const std::string& attributes) {
    call("PATCH", "cells/3300",
         R"({"spreadsheet_cell":{"additional_attributes":)" + attributes + "}}");
  }
  void import(const std::string& variables) {
    const auto answer = client_->post(variables_path, R"({"variables":)" + variables + "}");
    EXPECT_EQ(answer.status, 200u) << answer.body;
  }
  Json settings_of(const Response& response) {
    EXPECT_EQ(response.status, 201u) << response.body;
    return inspect("/v1/generations/" + response.json()["generation_id"].dump())["settings"];
  }
  Json settings_for(const std::string& data) {
    return settings_of(client_->post(generate_path, request(data)));
  }
  std::size_t jobs() { return cell()["user_jobs"].size(); }
  Json latest_settings() {
    const Json all = cell()["user_jobs"];
    return inspect("/v1/generations/" + all.at(all.size() - 1)["id"].dump())["settings"];
  }
};

TEST_F(CardTest, TheCellsDefaultsCountWhereTheRequestSaysNothing) {
  const std::string plain = R"("prompt":"a","asset_resource_ids":[501])";
  EXPECT_EQ(
      settings_for(plain).dump(),
      R"({"prompt":"a","asset_resource_ids":[501],"model":"pika","aspect_ratio":"16:9","duration":5})");
  set_attributes(R"({"model":"seedance_lite","ratio":"9:16","duration":7})");
  EXPECT_EQ(cell()["additional_attributes"].dump(),
            R"({"duration":7,"model":"seedance_lite","ratio":"9:16"})");
  EXPECT_EQ(
      settings_for(plain).dump(),
      R"({"prompt":"a","asset_resource_ids":[501],"model":"seedance_lite","aspect_ratio":"9:16","duration":7})");
  EXPECT_EQ(
      settings_for(plain + R"(,"model":null,"duration":3,"aspect_ratio":"1:1")").dump(),
      R"({"prompt":"a","asset_resource_ids":[501],"model":"seedance_lite","aspect_ratio":"1:1","duration":3})");
  EXPECT_NEAR(credit(), 1000 - 3.5 - 3.5 - 1.5, 1e-9);
  set_attributes(R"({"model":null,"duration":4.75,"own":{"x":[1]}})");
  EXPECT_EQ(cell()["additional_attributes"].dump(),
            R"({"duration":4.75,"own":{"x":[1]},"ratio":"9:16"})");
  const Json changed = settings_for(plain);
  EXPECT_EQ(changed["model"].text(), "pika");
  EXPECT_EQ(changed["duration"].number(), 5);
}

TEST_F(CardTest, RefusesDefaultsThatMakeNoSense) {
  for (const auto& [attributes, words] : std::vector<std::pair<std::string, std::string>>{
           {R"({"model":"sora"})", "additional_attributes.model must be one of pika"},
           {R"({"ratio":"4:3"})", "1:1, 9:16, 16:9"},
           {R"({"duration":0})", "1 to 60"},
           {R"({"duration":"5"})", "1 to 60"},
           {R"({"duration":true})", "1 to 60"},
           {R"({"autoGenerate":"yes"})", "true or false"},
           {R"([])", "must be an object"},
           {R"("x")", "must be an object"}}) {
    expect_error(client_->send("PATCH", "/v1/vidsheet/101/cells/3300?agent_id=42",
                               R"({"additional_attributes":)" + attributes + "}",
                               {{"Content-Type", "application/json"}}),
                 422, "validation_error", words);
  }
  EXPECT_EQ(cell()["additional_attributes"].dump(), "{}");
}

TEST_F(CardTest, NamesArePutInFromTheRowThenFromTheGlobals) {
  import(R"({"brand":"Acme","mood":"calm","empty":""})");
  const std::string own = add_column("mood", "loud");
  add_column("Product Name", "a \\\"lamp\\\" {{brand}}");
  const std::string prompt =
      R"("asset_resource_ids":[501],"prompt":"{{ Product Name }}, {{mood}} {{brand}}{{empty}}! {{ {{}} {{x")";
  // What a variable holds is not looked into again.
  EXPECT_EQ(settings_for(prompt)["prompt"].text(), "a \"lamp\" {{brand}}, loud Acme! {{ {{}} {{x");
  call("PATCH", "cells/" + own, R"({"value":null})");
  EXPECT_EQ(settings_for(prompt)["prompt"].text(), "a \"lamp\" {{brand}}, calm Acme! {{ {{}} {{x");
  // Another row has values of its own.
  const Json row = call("POST", "rows", "{}");
  const auto other =
      client_->post("/v1/vidsheet/101/cells/" + row["spreadsheet_cells"].at(0)["id"].dump() +
                        "/generate?agent_id=42",
                    request(prompt));
  expect_error(other, 422, "validation_error", "\"Product Name\"");
}

TEST_F(CardTest, AnUnknownNameIsRefusedAndNamed) {
  const auto refuse = [this](const std::string& data, const std::string& words) {
    expect_error(client_->post(generate_path, request(data)), 422, "validation_error", words);
  };
  const std::string ids = R"("asset_resource_ids":[501],)";
  refuse(ids + R"("prompt":"a {{colour}} lamp")", "\"colour\"");
  refuse(ids + R"("prompt_var":"script")", "\"script\"");
  refuse(R"("prompt":"a","content_resource_vars":["shots"])", "\"shots\"");
  EXPECT_EQ(credit(), 1000);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(CardTest, APromptDoesNotGrowWithoutAnEnd) {
  import(R"({"a":")" + std::string(100'000, 'x') + "\"}");
  std::string prompt;
  for (int i = 0; i < 10; ++i) prompt += "{{a}}";
  const auto body = [](const std::string& text) {
    return request(R"("asset_resource_ids":[501],"prompt":")" + text + "\"");
  };
  EXPECT_EQ(client_->post(generate_path, body(prompt)).status, 201u);
  expect_error(client_->post(generate_path, body(prompt + "{{a}}")), 422, "validation_error",
               "1 MB");
}

TEST_F(CardTest, PromptAndIngredientsComeFromVariables) {
  add_column("script", "A boat at sea");
  add_column("shots", "502, 501");
  import(R"({"logo":"[501]","bad":"a picture","none":""})");
  const Json settings = settings_for(
      R"("prompt":"unused {{nobody}}","prompt_var":"script","asset_resource_ids":["501"],)"
      R"("content_resource_vars":["shots","logo"])");
  EXPECT_EQ(settings["prompt"].text(), "A boat at sea");
  EXPECT_EQ(settings["asset_resource_ids"].dump(), "[501,502,501,501]");
  for (const char* name : {"bad", "none", "script"}) {
    expect_error(client_->post(generate_path,
                               request(std::string(R"("prompt":"a","content_resource_vars":[")") +
                                       name + "\"]")),
                 422, "validation_error", name);
  }
  expect_error(
      client_->post(generate_path, request(R"("prompt_var":"none","asset_resource_ids":[501])")),
      422, "validation_error", "\"none\"");
  import(R"({"gone":"999"})");
  expect_error(
      client_->post(generate_path, request(R"("prompt":"a","content_resource_vars":["gone"])")),
      404, "content_resource_not_found", "999");
}

TEST_F(CardTest, NamesInAPromptThatAVariableHoldsArePutInOnce) {
  import(
      R"({"script":"{{product}} by {{ brand }}","brand":"{{nobody}}","bare":"{{void}}","void":" "})");
  const std::string product = add_column("product", "a lamp");
  const std::string data = R"("prompt_var":"script","asset_resource_ids":[501])";
  EXPECT_EQ(settings_for(data)["prompt"].text(), "a lamp by {{nobody}}");
  set_attributes(R"({"autoGenerate":true})");
  set_value(product, "a chair");
  ASSERT_EQ(jobs(), 2u);
  EXPECT_EQ(latest_settings()["prompt"].text(), "a chair by {{nobody}}");
  import(R"({"script":"{{product}} by {{ brand }}","brand":"Acme"})");
  ASSERT_EQ(jobs(), 3u);
  EXPECT_EQ(latest_settings()["prompt"].text(), "a chair by Acme");
  import(R"({"script":"{{product}}","brand":"Emca"})");
  ASSERT_EQ(jobs(), 4u);
  EXPECT_EQ(latest_settings()["prompt"].text(), "a chair");
  // No longer named.
  import(R"({"script":"{{product}}","brand":"x"})");
  EXPECT_EQ(jobs(), 4u);
  import(R"({"script":"{{colour}} lamp","bare":"{{void}}","void":" "})");
  ASSERT_EQ(jobs(), 5u);
  EXPECT_NE(cell()["user_jobs"].at(4)["failed_reason"].text().find("\"colour\""),
            std::string::npos);
  expect_error(client_->post(generate_path, request(data)), 422, "validation_error", "\"colour\"");
  expect_error(
      client_->post(generate_path, request(R"("prompt_var":"bare","asset_resource_ids":[501])")),
      422, "validation_error", "\"bare\"");
}

TEST_F(CardTest, AChangedCellStartsOneGenerationWhereItCounts) {
  const std::string product = add_column("product", "a lamp");
  const std::string colour = add_column("colour", "red");
  const std::string note = add_column("note", "nothing");
  settings_for(R"("prompt":"{{product}}, {{colour}}","asset_resource_ids":[501],"duration":3)");
  // Not before it was asked for.
  set_value(product, "a chair");
  EXPECT_EQ(jobs(), 1u);
  set_attributes(R"({"autoGenerate":true})");
  EXPECT_EQ(jobs(), 1u);
  set_value(product, "a table");
  ASSERT_EQ(jobs(), 2u);
  EXPECT_EQ(latest_settings()["prompt"].text(), "a table, red");
  EXPECT_EQ(latest_settings()["duration"].number(), 3);
  // The same value, and what the card does not name, change nothing.
  set_value(product, "a table");
  set_value(note, "something");
  EXPECT_EQ(jobs(), 2u);
  // Several at once are one change.
  call("PUT", "cells/mass_update",
       R"({"cells":[{"id":)" + product + R"(,"value":"a bed"},{"id":")" + colour +
           R"(","value":"blue"},{"id":)" + note + R"(,"value":"x"}]})");
  ASSERT_EQ(jobs(), 3u);
  EXPECT_EQ(latest_settings()["prompt"].text(), "a bed, blue");
  set_attributes(R"({"autoGenerate":false})");
  set_value(product, "a lamp");
  EXPECT_EQ(jobs(), 3u);
  EXPECT_NEAR(credit(), 1000 - 3 * 2.1, 1e-9);
}

TEST_F(CardTest, ChangedGlobalsStartOneGenerationWhereTheyCount) {
  import(R"({"brand":"Acme","mood":"calm","other":"1"})");
  settings_for(R"("prompt":"{{brand}} {{mood}}","asset_resource_ids":[501])");
  set_attributes(R"({"autoGenerate":true})");
  import(R"({"brand":"Acme","mood":"calm","other":"2"})");
  EXPECT_EQ(jobs(), 1u);
  import(R"({"brand":"Emca","mood":"loud","other":"2"})");
  ASSERT_EQ(jobs(), 2u);
  EXPECT_EQ(latest_settings()["prompt"].text(), "Emca loud");
  // A column of the row hides the global variable.
  add_column("mood", "dark");
  ASSERT_EQ(jobs(), 3u);
  import(R"({"brand":"Emca","mood":"bright"})");
  EXPECT_EQ(jobs(), 3u);
}

TEST_F(CardTest, WhatCannotBeStartedByItselfIsNotedAsFailed) {
  start([](EmulatorSettings& settings) { settings.credit = 8; });
  upload_two();
  import(R"({"brand":"Acme"})");
  settings_for(R"("prompt":"{{brand}}","asset_resource_ids":[501])");
  set_attributes(R"({"autoGenerate":true})");
  import(R"({"other":"x"})");
  const Json failed = cell()["user_jobs"].at(1);
  EXPECT_EQ(failed["status"].text(), "failed");
  EXPECT_NE(failed["failed_reason"].text().find("\"brand\""), std::string::npos) << failed.dump();
  EXPECT_EQ(credit(), 4.5);
  const std::string path = "/v1/generations/" + failed["id"].dump();
  expect_error(client_->post(path + "/continue", "{}"), 422, "validation_error");
  import(R"({"brand":"one"})");
  EXPECT_EQ(credit(), 1);
  import(R"({"brand":"two"})");
  const Json poor = cell()["user_jobs"].at(3);
  EXPECT_EQ(poor["status"].text(), "failed");
  EXPECT_NE(poor["failed_reason"].text().find("credits"), std::string::npos) << poor.dump();
  EXPECT_EQ(credit(), 1);
}

TEST_F(CardTest, ADuplicatedRowKeepsItsCardAndDoesNotSpendByItself) {
  const std::string product = add_column("product", "a lamp");
  settings_for(R"("prompt":"{{product}}","asset_resource_ids":[501])");
  set_attributes(R"({"autoGenerate":true,"model":"kling_1_6"})");
  const Json copy = call("POST", "rows/500/duplicate");
  const Json cells = copy["spreadsheet_cells"];
  EXPECT_EQ(copy["position"].number(), 2);
  EXPECT_EQ(cells.at(0)["user_jobs"].size(), 0u);
  EXPECT_EQ(cells.at(0)["additional_attributes"].dump(),
            R"({"autoGenerate":false,"model":"kling_1_6"})");
  EXPECT_EQ(cells.at(1)["value"].text(), "a lamp");
  set_value(cells.at(1)["id"].dump(), "a chair");
  const std::string card = cells.at(0)["id"].dump();
  EXPECT_EQ(cell(card)["user_jobs"].size(), 0u);
  // Once it is wanted, the card is there.
  call("PATCH", "cells/" + card, R"({"additional_attributes":{"autoGenerate":true}})");
  set_value(cells.at(1)["id"].dump(), "a table");
  const Json jobs_of_copy = cell(card)["user_jobs"];
  ASSERT_EQ(jobs_of_copy.size(), 1u);
  const Json settings = inspect("/v1/generations/" + jobs_of_copy.at(0)["id"].dump())["settings"];
  EXPECT_EQ(settings["prompt"].text(), "a table");
  EXPECT_EQ(settings["model"].text(), "kling_1_6");
  EXPECT_EQ(jobs(), 1u);
  EXPECT_EQ(cell()["additional_attributes"]["autoGenerate"].dump(), "true");
}

TEST_F(CardTest, ARetryGivesTheSameAnswerAlsoWhenVariablesHaveChanged) {
  import(R"({"brand":"Acme"})");
  const std::string body = request(R"("prompt":"{{brand}}","asset_resource_ids":[501])");
  const Headers key{{"Idempotency-Key", "k-1"}};
  const auto first = client_->post(generate_path, body, key);
  import("[]");
  const auto again = client_->post(generate_path, body, key);
  EXPECT_EQ(again.status, 201u);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(credit(), 996.5);
}

TEST_F(CardTest, WhatWasRenderedIsPaid) {
  const auto half = generate("[half]", R"("model":"kling_1_6","duration":7)");
  EXPECT_EQ(credit(), 993);
  EXPECT_EQ(wait_for(half, "completed")["execution_cost"].number(), 3.5);
  EXPECT_EQ(credit(), 996.5);
  EXPECT_EQ(wait_for(generate("[half]", R"("duration":3)"), "completed")["execution_cost"].number(),
            1.05);
  EXPECT_NEAR(credit(), 995.45, 1e-9);
}

}  // namespace genpro::emulator::test
