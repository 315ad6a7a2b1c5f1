// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator_fixture.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/file_descriptor.h"

namespace genpro::emulator::test {

using Clock = std::chrono::steady_clock;

TemporaryFolder::TemporaryFolder() {
  const GCharPtr made(g_dir_make_tmp("genpro-test-XXXXXX", nullptr));
  root_ = made ? made.get() : "";
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!root_.empty()) std::filesystem::remove_all(root_, ignored);
}

std::string TemporaryFolder::path(const std::string& name) const {
  return name.empty() ? root_ : root_ + "/" + name;
}

std::string TemporaryFolder::write(const std::string& name, const std::string& content) const {
  std::ofstream(path(name), std::ios::binary) << content;
  return path(name);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  // A file of /proc may go while it is read, which an iterator over it would throw for.
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string png_bytes(std::size_t size) {
  std::string bytes = "\x89PNG\r\n\x1a\n";
  for (std::size_t i = bytes.size(); i < size; ++i) bytes += static_cast<char>(i * 31 + i / 255);
  return bytes;
}

std::string mp4_bytes(std::size_t size) {
  std::string bytes(4, '\0');
  bytes[3] = 24;
  bytes += "ftypisom";
  for (std::size_t i = bytes.size(); i < size; ++i) bytes += static_cast<char>(i * 13 + i / 255);
  return bytes;
}

std::string wav_bytes() {
  return std::string("RIFF\x24\0\0\0WAVEfmt ", 16) + std::string(200, '\0');
}

std::string md5_base64(const std::string& bytes) {
  const Owned<GChecksum, g_checksum_free> md5(g_checksum_new(G_CHECKSUM_MD5));
  g_checksum_update(md5.get(), reinterpret_cast<const guchar*>(bytes.data()),
                    static_cast<gssize>(bytes.size()));
  guint8 digest[16];
  gsize length = sizeof digest;
  g_checksum_get_digest(md5.get(), digest, &length);
  return take_string(g_base64_encode(digest, length));
}

Json Json::parse(const std::string& text) {
  const auto parser = ObjectPtr<JsonParser>::adopt(json_parser_new());
  Json json;
  if (!json_parser_load_from_data(parser.get(), text.data(), static_cast<gssize>(text.size()),
                                  nullptr)) {
    return json;
  }
  if (JsonNode* root = json_parser_steal_root(parser.get())) {
    json.node_ = std::shared_ptr<JsonNode>(root, json_node_unref);
  }
  return json;
}

Json Json::operator[](const char* name) const {
  Json member;
  if (!node_ || !JSON_NODE_HOLDS_OBJECT(node_.get())) return member;
  if (JsonNode* found = json_object_get_member(json_node_get_object(node_.get()), name)) {
    member.node_ = std::shared_ptr<JsonNode>(json_node_ref(found), json_node_unref);
  }
  return member;
}

Json Json::at(std::size_t index) const {
  Json element;
  if (index >= size()) return element;
  JsonNode* found =
      json_array_get_element(json_node_get_array(node_.get()), static_cast<guint>(index));
  element.node_ = std::shared_ptr<JsonNode>(json_node_ref(found), json_node_unref);
  return element;
}

std::size_t Json::size() const {
  if (!node_ || !JSON_NODE_HOLDS_ARRAY(node_.get())) return 0;
  return json_array_get_length(json_node_get_array(node_.get()));
}

bool Json::is_null() const {
  return node_ && JSON_NODE_HOLDS_NULL(node_.get());
}

std::string Json::text() const {
  if (!node_) return "<missing>";
  if (!JSON_NODE_HOLDS_VALUE(node_.get()) ||
      json_node_get_value_type(node_.get()) != G_TYPE_STRING) {
    return "<no string>";
  }
  return json_node_get_string(node_.get());
}

double Json::number() const {
  if (!node_ || !JSON_NODE_HOLDS_VALUE(node_.get()) ||
      json_node_get_value_type(node_.get()) == G_TYPE_STRING) {
    return NAN;
  }
  return json_node_get_double(node_.get());
}

std::string Json::dump() const {
  return node_ ? take_string(json_to_string(node_.get(), FALSE)) : "<missing>";
}

std::vector<std::string> Json::names() const {
  std::vector<std::string> names;
  if (!node_ || !JSON_NODE_HOLDS_OBJECT(node_.get())) return names;
  const Owned<GList, g_list_free> members(
      json_object_get_members(json_node_get_object(node_.get())));
  for (GList* l = members.get(); l != nullptr; l = l->next) {
    names.emplace_back(static_cast<const char*>(l->data));
  }
  return names;
}

Client::Client(std::string origin)
    : origin_(std::move(origin)),
      session_(ObjectPtr<SoupSession>::adopt(
          soup_session_new_with_options("max-conns-per-host", 8, "timeout", 60, nullptr))) {}

Response Client::send(const std::string& method, const std::string& target, const std::string& body,
                      const Headers& headers) {
  const std::string url = target.starts_with("http") ? target : origin_ + target;
  const auto message = ObjectPtr<SoupMessage>::adopt(soup_message_new(method.c_str(), url.c_str()));
  if (!message) throw std::runtime_error("no URL: " + url);
  std::string type;
  SoupMessageHeaders* request = soup_message_get_request_headers(message.get());
  soup_message_headers_replace(request, "X-API-Key", test_key);
  for (const auto& [name, value] : headers) {
    if (g_ascii_strcasecmp(name.c_str(), "Content-Type") == 0) type = value;
    if (value.empty()) {
      soup_message_headers_remove(request, name.c_str());
    } else {
      soup_message_headers_replace(request, name.c_str(), value.c_str());
    }
  }
  if (!body.empty()) {
    const BytesPtr bytes(g_bytes_new(body.data(), body.size()));
    soup_message_set_request_body_from_bytes(message.get(), type.empty() ? nullptr : type.c_str(),
                                             bytes.get());
  }
  ErrorPtr error;
  const BytesPtr answer(
      soup_session_send_and_read(session_.get(), message.get(), nullptr, error.out()));
  if (!answer) throw std::runtime_error(method + " " + url + ": " + error.message());
  Response response;
  response.status = soup_message_get_status(message.get());
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(answer.get(), &size));
  response.body.assign(data != nullptr ? data : "", size);
  SoupMessageHeadersIter iter;
  soup_message_headers_iter_init(&iter, soup_message_get_response_headers(message.get()));
  const char* name = nullptr;
  const char* value = nullptr;
  while (soup_message_headers_iter_next(&iter, &name, &value)) {
    response.headers[GCharPtr(g_ascii_strdown(name, -1)).get()] = value;
  }
  return response;
}

Response Client::upload(const std::string& file_name, const std::string& bytes) {
  const std::string body =
      "--limit\r\nContent-Disposition: form-data; name=\"content_resource[file]\"; filename=\"" +
      file_name + "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + bytes +
      "\r\n--limit--\r\n";
  return send("POST", "/v1/content_resources?agent_id=42", body,
              {{"Content-Type", "multipart/form-data; boundary=limit"}});
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

std::string raw_exchange(std::uint16_t port, const std::string& bytes, bool finish,
                         double deadline) {
  const FileDescriptor fd(connect_to(port));
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  if (finish) shutdown(fd.get(), SHUT_WR);
  std::string answer;
  const auto end = Clock::now() + std::chrono::duration<double>(deadline);
  char buffer[4096];
  while (Clock::now() < end) {
    pollfd polled{fd.get(), POLLIN, 0};
    if (poll(&polled, 1, 100) <= 0) continue;
    const ssize_t n = recv(fd.get(), buffer, sizeof buffer, 0);
    if (n <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  return answer;
}

RunningEmulator::RunningEmulator(EmulatorSettings settings)
    : context_(g_main_context_new()), loop_(g_main_loop_new(context_.get(), FALSE)) {
  thread_ = std::thread([this, settings] { serve(settings); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_; });
  if (failure_.empty()) return;
  thread_.join();
  throw std::runtime_error(failure_);
}

RunningEmulator::~RunningEmulator() {
  g_main_context_invoke(
      context_.get(),
      [](gpointer loop) -> gboolean {
        g_main_loop_quit(static_cast<GMainLoop*>(loop));
        return G_SOURCE_REMOVE;
      },
      loop_.get());
  thread_.join();
}

void RunningEmulator::serve(const EmulatorSettings& settings) {
  g_main_context_push_thread_default(context_.get());
  const auto tell = [this](const std::string& failure) {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    ready_ = true;
    changed_.notify_all();
  };
  try {
    Emulator emulator(settings);
    emulator.observe([this](const Generation&) {
      const std::lock_guard lock(mutex_);
      ++changes_;
      changed_.notify_all();
    });
    port_ = emulator.port();
    tell({});
    g_main_loop_run(loop_.get());
  } catch (const std::exception& failure) {
    tell(failure.what());
  }
  // What the server's last messages left to do.
  while (g_main_context_iteration(context_.get(), FALSE)) {
  }
  g_main_context_pop_thread_default(context_.get());
}

std::uint64_t RunningEmulator::changes() {
  const std::lock_guard lock(mutex_);
  return changes_;
}

bool RunningEmulator::wait_for_change(std::uint64_t seen, double seconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                           [&] { return changes_ > seen; });
}

bool eventually(const std::function<bool()>& condition, double seconds) {
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

void EmulatorTest::start(const std::function<void(EmulatorSettings&)>& change) {
  emulator_.reset();
  std::filesystem::remove_all(folder_.path("data"));
  restart(change);
}

void EmulatorTest::restart(const std::function<void(EmulatorSettings&)>& change) {
  emulator_.reset();
  EmulatorSettings settings;
  settings.api_key = test_key;
  settings.data_dir = folder_.path("data");
  settings.latency = 0;
  settings.renderer.command = {FAKE_RENDERER};
  if (change) change(settings);
  emulator_ = std::make_unique<RunningEmulator>(settings);
  client_ = std::make_unique<Client>(emulator_->origin());
}

std::string EmulatorTest::body_with(const std::string& prompt, const std::string& more) {
  return R"({"generation_type":"video_from_ingredients","data":{"prompt":")" + prompt +
         R"(","asset_resource_ids":[501,502])" + (more.empty() ? "" : "," + more) + "}}";
}

void EmulatorTest::upload_two() {
  ASSERT_EQ(client_->upload("a.png", png_bytes()).status, 201u);
  ASSERT_EQ(client_->upload("b.mp4", mp4_bytes()).status, 201u);
}

std::string EmulatorTest::generate(const std::string& prompt, const std::string& more) {
  const Response response = client_->post(generate_path, body_with(prompt, more));
  EXPECT_EQ(response.status, 201u) << response.body;
  return "/v1/generations/" +
         std::to_string(static_cast<long>(response.json()["generation_id"].number()));
}

std::string EmulatorTest::status_of(const std::string& path) {
  return client_->get(path).json()["status"].text();
}

Json EmulatorTest::wait_for(const std::string& path, const std::string& status) {
  Json last;
  const auto is_there = [&] {
    last = client_->get(path).json();
    return last["status"].text() == status;
  };
  if (!emulator_) {
    // Another process, whose changes are not told.
    EXPECT_TRUE(eventually(is_there)) << "wanted " << status << ", got " << last.dump();
    return last;
  }
  while (true) {
    // Counted before it is read: a change in between ends the wait at once.
    const std::uint64_t seen = emulator_->changes();
    if (is_there()) return last;
    if (emulator_->wait_for_change(seen)) continue;
    ADD_FAILURE() << "wanted " << status << ", got " << last.dump();
    return last;
  }
}

std::string EmulatorTest::clip_of(const std::string& path) {
  const Json generation = wait_for(path, "completed");
  const std::string url = generation["output_resources"].at(0)["url"].text();
  return url.substr(std::min(url.find("/cdn/"), url.size()));
}

Json EmulatorTest::inspect(const std::string& path) {
  return client_->get("/_emulator" + path.substr(path.find("/generations"))).json();
}

Json EmulatorTest::cell(const std::string& id) {
  return client_->get("/v1/vidsheet/101/cells/" + id + "?agent_id=42").json();
}

Json EmulatorTest::call(const std::string& method, const std::string& path,
                        const std::string& body) {
  const Response response = client_->send(method, "/v1/vidsheet/101/" + path + "?agent_id=42", body,
                                          {{"Content-Type", "application/json"}});
  EXPECT_LT(response.status, 300u) << method << " " << path << ": " << response.body;
  return response.json();
}

double EmulatorTest::credit() {
  return client_->get("/v1/organizations/1").json()["available_credit"]["generic"].number();
}

void EmulatorTest::expect_error(const Response& response, unsigned status, const std::string& code,
                                const std::string& words) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(response.header("content-type"), "application/json");
  EXPECT_EQ(response.json().names(), (std::vector<std::string>{"error", "error_code"}))
      << response.body;
  EXPECT_EQ(response.json()["error_code"].text(), code) << response.body;
  EXPECT_NE(response.json()["error"].text().find(words), std::string::npos)
      << "no \"" << words << "\" in " << response.body;
}

}  // namespace genpro::emulator::test
