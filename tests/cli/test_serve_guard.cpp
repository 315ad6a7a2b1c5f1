// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `genpro serve` refuses: pages of other sites, paths that lead elsewhere, odd requests.
#include <cstdio>
#include <filesystem>

#include "cli/serve_fixture.h"

namespace genpro::test {
namespace {

namespace fs = std::filesystem;

TEST_F(ServeCommand, LetsNoPageOfAnotherSiteAskForAnything) {
  serve();
  const std::string path = "/recipe/boat.mp4";
  const std::vector<RequestHeaders> refused = {{{"Sec-Fetch-Site", "cross-site"}},
                                               {{"Sec-Fetch-Site", "same-site"}},
                                               {{"Origin", "https://evil.example"}},
                                               {{"Origin", "null"}},
                                               {{"Referer", "https://evil.example/page"}},
                                               {{"Referer", origin_ + ".evil.example/"}},
                                               {{"Sec-Purpose", "prefetch"}}};
  for (const RequestHeaders& headers : refused) {
    EXPECT_EQ(get(path, headers).status, 403) << headers.front().first << headers.front().second;
  }
  // A name that was made to point here.
  for (const char* name :
       {"evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""}) {
    const std::string answer =
        exchange("GET " + path + " HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << name << ": " << answer;
  }
  EXPECT_EQ(send("POST", origin_ + path, {}, "{}").status, 405);
  // Who only looks has asked for nothing.
  EXPECT_EQ(send("HEAD", origin_ + path).status, 200);
  EXPECT_TRUE(service_.books().posts.empty());

  EXPECT_EQ(
      get(path,
          {{"Sec-Fetch-Site", "same-origin"}, {"Origin", origin_}, {"Referer", origin_ + "/"}})
          .status,
      200);
  EXPECT_EQ(get(path, {{"Sec-Fetch-Site", "none"}}).status, 200);
}

TEST_F(ServeCommand, LeadsOutOfItsFolderNowhere) {
  write_file(file("secret.genpro"), "[genpro]\nprompt=A secret\nasset-ids=501\n");
  fs::create_directory(folder() + "/below");
  write_file(folder() + "/below/deep.genpro", "[genpro]\nprompt=A secret\nasset-ids=501\n");
  write_file(folder() + "/.hidden.genpro", "[genpro]\nprompt=A secret\nasset-ids=501\n");
  serve();
  for (const char* path :
       {"/recipe/../secret.mp4", "/recipe/..%2Fsecret.mp4", "/recipe/%2e%2e/secret.mp4",
        "/recipe/below/deep.mp4", "/recipe/below%2Fdeep.mp4", "/recipe/.hidden.mp4",
        "/recipe/boat%00.mp4", "/recipe/.mp4", "/recipe//boat.mp4", "/recipe/boat.genpro", "/etc",
        "//recipe/boat.mp4", "/generation/..%2Fsecret.mp4"}) {
    const std::string answer = exchange(request(path));
    const bool is_refused =
        answer.starts_with("HTTP/1.1 404 ") || answer.starts_with("HTTP/1.1 400 ");
    EXPECT_TRUE(is_refused) << path << ": " << answer;
  }
  EXPECT_TRUE(service_.books().posts.empty());
}

TEST_F(ServeCommand, TellsNothingThatATerminalObeys) {
  write_recipe("red\x1b[31m", "A boat");
  serve();
  EXPECT_EQ(get("/recipe/red%1B%5B31m.mp4").status, 200);
  EXPECT_NE(server_->output().find("red"), std::string::npos) << server_->output();
  EXPECT_EQ(server_->output().find('\x1b'), std::string::npos) << server_->output();
}

TEST_F(ServeCommand, IsReachedOnThisMachineOnly) {
  serve();
  const std::string port = host().substr(host().find(':') + 1);
  // All that listens on this port, as the kernel has it: addresses in hexadecimal.
  char suffix[8];
  std::snprintf(suffix, sizeof suffix, ":%04X ", static_cast<unsigned>(std::stoi(port)));
  const std::string sockets = read_file("/proc/net/tcp") + read_file("/proc/net/tcp6");
  for (const std::string& line : lines_of(sockets)) {
    const bool listens = line.find(" 0A ") != std::string::npos;
    if (!listens || line.find(suffix) == std::string::npos) continue;
    const bool is_loopback = line.find(" 0100007F:") != std::string::npos ||
                             line.find(" 00000000000000000000000001000000:") != std::string::npos;
    EXPECT_TRUE(is_loopback) << line;
  }
  const Reply by_name = send("GET", "http://localhost:" + port + "/");
  EXPECT_EQ(by_name.status, 200) << by_name.error;
  const Finished second = run_command(with_access({"serve", "--port", port}), environment());
  EXPECT_EQ(second.exit_code, 1) << second.out;
  EXPECT_NE(second.out.find("--port"), std::string::npos) << second.out;
}

TEST_F(ServeCommand, StandsOddRequests) {
  serve();
  const std::string host_line = "Host: " + host() + "\r\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\r\n\r\n", "400"},
      {"GET\r\n\r\n", "400"},
      {"GET / HTTP/1.1 x\r\n" + host_line + "\r\n", "400"},
      {"GET / HTTP/2.0\r\n" + host_line + "\r\n", "505"},
      {"GET /%zz HTTP/1.1\r\n" + host_line + "\r\n", "400"},
      {"GET http://evil.example/ HTTP/1.1\r\n" + host_line + "\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + host_line + "\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + "Bad Name: 1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + "Transfer-Encoding: chunked\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n" + host_line + "Content-Length: 5\r\n\r\nhello", "400"},
      {"DELETE / HTTP/1.1\r\n" + host_line + "\r\n", "405"},
      {"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "431"},
  };
  for (const auto& [text, status] : cases) {
    const std::string answer = exchange(text);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status + " "))
        << text.substr(0, 60) << ": " << answer.substr(0, 60);
  }
  // Two on one connection, of which the second is not asked to stay.
  const std::string both = exchange("GET /none HTTP/1.1\r\n" + host_line + "\r\n" + request("/"));
  EXPECT_TRUE(both.starts_with("HTTP/1.1 404 ")) << both;
  EXPECT_NE(both.find("HTTP/1.1 200 OK"), std::string::npos) << both;
}

TEST_F(ServeCommand, RefusesConnectionsAboveItsLimitAndTakesThemAgain) {
  serve();
  std::vector<ObjectPtr<GSocketConnection>> idle;
  for (int i = 0; i < 64; ++i) idle.push_back(connect("GET "));
  ASSERT_TRUE(
      eventually([&] { return exchange(request("/")).find(" 503 ") != std::string::npos; }));
  idle.clear();
  EXPECT_TRUE(eventually([&] { return get("/").status == 200; }));
}

}  // namespace
}  // namespace genpro::test
