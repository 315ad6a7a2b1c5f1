// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Global variables: what can be imported, and what cannot.
#include <glib.h>

#include <filesystem>

#include "emulator_fixture.h"
#include "xlsx_file.h"

namespace genpro::emulator::test {

class VariablesTest : public EmulatorTest {
 protected:
  static constexpr const char* path = "/v1/vidsheet/101/import_global_variables?agent_id=42";

  Response text(const std::string& body, const std::string& type = "text/csv") {
    return client_->send("POST", path, body, {{"Content-Type", type}});
  }
  Response file(const std::string& name, const std::string& bytes,
                const std::string& part = "file") {
    return client_->send(
        "POST", path,
        "--limit\r\nContent-Disposition: form-data; name=\"" + part + "\"; filename=\"" + name +
            "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + bytes + "\r\n--limit--\r\n",
        {{"Content-Type", "multipart/form-data; boundary=limit"}});
  }
  std::string variables() {
    return client_->get("/v1/vidsheet/101/global_variables?agent_id=42").body;
  }
  static std::string pairs(const Json& variables) {
    std::string found;
    for (std::size_t i = 0; i < variables.size(); ++i) {
      found += variables.at(i)["key"].text() + "=" + variables.at(i)["value"].text() + "\n";
    }
    return found;
  }
  static bool has_converter() { return GCharPtr(g_find_program_in_path("xlsx2csv")) != nullptr; }
};

TEST_F(VariablesTest, AreNullUntilTheyAreImported) {
  EXPECT_EQ(variables(), "null");
  const auto imported = text("key,value\nbrand,Acme\ntone,\"a, \"\"b\"\"\nc\"\n");
  EXPECT_EQ(imported.status, 200u);
  const std::string expected =
      R"({"id":600,"variables":[{"id":700,"key":"brand","value":"Acme"},{"id":701,"key":"tone","value":"a, \"b\"\nc"}]})";
  EXPECT_EQ(imported.body, expected);
  EXPECT_EQ(variables(), expected);
  EXPECT_EQ(client_->get("/v1/vidsheet/101?agent_id=42").json()["global_variables_sheet"].dump(),
            Json::parse(expected).dump());
  // All of them are replaced, and the sheet stays the same one.
  EXPECT_EQ(text("key,value\nx,1").body,
            R"({"id":600,"variables":[{"id":702,"key":"x","value":"1"}]})");
}

TEST_F(VariablesTest, ComeAsCsv) {
  const std::string expected = "a b=1\né=\n";
  for (const std::string& csv :
       {std::string("key,value\na b,1\né,\n"), std::string("KEY , Value\r\n a b , 1\r\n\r\né\r\n"),
        std::string("\xEF\xBB\xBFvalue,note,key\n1,n,a b\n,,é"),
        std::string("\"key\",\"value\"\n\"a b\",\"1\"\n\"é\",\"\"\n,\n")}) {
    EXPECT_EQ(pairs(text(csv).json()["variables"]), expected) << csv;
    EXPECT_EQ(pairs(file("v.csv", csv).json()["variables"]), expected) << csv;
  }
}

TEST_F(VariablesTest, ComeAsJson) {
  const std::string expected = "a=x\nb=2.5\nc=true\n";
  for (
      const char* json :
      {R"({"variables":[{"key":"a","value":"x"},{"key":"b","value":2.5},{"key":"c","value":true}]})",
       R"([{"key":"a","value":"x"},{"key":"b","value":2.5},{"key":"c","value":true}])",
       R"({"variables":{"a":"x","b":2.5,"c":true}})", R"({"a":"x","b":2.5,"c":true})"}) {
    EXPECT_EQ(pairs(text(json, "application/json").json()["variables"]), expected) << json;
    EXPECT_EQ(pairs(file("v.json", json).json()["variables"]), expected) << json;
  }
}

TEST_F(VariablesTest, RefuseWhatCannotBeRead) {
  ASSERT_EQ(text("key,value\nkept,1").status, 200u);
  for (const std::string& body : {std::string(),
                                  std::string("name,value\na,1"),
                                  std::string("key\na"),
                                  std::string("key,value\n,1"),
                                  std::string("key,value\na,1\na,2"),
                                  std::string("key,value\n\"a,1"),
                                  std::string("key,value\n\"a\"b,1"),
                                  std::string("key,value\n{{a}},1"),
                                  std::string("key,value\n\xff,1"),
                                  std::string(R"({"variables":[1]})"),
                                  std::string(R"([{"value":"x"}])"),
                                  std::string(R"([{"key":"a","value":[]}])"),
                                  std::string(R"({"a":{}})"),
                                  std::string("{\"a\":"),
                                  std::string("[[]]"),
                                  std::string(R"({"variables":null})"),
                                  std::string(R"({"variables":5})"),
                                  std::string(R"({"variables":"x"})"),
                                  std::string(R"({"variables":false,"a":1})"),
                                  std::string("key,value\na},1")}) {
    expect_error(text(body), 422, "validation_error");
    if (!body.empty()) expect_error(file("v", body), 422, "validation_error");
  }
  expect_error(text("key,value\n" + std::string(1024 * 1024, 'x')), 422, "validation_error",
               "1 MB");
  expect_error(file("v.csv", "key,value\n" + std::string(1024 * 1024, 'x')), 422,
               "validation_error", "1 MB");
  expect_error(file("v.csv", "key,value\n", "other"), 422, "validation_error", "part file");
  EXPECT_EQ(variables(), R"({"id":600,"variables":[{"id":700,"key":"kept","value":"1"}]})");
  expect_error(client_->post("/v1/vidsheet/9/import_global_variables?agent_id=42", "{}"), 404,
               "spreadsheet_not_found");
  expect_error(client_->post("/v1/vidsheet/101/import_global_variables", "{}"), 422,
               "agent_not_found");
}

TEST_F(VariablesTest, TheTemplateIsASpreadsheetThatCanBeImported) {
  for (const char* route : {"autocontentengine", "vidsheet"}) {
    const auto blank = client_->get(std::string("/v1/") + route + "/global_variables_template");
    EXPECT_EQ(blank.status, 200u);
    EXPECT_EQ(blank.header("content-type"), xlsx_content_type);
    EXPECT_TRUE(blank.body.starts_with("PK\x03\x04"));
  }
  if (!has_converter()) GTEST_SKIP() << "xlsx2csv is not installed";
  const auto blank = client_->get("/v1/vidsheet/global_variables_template");
  const auto imported = file("template.xlsx", blank.body);
  EXPECT_EQ(imported.status, 200u) << imported.body;
  EXPECT_EQ(imported.body, R"({"id":600,"variables":[]})");
}

TEST_F(VariablesTest, ComeAsASpreadsheet) {
  if (!has_converter()) GTEST_SKIP() << "xlsx2csv is not installed";
  // Three columns in one row; the header that is looked for is among them.
  const auto wrong = file("v.xlsx", xlsx_with_header({"name", "value"}));
  expect_error(wrong, 422, "validation_error", "key and value");
  const auto right = file("v.xlsx", xlsx_with_header({"note", "value", "key"}));
  EXPECT_EQ(right.status, 200u) << right.body;
  expect_error(file("v.xlsx", "PK\x03\x04 and nothing else"), 422, "validation_error",
               "no XLSX file");
  // Whatever is cut off: an answer.
  const std::string whole = xlsx_with_header({"key", "value"});
  expect_error(file("v.xlsx", whole.substr(0, whole.size() / 2)), 422, "validation_error");
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path("data/unfinished")));
}

TEST_F(VariablesTest, AConverterThatMisbehavesIsNotWaitedFor) {
  const std::string zip = xlsx_with_header({"key", "value"});
  start([](EmulatorSettings& settings) { settings.xlsx.command = {"/no/such/program"}; });
  expect_error(file("v.xlsx", zip), 503, "xlsx_unavailable", "xlsx2csv");
  start([](EmulatorSettings& settings) {
    settings.xlsx.command = {"/bin/sh", "-c", "sleep 1000"};
    settings.xlsx.timeout = 0.2;
  });
  expect_error(file("v.xlsx", zip), 422, "validation_error", "in time");
  start([](EmulatorSettings& settings) { settings.xlsx.command = {"/bin/sh", "-c", "yes a,b"}; });
  expect_error(file("v.xlsx", zip), 422, "validation_error", "4 MB");
  start([](EmulatorSettings& settings) {
    settings.xlsx.command = {"/bin/sh", "-c", "echo key,value; echo a,1"};
  });
  EXPECT_EQ(pairs(file("v.xlsx", zip).json()["variables"]), "a=1\n");
}

TEST_F(VariablesTest, TooManySpreadsheetsAtOnceAreToBeTriedAgain) {
  start([](EmulatorSettings& settings) {
    settings.xlsx.command = {"/bin/sh", "-c", "sleep 1000"};
  });
  std::vector<std::thread> waiting;
  std::mutex mutex;
  Response refused;
  // One more than are read at once.
  for (int i = 0; i < 5; ++i) {
    waiting.emplace_back([&] {
      Client other(emulator_->origin());
      const std::string body =
          "--l\r\nContent-Disposition: form-data; name=\"file\"; filename=\"v\"\r\n\r\n" +
          xlsx_with_header({"key", "value"}) + "\r\n--l--\r\n";
      try {
        const auto response =
            other.send("POST", path, body, {{"Content-Type", "multipart/form-data; boundary=l"}});
        const std::lock_guard lock(mutex);
        refused = response;
      } catch (const std::runtime_error&) {
        // Those that were being read are cut off when the server ends.
      }
    });
  }
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return refused.status != 0;
  }));
  emulator_.reset();
  for (auto& thread : waiting) thread.join();
  expect_error(refused, 503, "xlsx_unavailable", "Try again");
  EXPECT_EQ(refused.header("retry-after"), "1");
}

TEST_F(VariablesTest, OthersAreServedWhileASpreadsheetIsRead) {
  start([](EmulatorSettings& settings) {
    settings.xlsx.command = {"/bin/sh", "-c", "sleep 1000"};
  });
  std::thread waiting([this] {
    Client other(emulator_->origin());
    const std::string body =
        "--l\r\nContent-Disposition: form-data; name=\"file\"; filename=\"v\"\r\n\r\n" +
        xlsx_with_header({"key", "value"}) + "\r\n--l--\r\n";
    // It is cut off when the server ends.
    EXPECT_ANY_THROW(
        other.send("POST", path, body, {{"Content-Type", "multipart/form-data; boundary=l"}}));
  });
  EXPECT_TRUE(
      eventually([this] { return !std::filesystem::is_empty(folder_.path("data/unfinished")); }));
  EXPECT_EQ(client_->get("/v1/me").status, 200u);
  emulator_.reset();
  waiting.join();
}

}  // namespace genpro::emulator::test
