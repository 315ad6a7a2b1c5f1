// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ingredients: forms, direct uploads, lists, names.
#include <filesystem>

#include "emulator_fixture.h"

namespace genpro::emulator::test {

namespace {

constexpr const char* resources_path = "/v1/content_resources?agent_id=42";

int unfinished_files(const std::string& data_dir) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(data_dir + "/unfinished")) {
    ++count;
  }
  return count;
}

}  // namespace

class Resources : public EmulatorTest {
 protected:
  Json announce(const std::string& bytes, const std::string& type = "video/mp4") {
    const auto response = client_->post(
        "/v1/direct_upload", R"({"blob":{"filename":"clip.mp4","byte_size":)" +
                                 std::to_string(bytes.size()) + R"(,"checksum":")" +
                                 md5_base64(bytes) + R"(","content_type":")" + type + "\"}}");
    EXPECT_EQ(response.status, 200u) << response.body;
    return response.json();
  }
  // PUTs with exactly the headers that were given, and no key.
  Response put(const Json& announced, const std::string& bytes, Headers changes = {}) {
    Headers headers{{"X-API-Key", ""}};
    const Json wanted = announced["direct_upload"]["headers"];
    for (const auto& name : wanted.names()) headers.emplace_back(name, wanted[name.c_str()].text());
    for (const auto& change : changes) headers.push_back(change);
    return client_->send("PUT", announced["direct_upload"]["url"].text(), bytes, headers);
  }
  Response claim(const std::string& signed_id) {
    return client_->post(resources_path, R"({"content_resource":{"file":")" + signed_id + R"("}})");
  }
};

TEST_F(Resources, AFormUploadAnswersAsDocumented) {
  const auto response = client_->upload("product.png", png_bytes());
  EXPECT_EQ(response.status, 201u);
  const Json resource = response.json()["content_resource"];
  EXPECT_EQ(response.json().names(), (std::vector<std::string>{"content_resource", "generator"}));
  EXPECT_TRUE(response.json()["generator"].is_null());
  EXPECT_EQ(resource.names(),
            (std::vector<std::string>{"id", "url", "thumbnail_url", "file_name", "content_type"}));
  EXPECT_EQ(resource["id"].number(), 501);
  EXPECT_EQ(resource["file_name"].text(), "product.png");
  EXPECT_EQ(resource["content_type"].text(), "image/png");
  const auto served = client_->get(resource["url"].text(), {{"X-API-Key", ""}});
  EXPECT_EQ(served.body, png_bytes());
  EXPECT_EQ(served.header("content-type"), "image/png");
  EXPECT_EQ(client_->get(resource["thumbnail_url"].text(), {{"X-API-Key", ""}}).status, 200u);
  const Json video = client_->upload("a.bin", mp4_bytes()).json()["content_resource"];
  EXPECT_EQ(video["id"].number(), 502);
  EXPECT_EQ(video["content_type"].text(), "video/mp4");
  EXPECT_TRUE(video["thumbnail_url"].is_null());
}

TEST_F(Resources, TakesFormsAsClientsWriteThem) {
  const std::string disposition = "Content-Disposition: form-data; name=";
  const auto send = [this](const std::string& body, const std::string& type) {
    return client_->send("POST", resources_path, body, {{"Content-Type", type}});
  };
  // A field before the file, a preamble, names without quotes, a quoted boundary.
  const auto response = send(
      "preamble\r\n--b 1\r\ncontent-disposition: form-data; name=asset_folder[id]\r\n\r\n7\r\n"
      "--b 1\r\n" +
          disposition + "content_resource[file]; filename=x.png\r\n\r\n" + png_bytes() +
          "\r\n--b 1--\r\nepilogue",
      "Multipart/Form-Data; charset=utf-8; boundary=\"b 1\"");
  EXPECT_EQ(response.status, 201u) << response.body;
  EXPECT_EQ(response.json()["content_resource"]["file_name"].text(), "x.png");
  // A name beyond ASCII, and line breaks and half boundaries in the bytes.
  const std::string tricky = png_bytes() + "\r\n--b\r\n--\r\n\r\n--c";
  const auto extended = send("--bound\r\n" + disposition +
                                 "\"content_resource[file]\"; filename=\"f.png\"; "
                                 "filename*=UTF-8''%C3%A4%20b.png\r\n\r\n" +
                                 tricky + "\r\n--bound--",
                             "multipart/form-data; boundary=bound");
  EXPECT_EQ(extended.status, 201u) << extended.body;
  EXPECT_EQ(extended.json()["content_resource"]["file_name"].text(), "ä b.png");
  EXPECT_EQ(client_->get(extended.json()["content_resource"]["url"].text()).body, tricky);
}

TEST_F(Resources, RefusesWhatIsNoMediaOrNoForm) {
  expect_error(client_->upload("a.png", "just text, whatever the name says"), 422,
               "invalid_content_type", "a.png");
  expect_error(client_->upload("a.png", "<html></html>"), 422, "invalid_content_type");
  expect_error(client_->upload("empty.png", ""), 422, "content_resource_creation_failed", "empty");
  const auto send = [this](const std::string& body, const std::string& type) {
    return client_->send("POST", resources_path, body, {{"Content-Type", type}});
  };
  const std::string part =
      "--b\r\nContent-Disposition: form-data; name=\"content_resource[file]\"\r\n\r\n";
  const std::string form = "multipart/form-data; boundary=b";
  expect_error(send(part + png_bytes(), form), 422, "validation_error", "closing boundary");
  expect_error(send("--b\r\nContent-Dispo", form), 422, "validation_error");
  expect_error(send("nothing of the kind", form), 422, "validation_error");
  expect_error(send("--b--\r\n", form), 422, "validation_error", "content_resource[file]");
  expect_error(send(part + png_bytes() + "\r\n--b--", "multipart/form-data"), 422,
               "validation_error", "boundary");
  expect_error(send("--b\r\n\r\nx\r\n--b--", form), 422, "validation_error", "no name");
  expect_error(send("--b\r\nX: " + std::string(40'000, 'x'), form), 422, "validation_error");
  expect_error(send("a=b", "application/x-www-form-urlencoded"), 422, "validation_error");
  EXPECT_EQ(client_->get(resources_path).json().size(), 0u);
  EXPECT_EQ(unfinished_files(folder_.path("data")), 0);
}

TEST_F(Resources, EveryUploadNeedsAnAgent) {
  expect_error(client_->get("/v1/content_resources"), 422, "agent_not_found");
  expect_error(client_->get("/v1/content_resources/501?agent_id=9"), 422, "agent_not_found");
  const auto upload = client_->send(
      "POST", "/v1/content_resources",
      "--b\r\nContent-Disposition: form-data; name=\"content_resource[file]\"\r\n\r\n" +
          png_bytes() + "\r\n--b--",
      {{"Content-Type", "multipart/form-data; boundary=b"}});
  expect_error(upload, 422, "agent_not_found");
}

TEST_F(Resources, FormsAreLimitedTo50Megabytes) {
  const std::size_t limit = std::size_t{50} * 1024 * 1024;
  EXPECT_EQ(client_->upload("fits.png", png_bytes(limit)).status, 201u);
  expect_error(client_->upload("big.png", png_bytes(limit + 1)), 422, "file_size_exceeded",
               "direct_upload");
  // By the announced length alone, before a byte of the body has been sent.
  const auto early = raw_exchange(
      emulator_->port(),
      std::string("POST ") + resources_path +
          " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + test_key +
          "\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000000\r\n"
          "Expect: 100-continue\r\n\r\n",
      false);
  EXPECT_TRUE(early.starts_with("HTTP/1.1 422")) << early;
  EXPECT_NE(early.find("file_size_exceeded"), std::string::npos) << early;
  EXPECT_EQ(unfinished_files(folder_.path("data")), 0);
}

TEST_F(Resources, HostileNamesAreShownCleanAndNeverUsedAsPaths) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"../../../../tmp/evil.png", "evil.png"},
      {"/etc/passwd", "passwd"},
      {"..\\..\\evil.png", "evil.png"},
      {"..", "file"},
      {"", "file"},
      {"a\tb\x01\x7f.png", "ab.png"},
      {"\xff\xfe.png", "\xef\xbf\xbd\xef\xbf\xbd.png"},
      {std::string(5000, 'n') + ".png", std::string(200, 'n')},
      {"\xe2\x80\xae"
       "gnp.exe",
       "gnp.exe"},
  };
  for (const auto& [name, shown] : cases) {
    const auto response = client_->upload(name, png_bytes());
    EXPECT_EQ(response.status, 201u) << response.body;
    EXPECT_EQ(response.json()["content_resource"]["file_name"].text(), shown);
    EXPECT_EQ(client_->get(response.json()["content_resource"]["url"].text()).status, 200u);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path("data/uploads"))) {
    const std::string name = entry.path().filename().string();
    EXPECT_EQ(name.size(), 36u) << name;
    EXPECT_TRUE(name.ends_with(".png")) << name;
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/evil.png"));
}

TEST_F(Resources, ListsNewestFirstByPageTypeAndId) {
  for (int i = 0; i < 23; ++i) client_->upload("p.png", png_bytes());
  client_->upload("v.mp4", mp4_bytes());
  client_->upload("m.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10));
  const auto ids = [this](const std::string& query) {
    std::vector<int> found;
    const Json list = client_->get(std::string(resources_path) + query).json();
    for (std::size_t i = 0; i < list.size(); ++i) {
      found.push_back(static_cast<int>(list.at(i)["id"].number()));
    }
    return found;
  };
  const auto first = ids("");
  ASSERT_EQ(first.size(), 20u);
  EXPECT_EQ(first.front(), 525);
  EXPECT_EQ(first.back(), 506);
  EXPECT_EQ(ids("&page=0"), first);
  EXPECT_EQ(ids("&page=1"), (std::vector<int>{505, 504, 503, 502, 501}));
  EXPECT_EQ(ids("&page=2"), std::vector<int>());
  EXPECT_EQ(ids("&type=video"), std::vector<int>{524});
  EXPECT_EQ(ids("&type=safe_tensors"), std::vector<int>{525});
  EXPECT_EQ(ids("&type=image&page=1"), (std::vector<int>{503, 502, 501}));
  EXPECT_EQ(ids("&ids[]=502&ids%5B%5D=501&ids[]=999"), (std::vector<int>{502, 501}));
  EXPECT_EQ(ids("&ids[]=x"), std::vector<int>());
  expect_error(client_->get(std::string(resources_path) + "&type=book"), 422, "validation_error",
               "safe_tensors");
  expect_error(client_->get(std::string(resources_path) + "&page=-1"), 422, "validation_error",
               "page");
}

TEST_F(Resources, OneCanBeReadRenamedAndDeleted) {
  upload_two();
  const std::string path = "/v1/content_resources/501?agent_id=42";
  const Json before = client_->get(path).json();
  EXPECT_EQ(before["id"].number(), 501);
  // Once more in its wrapping.
  EXPECT_EQ(before.names(),
            (std::vector<std::string>{"content_resource", "generator", "id", "url", "thumbnail_url",
                                      "file_name", "content_type"}));
  EXPECT_TRUE(before["generator"].is_null());
  const Json wrapped = before["content_resource"];
  for (const auto& name : wrapped.names()) {
    EXPECT_EQ(wrapped[name.c_str()].dump(), before[name.c_str()].dump()) << name;
  }
  EXPECT_EQ(wrapped.names().size(), 5u);
  const auto patch = [&](const std::string& body) {
    return client_->send("PATCH", path, body, {{"Content-Type", "application/json"}});
  };
  const auto renamed = patch(R"({"content_resource":{"filename":"x/../New name.png"}})");
  EXPECT_EQ(renamed.status, 200u);
  EXPECT_EQ(renamed.json()["file_name"].text(), "New name.png");
  EXPECT_EQ(renamed.json()["content_resource"]["file_name"].text(), "New name.png");
  EXPECT_EQ(client_->get(path).json()["file_name"].text(), "New name.png");
  EXPECT_EQ(client_->get(path).json()["url"].text(), before["url"].text());
  expect_error(patch(R"({"content_resource":{}})"), 422, "validation_error", "filename");
  expect_error(patch(R"({"content_resource":{"filename":""}})"), 422, "validation_error");
  expect_error(patch("nonsense"), 422, "validation_error");
  EXPECT_EQ(client_->send("DELETE", path).status, 200u);
  expect_error(client_->get(path), 404, "content_resource_not_found", "501");
  expect_error(client_->send("DELETE", path), 404, "content_resource_not_found");
  expect_error(patch(R"({"content_resource":{"filename":"a"}})"), 404,
               "content_resource_not_found");
  EXPECT_EQ(client_->get(before["url"].text()).status, 404u);
  expect_error(client_->get("/v1/content_resources/x?agent_id=42"), 404,
               "content_resource_not_found");
  // Ids are not used twice.
  EXPECT_EQ(client_->upload("a.png", png_bytes()).json()["content_resource"]["id"].number(), 503);
}

TEST_F(Resources, ADirectUploadBecomesAResource) {
  const std::string bytes = mp4_bytes(3'000'000);
  const Json announced = announce(bytes);
  EXPECT_EQ(announced.names(),
            (std::vector<std::string>{"id", "key", "filename", "content_type", "byte_size",
                                      "checksum", "signed_id", "direct_upload", "url", "headers"}));
  EXPECT_EQ(announced["id"].number(), 1);
  EXPECT_EQ(announce(bytes)["id"].number(), 2);
  EXPECT_FALSE(announced["key"].text().empty());
  EXPECT_EQ(announced["url"].text(), announced["direct_upload"]["url"].text());
  EXPECT_EQ(announced["headers"].dump(), announced["direct_upload"]["headers"].dump());
  EXPECT_FALSE(announced["signed_id"].text().empty());
  expect_error(claim(announced["signed_id"].text()), 422, "content_resource_creation_failed",
               "not arrived");
  EXPECT_EQ(put(announced, bytes).status, 200u);
  const auto claimed = claim(announced["signed_id"].text());
  EXPECT_EQ(claimed.status, 201u) << claimed.body;
  const Json resource = claimed.json()["content_resource"];
  EXPECT_EQ(resource["id"].number(), 501);
  EXPECT_EQ(resource["file_name"].text(), "clip.mp4");
  EXPECT_EQ(client_->get(resource["url"].text()).body, bytes);
  // A client that lost the answer may ask again.
  EXPECT_EQ(claim(announced["signed_id"].text()).status, 201u);
}

TEST_F(Resources, ADirectUploadIsCheckedAgainstWhatWasAnnounced) {
  const std::string bytes = mp4_bytes(5000);
  const Json announced = announce(bytes);
  expect_error(put(announced, bytes.substr(1)), 422, "validation_error", "4999");
  expect_error(put(announced, bytes + "x"), 422, "file_size_exceeded", "5000");
  std::string changed = bytes;
  changed[4000] ^= 1;
  expect_error(put(announced, changed), 422, "validation_error", "checksum");
  expect_error(put(announced, bytes, {{"Content-Type", "image/png"}}), 422, "validation_error",
               "Content-Type");
  expect_error(put(announced, bytes, {{"Content-MD5", md5_base64("x")}}), 422, "validation_error",
               "Content-MD5");
  expect_error(put(announced, bytes, {{"Content-MD5", ""}}), 422, "validation_error");
  expect_error(client_->send("PUT", "/storage/0123456789", bytes, {{"Content-Type", "video/mp4"}}),
               404, "not_found");
  expect_error(claim(announced["signed_id"].text()), 422, "content_resource_creation_failed");
  EXPECT_EQ(put(announced, bytes).status, 200u);
  expect_error(claim("unknown"), 422, "content_resource_creation_failed", "signed_id");
  const std::string text = "no media at all";
  const Json wrong = announce(text);
  EXPECT_EQ(put(wrong, text).status, 200u);
  expect_error(claim(wrong["signed_id"].text()), 422, "invalid_content_type");
}

TEST_F(Resources, TheBytesOfADirectUploadGoWithItsLastResource) {
  const auto blobs = [this] {
    const std::filesystem::directory_iterator all(folder_.path("data/blobs"));
    return std::distance(begin(all), end(all));
  };
  const auto remove = [this](const Response& claimed) {
    const std::string id = claimed.json()["content_resource"]["id"].dump();
    return client_->send("DELETE", "/v1/content_resources/" + id + "?agent_id=42").status;
  };
  const std::string bytes = mp4_bytes(5000);
  const Json other = announce(bytes);
  EXPECT_EQ(put(other, bytes).status, 200u);
  const Json announced = announce(bytes);
  EXPECT_EQ(put(announced, bytes).status, 200u);
  const auto first = claim(announced["signed_id"].text());
  const auto second = claim(announced["signed_id"].text());
  EXPECT_EQ(blobs(), 2);
  EXPECT_EQ(remove(first), 200u);
  // The other one is still there, and so is what a third may be made of.
  EXPECT_EQ(client_->get(second.json()["content_resource"]["url"].text()).body, bytes);
  const auto third = claim(announced["signed_id"].text());
  EXPECT_EQ(third.status, 201u);
  EXPECT_EQ(remove(second), 200u);
  EXPECT_EQ(blobs(), 2);
  EXPECT_EQ(remove(third), 200u);
  EXPECT_EQ(blobs(), 1);
  expect_error(claim(announced["signed_id"].text()), 422, "content_resource_creation_failed",
               "signed_id");
  // What was not asked for yet is none of its business, nor is an upload as a form.
  EXPECT_EQ(remove(client_->upload("a.mp4", bytes)), 200u);
  const auto late = claim(other["signed_id"].text());
  EXPECT_EQ(late.status, 201u) << late.body;
  EXPECT_EQ(client_->get(late.json()["content_resource"]["url"].text()).body, bytes);

  const std::string text = "no media at all";
  const Json wrong = announce(text);
  EXPECT_EQ(put(wrong, text).status, 200u);
  EXPECT_EQ(blobs(), 2);
  expect_error(claim(wrong["signed_id"].text()), 422, "invalid_content_type");
  EXPECT_EQ(blobs(), 1);
}

TEST_F(Resources, AnAnnouncementIsChecked) {
  const auto announce_with = [this](const std::string& blob) {
    return client_->post("/v1/direct_upload", R"({"blob":{)" + blob + "}}");
  };
  const std::string sum = R"("checksum":"1B2M2Y8AsgTpgAmY7PhCfg==")";
  const std::string type = R"("content_type":"video/mp4")";
  const std::string name = R"("filename":"a.mp4")";
  expect_error(announce_with(sum + "," + type + "," + name), 422, "validation_error", "byte_size");
  expect_error(announce_with(sum + "," + type + "," + name + R"(,"byte_size":0)"), 422,
               "validation_error", "byte_size");
  expect_error(announce_with(sum + "," + type + "," + name + R"(,"byte_size":1073741825)"), 422,
               "file_size_exceeded", "1 GB");
  expect_error(announce_with(sum + "," + type + R"(,"byte_size":5)"), 422, "validation_error",
               "filename");
  expect_error(announce_with(name + "," + type + R"(,"byte_size":5,"checksum":"abc")"), 422,
               "validation_error", "MD5");
  expect_error(announce_with(name + "," + sum + R"(,"byte_size":5)"), 422, "validation_error",
               "content_type");
  expect_error(
      announce_with(name + "," + sum + R"(,"byte_size":5,"content_type":"a\r\nSet-Cookie: x")"),
      422, "validation_error", "content_type");
  EXPECT_EQ(announce_with(sum + "," + type + "," + name + R"(,"byte_size":1073741824)").status,
            200u);
}

TEST_F(Resources, TheAssetLibraryListsThemWithoutFolders) {
  client_->upload("Beach at Noon.png", png_bytes());
  client_->upload("clip.mp4", mp4_bytes());
  client_->upload("beach 100%.png", png_bytes());
  const auto get = [this](const std::string& query) {
    return client_->get("/v1/asset_libraries?agent_id=42" + query);
  };
  using Ids = std::vector<double>;
  const auto ids = [&get](const std::string& query) {
    const auto response = get(query);
    EXPECT_EQ(response.status, 200u) << response.body;
    Ids found;
    for (std::size_t i = 0; i < response.json().size(); ++i) {
      found.push_back(response.json().at(i)["id"].number());
    }
    return found;
  };
  EXPECT_EQ(ids(""), (Ids{503, 502, 501}));
  EXPECT_EQ(ids("&order=recent&folder_id=&search="), (Ids{503, 502, 501}));
  EXPECT_EQ(ids("&asset_type=image"), (Ids{503, 501}));
  EXPECT_EQ(ids("&asset_type=video"), (Ids{502}));
  EXPECT_EQ(ids("&asset_type=audio"), Ids{});
  EXPECT_EQ(ids("&asset_type=folder"), Ids{});
  EXPECT_EQ(ids("&search=BEACH"), (Ids{503, 501}));
  EXPECT_EQ(ids("&search=%25"), (Ids{503}));
  EXPECT_EQ(ids("&search=_"), Ids{});
  EXPECT_EQ(ids("&page_size=2"), (Ids{503, 502}));
  EXPECT_EQ(ids("&page_size=2&page=1"), (Ids{501}));
  EXPECT_EQ(ids("&page=1"), Ids{});
  const Json first = get("").json().at(0);
  EXPECT_EQ(first.names(), (std::vector<std::string>{"type", "id", "url", "thumbnail_url",
                                                     "file_name", "content_type"}));
  EXPECT_EQ(first["type"].text(), "ContentResource");
  EXPECT_EQ(first["file_name"].text(), "beach 100%.png");
  expect_error(get("&folder_id=7"), 404, "not_found", "folder");
  expect_error(get("&asset_type=text"), 422, "validation_error", "asset_type");
  expect_error(get("&order=name"), 422, "validation_error", "order");
  expect_error(get("&page=x"), 422, "validation_error", "page");
  expect_error(get("&page_size=0"), 422, "validation_error", "page_size");
  expect_error(get("&page_size=101"), 422, "validation_error", "page_size");
  expect_error(client_->get("/v1/asset_libraries"), 422, "agent_not_found");
  expect_error(client_->get("/v1/asset_libraries?agent_id=9"), 422, "agent_not_found");
}

TEST_F(Resources, ThePageSendsAFileAsTheBody) {
  const std::string path = "/_emulator/content_resources?agent_id=42";
  const auto send = [&](const std::string& query, const std::string& bytes, Headers headers = {}) {
    return client_->send("POST", path + query, bytes, headers);
  };
  const std::string bytes = mp4_bytes(70'000);
  const auto response = send("&file_name=..%2FMy%20clip.mp4", bytes);
  EXPECT_EQ(response.status, 201u) << response.body;
  EXPECT_EQ(response.json().names(), (std::vector<std::string>{"content_resource", "generator"}));
  const Json resource = response.json()["content_resource"];
  EXPECT_EQ(resource["file_name"].text(), "My clip.mp4");
  EXPECT_EQ(resource["content_type"].text(), "video/mp4");
  EXPECT_EQ(client_->get(resource["url"].text()).body, bytes);
  EXPECT_EQ(send("", png_bytes()).json()["content_resource"]["file_name"].text(), "file");

  expect_error(send("&file_name=a.png", "no media"), 422, "invalid_content_type", "a.png");
  expect_error(send("&file_name=a.png", ""), 422, "content_resource_creation_failed", "empty");
  expect_error(client_->send("POST", "/_emulator/content_resources", bytes), 422,
               "agent_not_found");
  expect_error(send("", bytes, {{"X-API-Key", ""}}), 401, "unauthorized");
  expect_error(send("", bytes, {{"Origin", "http://example.com"}}), 403, "forbidden");
  expect_error(send("", bytes, {{"Sec-Fetch-Site", "cross-site"}}), 403, "forbidden");
  // By the announced length alone, before a byte of the body has been sent.
  const auto head = [](const std::string& target, const std::string& length) {
    return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + test_key +
           "\r\nContent-Length: " + length + "\r\nExpect: 100-continue\r\n\r\n";
  };
  const auto too_large = raw_exchange(emulator_->port(), head(path, "1073741825"), false);
  EXPECT_TRUE(too_large.starts_with("HTTP/1.1 422")) << too_large;
  EXPECT_NE(too_large.find("file_size_exceeded"), std::string::npos) << too_large;
  const auto nobody = raw_exchange(
      emulator_->port(), head("/_emulator/content_resources?agent_id=9", "1073741824"), false);
  EXPECT_NE(nobody.find("agent_not_found"), std::string::npos) << nobody;
  // One that breaks off leaves nothing.
  raw_exchange(emulator_->port(), "POST " + path +
                                      " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + test_key +
                                      "\r\nContent-Length: 90000\r\n\r\n" + png_bytes(20'000));
  EXPECT_TRUE(eventually([this] { return unfinished_files(folder_.path("data")) == 0; }));
  EXPECT_EQ(client_->get(resources_path).json().size(), 2u);
}

TEST_F(Resources, AnUploadThatBreaksOffLeavesNothing) {
  raw_exchange(emulator_->port(),
               std::string("POST ") + resources_path +
                   " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + test_key +
                   "\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n"
                   "\r\n--b\r\nContent-Disposition: form-data; name=\"content_resource[file]\"; "
                   "filename=\"a.png\"\r\n\r\n" +
                   png_bytes(20'000));
  EXPECT_TRUE(eventually([this] { return unfinished_files(folder_.path("data")) == 0; }));
  EXPECT_EQ(client_->get(resources_path).json().size(), 0u);
}

}  // namespace genpro::emulator::test
