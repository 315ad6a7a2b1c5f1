// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An emulator whose faults are switched by a test.
#pragma once

#include "emulator_fixture.h"

namespace genpro::emulator::test {

inline constexpr const char* faults_path = "/_emulator/faults";

class FaultsTest : public EmulatorTest {
 protected:
  void SetUp() override {
    EmulatorTest::SetUp();
    upload_two();
  }

  Response post_fault(const std::string& json) { return client_->post(faults_path, json); }
  // Each asserts that the emulator does it.
  void set(const std::string& name, const std::string& value) {
    const auto response = post_fault(R"({"name":")" + name + R"(","value":")" + value + R"("})");
    ASSERT_EQ(response.status, 200u) << response.body;
  }
  void switch_off(const std::string& name) {
    const auto response = post_fault(R"({"name":")" + name + R"(","enabled":false})");
    ASSERT_EQ(response.status, 200u) << response.body;
  }
  // What the list says of a fault.
  Json listed(const std::string& name) {
    const Json faults = client_->get(faults_path).json()["faults"];
    for (std::size_t i = 0; i < faults.size(); ++i) {
      if (faults.at(i)["name"].text() == name) return faults.at(i);
    }
    return {};
  }
  double acted(const std::string& name) { return listed(name)["acted"].number(); }

  // A generate call, byte by byte, with an Idempotency-Key.
  static std::string generate_request(const std::string& key) {
    const std::string body = body_with("a");
    return "POST " + std::string(generate_path) +
           " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + test_key +
           "\r\nIdempotency-Key: " + key +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  std::size_t job_count() { return cell()["user_jobs"].size(); }
  static std::string get_request(const std::string& path, const std::string& more = {}) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
  }
  static std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end != std::string::npos ? answer.substr(end + 4) : "<no head>";
  }
};

}  // namespace genpro::emulator::test
