// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A `genpro serve` with a recipe, and connections to it.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/service_fixture.h"
#include "support/plain_client.h"

namespace genpro::test {

class ServeCommand : public ServiceCliTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder());
    write_recipe("boat", "A boat");
  }
  std::string folder() const { return file("recipes"); }
  void write_recipe(const std::string& name, const std::string& prompt,
                    const std::string& more = "") const {
    write_file(folder() + "/" + name + ".genpro",
               "[genpro]\nasset-ids=501\nmodel=pika\npoll-interval=20\nretries=1\nprompt=" +
                   prompt + "\n" + more);
  }
  // Of a recipe that leaves nothing to the cell.
  static constexpr const char* whole = "aspect-ratio=16:9\nduration=5\n";
  void serve(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"serve", folder(), "--port", "0"};
    words.insert(words.end(), more.begin(), more.end());
    start(with_access(words));
  }
  void start(const std::vector<std::string>& words) {
    server_.reset();
    server_ = std::make_unique<Child>(words, environment(), file("output-serve"));
    ASSERT_TRUE(eventually([&] { return server_->output().find("/\n") != std::string::npos; }))
        << server_->output();
    const std::string text = server_->output();
    const std::size_t begin = text.find("http://127.0.0.1:");
    ASSERT_NE(begin, std::string::npos) << text;
    origin_ = text.substr(begin, text.find("/\n", begin) - begin);
  }
  std::vector<std::string> with_access(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {g_getenv("GENPRO")};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.insert(words.end(), {"--api-base-url", service_.api_base(), "--sheet-id", "101",
                               "--cell-id", "3300", "--agent-id", "42", "--ledger", path_});
    return words;
  }
  std::string host() const { return origin_.substr(std::string("http://").size()); }
  Reply get(const std::string& path, const RequestHeaders& headers = {}) const {
    return send("GET", origin_ + path, headers);
  }
  std::string paid_clip() const {
    const auto charged = service_.books().charged();
    return charged.size() == 1 ? service_.clip(charged.front().id) : service_.books().text();
  }
  // A connection of its own, on which `request` has been sent.
  ObjectPtr<GSocketConnection> connect(const std::string& request) const {
    const auto client = ObjectPtr<GSocketClient>::adopt(g_socket_client_new());
    auto connection = ObjectPtr<GSocketConnection>::adopt(
        g_socket_client_connect_to_host(client.get(), host().c_str(), 80, nullptr, nullptr));
    if (!connection) throw std::runtime_error("no connection");
    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection.get())),
                              request.data(), request.size(), nullptr, nullptr, nullptr);
    return connection;
  }
  // What it brings, up to its end or until all of `end` has come.
  static std::string read(const ObjectPtr<GSocketConnection>& connection,
                          const std::string& end = "") {
    GInputStream* in = g_io_stream_get_input_stream(G_IO_STREAM(connection.get()));
    std::string all;
    char buffer[4096];
    while (end.empty() || all.find(end) == std::string::npos) {
      const gssize count = g_input_stream_read(in, buffer, sizeof buffer, nullptr, nullptr);
      if (count <= 0) break;
      all.append(buffer, static_cast<std::size_t>(count));
    }
    return all;
  }
  std::string exchange(const std::string& request) const { return read(connect(request)); }
  std::string request(const std::string& path) const {
    return "GET " + path + " HTTP/1.1\r\nHost: " + host() + "\r\nConnection: close\r\n\r\n";
  }

  std::unique_ptr<Child> server_;
  std::string origin_;
};

}  // namespace genpro::test
