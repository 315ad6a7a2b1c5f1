// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The layers of a cell over HTTP.
#include "sheet_fixture.h"

namespace genpro::emulator::test {

class LayersTest : public SheetCallsTest {
 protected:
  std::string names() { return in_order(cell()["video_layers"], "name"); }
  std::string add(const std::string& name, const std::string& more = {}) {
    return call("POST", "cells/3300/layers",
                R"({"video_layer":{"type":"clip","name":")" + name + "\"" + more + "}}")["id"]
        .dump();
  }
  Response generate_layer(const std::string& id, const std::string& body,
                          const Headers& headers = {}) {
    return client_->post("/v1/vidsheet/101/cells/3300/layers/" + id + "/generate?agent_id=42", body,
                         headers);
  }
};

TEST_F(LayersTest, LayersGenerateForThemselves) {
  upload_two();
  const std::string layers = "cells/3300/layers";
  const Json made = call("POST", layers, R"({"video_layer":{"name":"Clip","type":"clip"}})");
  EXPECT_EQ(made.names(),
            (std::vector<std::string>{"id", "name", "position", "type", "additional_attributes",
                                      "created_at_ts", "updated_at_ts", "default_user_job",
                                      "user_jobs", "execution_cost"}));
  EXPECT_EQ(made["id"].number(), 4000);
  call("POST", layers, R"({"video_layer":{"name":"Under","type":"clip","position":1}})");
  EXPECT_EQ(cell()["video_layers"].at(0)["name"].text(), "Under");
  EXPECT_EQ(cell()["video_layers"].at(1)["position"].number(), 2);
  call("PATCH", layers + "/4000",
       R"({"video_layer":{"name":"Logo","additional_attributes":{"model":"seedance_lite"}}})");
  const Headers key{{"Idempotency-Key", "layer-1"}};
  const std::string path = "/v1/vidsheet/101/cells/3300/layers/4000/generate?agent_id=42";
  const auto asked = client_->post(path, body_with("a"), key);
  EXPECT_EQ(asked.status, 201u) << asked.body;
  EXPECT_EQ(client_->post(path, body_with("a"), key).body, asked.body);
  wait_for("/v1/generations/9040", "completed");
  EXPECT_EQ(inspect("/v1/generations/9040")["settings"]["model"].text(), "seedance_lite");
  const Json layer = call("GET", layers + "/4000");
  EXPECT_EQ(layer["name"].text(), "Logo");
  EXPECT_EQ(layer["user_jobs"].size(), 1u);
  EXPECT_EQ(layer["default_user_job"]["id"].number(), 9040);
  EXPECT_EQ(layer["execution_cost"].number(), 2.5);
  EXPECT_EQ(cell()["user_jobs"].size(), 0u);
  // The same key for the cell is another request.
  expect_error(client_->post(generate_path, body_with("a"), key), 422, "validation_error");

  const auto deleted = send("DELETE", layers + "/4000");
  EXPECT_EQ(deleted.status, 204u);
  EXPECT_TRUE(deleted.body.empty());
  EXPECT_EQ(deleted.header("connection"), "close");
  expect_error(client_->get("/v1/vidsheet/101/" + layers + "/4000?agent_id=42"), 404, "not_found");
  expect_error(client_->post(path, body_with("a")), 404, "not_found", "4000");
  EXPECT_EQ(client_->get("/v1/generations/9040").status, 200u);
}

TEST_F(LayersTest, HaveAnOrder) {
  const std::string a = add("a");
  const std::string b = add("b");
  const std::string c = add("c");
  EXPECT_EQ(names(), "a,b,c");
  const std::string path = "cells/3300/layers/";
  EXPECT_EQ(call("PATCH", path + c, R"({"video_layer":{"position":1}})")["position"].number(), 1);
  EXPECT_EQ(names(), "c,a,b");
  for (const char* method : {"PUT", "PATCH"}) {
    const Json moved =
        call(method, path + "update_positions",
             R"({"layers":[{"id":)" + a + R"(,"position":3},{"id":")" + b + R"(","position":1}]})");
    EXPECT_EQ(in_order(moved, "name"), "b,c,a");
    EXPECT_EQ(names(), "b,c,a");
  }
  call("DELETE", path + b);
  EXPECT_EQ(names(), "c,a");
  const std::string before = everything();
  expect_error(send("PUT", path + "update_positions",
                    R"([{"id":)" + a + R"(,"position":1},{"id":)" + b + R"(,"position":2}])"),
               404, "not_found", "\"" + b + "\"");
  expect_error(send("PUT", path + "update_positions", R"([{"id":)" + a + "}]"), 422,
               "validation_error", "position");
  EXPECT_EQ(everything(), before);
}

TEST_F(LayersTest, CanBeDuplicated) {
  upload_two();
  const std::string first = add("a", R"(,"additional_attributes":{"model":"seedance_lite"})");
  add("b");
  EXPECT_EQ(generate_layer(first, body_with("a")).status, 201u);
  wait_for("/v1/generations/9040", "completed");
  const auto copied = send("POST", "cells/3300/layers/" + first + "/duplicate");
  EXPECT_EQ(copied.status, 201u) << copied.body;
  EXPECT_EQ(names(), "a,a,b");
  const Json copy = cell()["video_layers"].at(1);
  EXPECT_EQ(copy.dump(), copied.json().dump());
  EXPECT_NE(copy["id"].dump(), first);
  EXPECT_EQ(copy["type"].text(), "clip");
  EXPECT_EQ(copy["additional_attributes"].dump(), R"({"model":"seedance_lite"})");
  EXPECT_EQ(copy["user_jobs"].size(), 0u);
  EXPECT_EQ(cell()["video_layers"].at(0)["user_jobs"].size(), 1u);
  expect_error(send("POST", "cells/3300/layers/9/duplicate"), 404, "not_found", "\"9\"");
}

TEST_F(LayersTest, AreTheirOwnRequestWhenNoOtherOneIsMade) {
  upload_two();
  call("PATCH", "cells/3300", R"({"value":"x"})");
  add_column("mood", "calm");
  const auto attributes = [this](const std::string& id, const std::string& text) {
    call("PATCH", "cells/3300/layers/" + id,
         R"({"video_layer":{"additional_attributes":)" + text + "}}");
  };
  const auto settings = [this](const Response& asked) {
    EXPECT_EQ(asked.status, 201u) << asked.body;
    return inspect("/v1/generations/" + asked.json()["generation_id"].dump())["settings"].dump();
  };
  const std::string beside = add("beside");
  attributes(beside, R"({"prompt":"a {{mood}} lamp","asset_resource_ids":[501],)"
                     R"("model":"seedance_lite","ratio":"1:1","duration":2.6})");
  EXPECT_EQ(
      settings(generate_layer(beside, "{}")),
      R"({"prompt":"a calm lamp","asset_resource_ids":[501],"model":"seedance_lite","aspect_ratio":"1:1","duration":3})");
  // A body that says only who asks, and none at all.
  EXPECT_EQ(generate_layer(beside, R"({"agent_id":42})").status, 201u);
  EXPECT_EQ(generate_layer(beside, "").status, 201u);
  const std::string under = add("under");
  attributes(under, R"({"generation_type":"video_from_ingredients","prompt":"beside",)"
                    R"("data":{"prompt":"under","asset_resource_ids":["502"],"model":"pika",)"
                    R"("duration":1}})");
  EXPECT_EQ(
      settings(generate_layer(under, "{}")),
      R"({"prompt":"under","asset_resource_ids":[502],"model":"pika","aspect_ratio":"16:9","duration":1})");
  // A request of one's own counts.
  EXPECT_EQ(
      settings(generate_layer(under, body_with("own"))),
      R"({"prompt":"own","asset_resource_ids":[501,502],"model":"pika","aspect_ratio":"16:9","duration":5})");
  // A second time with the same key is the same answer, whatever became of the layer.
  const auto once = generate_layer(beside, "{}", {{"Idempotency-Key", "k"}});
  attributes(beside, R"({"prompt":"another"})");
  EXPECT_EQ(generate_layer(beside, "{}", {{"Idempotency-Key", "k"}}).body, once.body);

  const double left = credit();
  const std::string empty = add("empty");
  expect_error(generate_layer(empty, "{}"), 422, "validation_error",
               "additional_attributes of layer " + empty);
  expect_error(generate_layer(empty, "{}"), 422, "validation_error", "prompt is missing");
  attributes(empty, R"({"prompt":"a"})");
  expect_error(generate_layer(empty, "{}"), 422, "validation_error", "asset_resource_ids");
  attributes(empty, R"({"data":[1]})");
  expect_error(generate_layer(empty, "{}"), 422, "validation_error", "data must be an object");
  attributes(empty, R"({"data":null,"generation_type":"speech_from_text"})");
  expect_error(generate_layer(empty, "{}"), 422, "validation_error", "generation_type");
  // A body that does say something is not mixed with the attributes.
  expect_error(generate_layer(beside, R"({"data":{"model":"pika"}})"), 422, "validation_error",
               "generation_type");
  expect_error(client_->post(generate_path, "{}"), 422, "validation_error", "generation_type");
  EXPECT_EQ(credit(), left);
}

}  // namespace genpro::emulator::test
