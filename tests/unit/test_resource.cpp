// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <fcntl.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <set>

#include "api/resources/put.h"
#include "api/resources/resource_client.h"
#include "base/temporary_file.h"
#include "support/fake_service.h"

namespace genpro::api {
namespace {

using namespace std::chrono_literals;

constexpr const char* created = R"({"content_resource": {"id": 501, "url": "https://c.test/a.png",
    "thumbnail_url": null, "file_name": "a.png", "content_type": "image/png"}, "generator": null})";

// A file with this content, and zeros behind it up to `size`.
class TestFile {
 public:
  explicit TestFile(std::string_view content, std::uint64_t size = 0)
      : file_(TemporaryFile::create()) {
    write(0, content);
    const std::uint64_t whole = std::max<std::uint64_t>(size, content.size());
    EXPECT_EQ(truncate(path().c_str(), static_cast<off_t>(whole)), 0);
  }
  std::string path() const { return file_->path(); }
  void write(std::uint64_t offset, std::string_view content) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());
    EXPECT_TRUE(file_->write(offset, {bytes, content.size()}));
  }

 private:
  const std::unique_ptr<TemporaryFile> file_;
};

// A client for resources, and the services that it speaks to.
class ResourceTest : public testing::Test {
 protected:
  template <typename T>
  using Done = std::function<void(Result<T, Failure>)>;

  // Runs `ask` with a client on the runtime thread, and waits for what it is told.
  template <typename T>
  Result<T, Failure> ask(const std::function<void(ResourceClient&, Done<T>)>& ask) {
    return run_to_end<Result<T, Failure>>([&](Runtime& runtime, Done<T> done) {
      auto client =
          std::make_unique<ResourceClient>(runtime, *make_access(service_.api_base(), "KEY"), 5s);
      ask(*client, std::move(done));
      return client;
    });
  }
  // In the way that its size asks for.
  Result<Resource, Failure> upload(const Upload& upload) {
    if (upload.size <= max_multipart_size) {
      return ask<Resource>([&](ResourceClient& client, ResourceClient::ResourceDone done) {
        client.create(upload, "42", std::move(done));
      });
    }
    auto target = ask<DirectUpload>(
        [&](ResourceClient& client, auto done) { client.announce(upload, std::move(done)); });
    if (!target) return std::move(target.error());
    auto put = put_file(*make_access(service_.api_base(), "KEY"), upload, *target, 5s, {});
    if (!put) return std::move(put.error());
    return ask<Resource>([&](ResourceClient& client, ResourceClient::ResourceDone done) {
      client.create_from(target->signed_id, upload.name, "42", std::move(done));
    });
  }
  static Upload open_upload(const std::string& path, std::uint64_t size, const std::string& name) {
    Upload upload;
    upload.file = std::make_shared<FileDescriptor>(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    upload.size = size;
    upload.name = name;
    upload.content_type = "image/png";
    upload.md5 = "md5+of/the+file==";
    return upload;
  }
  void answer(const std::string& method, const std::string& path, test::Answer answer) {
    answers_[method + " /v1/" + path] = std::move(answer);
    service_.set_script(
        [answers = answers_](const test::Seen& seen) -> std::optional<test::Answer> {
          const auto found = answers.find(seen.method + " " + seen.path);
          return found != answers.end() ? std::optional(found->second)
                                        : test::json_answer(500, R"({"error": "unexpected"})");
        });
  }

  test::FakeService service_;
  std::map<std::string, test::Answer> answers_;
  std::shared_ptr<Runtime> runtime_ = Runtime::acquire();
};

TEST_F(ResourceTest, AFileIsUploadedInAForm) {
  const std::string content("\x89PNG\r\n\x1a\n\0--boundary\r\n", 22);
  const TestFile file(content);
  answer("POST", "content_resources", test::json_answer(201, created));
  std::uint64_t sent = 0;
  Upload one = open_upload(file.path(), content.size(), "a \"b\"\r\n.png");
  one.on_sent = [&sent](std::uint64_t bytes) { sent = bytes; };
  const auto resource = upload(one);
  ASSERT_TRUE(resource) << resource.error().error.message;
  EXPECT_EQ(resource->id, "501");
  EXPECT_EQ(resource->url, "https://c.test/a.png");
  EXPECT_EQ(resource->content_type, "image/png");

  const auto seen = service_.requests();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].query, "agent_id=42");
  EXPECT_EQ(seen[0].header("x-api-key"), "KEY");
  const std::string type = seen[0].header("content-type");
  const std::string begin = "multipart/form-data; boundary=";
  ASSERT_TRUE(type.starts_with(begin)) << type;
  const std::string line = "--" + type.substr(begin.size());
  EXPECT_EQ(seen[0].body,
            line +
                "\r\nContent-Disposition: form-data; name=\"content_resource[file]\"; "
                "filename=\"a %22b%22%0D%0A.png\"\r\nContent-Type: image/png\r\n\r\n" +
                content + "\r\n" + line + "--\r\n");
  EXPECT_EQ(sent, seen[0].body.size());
}

TEST_F(ResourceTest, ALargeFileGoesToTheAddressThatTheServiceNames) {
  const std::uint64_t size = max_multipart_size + 1;
  const TestFile file("the beginning", size);
  std::string expected(size, '\0');
  expected.replace(0, 13, "the beginning");
  // Wherever one piece ends and the next one begins.
  for (std::uint64_t at = 4000; at + 100 < size; at += 8000) {
    const std::string mark = std::to_string(at);
    file.write(at, mark);
    expected.replace(at, mark.size(), mark);
  }
  file.write(size - 7, "the end");
  expected.replace(size - 7, 7, "the end");
  std::promise<test::Seen> put;
  test::HttpOrigin storage("storage", [&](const test::Seen& seen) {
    put.set_value(seen);
    return test::Answer{.status = 200, .body = ""};
  });
  answer("POST", "direct_upload",
         test::json_answer(200, R"({"signed_id": "sid==", "direct_upload": {"url": ")" +
                                    storage.url() + R"(/blob?X-Signature=secret", "headers": {
                                      "Content-Type": "image/png", "Content-MD5": "abc==",
                                      "x-amz-acl": "private"}}})"));
  answer("POST", "content_resources", test::json_answer(201, created));
  const auto resource = upload(open_upload(file.path(), size, "clip.png"));
  ASSERT_TRUE(resource) << resource.error().error.message;
  EXPECT_EQ(resource->id, "501");

  const auto seen = service_.requests();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].path + "?" + seen[0].query, "/v1/direct_upload?");
  EXPECT_EQ(seen[0].body,
            R"({"blob":{"filename":"clip.png","byte_size":50000001,"checksum":"md5+of/the+file==",)"
            R"("content_type":"image/png"}})");
  EXPECT_EQ(seen[1].path + "?" + seen[1].query, "/v1/content_resources?agent_id=42");
  EXPECT_EQ(seen[1].body, R"({"content_resource":{"file":"sid=="}})");

  const test::Seen bytes = put.get_future().get();
  EXPECT_EQ(bytes.method + " " + bytes.path + "?" + bytes.query, "PUT /blob?X-Signature=secret");
  EXPECT_TRUE(bytes.body == expected) << bytes.body.size() << " bytes";
  EXPECT_EQ(bytes.header("content-md5"), "abc==");
  EXPECT_EQ(bytes.header("content-length"), std::to_string(size));
  EXPECT_EQ(bytes.dump().substr(0, 4000).find("KEY"), std::string::npos);
  for (const auto& [name, value] : bytes.headers) {
    static const std::set<std::string> known = {"content-type",    "content-md5", "x-amz-acl",
                                                "content-length",  "host",        "user-agent",
                                                "accept-encoding", "connection"};
    EXPECT_TRUE(known.contains(name)) << name << ": " << value;
  }
}

TEST_F(ResourceTest, NothingIsPutToAnAddressThatCannotBeUsed) {
  const TestFile file("x", max_multipart_size + 1);
  for (const char* target :
       {R"("url": "http://storage.example/x?sig=secret", "headers": {})",
        R"("url": "ftp://127.0.0.1/x", "headers": {})",
        R"("url": "https://127.0.0.1:1/x", "headers": {"A": "b\r\nX-Evil: 1"})",
        R"("url": "https://127.0.0.1:1/x", "headers": {"A b": "c"})"}) {
    answer("POST", "direct_upload",
           test::json_answer(200, std::string(R"({"signed_id": "s", )") + target + "}"));
    const auto refused = upload(open_upload(file.path(), max_multipart_size + 1, "a.png"));
    ASSERT_FALSE(refused) << target;
    EXPECT_EQ(refused.error().error.message.find("secret"), std::string::npos)
        << refused.error().error.message;
  }
  EXPECT_EQ(service_.count([](const test::Seen& seen) { return seen.method != "POST"; }), 0U);
}

TEST_F(ResourceTest, AFailedPutIsNamedAsTheOtherServers) {
  const TestFile file("x", max_multipart_size + 1);
  std::atomic<int> status = 0;
  test::HttpOrigin storage("storage", [&](const test::Seen&) {
    return test::json_answer(status, R"({"error": "StringToSign: AKIA4711"})");
  });
  answer("POST", "direct_upload",
         test::json_answer(200, R"({"signed_id": "s", "url": ")" + storage.url() +
                                    R"(/x?sig=secret", "headers": {}})"));
  for (const auto& [answered, is_transient] : std::map<int, bool>{
           {302, false}, {400, false}, {403, true}, {408, true}, {429, true}, {503, true}}) {
    status = answered;
    const auto failed = upload(open_upload(file.path(), max_multipart_size + 1, "a.png"));
    ASSERT_FALSE(failed) << answered;
    EXPECT_EQ(failed.error().retryable, is_transient) << answered;
    EXPECT_FALSE(failed.error().is_api_error);
    const std::string& message = failed.error().error.message;
    EXPECT_NE(message.find("\"a.png\""), std::string::npos) << message;
    EXPECT_NE(message.find("HTTP " + std::to_string(answered)), std::string::npos) << message;
    EXPECT_EQ(message.find("AKIA4711"), std::string::npos) << message;
    EXPECT_EQ(message.find("secret"), std::string::npos) << message;
  }
}

// S3 says with 400 what may well go next time.
TEST_F(ResourceTest, APutThatWasTooSlowOrLostOnTheWayIsTriedAgain) {
  const TestFile file("x", 1000);
  const auto access = *make_access(service_.api_base(), "KEY");
  for (const auto& [word, is_transient] : std::map<std::string, bool>{
           {"RequestTimeout", true}, {"BadDigest", true}, {"EntityTooLarge", false}}) {
    test::HttpOrigin storage("storage", [code = word](const test::Seen&) {
      return test::Answer{.status = 400,
                          .body = "<?xml version=\"1.0\"?>\n<Error><Code>" + code +
                                  "</Code><Message>AKIA4711</Message></Error>"};
    });
    const auto failed = put_file(access, open_upload(file.path(), 1000, "a.png"),
                                 {"s", storage.url() + "/x", {}}, 5s, {});
    ASSERT_FALSE(failed) << word;
    EXPECT_EQ(failed.error().retryable, is_transient) << word;
    const std::string& message = failed.error().error.message;
    EXPECT_EQ(message.find(word) != std::string::npos, is_transient) << message;
    EXPECT_EQ(message.find("AKIA4711"), std::string::npos) << message;
  }
}

TEST_F(ResourceTest, AFileThatCannotBeReadIsNotTheServersFault) {
  test::HttpOrigin storage("storage", [](const test::Seen&) { return test::Answer{}; });
  const TestFile file("x", 1000);
  // The second one is short enough to be sent by libsoup alone.
  for (const std::uint64_t size : {1'000'000, 1'000}) {
    Upload upload = open_upload(file.path(), size, "a.png");
    // A folder cannot be read from.
    upload.file = std::make_shared<FileDescriptor>(open("/", O_RDONLY | O_CLOEXEC));
    const auto failed = put_file(*make_access(service_.api_base(), "KEY"), upload,
                                 {"s", storage.url() + "/x", {}}, 5s, {});
    ASSERT_FALSE(failed);
    EXPECT_FALSE(failed.error().retryable) << size;
    EXPECT_EQ(failed.error().error.kind, ErrorKind::settings) << size;
    EXPECT_NE(failed.error().error.message.find("cannot be read"), std::string::npos)
        << failed.error().error.message;
  }
}

TEST_F(ResourceTest, APutEndsWhenItIsStoppedOrNothingComes) {
  const TestFile file("x", 1000);
  const auto hold = std::make_shared<test::Gate>();
  std::promise<void> seen;
  std::atomic<int> puts = 0;
  test::HttpOrigin storage("storage", [&](const test::Seen&) {
    if (++puts == 1) seen.set_value();
    return test::Answer{.status = 200, .body = "", .hold = hold};
  });
  const auto access = *make_access(service_.api_base(), "KEY");
  const Upload upload = open_upload(file.path(), 1000, "a.png");
  const DirectUpload target{"s", storage.url() + "/x?sig=secret", {}};
  std::stop_source stop;
  auto stopped = std::async(std::launch::async, [&] {
    return bool(put_file(access, upload, target, std::chrono::hours(1), stop.get_token()));
  });
  seen.get_future().wait();
  stop.request_stop();
  ASSERT_EQ(stopped.wait_for(test::generous), std::future_status::ready);
  EXPECT_FALSE(stopped.get());
  const auto silent = put_file(access, upload, target, 1s, {});
  ASSERT_FALSE(silent);
  EXPECT_TRUE(silent.error().retryable);
  EXPECT_EQ(silent.error().error.message.find("secret"), std::string::npos)
      << silent.error().error.message;
  hold->open();
}

TEST_F(ResourceTest, AFileThatBecomesShorterBreaksTheUploadOff) {
  const TestFile file("short");
  answer("POST", "content_resources", test::json_answer(201, created));
  const auto failed = upload(open_upload(file.path(), 500'000, "a.png"));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().error.message.find("shorter"), std::string::npos)
      << failed.error().error.message;
}

TEST_F(ResourceTest, TellsWhichResourcesThereAre) {
  answer("GET", "content_resources",
         test::json_answer(200, R"([{"id": 7, "file_name": "a"}, {"id": "x-8"}])"));
  const auto list = ask<std::vector<Resource>>([](ResourceClient& client, auto done) {
    client.list({.type = "image", .ids = {"7", "x-8"}, .page = 2}, "42", std::move(done));
  });
  ASSERT_TRUE(list) << list.error().error.message;
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at(0).file_name, "a");
  EXPECT_EQ(list->at(1).id, "x-8");
  EXPECT_EQ(service_.requests()[0].query,
            "agent_id=42&type=image&ids%5B%5D=7&ids%5B%5D=x-8&page=2");

  answer("GET", "content_resources", test::json_answer(200, R"([{"id": 7}, {"name": "b"}])"));
  EXPECT_FALSE(ask<std::vector<Resource>>(
      [](ResourceClient& client, auto done) { client.list({}, "42", std::move(done)); }));
}

TEST_F(ResourceTest, OnlyTheApiSaysThatOneIsGone) {
  const auto get = [this] {
    return ask<Resource>(
        [](ResourceClient& client, auto done) { client.get("501", "42", std::move(done)); });
  };
  answer("GET", "content_resources/501", test::json_answer(200, created));
  ASSERT_TRUE(get());
  answer("GET", "content_resources/501",
         test::json_answer(404, R"({"error": "No", "error_code": "content_resource_not_found"})"));
  auto gone = get();
  ASSERT_FALSE(gone);
  EXPECT_TRUE(is_gone(gone.error()));
  answer("GET", "content_resources/501", test::html_answer(404, "<html>Not found</html>"));
  gone = get();
  ASSERT_FALSE(gone);
  EXPECT_FALSE(is_gone(gone.error()));
  answer("GET", "content_resources/501", test::json_answer(200, R"({"id": 502})"));
  EXPECT_FALSE(get()) << "another one";
}

TEST_F(ResourceTest, OneIsDeleted) {
  answer("DELETE", "content_resources/501", test::Answer{.status = 204, .body = ""});
  EXPECT_TRUE(ask<std::monostate>(
      [](ResourceClient& client, auto done) { client.remove("501", "42", std::move(done)); }));
  EXPECT_FALSE(ask<std::monostate>(
      [](ResourceClient& client, auto done) { client.remove("../x", "42", std::move(done)); }));
  EXPECT_EQ(service_.count(), 1U);
}

}  // namespace
}  // namespace genpro::api
